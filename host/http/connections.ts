import type { Socket } from 'node:net';
import { Connection } from './connection.ts';
import type { Asked } from './exchange.ts';

/** Every open connection, and the cutting off of those whose clients take nothing of what waits for them. */
export class Connections {
  readonly #open = new Map<Socket, Connection>();
  readonly #stallsMax: number;
  #clients = 0;
  /** Of the requests taken and not answered yet, over all connections, the one begun last. */
  #last: Asked | undefined;
  #whenQuiet: (() => void) | undefined;
  #whenEmpty: (() => void) | undefined;

  constructor(stallsMax: number) {
    this.#stallsMax = stallsMax;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Those of clients: over a local socket other threads of ours pass on theirs. */
  get clients(): number {
    return this.#clients;
  }

  add(socket: Socket): Connection {
    const connection = new Connection(socket);
    this.#open.set(socket, connection);
    const clients = isOfClient(socket) ? 1 : 0;
    this.#clients += clients;
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#clients -= clients;
      connection.end();
      if (this.#open.size === 0) this.#whenEmpty?.();
    });
    return connection;
  }

  of(socket: Socket): Connection {
    return this.#open.get(socket) ?? this.add(socket);
  }

  begin(exchange: Asked): void {
    exchange.connection.active += 1;
    exchange.before = this.#last;
    if (this.#last !== undefined) this.#last.after = exchange;
    this.#last = exchange;
  }

  settled(exchange: Asked): void {
    const { connection, before, after } = exchange;
    connection.active -= 1;
    if (before !== undefined) before.after = after;
    if (after !== undefined) after.before = before;
    else this.#last = before;
    exchange.before = undefined;
    exchange.after = undefined;
    if (this.#whenQuiet === undefined) return;
    if (connection.active === 0) connection.socket.destroySoon();
    if (this.#last === undefined) this.#whenQuiet();
  }

  /** One look at all: whoever took no byte of a waiting answer for `stallsMax` looks in a row is cut off. */
  sweep(nowMs: number): void {
    for (const connection of this.#open.values()) {
      connection.line?.look(nowMs);
      const { socket } = connection;
      const waitingBytes = socket.writableLength;
      const flushedBytes = socket.bytesWritten - waitingBytes;
      const isStalled = waitingBytes > 0 && flushedBytes === connection.flushedBytes;
      connection.flushedBytes = flushedBytes;
      connection.stalls = isStalled ? connection.stalls + 1 : 0;
      if (connection.stalls >= this.#stallsMax) socket.destroy();
    }
  }

  /** Ends every connection that has nothing under way; resolves when none has. */
  quiet(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#whenQuiet = resolve;
    for (const { active, socket } of this.#open.values()) if (active === 0) socket.destroySoon();
    if (this.#last === undefined) resolve();
    return promise;
  }

  /** Requests that are not answered, the latest first. */
  *unanswered(): Generator<Asked> {
    for (let exchange = this.#last; exchange !== undefined; ) {
      const { before } = exchange;
      yield exchange;
      exchange = before;
    }
  }

  /** Resolves when every connection is closed. */
  empty(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#whenEmpty = resolve;
    return promise;
  }

  /** Cuts what is left. */
  destroyAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }
}

/** A local socket has no address. */
export function isOfClient({ remoteAddress }: Socket): boolean {
  return remoteAddress !== undefined;
}
