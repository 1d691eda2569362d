/** A task that the host called for, as jco keeps it. */
export interface RootTask {
  /** Settled when the task has returned. */
  completionPromise(): Promise<unknown>;
  /** Resolves when nothing is left of the task, after it has returned or failed. */
  exitPromise(): Promise<void>;
  /** What it failed with, if it did. */
  isErrored(): unknown;
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

const none: ReadonlyMap<number, TaskState> = new Map();

/** The tasks of one live component: a task may go on after it has returned. */
export class RunningTasks {
  #states = none;
  readonly #roots = new Set<Promise<void>>();
  /** What a task failed with, perhaps after it had returned. */
  #failure: unknown;
  /** Why all of them end. */
  #cause: Error | undefined;

  /** jco's record of them. */
  readonly attach = (states: ReadonlyMap<number, TaskState>): void => {
    this.#states = states;
  };

  /** The result of a task that begins. */
  readonly begun = (task: RootTask): Promise<unknown> => {
    const exit = task.exitPromise();
    this.#roots.add(exit);
    void exit.then(() => {
      this.#roots.delete(exit);
      this.#failure ??= task.isErrored();
    });
    return task.completionPromise();
  };

  /** Whether a call has a task that goes on. */
  get goOn(): boolean {
    return this.#roots.size > 0;
  }

  /** Resolves when no call has a task any more; rejects with what one failed with. */
  async ended(): Promise<void> {
    while (this.#roots.size > 0) await Promise.all(this.#roots);
    if (this.#failure !== null && this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Fails every task that waits, now or later, so that what it has on a stack unwinds: a stack that nobody resumes is
   * never freed.
   */
  end(cause: Error): void {
    this.#cause = cause;
    for (const state of this.#states.values()) {
      for (const { task, taskID } of [...state.suspendedTaskMetas()]) {
        attempt(() => task.setErrored(cause));
        attempt(() => task.reject(cause));
        attempt(() => state.resumeTaskByID(taskID));
      }
    }
  }

  /** A task is about to wait. */
  readonly suspends = (): void => {
    const cause = this.#cause;
    if (cause !== undefined) setImmediate(() => this.end(cause));
  };
}

/** jco objects to ends that its protocol does not have; the task is over all the same. */
function attempt(act: () => void): void {
  try {
    act();
  } catch {}
}
