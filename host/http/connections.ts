import type { Socket } from 'node:net';
import { Connection } from './connection.ts';

/** Every open connection, and the cutting off of those whose clients take nothing of what waits for them. */
export class Connections {
  readonly #open = new Map<Socket, Connection>();
  readonly #stallsMax: number;
  /** Requests taken and not answered yet, over all connections. */
  active = 0;
  #whenQuiet: (() => void) | undefined;

  constructor(stallsMax: number) {
    this.#stallsMax = stallsMax;
  }

  get size(): number {
    return this.#open.size;
  }

  add(socket: Socket): Connection {
    const connection = new Connection(socket);
    this.#open.set(socket, connection);
    socket.once('close', () => {
      this.#open.delete(socket);
      connection.end();
    });
    return connection;
  }

  of(socket: Socket): Connection {
    return this.#open.get(socket) ?? this.add(socket);
  }

  begin(connection: Connection): void {
    this.active += 1;
    connection.active += 1;
  }

  settled(connection: Connection): void {
    this.active -= 1;
    connection.active -= 1;
    if (this.#whenQuiet === undefined) return;
    if (connection.active === 0) connection.socket.destroySoon();
    if (this.active === 0) this.#whenQuiet();
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
    if (this.active === 0) resolve();
    return promise;
  }

  /** Cuts what is left. */
  destroyAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }
}
