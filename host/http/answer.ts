import type { Asked } from './exchange.ts';
import { jsonText, Problem, problemContentType, problemText } from './problem.ts';

/** Bodies above this many bytes go out piece by piece, as the client takes them. */
const pieceBytes = 64 * 1024;
const wholeBytesMax = 256 * 1024;
/** Bodies up to that go out in one piece with their head: as text of the head's own encoding, byte for byte. */
const joinedBytesMax = 8 * 1024;

/** Writes answers and counts them: the one way out for everything but a guest's own site. */
export class Answers {
  readonly #now: () => number;
  readonly #settled: (exchange: Asked) => void;
  readonly #answersBytesMax: number;
  #heldBytes = 0;
  /** No further request is taken on a connection that was answered. */
  isClosing = false;

  constructor(now: () => number, settled: (exchange: Asked) => void, answersBytesMax: number) {
    this.#now = now;
    this.#settled = settled;
    this.#answersBytesMax = answersBytesMax;
  }

  /** Bytes of large bodies that wait for their clients to take them. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** `headers`: name, value, name, value, … */
  bytes(
    exchange: Asked,
    status: number,
    contentType: string | undefined,
    body: Uint8Array | string | undefined,
    headers?: readonly string[],
  ): void {
    const { response } = exchange;
    if (exchange.isSettled) return;
    if (response.headersSent || response.destroyed) {
      // Begun and not to be finished: the client must not take what came for the whole.
      response.destroy();
      this.settle(exchange, status);
      return;
    }
    const isLarge = body !== undefined && body.length > wholeBytesMax && typeof body !== 'string';
    if (isLarge && this.#heldBytes + body.length > this.#answersBytesMax) {
      this.problem(exchange, overloaded());
      return;
    }
    const head = ['x-request-id', exchange.id, 'x-content-type-options', 'nosniff'];
    if (contentType !== undefined) head.push('content-type', contentType);
    if (headers !== undefined) for (const one of headers) head.push(one);
    if (status !== 204) head.push('content-length', String(lengthOf(body)));
    if (this.isClosing) response.shouldKeepAlive = false;
    response.writeHead(status, head);
    if (isLarge) {
      this.#pieces(exchange, status, body);
      return;
    }
    if (body === undefined || body.length === 0) response.end();
    else if (typeof body === 'string' || body.length > joinedBytesMax) response.end(body);
    else response.end(latin1Slice.call(body, 0, body.length), 'latin1');
    this.settle(exchange, status);
  }

  json(exchange: Asked, status: number, value: unknown, headers?: readonly string[]): void {
    this.bytes(exchange, status, 'application/json', jsonText(value), headers);
  }

  problem(exchange: Asked, problem: Problem): void {
    const { headers = [], retryAfterMs } = problem.options;
    const all = [...headers];
    if (retryAfterMs !== undefined)
      all.push('retry-after', String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
    if (!exchange.request.complete && !all.includes('connection')) all.push('connection', 'close');
    this.bytes(exchange, problem.status, problemContentType, problemText(problem, exchange.id), all);
  }

  /** The exchange is over, its bytes are with the socket. */
  settle(exchange: Asked, status: number): void {
    if (exchange.isSettled) return;
    exchange.isSettled = true;
    exchange.meter?.add(status, (this.#now() - exchange.startedMs) / 1000);
    this.#settled(exchange);
  }

  #pieces(exchange: Asked, status: number, body: Uint8Array): void {
    const { response } = exchange;
    let at = 0;
    let held = body.length;
    this.#heldBytes += held;
    const over = (): void => {
      this.#heldBytes -= held;
      held = 0;
      this.settle(exchange, status);
    };
    const more = (): void => {
      while (at < body.length) {
        const piece = body.subarray(at, at + pieceBytes);
        at += piece.length;
        if (!response.write(piece) && at < body.length) return;
      }
      response.off('drain', more);
      response.end();
      over();
    };
    response.on('drain', more);
    response.on('close', over);
    more();
  }
}

/** Node's own, without a `Buffer` made for it: half a microsecond of every small answer. */
const { latin1Slice } = Buffer.prototype as Buffer & {
  readonly latin1Slice: (this: Uint8Array, from: number, to: number) => string;
};

function overloaded(): Problem {
  return new Problem(503, 'overloaded', 'too many large answers wait for slow readers; ask again', {
    retryAfterMs: 1000,
  });
}

function lengthOf(body: Uint8Array | string | undefined): number {
  if (body === undefined) return 0;
  return typeof body === 'string' ? Buffer.byteLength(body) : body.length;
}
