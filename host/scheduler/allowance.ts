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

/**
 * An agent wants more than it may, for so many whole seconds in a row: 0 when that begins, then once a second for each
 * resource. @returns whether it is stopped for that, and its seconds are counted anew
 */
export type Violated = (what: Scarce, secondsInARow: number) => boolean;

/** For how long an agent has kept to its share when what it wants too much of is a new violation. */
const keptMs = 1000;
/** For how long one that is being stopped may still ask for more, before that is a new violation. */
const stoppingMs = 100;

/** A violation that goes on. */
interface Run {
  readonly sinceMs: number;
  /** Until then it is held back. */
  heldUntilMs: number;
  /** Whole seconds in a row, as last told. */
  seconds: number;
  /** It is stopped for it, since then. */
  stoppedMs: number | undefined;
}

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
  readonly #runs = new Map<Scarce, Run>();
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

  /** What it wanted so far is not counted against it any more; what it owes is. */
  beginAnew(): void {
    this.#runs.clear();
  }

  #owed(what: Scarce, bucket: Bucket | undefined): number {
    if (bucket === undefined) return 0;
    const waitMs = bucket.waitMs(this.#clock.monotonicMs());
    return waitMs === 0 ? 0 : this.#held(what, bucket, waitMs);
  }

  /** Tells that too much was wanted. @returns how long that is held back */
  #held(what: Scarce, bucket: Bucket, waitMs: number): number {
    this.#note(what, this.#isFree ? 0 : waitMs);
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
          this.#note('connections', 0);
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

  #note(what: Scarce, waitMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    const run = this.#runs.get(what);
    if (run === undefined || !goesOn(run, nowMs)) {
      const begun: Run = { sinceMs: nowMs, heldUntilMs: nowMs + waitMs, seconds: 0, stoppedMs: undefined };
      this.#runs.set(what, begun);
      this.#violated(what, 0);
      return;
    }
    if (run.stoppedMs !== undefined) return;
    run.heldUntilMs = nowMs + waitMs;
    const seconds = Math.floor((nowMs - run.sinceMs) / 1000);
    if (seconds === run.seconds) return;
    run.seconds = seconds;
    if (this.#violated(what, seconds)) run.stoppedMs = nowMs;
  }
}

function goesOn({ heldUntilMs, stoppedMs }: Run, nowMs: number): boolean {
  return nowMs < (stoppedMs === undefined ? heldUntilMs + keptMs : stoppedMs + stoppingMs);
}
