import { timeoutDriver, Wheel } from '../clock/wheel.ts';
import { type Clock, systemClock } from '../clock.ts';
import { Channel, type ChannelOptions } from './channel.ts';
import { Future } from './future.ts';
import { Leases, type LeasesOptions } from './leases.ts';
import { type GatherOptions, gatherQuorum, type Tally } from './quorum.ts';
import { Signals } from './signals.ts';
import { Waits } from './waits.ts';

export interface OrchestrationOptions {
  readonly clock?: Clock;
  /** Without one there is a timer of the process's, which does not keep it alive. */
  readonly wheel?: Wheel;
  /** Those who wait at a time, for anything; default 100,000. */
  readonly waitersMax?: number;
}

/** The primitives for host code: all that is made here waits on one clock. */
export class Orchestration {
  readonly #clock: Clock;
  readonly #wheel: Wheel;
  readonly #waits: Waits;

  constructor({ clock = systemClock, wheel, waitersMax }: OrchestrationOptions = {}) {
    this.#clock = clock;
    this.#wheel = wheel ?? new Wheel({ nowMs: () => clock.monotonicMs(), driver: timeoutDriver });
    this.#waits = new Waits(this.#wheel, waitersMax);
  }

  channel<T extends NonNullable<unknown>>(valuesMax: number, admit?: ChannelOptions<T>['admit']): Channel<T> {
    return new Channel<T>({ valuesMax, waits: this.#waits, ...(admit !== undefined && { admit }) });
  }

  leases(options: Omit<LeasesOptions, 'clock' | 'wheel' | 'waits'> = {}): Leases {
    return new Leases({ ...options, clock: this.#clock, wheel: this.#wheel, waits: this.#waits });
  }

  future<T>(): Future<T> {
    return new Future<T>(this.#waits);
  }

  signals(wordsMax?: number): Signals {
    return new Signals(this.#waits, wordsMax);
  }

  /** Asks all voters at once, and gathers their votes for at most `timeoutMs`. */
  quorum<Answer>(
    options: Omit<GatherOptions<Answer>, 'timeout'> & { readonly timeoutMs: number },
  ): Promise<Tally<Answer>> {
    const { timeoutMs, ...own } = options;
    return gatherQuorum({ ...own, timeout: (signal) => this.#clock.sleep(timeoutMs, signal) });
  }
}
