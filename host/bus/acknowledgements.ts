import type { Outbox } from './outbox.ts';
import { Runs } from './runs.ts';

/** Runs that go in one frame at most. */
const runsMax = 1024;

/**
 * What receivers of this thread dealt with and other threads' journals have: told at the end of the turn of the event
 * loop, in one frame for each thread.
 */
export class Acknowledgements {
  readonly #outbox: Outbox;
  readonly #byThread: (Runs | undefined)[] = [];
  #isDue = false;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  add(thread: number, entry: number): void {
    let runs = this.#byThread[thread];
    if (runs === undefined) {
      runs = new Runs();
      this.#byThread[thread] = runs;
    }
    runs.add(entry);
    if (runs.size >= runsMax) this.#tell(thread);
    else if (!this.#isDue) {
      this.#isDue = true;
      setImmediate(this.flush);
    }
  }

  /** Tells now what there is to tell. */
  readonly flush = (): void => {
    if (!this.#isDue) return;
    this.#isDue = false;
    for (let thread = 0; thread < this.#byThread.length; thread++) this.#tell(thread);
  };

  /** A thread is gone: its successor brings again what was not told. */
  forget(thread: number): void {
    this.#byThread[thread] = undefined;
  }

  #tell(thread: number): void {
    const runs = this.#byThread[thread];
    if (runs === undefined || runs.isEmpty) return;
    this.#byThread[thread] = undefined;
    this.#outbox.owed(thread, { kind: 'settled', runs: runs.pairs });
  }
}
