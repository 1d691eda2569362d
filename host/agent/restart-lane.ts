/** Restarts of one thread a second in the long run, and at once after a pause: what they cost leaves the others most of it. */
const perSecond = 100;
const burst = 25;
const everyMs = 1_000 / perSecond;

/** Keeps restarts of very many agents from taking a thread's time from those that work; one agent alone never waits. */
export class RestartLane {
  /** When the last one that was let in would have been due at that pace. */
  #dueMs = 0;

  /** One more: milliseconds it has to wait. */
  enter(nowMs: number): number {
    const dueMs = Math.max(this.#dueMs, nowMs);
    this.#dueMs = dueMs + everyMs;
    return Math.max(0, dueMs - burst * everyMs - nowMs);
  }
}
