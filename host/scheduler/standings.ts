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

/** The cells of one agent, side by side; those that each turn needs are in one cache line. */
export const cellsPerAgent = 8;
/** Which entry of the queue is its present one; 0: it does not wait. */
export const stampCell = 0;
/** What a policy keeps between two turns: a pass, a finish tag, a clock, an arrival. */
export const tagCell = 1;
/** What the job under way used: milliseconds for `shortest-job`, else fuel. */
export const usedCell = 2;
/** The moving average of what jobs used; for `shortest-job` what the one under way is forecast to use. */
export const meanCell = 3;
export const weightCell = 4;
/** The level by its terms, times `levelsMax`, and the one it stands in now: a message may lift it. */
const levelsCell = 5;
/** Turns a second. */
export const rateCell = 6;
/** The moment at which the job under way is due. */
export const dueCell = 7;

const levelsMax = 8;
const agentsFirst = 64;
export const weightDefault = 1;
export const rateDefault = 10;
export const deadlineMsDefault = 30_000;
const normal = levels.indexOf('normal');

/** The level in which an agent waits or runs. */
export function presentLevel(cells: Float64Array, at: number): number {
  return (cells[at + levelsCell] as number) & (levelsMax - 1);
}

/** What the scheduler knows of each agent, by its key: columns that grow with the greatest key seen. */
export class Standings {
  /** Replaced when it grows: look it up again after `make`. */
  cells: Float64Array<ArrayBuffer> = new Float64Array(agentsFirst * cellsPerAgent);
  #deadlines: Float64Array<ArrayBuffer> = new Float64Array(agentsFirst);

  /** Whether anything is known of a key; its weight is above 0 then. */
  knows(key: number): boolean {
    return (this.cells[key * cellsPerAgent + weightCell] ?? 0) > 0;
  }

  /** Sees to it that there are cells for a key. */
  make(key: number): void {
    if (!this.knows(key)) this.set(key, {});
  }

  set(key: number, terms: Terms): void {
    const { level = normal, weight = weightDefault, rate = rateDefault } = terms;
    const present = this.knows(key) ? this.presentOf(key) : level;
    if (key >= this.#deadlines.length) this.#grow(key);
    const at = key * cellsPerAgent;
    this.cells[at + levelsCell] = level * levelsMax + present;
    this.cells[at + weightCell] = weight;
    this.cells[at + rateCell] = rate;
    this.#deadlines[key] = terms.deadlineMs ?? deadlineMsDefault;
  }

  /** Nothing is known of a key any more. */
  forget(key: number): void {
    if (this.knows(key)) this.cells.fill(0, key * cellsPerAgent, (key + 1) * cellsPerAgent);
  }

  levelOf(key: number): number {
    return (this.cells[key * cellsPerAgent + levelsCell] as number) >> 3;
  }

  /** The level it waits or runs in. */
  presentOf(key: number): number {
    return (this.cells[key * cellsPerAgent + levelsCell] as number) & (levelsMax - 1);
  }

  /** False: it stood there already. */
  place(key: number, level: number): boolean {
    if (this.presentOf(key) === level) return false;
    this.cells[key * cellsPerAgent + levelsCell] = this.levelOf(key) * levelsMax + level;
    return true;
  }

  /** Forgets what a policy kept of everybody: another one begins. */
  beginAnew(): void {
    const { cells } = this;
    for (let at = 0; at < cells.length; at += cellsPerAgent) {
      cells[at + tagCell] = 0;
      cells[at + usedCell] = 0;
      cells[at + meanCell] = 0;
    }
  }

  /** Those that wait, in the order in which they came. */
  waiting(): number[] {
    const keys: number[] = [];
    for (let key = 0; key < this.#deadlines.length; key += 1) if (this.stampOf(key) !== 0) keys.push(key);
    return keys.sort((a, b) => this.stampOf(a) - this.stampOf(b));
  }

  stampOf(key: number): number {
    return this.cells[key * cellsPerAgent + stampCell] as number;
  }

  deadlineMsOf(key: number): number {
    return this.#deadlines[key] as number;
  }

  #grow(key: number): void {
    let size = this.#deadlines.length;
    while (size <= key) size *= 2;
    const cells = new Float64Array(size * cellsPerAgent);
    cells.set(this.cells);
    this.cells = cells;
    const deadlines = new Float64Array(size);
    deadlines.set(this.#deadlines);
    this.#deadlines = deadlines;
  }
}
