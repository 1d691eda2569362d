import type { Clock } from '../clock.ts';
import { Vigil } from './vigil.ts';

/** What a thread's door says to those who write to it: it is about to read, it has to be woken, it sees what comes. */
export const awake = 0;
export const asleep = 1;
export const looking = 2;

/** Milliseconds of looking between two turns of the event loop. */
const lookMs = 0.005;
/** Milliseconds between two looks after which the event loop had other work. */
const turnMsMax = 0.05;

export interface LookoutOptions {
  readonly clock: Clock;
  /** This thread's door, and those of the others as they are now. */
  readonly door: Int32Array;
  readonly others: readonly { readonly door: Int32Array }[];
  /** Microseconds of looking before this thread sleeps, where that has been worth it; 0: none. */
  readonly spinUsMax: number;
  /** Threads that look at once, this one among them. */
  readonly spinnersMax: number;
  /** Whether this thread has anything else to do; then it does not look. */
  readonly isBusy: () => boolean;
  readonly pending: () => boolean;
}

/** A thread that has run out of work looks for more, in short moments between turns of its event loop. */
export class Lookout {
  readonly #options: LookoutOptions;
  readonly #vigil: Vigil;
  /** When the last look ended. */
  #lookedMs = 0;

  constructor(options: LookoutOptions) {
    this.#options = options;
    this.#vigil = new Vigil(options.spinUsMax);
  }

  /** Something was accepted; whether this thread looks for more when it has dealt with that. */
  came(hasMore: boolean): boolean {
    if (this.#options.spinUsMax === 0) return hasMore;
    const nowMs = this.#options.clock.monotonicMs();
    this.#vigil.came(nowMs);
    return hasMore || this.#vigil.begin(nowMs, this.#spinners() > 0);
  }

  /** If it looks for more: looks for a moment. False: it does not, or no longer. What was posted has been shown before. */
  look(): boolean {
    if (!this.#vigil.isOn) return false;
    const { clock, door, pending } = this.#options;
    const fromMs = clock.monotonicMs();
    let nowMs = fromMs;
    while (!pending()) {
      if (nowMs === fromMs && !this.#mayLook(nowMs)) return false;
      if (nowMs - fromMs >= lookMs) {
        this.#lookedMs = nowMs;
        return this.#vigil.goesOn(nowMs, nowMs - fromMs);
      }
      Atomics.pause();
      nowMs = clock.monotonicMs();
    }
    Atomics.store(door, 0, awake);
    return true;
  }

  /** Just before the door says so. */
  sleeps(): void {
    if (this.#options.spinUsMax > 0) this.#vigil.sleep(this.#options.clock.monotonicMs());
  }

  #mayLook(nowMs: number): boolean {
    const { door, isBusy, spinnersMax } = this.#options;
    // Before the first look it dealt with what came last.
    const isFirst = Atomics.load(door, 0) !== looking;
    const isQuiet = isFirst || (nowMs - this.#lookedMs <= turnMsMax && this.#spinners() < spinnersMax);
    if (isQuiet && !isBusy()) {
      Atomics.store(door, 0, looking);
      return true;
    }
    this.#vigil.leave();
    return false;
  }

  /** How many others look at this moment. */
  #spinners(): number {
    let spinners = 0;
    for (const { door } of this.#options.others) if (Atomics.load(door, 0) === looking) spinners += 1;
    return spinners;
  }
}
