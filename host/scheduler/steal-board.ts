import assert from 'node:assert/strict';

/** What another thread needs to see the same board; goes by `postMessage`. */
export interface StealBoardMemory {
  /** Threads that have agents, numbered from 1. */
  readonly threads: number;
  readonly memory: SharedArrayBuffer;
}

/** What threads with nothing to do must know of the others, in shared memory: who has more than enough, and who is at it already. */
export class StealBoard {
  readonly shared: StealBoardMemory;
  readonly #threads: number;
  readonly #backlogs: Int32Array;
  readonly #stealing: Int32Array;

  constructor(shared: StealBoardMemory) {
    this.shared = shared;
    this.#threads = shared.threads;
    const all = new Int32Array(shared.memory);
    this.#backlogs = all.subarray(0, shared.threads + 1);
    this.#stealing = all.subarray(shared.threads + 1);
  }

  static create(threads: number): StealBoard {
    assert(threads > 0, 'a board has one thread at least');
    return new StealBoard({ threads, memory: new SharedArrayBuffer(8 * (threads + 1)) });
  }

  /** Threads that may steal at once: half of them. */
  get stealersMax(): number {
    return Math.max(1, Math.floor(this.#threads / 2));
  }

  get threads(): number {
    return this.#threads;
  }

  /** Agents of a thread that wait for a turn, as it said last. */
  backlogOf(thread: number): number {
    return Atomics.load(this.#backlogs, thread);
  }

  show(thread: number, backlog: number): void {
    Atomics.store(this.#backlogs, thread, backlog);
  }

  /** A thread steals from now on. False: half of them do already, or try to at this very moment. */
  enter(thread: number): boolean {
    Atomics.store(this.#stealing, thread, 1);
    let stealers = 0;
    for (let other = 1; other <= this.#threads; other += 1) stealers += Atomics.load(this.#stealing, other);
    if (stealers <= this.stealersMax) return true;
    this.leave(thread);
    return false;
  }

  leave(thread: number): void {
    Atomics.store(this.#stealing, thread, 0);
  }

  /** A thread is gone: it has nothing to give, and steals no more. */
  forget(thread: number): void {
    this.show(thread, 0);
    this.leave(thread);
  }
}
