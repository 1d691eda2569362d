import type { Clock } from '../clock.ts';
import type { Condition } from '../policy/condition.ts';

export type RateCondition = Extract<Condition, { kind: 'rate' }>;

/** Whoever is counted at once; one more is refused until one of them has been quiet for its whole time. */
export const countedMax = 16_384;
const groupsMax = 1024;

/** Times of the last of each group of events; as many groups as may be in one span. */
class Window {
  readonly perMs: number;
  readonly #groupSize: number;
  readonly #lastMs: Float64Array;
  #at = 0;
  #inGroup = 0;

  constructor({ count, perMs }: RateCondition) {
    this.perMs = perMs;
    this.#groupSize = Math.ceil(count / groupsMax);
    this.#lastMs = new Float64Array(Math.floor(count / Math.max(1, this.#groupSize))).fill(
      Number.NEGATIVE_INFINITY,
    );
  }

  /** Whether one more now is within the bound in every span; rather too few than too many. */
  take(nowMs: number): boolean {
    const groups = this.#lastMs;
    if (groups.length === 0) return false;
    if (this.#inGroup > 0 && this.#inGroup < this.#groupSize) this.#inGroup += 1;
    else {
      const next = (this.#at + 1) % groups.length;
      if ((groups[next] ?? 0) > nowMs - this.perMs) return false;
      this.#at = next;
      this.#inGroup = 1;
    }
    groups[this.#at] = nowMs;
    return true;
  }

  isQuiet(nowMs: number): boolean {
    return (this.#lastMs[this.#at] ?? 0) <= nowMs - this.perMs;
  }
}

/** How often things were done, for conditions such as `rate 10/s`: never more than that in any second. */
export class Rates {
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one, and whether it may be; `key` names who does what with what. */
  take(key: string, condition: RateCondition): boolean {
    const nowMs = this.#clock.monotonicMs();
    const full = `${condition.count}/${condition.perMs} ${key}`;
    let window = this.#windows.get(full);
    if (window === undefined) {
      if (this.#windows.size >= countedMax) this.#tidy(nowMs);
      if (this.#windows.size >= countedMax) return false;
      window = new Window(condition);
      this.#windows.set(full, window);
    }
    return window.take(nowMs);
  }

  #tidy(nowMs: number): void {
    for (const [key, window] of this.#windows) if (window.isQuiet(nowMs)) this.#windows.delete(key);
  }
}
