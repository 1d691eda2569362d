/** How an agent finds its place among threads. */
export type AllocationStrategy = 'first-fit' | 'best-fit' | 'worst-fit' | 'priority';

export const allocationStrategies: readonly AllocationStrategy[] = [
  'first-fit',
  'best-fit',
  'worst-fit',
  'priority',
];

/** What an agent wants for itself. */
export interface Wanted {
  /** Of one core. */
  readonly cpu: number;
  readonly memoryBytes: number;
}

/** A thread: what it has, and what is given away of that. */
interface Place {
  readonly number: number;
  readonly has: Wanted;
  cpu: number;
  memoryBytes: number;
  count: number;
}

export interface AllocatorOptions {
  readonly strategy: AllocationStrategy;
  readonly places: readonly { readonly number: number; readonly has: Wanted }[];
  /** Share that only the important may have. Default 0.1. */
  readonly reserve?: number;
}

const reserveDefault = 0.1;
/** Sums of shares come with fractions that no sum should have. */
const tolerance = 1e-9;

/** Gives agents places, so that no thread is promised to more agents than it can serve. */
export class Allocator {
  readonly #strategy: AllocationStrategy;
  readonly #places: readonly Place[];
  readonly #reserve: number;
  readonly #given = new Map<number, { readonly place: Place; readonly wanted: Wanted }>();
  #failures = 0;

  constructor({ strategy, places, reserve = reserveDefault }: AllocatorOptions) {
    this.#strategy = strategy;
    this.#places = places.map((place) => ({ ...place, cpu: 0, memoryBytes: 0, count: 0 }));
    this.#reserve = reserve;
  }

  /** Agents for whom there was no room. */
  get failures(): number {
    return this.#failures;
  }

  /** A place for an agent; undefined: nowhere is room. What it wants is its own until `release`. */
  allocate(key: number, wanted: Wanted, isImportant = false): number | undefined {
    this.release(key);
    const share = isImportant && this.#strategy === 'priority' ? 1 : 1 - this.#reserve;
    const fitting = this.#places.filter((place) => fits(place, wanted, share));
    const best = this.#strategy === 'first-fit' ? fitting[0] : this.#choose(fitting);
    if (best === undefined) {
      this.#failures += 1;
      return undefined;
    }
    this.#take(key, best, wanted);
    return best.number;
  }

  /** The agent is at a place already, whether it fits there or not: its state lies there. */
  settle(key: number, number: number, wanted: Wanted): void {
    this.release(key);
    const place = this.#places.find((one) => one.number === number);
    if (place !== undefined) this.#take(key, place, wanted);
  }

  #choose(fitting: readonly Place[]): Place | undefined {
    const sign = this.#strategy === 'best-fit' ? 1 : -1;
    let best: Place | undefined;
    for (const place of fitting) if (best === undefined || sign * order(place, best) > 0) best = place;
    return best;
  }

  #take(key: number, place: Place, wanted: Wanted): void {
    place.cpu += wanted.cpu;
    place.memoryBytes += wanted.memoryBytes;
    place.count += 1;
    this.#given.set(key, { place, wanted });
  }

  /** The agent is no more, or wants something else. */
  release(key: number): void {
    const given = this.#given.get(key);
    if (given === undefined) return;
    this.#given.delete(key);
    given.place.cpu -= given.wanted.cpu;
    given.place.memoryBytes -= given.wanted.memoryBytes;
    given.place.count -= 1;
  }

  /** Share of a place that is given away, 0 to 1. */
  loadOf(number: number): number {
    const place = this.#places.find((one) => one.number === number);
    return place === undefined ? 0 : load(place);
  }
}

function fits({ has, cpu, memoryBytes }: Place, wanted: Wanted, share: number): boolean {
  return (
    cpu + wanted.cpu <= has.cpu * share + tolerance &&
    memoryBytes + wanted.memoryBytes <= has.memoryBytes * share + tolerance
  );
}

function load({ has, cpu, memoryBytes }: Place): number {
  return Math.max(cpu / has.cpu, memoryBytes / has.memoryBytes);
}

/** Above 0: the first is fuller; among equals the one with more agents, then the one that comes first. */
function order(a: Place, b: Place): number {
  return load(a) - load(b) || a.count - b.count;
}
