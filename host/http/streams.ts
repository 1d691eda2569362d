import type { Clock } from '../clock.ts';
import type { Answers } from './answer.ts';
import type { Exchange } from './exchange.ts';
import type { HttpLimits } from './http-limits.ts';
import { Problem } from './problem.ts';

/** One reader of events. */
export class EventStream {
  readonly exchange: Exchange;
  readonly #pendingBytesMax: number;
  #lost = 0;
  isOpen = true;

  constructor(exchange: Exchange, pendingBytesMax: number) {
    this.exchange = exchange;
    this.#pendingBytesMax = pendingBytesMax;
  }

  /** Sends one event; one that finds `pendingBytesMax` waiting is counted and lost, and the reader told so later. */
  send(event: string, dataOf: () => string, id?: string): void {
    // Nothing more for a token that was revoked; the next beat ends the stream.
    if (!this.isOpen || !this.exchange.access.isValid()) return;
    // A reader that is behind costs no more than this look.
    const waitingBytes = this.exchange.response.writableLength;
    if (waitingBytes >= this.#pendingBytesMax) {
      this.#lost += 1;
      return;
    }
    const text = eventText(event, dataOf(), id);
    if (waitingBytes > 0 && waitingBytes + Buffer.byteLength(text) > this.#pendingBytesMax) {
      this.#lost += 1;
      return;
    }
    this.tellLost();
    this.exchange.response.write(text);
  }

  /** Says how many were lost since it was last said, once there is room. */
  tellLost(): void {
    if (this.#lost === 0 || this.exchange.response.writableLength > this.#pendingBytesMax / 2) return;
    this.exchange.response.write(eventText('lost', `{"count":${this.#lost}}`, undefined));
    this.#lost = 0;
  }

  beat(): void {
    this.tellLost();
    if (this.exchange.response.writableLength === 0) this.exchange.response.write(': \n\n');
  }
}

function eventText(event: string, data: string, id: string | undefined): string {
  const lines = data.includes('\n') || data.includes('\r') ? data.split(/\r\n|\r|\n/) : [data];
  const named = id === undefined || /[\r\n\0]/.test(id) ? '' : `id: ${id}\n`;
  return `event: ${event}\n${named}${lines.map((line) => `data: ${line}\n`).join('')}\n`;
}

/** Every open event stream, at most `streamsMax`, and the one heartbeat for all of them. */
export class Streams {
  readonly #limits: HttpLimits;
  readonly #clock: Clock;
  readonly #answers: Answers;
  readonly #open = new Map<EventStream, () => void>();
  #beating: AbortController | undefined;

  constructor(limits: HttpLimits, clock: Clock, answers: Answers) {
    this.#limits = limits;
    this.#clock = clock;
    this.#answers = answers;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Begins a stream: `start` is told where to send from now on and gives back the way to end its source, `first`
   * sends what comes before that.
   */
  open(
    exchange: Exchange,
    start: (stream: EventStream) => () => void,
    first?: (stream: EventStream) => void,
  ): Problem | undefined {
    if (this.#open.size >= this.#limits.streamsMax) {
      const detail = `there are streamsMax, ${this.#limits.streamsMax}, event streams already`;
      return new Problem(503, 'overloaded', detail, { retryAfterMs: 5000 });
    }
    const stream = new EventStream(exchange, this.#limits.pendingBytesMax);
    // First the source: a pattern that it refuses is still a problem, not an empty stream.
    const stop = start(stream);
    this.#open.set(stream, stop);
    const { response } = exchange;
    response.once('close', () => this.#close(stream));
    response.writeHead(200, [
      'x-request-id',
      exchange.id,
      'content-type',
      'text/event-stream',
      'cache-control',
      'no-store',
      'x-content-type-options',
      'nosniff',
    ]);
    if (exchange.request.method === 'HEAD') response.end();
    else response.write(': \n\n');
    first?.(stream);
    this.#beat();
    return undefined;
  }

  /** Ends all of them, each with a last word. */
  endAll(reason: string): void {
    for (const stream of this.#open.keys()) this.end(stream, reason);
  }

  /** Ends one, with its reason as the last word. */
  end(stream: EventStream, reason: string | undefined): void {
    const { response } = stream.exchange;
    if (reason === undefined) response.end();
    else response.end(eventText('end', JSON.stringify({ reason }), undefined));
    this.#close(stream);
  }

  #close(stream: EventStream): void {
    const stop = this.#open.get(stream);
    if (stop === undefined) return;
    this.#open.delete(stream);
    stream.isOpen = false;
    stop();
    this.#answers.settle(stream.exchange, 200);
    if (this.#open.size === 0) this.#beating?.abort();
  }

  #beat(): void {
    if (this.#beating !== undefined && !this.#beating.signal.aborted) return;
    const beating = new AbortController();
    this.#beating = beating;
    void this.#beatUntil(beating.signal);
  }

  async #beatUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(this.#limits.heartbeatMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      for (const stream of this.#open.keys()) {
        if (stream.exchange.access.isValid()) stream.beat();
        else this.end(stream, 'the token is no longer valid');
      }
    }
  }
}
