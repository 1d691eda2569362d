/** Ends in a row before a restart has to wait: one bad message should not slow the next good one. */
const freeRestarts = 3;

/** How long an agent that keeps ending waits before it is launched again: doubled each time, up to a bound. */
export class RestartDelay {
  #failures = 0;
  #notBeforeMs = 0;

  /** It handled a message. */
  succeed(): void {
    this.#failures = 0;
    this.#notBeforeMs = 0;
  }

  fail(nowMs: number, firstMs: number, msMax: number): void {
    this.#failures += 1;
    const doublings = this.#failures - freeRestarts - 1;
    this.#notBeforeMs = doublings < 0 ? 0 : nowMs + Math.min(msMax, firstMs * 2 ** Math.min(doublings, 40));
  }

  /** Milliseconds until it may be launched, at least 0. */
  leftMs(nowMs: number): number {
    return Math.max(0, this.#notBeforeMs - nowMs);
  }

  get failures(): number {
    return this.#failures;
  }
}
