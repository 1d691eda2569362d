import type { Socket } from 'node:net';
import { ReadableSource, writableSink } from '../node-streams.ts';
import type { BufferedSink } from '../sink.ts';
import { networkFailure } from './codes.ts';

/** One established connection, open until all who use it have let go: who made it, and each who called `retain`. */
export class Connection {
  readonly socket: Socket;
  readonly source: ReadableSource;
  readonly sink: BufferedSink;
  readonly #onClosed: () => void;
  #users = 1;

  constructor(socket: Socket, onClosed: () => void) {
    this.socket = socket;
    this.#onClosed = onClosed;
    this.source = new ReadableSource(socket, networkFailure);
    const end = (): Promise<void> => new Promise((resolve) => socket.end(resolve));
    this.sink = writableSink(socket, end, networkFailure);
  }

  /** One more must `release`. */
  retain(): this {
    this.#users += 1;
    return this;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.socket.destroy();
    this.#onClosed();
  }
}
