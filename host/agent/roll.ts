import { newFloats, newInts, newObjects } from './paged.ts';

/** What an agent did since its thread started. */
export interface Tally {
  readonly handled: number;
  readonly failed: number;
  readonly fuel: bigint;
  /** Bytes of its memory, as of its last message. */
  readonly memoryBytes: number;
}

export const noTally: Tally = { handled: 0, failed: 0, fuel: 0n, memoryBytes: 0 };

/**
 * Everybody who lives on a thread, also those who do nothing: a name, a spec's number, and what an agent did that
 * has no object of its own for now. A few numbers each, outside the heap.
 */
export class Roll {
  readonly #indexOf: (id: number) => number;
  readonly #ids = newInts();
  readonly #specs = newInts();
  readonly #names = newObjects<string>();
  readonly #handled = newFloats();
  readonly #failed = newFloats();
  readonly #fuel = newFloats();
  readonly #memoryBytes = newFloats();
  #size = 0;

  /** `indexOf`: a small integer for an id, unique among the agents there are. */
  constructor(indexOf: (id: number) => number) {
    this.#indexOf = indexOf;
  }

  get size(): number {
    return this.#size;
  }

  has(id: number): boolean {
    return id !== 0 && this.#ids.get(this.#indexOf(id)) === id;
  }

  /** An id that is there already gets the new name and spec. */
  add(id: number, name: string, spec: number): void {
    const index = this.#indexOf(id);
    if (!this.has(id)) this.#size += 1;
    this.#ids.set(index, id);
    this.#specs.set(index, spec);
    this.#names.set(index, name);
  }

  delete(id: number): void {
    if (!this.has(id)) return;
    const index = this.#indexOf(id);
    this.#ids.set(index, 0);
    this.#names.set(index, undefined);
    this.#putTally(index, noTally);
    this.#size -= 1;
  }

  nameOf(id: number): string | undefined {
    return this.has(id) ? this.#names.get(this.#indexOf(id)) : undefined;
  }

  /** The number of its spec; 0: it is not here. */
  specOf(id: number): number {
    return this.has(id) ? (this.#specs.get(this.#indexOf(id)) ?? 0) : 0;
  }

  setSpec(id: number, spec: number): void {
    if (this.has(id)) this.#specs.set(this.#indexOf(id), spec);
  }

  tallyOf(id: number): Tally {
    const index = this.#indexOf(id);
    const handled = this.#handled.get(index) ?? 0;
    if (handled === 0 || !this.has(id)) return noTally;
    return {
      handled,
      failed: this.#failed.get(index) ?? 0,
      fuel: BigInt(this.#fuel.get(index) ?? 0),
      memoryBytes: this.#memoryBytes.get(index) ?? 0,
    };
  }

  /** Keeps what an agent did; fuel beyond 2^53 is rounded. */
  keepTally(id: number, tally: Tally): void {
    if (this.has(id)) this.#putTally(this.#indexOf(id), tally);
  }

  #putTally(index: number, { handled, failed, fuel, memoryBytes }: Tally): void {
    // Pages of numbers are made for those who did something.
    if (handled === 0 && (this.#handled.get(index) ?? 0) === 0) return;
    this.#handled.set(index, handled);
    this.#failed.set(index, failed);
    this.#fuel.set(index, Number(fuel));
    this.#memoryBytes.set(index, memoryBytes);
  }
}
