import type { Exchange } from './exchange.ts';
import { Problem } from './problem.ts';

const none: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** Declared lengths up to this many bytes get their memory at once; larger ones as their bytes come. */
const eagerBytesMax = 65_536;

/** Reads bodies, each at most `bodyBytesMax`, all at once at most `bodiesBytesMax` bytes. */
export class Bodies {
  readonly #bodyBytesMax: number;
  readonly #bodiesBytesMax: number;
  #heldBytes = 0;

  constructor(limits: { readonly bodyBytesMax: number; readonly bodiesBytesMax: number }) {
    this.#bodyBytesMax = limits.bodyBytesMax;
    this.#bodiesBytesMax = limits.bodiesBytesMax;
  }

  /** Bytes of bodies under way. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether a request has a body, or only a head. */
  static has(exchange: Exchange): boolean {
    const { headers } = exchange.request;
    const length = headers['content-length'];
    return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
  }

  /**
   * The whole body in memory of its own. What the socket hands out are slices of slabs shared with other
   * requests; a slice sent to another thread would take the whole slab along.
   */
  read(
    exchange: Exchange,
    bytesMax: number = this.#bodyBytesMax,
  ): Uint8Array<ArrayBuffer> | Problem | Promise<Uint8Array<ArrayBuffer> | Problem> {
    if (!Bodies.has(exchange)) return none;
    const { headers } = exchange.request;
    const declared =
      headers['transfer-encoding'] === undefined ? Number(headers['content-length']) : undefined;
    if (declared !== undefined && declared > bytesMax) return tooLarge(bytesMax);
    if (!this.reserve(Math.min(declared ?? 0, eagerBytesMax))) return overloaded();
    if (headers.expect !== undefined) exchange.response.writeContinue();
    const { promise, resolve } = Promise.withResolvers<Uint8Array<ArrayBuffer> | Problem>();
    if (declared === undefined) this.#readChunked(exchange, bytesMax, resolve);
    else this.#readDeclared(exchange, declared, resolve);
    return promise;
  }

  /** Counts bytes in; false when there is no room. */
  reserve(bytes: number): boolean {
    if (this.#heldBytes + bytes > this.#bodiesBytesMax) return false;
    this.#heldBytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
  }

  #readDeclared(exchange: Exchange, bytes: number, resolve: Resolve): void {
    const { request } = exchange;
    let body = new Uint8Array(Math.min(bytes, eagerBytesMax));
    let at = 0;
    let isRefused = false;
    let isOver = false;
    const over = (outcome: Uint8Array<ArrayBuffer> | Problem): void => {
      if (isOver) return;
      isOver = true;
      this.release(body.length);
      resolve(outcome);
    };
    request.on('data', (chunk: Buffer) => {
      if (isRefused) return;
      const grown = this.#grown(body, at + chunk.length, bytes);
      if (grown === undefined) {
        isRefused = true;
        resolve(overloaded());
        return;
      }
      body = grown;
      body.set(chunk, at);
      at += chunk.length;
      // The last byte is there; the stream's end comes a turn later and says nothing more.
      if (at === bytes) over(body);
    });
    request.on('close', () => over(cutOff()));
  }

  /** Memory for a body's beginning: a length that is only declared holds no room that others need. */
  #grown(body: Uint8Array<ArrayBuffer>, needed: number, bytes: number): Uint8Array<ArrayBuffer> | undefined {
    if (needed <= body.length) return body;
    const length = Math.min(bytes, Math.max(2 * body.length, needed));
    if (!this.reserve(length - body.length)) return undefined;
    const grown = new Uint8Array(length);
    grown.set(body);
    return grown;
  }

  #readChunked(exchange: Exchange, bytesMax: number, resolve: Resolve): void {
    const { request } = exchange;
    const chunks: Buffer[] = [];
    let bytes = 0;
    let isRefused = false;
    request.on('data', (chunk: Buffer) => {
      if (isRefused) return;
      const problem = bytes + chunk.length > bytesMax ? tooLarge(bytesMax) : undefined;
      if (problem === undefined && this.reserve(chunk.length)) {
        bytes += chunk.length;
        chunks.push(chunk);
        return;
      }
      isRefused = true;
      chunks.length = 0;
      resolve(problem ?? overloaded());
    });
    request.on('end', () => {
      if (!isRefused) resolve(joined(chunks, bytes));
    });
    request.on('close', () => {
      this.release(bytes);
      resolve(cutOff());
    });
  }
}

type Resolve = (body: Uint8Array<ArrayBuffer> | Problem) => void;

/** Nobody reads it, but whoever waits for the body must go on. */
function cutOff(): Problem {
  return new Problem(400, 'malformed-request', 'the body ended before its end');
}

function tooLarge(bytesMax: number): Problem {
  return new Problem(413, 'body-too-large', `the body is larger than ${bytesMax} bytes`, {
    data: { bodyBytesMax: bytesMax },
    headers: ['connection', 'close'],
  });
}

function joined(chunks: Buffer[], bytes: number): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

function overloaded(): Problem {
  return new Problem(503, 'overloaded', 'too many bodies are being read at once; ask again', {
    retryAfterMs: 1000,
  });
}
