// Holds many connections to a host, in a process of its own: `node bench/crowd.ts PORT IDLE HEADS BODIES DEAF`.
// Prints one line of JSON once all are there, and another when it is told to end by the end of its input.
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** How a crowd is made up: how many of each kind there are. */
export interface CrowdSizes {
  /** Asked once, were answered, and say nothing more. */
  readonly idle: number;
  /** Send the head of a request byte by byte, and never end it. */
  readonly heads: number;
  /** The same with the body. */
  readonly bodies: number;
  /** Ask for a large answer and read none of it. */
  readonly deaf: number;
}

/** What became of a crowd: connections by how they are now. */
export interface CrowdState {
  /** Let in: answered, or still open. */
  readonly idle: number;
  readonly refused: number;
  /** Answered 408 and closed. */
  readonly timedOut: number;
  readonly heads: number;
  readonly bodies: number;
  readonly deaf: number;
}

const perWave = 250;
const dripEveryMs = 100;
const largeBytes = 8 * 1024 * 1024;
const host = '127.0.0.1';

const headOf = (bytes: number): string =>
  `POST /v1/agents/echo/invoke HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/octet-stream\r\ncontent-length: ${bytes}\r\n`;

class Crowd {
  readonly #port: number;
  readonly #open = {
    idle: new Set<Socket>(),
    heads: new Set<Socket>(),
    bodies: new Set<Socket>(),
    deaf: new Set<Socket>(),
  };
  #refused = 0;
  #timedOut = 0;

  constructor(port: number) {
    this.#port = port;
  }

  async gather({ idle, heads, bodies, deaf }: CrowdSizes): Promise<void> {
    for (let left = idle; left > 0; left -= perWave)
      await Promise.all(Array.from({ length: Math.min(left, perWave) }, () => this.#idle()));
    for (let count = 0; count < heads; count += 1) this.#drip('heads', `${headOf(1)}x-slow: `);
    for (let count = 0; count < bodies; count += 1) this.#drip('bodies', `${headOf(1_000_000)}\r\n`);
    for (let count = 0; count < deaf; count += 1) this.#deaf();
  }

  state(): CrowdState {
    const { idle, heads, bodies, deaf } = this.#open;
    return {
      idle: idle.size,
      refused: this.#refused,
      timedOut: this.#timedOut,
      heads: heads.size,
      bodies: bodies.size,
      deaf: deaf.size,
    };
  }

  /** Resolves when it is answered or turned away. */
  #idle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const socket = connect(this.#port, host);
    let isIn = false;
    socket.once('data', (bytes: Buffer) => {
      isIn = bytes.toString('latin1', 0, 12) === 'HTTP/1.1 200';
      if (isIn) this.#open.idle.add(socket);
      resolve();
    });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#open.idle.delete(socket);
      if (!isIn) this.#refused += 1;
      resolve();
    });
    socket.write(`${headOf(1)}\r\nx`);
    return promise;
  }

  #drip(kind: 'heads' | 'bodies', first: string): void {
    const socket = connect(this.#port, host);
    this.#open[kind].add(socket);
    const dripping = setInterval(() => socket.write('x'), dripEveryMs);
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      if (bytes.toString('latin1', 0, 12) === 'HTTP/1.1 408') this.#timedOut += 1;
    });
    socket.once('close', () => {
      clearInterval(dripping);
      this.#open[kind].delete(socket);
    });
    socket.write(first);
  }

  #deaf(): void {
    const socket = connect(this.#port, host);
    this.#open.deaf.add(socket);
    socket.pause();
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#open.deaf.delete(socket));
    socket.write(`${headOf(largeBytes)}\r\n`);
    socket.write(Buffer.alloc(largeBytes, 7));
  }
}

if (import.meta.main) {
  const [port = 0, idle = 0, heads = 0, bodies = 0, deaf = 0] = process.argv.slice(2).map(Number);
  const crowd = new Crowd(port);
  await crowd.gather({ idle, heads, bodies, deaf });
  await delay(dripEveryMs);
  const tell = (): boolean => process.stdout.write(`${JSON.stringify(crowd.state())}\n`);
  tell();
  process.stdin.on('data', tell).on('end', () => process.exit());
}
