import type { Server, Socket } from 'node:net';
import { type Guest, Resource } from '../../preview2/guest.ts';
import { Signal } from '../../preview2/readiness.ts';
import { type SocketAddress, socketAddress } from '../../preview2/sockets/address.ts';
import { backlogMax } from './tcp-options.ts';

/**
 * A listening socket, open until its handle was dropped and the stream of its connections too, and no longer than the
 * guest. It counts as one open connection, and so does each that is taken from it.
 */
export class Listener {
  readonly #guest: Guest;
  readonly #server: Server;
  readonly #arrival = new Signal();
  readonly #waiting: Socket[] = [];
  readonly #end: Resource;
  #users = 1;
  #isTaken = false;
  #isOpen = true;

  constructor(guest: Guest, server: Server) {
    this.#guest = guest;
    this.#server = server;
    server.on('connection', (socket) => this.#arrive(socket));
    // An address in use is told by `listen`; a failed accept leaves the others alone.
    server.on('error', () => {});
    this.#end = new Resource(guest, () => this.#close());
  }

  get address(): SocketAddress | undefined {
    const address = this.#server.address();
    return address === null || typeof address === 'string'
      ? undefined
      : socketAddress(address.address, address.port);
  }

  /** Each connection as `make` makes it; called once. Ends with the guest, or when whoever reads stops. */
  accepted<T>(make: (socket: Socket) => T): AsyncIterable<T> {
    this.#users += 1;
    this.#isTaken = true;
    const ended = { done: true, value: undefined } as const;
    const ready = { isReady: () => this.#waiting.length > 0, onChange: this.#arrival.onChange };
    const iterator = {
      next: async (): Promise<IteratorResult<T, undefined>> => {
        for (;;) {
          if (!this.#isTaken) return ended;
          await this.#guest.until([ready]);
          const socket = this.#waiting.shift();
          if (socket === undefined) continue;
          if (this.#guest.openConnection()) return { done: false, value: make(socket) };
          socket.destroy();
        }
      },
      return: async (): Promise<IteratorResult<T, undefined>> => {
        if (this.#isTaken) this.release();
        this.#isTaken = false;
        this.#drop();
        return ended;
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#end[Symbol.dispose]();
  }

  #arrive(socket: Socket): void {
    socket.on('error', () => {});
    if (!this.#isTaken || this.#waiting.length >= backlogMax) socket.destroy();
    else {
      this.#waiting.push(socket);
      this.#arrival.notify();
    }
  }

  #drop(): void {
    for (const socket of this.#waiting.splice(0)) socket.destroy();
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#isTaken = false;
    this.#server.close();
    this.#drop();
    this.#guest.closeConnection();
  }
}
