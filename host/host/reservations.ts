import type { Spec } from '../agent/spec.ts';
import { HostError } from '../errors.ts';
import { type AllocationStrategy, Allocator, type Wanted } from '../scheduler/allocation.ts';

export interface ReservationsOptions {
  readonly strategy: AllocationStrategy;
  readonly threads: readonly number[];
  /** Bytes that the agents of all threads may have. */
  readonly memoryBytesMax: number;
}

/**
 * Where agents go that want a share of a processor for themselves: to a thread that has one left. The others go where
 * the fewest are.
 */
export class Reservations {
  readonly #allocator: Allocator;

  constructor({ strategy, threads, memoryBytesMax }: ReservationsOptions) {
    const has = { cpu: 1, memoryBytes: memoryBytesMax / threads.length };
    this.#allocator = new Allocator({ strategy, places: threads.map((number) => ({ number, has })) });
  }

  /**
   * The thread of an agent; undefined: any will do. `home` is where its state lies.
   * @throws HostError `HOST_ERR_BUDGET_EXHAUSTED` when no thread has as much left
   */
  placeOf(id: number, spec: Spec, home: number | undefined): number | undefined {
    const wanted = wantedOf(spec);
    if (wanted === undefined) return home;
    if (home !== undefined) {
      this.#allocator.settle(id, home, wanted);
      return home;
    }
    const place = this.#allocator.allocate(id, wanted, isImportant(spec));
    if (place !== undefined) return place;
    throw new HostError(
      'HOST_ERR_BUDGET_EXHAUSTED',
      `${spec.manifestPath}: no thread has room for cpu-quota = ${wanted.cpu} and ${wanted.memoryBytes} bytes of memory; ask for less in [resources] and [limits], or serve with more --threads or --memory-total`,
      { cpu: wanted.cpu, memoryBytes: wanted.memoryBytes },
    );
  }

  /** It has another version, and stays where it is. */
  replaced(id: number, spec: Spec, thread: number): void {
    const wanted = wantedOf(spec);
    if (wanted === undefined) this.#allocator.release(id);
    else this.#allocator.settle(id, thread, wanted);
  }

  removed(id: number): void {
    this.#allocator.release(id);
  }

  /** Share of a thread that is promised to agents, 0 to 1. */
  loadOf(thread: number): number {
    return this.#allocator.loadOf(thread);
  }
}

const msPerSecond = 1000;

/** As its `[scheduling]` says: the others leave a part of each thread to such. */
function isImportant({ manifest: { scheduling } }: Spec): boolean {
  return scheduling.priority === 'critical' || scheduling.class === 'real-time';
}

function wantedOf({ manifest, limits }: Spec): Wanted | undefined {
  const { cpuMs } = manifest.resources;
  return cpuMs && { cpu: cpuMs.perSecond / msPerSecond, memoryBytes: limits.memoryBytesMax };
}
