import type { PlacementName } from '../config/scheduler-settings.ts';
import { rankOfLevel } from './level.ts';
import type { Terms } from './standings.ts';

/** What the agents of one thread come to. */
class Occupancy {
  agents = 0;
  weight = 0;
  /** Of agents of the level `high` and those before it. */
  urgentWeight = 0;
}

const lastUrgent = rankOfLevel('high');
const normal = rankOfLevel('normal');

/**
 * Which thread a new agent goes to, by the weights of those that are there:
 * `least-loaded`: the one with the fewest agents; `first-fit`: the first that has room for its weight; `best-fit`:
 * of those that have room the one with the least of it; `priority`: an agent that goes before others goes where the
 * fewest such agents are, every other one to where the fewest agents are. Where no thread has room, the least loaded.
 */
export class Placement {
  readonly #name: PlacementName;
  /** Weight that a thread has room for. */
  readonly #weightMax: number;
  readonly #threads = new Map<number, Occupancy>();

  constructor(name: PlacementName = 'least-loaded', weightMax = 10_000) {
    this.#name = name;
    this.#weightMax = weightMax;
  }

  #of(thread: number): Occupancy {
    let occupancy = this.#threads.get(thread);
    if (occupancy === undefined) {
      occupancy = new Occupancy();
      this.#threads.set(thread, occupancy);
    }
    return occupancy;
  }

  agentsOf(thread: number): number {
    return this.#of(thread).agents;
  }

  /** The thread for an agent; of equals the first. There is one at least. */
  choose(threads: readonly number[], terms: Terms): number {
    return this.#chosen(threads, terms) ?? least(threads, (thread) => this.#of(thread).agents);
  }

  /** Undefined: the least loaded. */
  #chosen(threads: readonly number[], terms: Terms): number | undefined {
    switch (this.#name) {
      case 'first-fit':
        return threads.find((thread) => this.#hasRoom(thread, terms));
      case 'best-fit': {
        const fitting = threads.filter((thread) => this.#hasRoom(thread, terms));
        return fitting.length === 0 ? undefined : least(fitting, (thread) => -this.#of(thread).weight);
      }
      case 'priority':
        return isUrgent(terms) ? least(threads, (thread) => this.#of(thread).urgentWeight) : undefined;
      case 'least-loaded':
        return undefined;
    }
  }

  #hasRoom(thread: number, { weight = 1 }: Terms): boolean {
    return this.#of(thread).weight + weight <= this.#weightMax;
  }

  came(thread: number, terms: Terms): void {
    this.#count(thread, terms, 1);
  }

  went(thread: number, terms: Terms): void {
    this.#count(thread, terms, -1);
  }

  #count(thread: number, terms: Terms, by: 1 | -1): void {
    const occupancy = this.#of(thread);
    const weight = by * (terms.weight ?? 1);
    occupancy.agents += by;
    occupancy.weight += weight;
    if (isUrgent(terms)) occupancy.urgentWeight += weight;
  }
}

function isUrgent({ level = normal }: Terms): boolean {
  return level <= lastUrgent;
}

function least(threads: readonly number[], amountOf: (thread: number) => number): number {
  let best = threads[0] as number;
  for (const thread of threads) if (amountOf(thread) < amountOf(best)) best = thread;
  return best;
}
