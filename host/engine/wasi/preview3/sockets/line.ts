import type { Socket } from 'node:net';
import { type Guest, Resource } from '../../preview2/guest.ts';
import { pacedSink, pacedSource } from '../../preview2/paced-streams.ts';
import type { ByteSink } from '../../preview2/sink.ts';
import { Connection } from '../../preview2/sockets/connection.ts';
import type { ByteSource } from '../../preview2/source.ts';

/**
 * An established connection and those in WASI 0.3 who keep it open: the socket's handle, and each direction while it
 * is used. It ends with the guest, whoever uses it; what was sent before still goes out.
 */
export class Line {
  readonly #guest: Guest;
  readonly #connection: Connection;
  readonly #end: Resource;
  #users = 1;

  /** The socket counts as one of the guest's open connections already. */
  constructor(guest: Guest, socket: Socket) {
    const connection = new Connection(socket, () => guest.closeConnection());
    this.#guest = guest;
    this.#connection = connection;
    this.#end = new Resource(guest, () => {
      connection.source.close();
      guest.linger(connection.sink.close(), () => connection.release());
    });
  }

  get socket(): Socket {
    return this.#connection.socket;
  }

  /** What arrives; one more who keeps the line, until it is closed. */
  source(): ByteSource {
    const { source } = this.#connection;
    const release = this.#retain();
    const paced = pacedSource(source, this.#guest.network);
    return {
      isReady: () => paced.isReady(),
      onChange: (wake) => paced.onChange(wake),
      take: (bytesMax) => paced.take(bytesMax),
      close: () => {
        paced.close();
        release();
      },
    };
  }

  /** What goes out, and at its close the end; one more who keeps the line, until then. */
  sink(): ByteSink {
    const { sink } = this.#connection;
    const release = this.#retain();
    const paced = pacedSink(sink, this.#guest.network);
    return {
      isReady: () => paced.isReady(),
      onChange: (wake) => paced.onChange(wake),
      room: () => paced.room(),
      put: (bytes) => paced.put(bytes),
      flush: () => paced.flush(),
      close: () => paced.close().finally(release),
    };
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#end[Symbol.dispose]();
  }

  #retain(): () => void {
    this.#users += 1;
    let isKept = true;
    return () => {
      if (isKept) this.release();
      isKept = false;
    };
  }
}
