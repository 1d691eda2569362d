import { type Budget, Stopped } from '../budget.ts';

/** Bytes that may pass, where an agent has a bandwidth. */
export interface Pace {
  /** Bytes that may pass now; 0: none, for `waitMs`. */
  room(): number;
  /** Milliseconds until some may pass; 0: now. */
  waitMs(): number;
  /** Bytes that passed; a negative number did not after all. */
  spend(bytes: number): void;
}

/** As many as may be open at once. */
export interface Slots {
  /** False: there is none left. */
  take(): boolean;
  giveBack(): void;
}

/** How much of the machine's a guest may use; undefined: as much as there is. */
export interface Flows {
  readonly disk?: Pace | undefined;
  readonly network?: Pace | undefined;
  readonly connections?: Slots | undefined;
}

/**
 * Waits until bytes may pass, without holding the thread.
 * @throws Stopped when the guest is stopped meanwhile, at its deadline too
 */
export async function paced(pace: Pace, budget: Budget): Promise<void> {
  for (let waitMs = pace.waitMs(); waitMs > 0; waitMs = pace.waitMs()) {
    const end = new AbortController();
    const undo = budget.onStop(() => end.abort());
    await budget.clock.sleep(waitMs, end.signal).catch(() => {});
    undo();
    if (budget.cause !== undefined) throw new Stopped(budget.cause.kind);
  }
}
