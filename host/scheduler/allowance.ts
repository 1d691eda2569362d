import type { Clock } from '../clock.ts';
import type { Flows, Pace, Slots } from '../engine/wasi/pace.ts';
import { Bucket, type BucketTerms } from './bucket.ts';

/** What an agent may use too much of. */
export type Scarce = 'cpu' | 'fuel' | 'disk' | 'network' | 'connections';

export interface AllowanceTerms {
  readonly cpuMs: BucketTerms | undefined;
  readonly fuel: BucketTerms | undefined;
  readonly disk: BucketTerms | undefined;
  readonly network: BucketTerms | undefined;
  readonly connectionsMax: number | undefined;
  /** Nothing is held back; that too much was wanted is told all the same. */
  readonly isFree: boolean;
}

/** An agent wanted more than it may, in so many seconds in a row. Told once a second for each resource. */
export type Violated = (what: Scarce, secondsInARow: number) => void;

/** What one agent may use in the long run. */
export class Allowance implements Flows {
  readonly disk: Pace | undefined;
  readonly network: Pace | undefined;
  readonly connections: Slots | undefined;
  readonly #clock: Clock;
  readonly #violated: Violated;
  readonly #isFree: boolean;
  readonly #cpu: Bucket | undefined;
  readonly #fuel: Bucket | undefined;
  readonly #runs = new Map<Scarce, { second: number; length: number }>();
  #open = 0;

  constructor(terms: AllowanceTerms, clock: Clock, violated: Violated) {
    const nowMs = clock.monotonicMs();
    this.#clock = clock;
    this.#violated = violated;
    this.#isFree = terms.isFree;
    this.#cpu = terms.cpuMs && new Bucket(terms.cpuMs, nowMs);
    this.#fuel = terms.fuel && new Bucket(terms.fuel, nowMs);
    this.disk = terms.disk && this.#pace('disk', new Bucket(terms.disk, nowMs));
    this.network = terms.network && this.#pace('network', new Bucket(terms.network, nowMs));
    const { connectionsMax } = terms;
    this.connections = connectionsMax === undefined ? undefined : this.#slots(connectionsMax);
  }

  /** It computed. */
  charge(fuel: number, ms: number): void {
    this.#cpu?.spend(ms);
    this.#fuel?.spend(fuel);
  }

  /** Milliseconds for which it is not to compute; 0: it may. */
  owedMs(): number {
    const cpuMs = this.#owed('cpu', this.#cpu);
    const fuelMs = this.#owed('fuel', this.#fuel);
    return cpuMs > fuelMs ? cpuMs : fuelMs;
  }

  #owed(what: Scarce, bucket: Bucket | undefined): number {
    if (bucket === undefined) return 0;
    const waitMs = bucket.waitMs(this.#clock.monotonicMs());
    return waitMs === 0 ? 0 : this.#held(what, bucket, waitMs);
  }

  /** Tells that too much was wanted. @returns how long that is held back */
  #held(what: Scarce, bucket: Bucket, waitMs: number): number {
    this.#note(what);
    if (!this.#isFree) return waitMs;
    bucket.forgive();
    return 0;
  }

  #pace(what: Scarce, bucket: Bucket): Pace {
    const clock = this.#clock;
    const waitMs = (): number => {
      const ms = bucket.waitMs(clock.monotonicMs());
      return ms === 0 ? 0 : this.#held(what, bucket, ms);
    };
    return {
      room: () => {
        const room = bucket.room(clock.monotonicMs());
        return room > 0 || waitMs() > 0 ? room : Number.MAX_SAFE_INTEGER;
      },
      waitMs,
      spend: (bytes) => bucket.spend(bytes),
    };
  }

  #slots(max: number): Slots {
    return {
      take: () => {
        if (this.#open >= max) {
          this.#note('connections');
          if (!this.#isFree) return false;
        }
        this.#open += 1;
        return true;
      },
      giveBack: () => {
        this.#open -= 1;
      },
    };
  }

  #note(what: Scarce): void {
    const second = Math.floor(this.#clock.monotonicMs() / 1000);
    const run = this.#runs.get(what);
    if (run?.second === second) return;
    const length = run?.second === second - 1 ? run.length + 1 : 1;
    this.#runs.set(what, { second, length });
    this.#violated(what, length);
  }
}
