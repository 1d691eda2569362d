/** What agents computed on each thread, in memory that all threads see: milliseconds, by the thread's number. */
export type WorkloadMemory = Float64Array<SharedArrayBuffer>;

export function newWorkload(threads: number): WorkloadMemory {
  return new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT * (threads + 1)));
}

/** Milliseconds for which what was measured is taken for what is. */
const lookMsMin = 1_000;

/** How much of their time threads spent on agents as of late, as the agents' profiles have it. */
export class Workload {
  readonly #memory: WorkloadMemory;
  readonly #nowMs: () => number;
  readonly #before: Float64Array;
  readonly #busy: Float64Array;
  #lookedMs: number;

  constructor(memory: WorkloadMemory, nowMs: () => number) {
    this.#memory = memory;
    this.#nowMs = nowMs;
    this.#before = new Float64Array(memory.length);
    this.#busy = new Float64Array(memory.length);
    this.#lookedMs = nowMs();
  }

  /** 0 (nobody computes) to 1 (somebody always does), from one look to the next, a second apart at least. */
  busyOf(thread: number): number {
    const passedMs = this.#nowMs() - this.#lookedMs;
    if (passedMs >= lookMsMin) this.#look(passedMs);
    return this.#busy[thread] ?? 0;
  }

  #look(passedMs: number): void {
    this.#lookedMs += passedMs;
    for (const [thread, ms] of this.#memory.entries()) {
      this.#busy[thread] = Math.min(1, (ms - (this.#before[thread] as number)) / passedMs);
      this.#before[thread] = ms;
    }
  }
}
