/** A task that the host called for, as jco keeps it. */
export interface RootTask {
  /** Settled when the task has returned. */
  completionPromise(): Promise<unknown>;
  /** Resolves when nothing is left of the task, after it has returned or failed. */
  exitPromise(): Promise<void>;
}

/** A task that waits. */
interface WaitingTask {
  setErrored(cause: Error): void;
  reject(cause: Error): void;
}

/** The tasks of one component instance, as jco keeps them. */
export interface TaskState {
  suspendedTaskMetas(): Iterable<{ readonly taskID: bigint; readonly task: WaitingTask }>;
  /** Whether it was suspended. */
  resumeTaskByID(taskID: bigint): boolean;
}

/** How often a task that is ended may wait once more. */
const roundsMax = 16;

const none: ReadonlyMap<number, TaskState> = new Map();

/** The tasks of one live component: a task may go on after it has returned. */
export class RunningTasks {
  #states = none;
  readonly #roots = new Set<Promise<void>>();

  /** jco's record of them. */
  readonly attach = (states: ReadonlyMap<number, TaskState>): void => {
    this.#states = states;
  };

  /** The result of a task that begins. */
  readonly begun = (task: RootTask): Promise<unknown> => {
    const exit = task.exitPromise();
    this.#roots.add(exit);
    void exit.then(() => this.#roots.delete(exit));
    return task.completionPromise();
  };

  /** Whether a call has a task that goes on. */
  get goOn(): boolean {
    return this.#roots.size > 0;
  }

  /** Resolves when no call has a task any more. */
  async ended(): Promise<void> {
    while (this.#roots.size > 0) await Promise.all(this.#roots);
  }

  /** Fails every task that waits, so that what it has on a stack unwinds: a stack that nobody resumes is never freed. */
  end(cause: Error, rounds: number = roundsMax): void {
    let count = 0;
    for (const state of this.#states.values()) {
      for (const { task, taskID } of [...state.suspendedTaskMetas()]) {
        count += 1;
        attempt(() => task.setErrored(cause));
        attempt(() => task.reject(cause));
        attempt(() => state.resumeTaskByID(taskID));
      }
    }
    // On its way out it may wait once more.
    if (count > 0 && rounds > 1) setImmediate(() => this.end(cause, rounds - 1));
  }
}

/** jco objects to ends that its protocol does not have; the task is over all the same. */
function attempt(act: () => void): void {
  try {
    act();
  } catch {}
}
