import type { Clock } from '../clock.ts';
import type { Connection } from './connection.ts';
import type { HttpLimits } from './http-limits.ts';
import { type PlainEnd, PlainExchange } from './plain-exchange.ts';
import { type PlainHead, plainHeadOf } from './plain-head.ts';
import type { RequestIds } from './request-id.ts';

export interface PlainLinesOptions {
  readonly clock: Clock;
  readonly limits: HttpLimits;
  readonly ids: RequestIds;
  /** Takes a request with its whole body, which is nobody else's memory. */
  readonly take: (exchange: PlainExchange, body: Uint8Array<ArrayBuffer>) => void;
}

/** Gives a connection, and all that comes on it, to Node's own server. */
export type Leave = (connection: Connection) => void;

const none: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** What all plain lines of a door have in common. */
export class PlainLines {
  readonly options: PlainLinesOptions;
  readonly #keepAlive: string;
  #goesOn = '';
  #endsHere = '';
  #datedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: PlainLinesOptions) {
    this.options = options;
    const seconds = Math.floor(options.limits.keepAliveMs / 1000);
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n\r\n`;
  }

  begin(connection: Connection, leave: Leave): void {
    connection.line = new PlainLine(this, connection, leave);
  }

  goesOn(nowMs: number): string {
    if (nowMs >= this.#datedUntilMs) this.#date(nowMs);
    return this.#goesOn;
  }

  endsHere(nowMs: number): string {
    if (nowMs >= this.#datedUntilMs) this.#date(nowMs);
    return this.#endsHere;
  }

  /** The date is written anew when its second is over. */
  #date(nowMs: number): void {
    const wallMs = Number(this.options.clock.wallNs() / 1_000_000n);
    const date = `Date: ${new Date(wallMs).toUTCString()}\r\n`;
    this.#goesOn = date + this.#keepAlive;
    this.#endsHere = `${date}Connection: close\r\n\r\n`;
    this.#datedUntilMs = nowMs + 1000 - (wallMs % 1000);
  }
}

/**
 * A connection on which so far nothing came but plain invocations, each in one piece. These are read here, at a third
 * of the cost; at the first byte that is anything else, the connection goes to Node's own server for good, and that
 * one reads from the beginning of the request in question.
 */
export class PlainLine implements PlainEnd {
  readonly #lines: PlainLines;
  readonly #connection: Connection;
  readonly #leave: Leave;
  /** The latest head: most connections say the same again and again. */
  #head: PlainHead | undefined;
  #isBusy = false;
  #isLeft = false;
  #startedMs = 0;
  #idleSinceMs: number | undefined;
  /** What came before its turn: at most what the socket had read when it was told to stop. */
  readonly #early: Buffer[] = [];

  constructor(lines: PlainLines, connection: Connection, leave: Leave) {
    this.#lines = lines;
    this.#connection = connection;
    this.#leave = leave;
    connection.socket.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError);
  }

  get goesOn(): string {
    return this.#lines.goesOn(this.#startedMs);
  }

  get endsHere(): string {
    return this.#lines.endsHere(this.#startedMs);
  }

  /** One look at the time: nobody says anything for ever. */
  look(nowMs: number): void {
    if (this.#isBusy) return;
    // Node's own server bounds how long the first request may take to come.
    if (this.#idleSinceMs === undefined) this.#give(undefined);
    else if (nowMs - this.#idleSinceMs > this.#lines.options.limits.keepAliveMs)
      this.#connection.socket.destroySoon();
  }

  answered(goesOn: boolean): void {
    const { socket } = this.#connection;
    if (!goesOn) {
      // It stays busy: nothing that comes after the last answer is looked at.
      socket.destroySoon();
      return;
    }
    this.#isBusy = false;
    this.#idleSinceMs = this.#startedMs;
    if (socket.writableNeedDrain) this.#untilDrained();
    else if (this.#early.length > 0) this.#goOn();
  }

  /** Whoever does not take answers is not asked for more. */
  #untilDrained(): void {
    const { socket } = this.#connection;
    this.#isBusy = true;
    socket.pause();
    socket.once('drain', () => {
      this.#isBusy = false;
      this.#goOn();
    });
  }

  #goOn(): void {
    const { socket } = this.#connection;
    if (socket.destroyed) return;
    const chunk = this.#early.length > 0 ? Buffer.concat(this.#early) : undefined;
    this.#early.length = 0;
    socket.resume();
    if (chunk !== undefined) this.#read(chunk);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.#isBusy) {
      this.#read(chunk);
      return;
    }
    this.#early.push(chunk);
    this.#connection.socket.pause();
  };

  /** As Node's own server does. */
  readonly #onEnd = (): void => {
    this.#connection.socket.end();
  };

  readonly #onError = (): void => {
    this.#connection.socket.destroy();
  };

  #read(chunk: Buffer): void {
    const head = this.#headOf(chunk);
    if (head === undefined) {
      this.#give(chunk);
      return;
    }
    const { clock, ids, take } = this.#lines.options;
    this.#head = head;
    this.#isBusy = true;
    this.#startedMs = clock.monotonicMs();
    const id = ids.of(head.headers['x-request-id']);
    const exchange = new PlainExchange(head, this.#connection, id, this.#startedMs, this);
    take(exchange, head.bodyBytes === 0 ? none : new Uint8Array(chunk.subarray(head.bytes.length)));
  }

  /** The head of a request that came whole and alone. */
  #headOf(chunk: Buffer): PlainHead | undefined {
    const last = this.#head;
    const head = last !== undefined && beginsWith(chunk, last.bytes) ? last : plainHeadOf(chunk);
    if (head === undefined || head.bytes.length + head.bodyBytes !== chunk.length) return undefined;
    const { bodyBytesMax, headerBytesMax, headersMax } = this.#lines.options.limits;
    const isSmall = head.bodyBytes <= bodyBytesMax && head.bytes.length <= headerBytesMax;
    return isSmall && head.rawHeaders.length <= 2 * headersMax ? head : undefined;
  }

  #give(chunk: Buffer | undefined): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    const { socket } = this.#connection;
    socket.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError);
    this.#connection.line = undefined;
    this.#leave(this.#connection);
    if (chunk !== undefined) socket.unshift(chunk);
  }
}

function beginsWith(chunk: Buffer, head: Buffer): boolean {
  return chunk.length >= head.length && head.compare(chunk, 0, head.length) === 0;
}
