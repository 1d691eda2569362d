import { readdirSync, readFileSync } from 'node:fs';

const folder = '/proc/self/task';

/** What the processor spent on each thread of this process since this was made (Linux; elsewhere nothing is known). */
export class ThreadTimes {
  readonly #before = read();

  /** Microseconds of each thread, the busiest first. */
  busiestUs(): number[] {
    const now = [...read()];
    return now.map(([thread, us]) => us - (this.#before.get(thread) ?? 0)).sort((a, b) => b - a);
  }
}

function read(): Map<string, number> {
  if (process.platform !== 'linux') return new Map();
  return new Map(readdirSync(folder).map((thread) => [thread, usOf(thread)]));
}

function usOf(thread: string): number {
  try {
    // Nanoseconds on a core, nanoseconds waiting for one, time slices.
    return Number(readFileSync(`${folder}/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1000;
  } catch {
    return 0; // It has ended meanwhile.
  }
}
