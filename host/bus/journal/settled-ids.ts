import type { SettledId } from './journal.ts';

interface Kept {
  readonly settled: SettledId;
  /** The segment its record is in. */
  segment: number;
}

/** The exactly-once messages dealt with lately: so many, so long. */
export class SettledIds {
  readonly #countMax: number;
  readonly #windowMs: number;
  /** In the order in which they were dealt with. */
  readonly #kept = new Set<Kept>();

  constructor(countMax: number, windowMs: number) {
    this.#countMax = countMax;
    this.#windowMs = windowMs;
  }

  add(settled: SettledId, segment: number): void {
    this.#kept.add({ settled, segment });
    for (const oldest of this.#kept) {
      const isOld = settled.atMs - oldest.settled.atMs > this.#windowMs;
      if (!isOld && this.#kept.size <= this.#countMax) return;
      this.#kept.delete(oldest);
    }
  }

  /** Those whose record is in a segment that is to go: they are recorded in another from now on. */
  move(from: number, to: number, nowMs: number): SettledId[] {
    const moved: SettledId[] = [];
    for (const kept of this.#kept) {
      if (kept.segment > from || nowMs - kept.settled.atMs > this.#windowMs) continue;
      kept.segment = to;
      moved.push(kept.settled);
    }
    return moved;
  }

  all(): SettledId[] {
    return [...this.#kept].map(({ settled }) => settled);
  }
}
