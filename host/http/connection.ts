import type { Socket } from 'node:net';
import type { Access } from './access.ts';
import type { Bucket } from './rate.ts';

/** Who reads a connection before Node's own server does. */
export interface Line {
  /** One look at the time, every now and then. */
  look(nowMs: number): void;
}

/** What is remembered about one TCP connection, so that its second request costs less than its first. */
export class Connection {
  readonly socket: Socket;
  /** Requests taken and not answered yet. */
  active = 0;
  /** The `Host` that was found to be ours. */
  hostSeen: string | undefined;
  /** The `Authorization` that was found good, whose it is, and as of which state of the token file. */
  authorizationSeen: string | undefined;
  accessSeen: Access | undefined;
  generationSeen = -1;
  bucket: Bucket | undefined;
  line: Line | undefined;
  /** Bytes handed to the system when last looked at, and how often in a row it did not grow with bytes waiting. */
  flushedBytes = 0;
  stalls = 0;
  #gone: AbortController | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Aborts when the client goes away. One for all requests of the connection: it ends them all. */
  get signal(): AbortSignal {
    this.#gone ??= new AbortController();
    return this.#gone.signal;
  }

  end(): void {
    this.#gone?.abort(new Error('the client went away'));
  }
}
