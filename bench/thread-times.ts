import { readdirSync, readFileSync } from 'node:fs';

/** What the processor spent on each thread of a process since this was made (Linux; elsewhere nothing is known). */
export class ThreadTimes {
  readonly #folder: string;
  readonly #before: ReadonlyMap<string, number>;

  /** Of this process, or of the one with this id. */
  constructor(pid: number = process.pid) {
    this.#folder = `/proc/${pid}/task`;
    this.#before = read(this.#folder);
  }

  /** Microseconds of each thread, the busiest first. */
  busiestUs(): number[] {
    const now = [...read(this.#folder)];
    return now.map(([thread, us]) => us - (this.#before.get(thread) ?? 0)).sort((a, b) => b - a);
  }
}

function read(folder: string): Map<string, number> {
  if (process.platform !== 'linux') return new Map();
  return new Map(readdirSync(folder).map((thread) => [thread, usOf(`${folder}/${thread}`)]));
}

function usOf(folder: string): number {
  try {
    // Nanoseconds on a core, nanoseconds waiting for one, time slices.
    return Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]) / 1000;
  } catch {
    return 0; // It has ended meanwhile.
  }
}
