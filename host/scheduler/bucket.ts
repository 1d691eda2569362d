/** How fast a bucket fills, and how much it holds. */
export interface BucketTerms {
  readonly perSecond: number;
  readonly burst: number;
}

/** Share of a second for which whoever found a bucket empty waits at least: it is not to come back for every byte. */
const waitShare = 0.02;

/**
 * What may be used of something: `burst` at once, `perSecond` in the long run. More may be spent than is there,
 * where that is known only afterwards; it is owed then.
 */
export class Bucket {
  readonly #terms: BucketTerms;
  /** What has to be there again before one that was empty gives anything. */
  readonly #least: number;
  #level: number;
  #filledMs: number;
  #isEmpty = false;

  constructor(terms: BucketTerms, nowMs: number) {
    this.#terms = terms;
    this.#least = Math.min(terms.burst, Math.max(1, terms.perSecond * waitShare));
    this.#level = terms.burst;
    this.#filledMs = nowMs;
  }

  #fill(nowMs: number): void {
    const { perSecond, burst } = this.#terms;
    const level = this.#level + ((nowMs - this.#filledMs) * perSecond) / 1000;
    this.#level = level < burst ? level : burst;
    this.#filledMs = nowMs;
    if (this.#level < 1) this.#isEmpty = true;
    else if (this.#level >= this.#least) this.#isEmpty = false;
  }

  /** What may be used now, whole; 0: nothing. */
  room(nowMs: number): number {
    this.#fill(nowMs);
    return this.#isEmpty ? 0 : Math.floor(this.#level);
  }

  /** Milliseconds until something may be used; 0: now. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    if (!this.#isEmpty) return 0;
    return Math.max(1, Math.ceil(((this.#least - this.#level) * 1000) / this.#terms.perSecond));
  }

  /** A negative amount is given back. */
  spend(amount: number): void {
    this.#level -= amount;
  }

  /** Nothing is owed any more. */
  forgive(): void {
    if (this.#level < 0) this.#level = 0;
  }
}
