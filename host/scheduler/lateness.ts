import { levels } from './level.ts';

const nobody = -1;
/** One of so many that come is looked at. */
const everyNth = 16;
const keysFirst = 64;
/** How much of a mean the newest wait is. */
const alpha = 0.2;
/** Told from none. */
const waitMsMin = 1e-6;

/** How long those of one level waited for their turn. */
export interface Waits {
  /** Of so many it was looked at. */
  readonly looks: number;
  readonly sumMs: number;
  readonly maxMs: number;
}

/** How late turns are, by level: the time from when something came to when it began, of some of them. */
export class Lateness {
  readonly #nowMs: () => number;
  readonly #keys = new Int32Array(levels.length).fill(nobody);
  readonly #fromMs = new Float64Array(levels.length);
  readonly #looks = new Float64Array(levels.length);
  readonly #sumsMs = new Float64Array(levels.length);
  readonly #maxMs = new Float64Array(levels.length);
  /** Of each key the mean of its waits as of late, above 0 once there was one. */
  #means = new Float64Array(keysFirst);
  #count = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  came(key: number, level: number): void {
    this.#count += 1;
    if (this.#keys[level] !== nobody || this.#count % everyNth !== 0) return;
    this.#keys[level] = key;
    this.#fromMs[level] = this.#nowMs();
  }

  began(key: number, level: number): void {
    if (this.#keys[level] !== key) return;
    this.#keys[level] = nobody;
    const waitedMs = this.#nowMs() - (this.#fromMs[level] as number);
    this.#looks[level] = (this.#looks[level] as number) + 1;
    this.#sumsMs[level] = (this.#sumsMs[level] as number) + waitedMs;
    if (waitedMs > (this.#maxMs[level] as number)) this.#maxMs[level] = waitedMs;
    this.#note(key, waitedMs);
  }

  #note(key: number, waitedMs: number): void {
    if (key >= this.#means.length) {
      const means = new Float64Array(2 * (key + 1));
      means.set(this.#means);
      this.#means = means;
    }
    const mean = this.#means[key] as number;
    this.#means[key] = Math.max(waitMsMin, mean === 0 ? waitedMs : mean + alpha * (waitedMs - mean));
  }

  /** Milliseconds a key waited on average as of late; undefined: none of its waits was looked at. */
  meanMsOf(key: number): number | undefined {
    return this.#means[key] || undefined;
  }

  /** Another may have the key from now on. */
  forget(key: number): void {
    this.#means[key] = 0;
  }

  /** It will not have this turn. */
  left(key: number, level: number): void {
    if (this.#keys[level] === key) this.#keys[level] = nobody;
  }

  of(level: number): Waits {
    const at = (column: Float64Array): number => column[level] as number;
    return { looks: at(this.#looks), sumMs: at(this.#sumsMs), maxMs: at(this.#maxMs) };
  }
}
