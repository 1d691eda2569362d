import type { PlacementName } from '../config/scheduler-settings.ts';
import { rankOfLevel } from './level.ts';
import type { Terms } from './standings.ts';

/** What an agent wants of the thread it lives on. */
export interface Demand extends Pick<Terms, 'level' | 'weight'> {
  /** Millionths of a core that are its own; 0 or undefined: it takes what is left, by its weight. */
  readonly cpu?: number;
  /** Bytes that are its own; of one that reserves a processor. */
  readonly memoryBytes?: number;
}

export interface PlacementOptions {
  readonly name?: PlacementName | undefined;
  /** Weight that a thread has room for; default 10,000. */
  readonly weightMax?: number | undefined;
  /** Bytes that a thread may promise; default as many as wanted. */
  readonly memoryBytesMax?: number;
  /** Share of its time that a thread spends on agents, 0 to 1, as measured; default 0. */
  readonly busyOf?: (thread: number) => number;
}

/** What the agents of one thread come to. */
class Occupancy {
  agents = 0;
  weight = 0;
  /** Of agents of the level `high` and those before it. */
  urgentWeight = 0;
  cpu = 0;
  memoryBytes = 0;
}

/** Millionths of the core that a thread can use. */
export const coreMillionths = 1_000_000;
const weightMaxDefault = 10_000;
/** Share of each thread that is promised to nobody but, under `priority`, the first levels. */
const kept = 0.1;
/** What was measured counts in steps of this: a thread that is a little busier is as good. */
const busyStep = 0.25;
/** However much of a thread is promised, this share is left for those who reserve nothing. */
const freeMin = 0.05;
const lastUrgent = rankOfLevel('high');
const lastImportant = rankOfLevel('critical');
const normal = rankOfLevel('normal');

/**
 * Which thread an agent lives on: by what is promised there, by the weights of those that are there, and by how busy
 * they keep it. A thread has room for an agent if it can promise what the agent reserves, which is a condition, and
 * if the weights do not exceed what it has room for, which is a wish.
 * - `balanced`: the one with the most left for it
 * - `first-fit`: the first that has room
 * - `best-fit`: of those that have room the one with the least of it
 * - `priority`: whoever goes before others goes where such agents weigh least, every other one as `balanced`; a part
 *   of each thread is kept for those of the first two levels
 */
export class Placement {
  readonly #name: PlacementName;
  readonly #weightMax: number;
  readonly #memoryBytesMax: number;
  readonly #busyOf: (thread: number) => number;
  readonly #threads = new Map<number, Occupancy>();

  constructor({ name, weightMax, memoryBytesMax, busyOf }: PlacementOptions = {}) {
    this.#name = name ?? 'balanced';
    this.#weightMax = weightMax ?? weightMaxDefault;
    this.#memoryBytesMax = memoryBytesMax ?? Number.POSITIVE_INFINITY;
    this.#busyOf = busyOf ?? (() => 0);
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

  /** Share of a thread that is promised to agents, 0 to 1. */
  promisedOf(thread: number): number {
    const { cpu, memoryBytes } = this.#of(thread);
    return Math.max(cpu / coreMillionths, memoryBytes / this.#memoryBytesMax);
  }

  /** The thread for an agent, of equals the first; undefined: none can promise what it reserves. */
  choose(threads: readonly number[], demand: Demand): number | undefined {
    const possible = isReserving(demand)
      ? threads.filter((thread) => this.#canPromise(thread, demand))
      : threads;
    if (this.#name === 'priority' && isUrgent(demand))
      return least(possible, (thread) => this.#of(thread).urgentWeight);
    const roomy = possible.filter((thread) => this.#hasRoom(thread, demand));
    if (this.#name === 'first-fit' && roomy.length > 0) return roomy[0];
    if (this.#name === 'best-fit' && roomy.length > 0)
      return least(roomy, (thread) => -this.#fullness(thread, demand));
    return least(possible, (thread) => this.#fullness(thread, demand));
  }

  #canPromise(thread: number, { cpu = 0, memoryBytes = 0, level = normal }: Demand): boolean {
    const share = this.#name === 'priority' && level <= lastImportant ? 1 : 1 - kept;
    const there = this.#of(thread);
    return (
      there.cpu + cpu <= coreMillionths * share &&
      there.memoryBytes + memoryBytes <= this.#memoryBytesMax * share
    );
  }

  #hasRoom(thread: number, { weight = 1 }: Demand): boolean {
    return this.#of(thread).weight + weight <= this.#weightMax;
  }

  /** The greater, the less is left: promised or used, for one that reserves; else weight for what is neither. */
  #fullness(thread: number, demand: Demand): number {
    const busy = Math.floor(this.#busyOf(thread) / busyStep) * busyStep;
    const used = Math.max(this.promisedOf(thread), busy);
    const { weight } = this.#of(thread);
    const crowd = (weight + (demand.weight ?? 1)) / Math.max(freeMin, 1 - used);
    // Among equally full ones, to a millionth, the crowd decides.
    return isReserving(demand) ? Math.round(used * coreMillionths) + crowd / (crowd + 1) : crowd;
  }

  came(thread: number, demand: Demand): void {
    this.#count(thread, demand, 1);
  }

  went(thread: number, demand: Demand): void {
    this.#count(thread, demand, -1);
  }

  #count(thread: number, demand: Demand, by: 1 | -1): void {
    const there = this.#of(thread);
    const weight = by * (demand.weight ?? 1);
    there.agents += by;
    there.weight += weight;
    there.cpu += by * (demand.cpu ?? 0);
    there.memoryBytes += by * (demand.memoryBytes ?? 0);
    if (isUrgent(demand)) there.urgentWeight += weight;
  }
}

function isReserving({ cpu = 0 }: Demand): boolean {
  return cpu > 0;
}

function isUrgent({ level = normal }: Demand): boolean {
  return level <= lastUrgent;
}

function least(threads: readonly number[], amountOf: (thread: number) => number): number | undefined {
  let best = threads[0];
  if (best === undefined) return undefined;
  let amount = amountOf(best);
  for (const thread of threads) {
    const other = amountOf(thread);
    if (other < amount) [best, amount] = [thread, other];
  }
  return best;
}
