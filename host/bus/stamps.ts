import type { Clock, Random } from '../clock.ts';
import { type Spelling, spellings } from '../spelling.ts';
import { type Hash64, halfSipHash } from './half-sip-hash.ts';

const sameMs = 0.25;

/** Two digits, ready made: writing a number costs more than everything else about an id. */
const pairs = Array.from({ length: 36 ** 2 }, (_, pair) => pair.toString(36).padStart(2, '0'));

/**
 * Names and times for messages. Receivers read the names and pay for each of their bytes, so names of one kind
 * are all of one length: what a message costs does not depend on how many there were before it, or on chance.
 */
export class Stamps {
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #key: Int32Array;
  readonly #bytes = new Uint8Array(6);
  readonly #hash: Hash64 = { low: 0, high: 0 };
  #count = 0;
  /** Of ids, up to their last two digits. */
  #start = '';
  readonly #spelling: Spelling;
  #wallNs = 0n;
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#key = new Int32Array(random.fill(new Uint8Array(8)).buffer);
    this.#prefix = `${Buffer.from(random.fill(new Uint8Array(12))).toString('base64url')}-`;
    this.#spelling = { text: '', bytes: new Uint8Array(this.#prefix.length + 10) };
  }

  /** Milliseconds that never go back. */
  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** Nanoseconds since the Unix epoch at `nowMs`, right to a quarter of a millisecond: reading the clock costs more than sending. */
  wallNs(nowMs: number): bigint {
    if (nowMs - this.#readMs >= sameMs) {
      this.#wallNs = this.#clock.wallNs();
      this.#readMs = nowMs;
    }
    return this.#wallNs;
  }

  /** Milliseconds of `nowMs`'s clock for a moment since the Unix epoch; Infinity for none. */
  untilMs(deadlineNs: bigint | undefined, nowMs: number): number {
    if (deadlineNs === undefined) return Number.POSITIVE_INFINITY;
    return nowMs + Number(deadlineNs - this.wallNs(nowMs)) / 1e6;
  }

  /** A message id nobody else gives, also after a restart. */
  id(): string {
    const low = this.#count % pairs.length;
    if (low === 0) this.#begin();
    this.#count += 1;
    const pair = pairs[low] as string;
    const spelling = this.#spelling;
    const { bytes } = spelling;
    bytes[bytes.length - 2] = pair.charCodeAt(0);
    bytes[bytes.length - 1] = pair.charCodeAt(1);
    spelling.text = this.#start + pair;
    spellings.latest = spelling;
    return spelling.text;
  }

  #begin(): void {
    this.#start = this.#prefix + eightDigits(Math.floor(this.#count / pairs.length));
    Buffer.from(this.#start, 'latin1').copy(this.#spelling.bytes);
  }

  /** A token nobody can guess who was not told, for a number of this thread. */
  secret(thread: number, token: number): string {
    this.#bytes[0] = token;
    this.#bytes[1] = token >>> 8;
    this.#bytes[2] = token >>> 16;
    this.#bytes[3] = token >>> 24;
    this.#bytes[4] = thread;
    this.#bytes[5] = thread >>> 8;
    halfSipHash(this.#bytes, 6, this.#key[0] ?? 0, this.#key[1] ?? 0, this.#hash);
    const { low, high } = this.#hash;
    return `${eightDigits(token)}-${eightDigits(low >>> 0)}${eightDigits(high >>> 0)}`;
  }
}

/** A whole number below 36 ** 8 in base 36. */
function eightDigits(value: number): string {
  const high = Math.floor(value / pairs.length ** 2);
  const low = value - high * pairs.length ** 2;
  return twoPairs(high) + twoPairs(low);
}

function twoPairs(value: number): string {
  const high = (value / pairs.length) | 0;
  return `${pairs[high]}${pairs[value - high * pairs.length]}`;
}
