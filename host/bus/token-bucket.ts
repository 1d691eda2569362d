import type { RateLimit } from './delivery.ts';

/** What one agent may still send: `burst` at once, `perSecond` over time. */
export class TokenBucket {
  #tokens: number;
  #refilledMs: number;

  constructor(limit: RateLimit, nowMs: number) {
    this.#tokens = limit.burst;
    this.#refilledMs = nowMs;
  }

  /** What may be sent at once now. */
  tokens({ perSecond, burst }: RateLimit, nowMs: number): number {
    return Math.min(burst, this.#tokens + ((nowMs - this.#refilledMs) * perSecond) / 1000);
  }

  /** Has no more than so many from now on. */
  drain(tokens: number): void {
    this.#tokens = Math.min(this.#tokens, tokens);
  }

  /** Whether a new one would be the same. */
  isFull({ perSecond, burst }: RateLimit, nowMs: number): boolean {
    return this.#tokens + ((nowMs - this.#refilledMs) * perSecond) / 1000 >= burst;
  }

  /**
   * Takes one; 0: taken, else the milliseconds until there is one. If these are `aheadMsMax` at most it is taken all the
   * same: whoever takes it waits for it.
   */
  take({ perSecond, burst }: RateLimit, nowMs: number, aheadMsMax = 0): number {
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#refilledMs) * perSecond) / 1000);
    this.#refilledMs = nowMs;
    const waitMs = this.#tokens < 1 ? Math.max(1, Math.ceil(((1 - this.#tokens) * 1000) / perSecond)) : 0;
    if (waitMs <= aheadMsMax) this.#tokens--;
    return waitMs;
  }
}
