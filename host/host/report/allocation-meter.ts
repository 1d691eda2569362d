import type { Clock } from '../../clock.ts';

/** Instances that came into memory on one thread, since it began. */
export interface Allocations {
  readonly count: number;
  /** Those that found no room, or could not begin. */
  readonly failures: number;
  /** Milliseconds that all of them took together. */
  readonly ms: number;
}

/** Counts instances as they come into memory, and how long each took. */
export class AllocationMeter implements Allocations {
  readonly #clock: Clock;
  count = 0;
  failures = 0;
  ms = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async launch<T>(launch: () => Promise<T>): Promise<T> {
    const beganMs = this.#clock.monotonicMs();
    try {
      const launched = await launch();
      this.count += 1;
      this.ms += this.#clock.monotonicMs() - beganMs;
      return launched;
    } catch (thrown) {
      this.failures += 1;
      throw thrown;
    }
  }

  /** As it can be posted to another thread. */
  get report(): Allocations {
    const { count, failures, ms } = this;
    return { count, failures, ms };
  }
}
