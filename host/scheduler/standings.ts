import { levels } from './level.ts';

/** What an agent is scheduled by. */
export interface Terms {
  /** The place of its level (`rankOfLevel`); default that of `normal`. */
  readonly level?: number;
  /** Its share against others of its level. Default 1. */
  readonly weight?: number;
  /** Turns a second that it is promised under the policy `rate-based`. Default 10. */
  readonly rate?: number;
  /** Milliseconds after it came in which it is to be served under `earliest-deadline`, where no message says less. */
  readonly deadlineMs?: number;
}

/** The cells of one agent, side by side: one cache line. */
export const cellsPerAgent = 8;
/** Which entry of the queue is its present one; 0: it does not wait. */
export const stampCell = 0;
/** What a policy keeps between two turns: a pass, a finish tag, a clock, an arrival. */
export const tagCell = 1;
/** What the job under way used: milliseconds for `shortest-job`, else fuel. */
export const usedCell = 2;
/** The moving average of what jobs used. */
export const meanCell = 3;
export const weightCell = 4;
/** Turns a second. */
export const rateCell = 5;
/** Milliseconds it has by its terms, and the moment at which the job under way is due. */
export const deadlineCell = 6;
export const dueCell = 7;

const agentsFirst = 64;
export const weightDefault = 1;
export const rateDefault = 10;
export const deadlineMsDefault = 30_000;
const normal = levels.indexOf('normal');
const unknown = 255;

/** What the scheduler knows of each agent, by its key: columns that grow with the greatest key seen. */
export class Standings {
  /** Replaced when it grows: look it up again after `make`. */
  cells: Float64Array<ArrayBuffer> = new Float64Array(agentsFirst * cellsPerAgent);
  /** By terms, and where it stands now (a message may lift it); 255: nothing is known yet. */
  #levels = new Uint8Array(agentsFirst).fill(unknown);
  #present = new Uint8Array(agentsFirst).fill(unknown);

  /** Sees to it that there are cells for a key. */
  make(key: number): void {
    if (key >= this.#levels.length) this.#grow(key);
    if (this.#levels[key] === unknown) this.set(key, {});
  }

  set(key: number, { level, weight, rate, deadlineMs }: Terms): void {
    if (key >= this.#levels.length) this.#grow(key);
    const at = key * cellsPerAgent;
    this.#levels[key] = level ?? normal;
    if (this.#present[key] === unknown) this.#present[key] = level ?? normal;
    this.cells[at + weightCell] = weight ?? weightDefault;
    this.cells[at + rateCell] = rate ?? rateDefault;
    this.cells[at + deadlineCell] = deadlineMs ?? deadlineMsDefault;
  }

  /** Nothing is known of a key any more. */
  forget(key: number): void {
    if (key >= this.#levels.length) return;
    this.#levels[key] = unknown;
    this.#present[key] = unknown;
    this.cells.fill(0, key * cellsPerAgent, (key + 1) * cellsPerAgent);
  }

  levelOf(key: number): number {
    return this.#levels[key] as number;
  }

  /** The level it waits or runs in. */
  presentOf(key: number): number {
    return this.#present[key] as number;
  }

  /** False: it stood there already. */
  place(key: number, level: number): boolean {
    if (this.#present[key] === level) return false;
    this.#present[key] = level;
    return true;
  }

  stampOf(key: number): number {
    return this.cells[key * cellsPerAgent] as number;
  }

  #grow(key: number): void {
    let size = this.#levels.length;
    while (size <= key) size *= 2;
    const cells = new Float64Array(size * cellsPerAgent);
    cells.set(this.cells);
    this.cells = cells;
    this.#levels = grown(this.#levels, size);
    this.#present = grown(this.#present, size);
  }
}

function grown(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  const more = new Uint8Array(size).fill(unknown);
  more.set(bytes);
  return more;
}
