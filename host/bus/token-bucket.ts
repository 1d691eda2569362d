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

  /** Takes one; 0: taken, else the milliseconds until there is one. */
  take({ perSecond, burst }: RateLimit, nowMs: number): number {
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#refilledMs) * perSecond) / 1000);
    this.#refilledMs = nowMs;
    if (this.#tokens < 1) return Math.max(1, Math.ceil(((1 - this.#tokens) * 1000) / perSecond));
    this.#tokens--;
    return 0;
  }
}
