import { hash, randomBytes } from 'node:crypto';

/** Where a record lies. */
export interface Place {
  segment: number;
  /** Bytes from the segment's start; a multiple of 8. */
  offset: number;
  bytes: number;
  generation: number;
}

const columns = 5;
const placeUnitBytes = 8;

/**
 * Where each name's record lies: 28 bytes for a name in typed arrays, so that a million of them cost neither
 * heap nor collections. Names are known by 64 bits of a hash that is keyed per process; whoever reads a record
 * checks the name in it.
 */
export class ColdIndex {
  readonly #key = randomBytes(16).toString('latin1');
  #capacity: number;
  /** Per slot: two words of hash, segment (0: free), offset in units, bytes. */
  #words: Uint32Array<ArrayBuffer>;
  #generations: Float64Array<ArrayBuffer>;
  #size = 0;
  /** The last name's hash. */
  #high = 0;
  #low = 0;

  constructor(capacity = 1024) {
    this.#capacity = capacity;
    this.#words = new Uint32Array(capacity * columns);
    this.#generations = new Float64Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  get(name: string): Place | undefined {
    const slot = this.#find(name);
    const at = slot * columns;
    const segment = this.#words[at + 2] as number;
    if (segment === 0) return undefined;
    return {
      segment,
      offset: (this.#words[at + 3] as number) * placeUnitBytes,
      bytes: this.#words[at + 4] as number,
      generation: this.#generations[slot] as number,
    };
  }

  has(name: string): boolean {
    return this.#words[this.#find(name) * columns + 2] !== 0;
  }

  set(name: string, { segment, offset, bytes, generation }: Place): void {
    if ((this.#size + 1) * 4 > this.#capacity * 3) this.#grow();
    const slot = this.#find(name);
    const at = slot * columns;
    if (this.#words[at + 2] === 0) this.#size += 1;
    this.#words[at] = this.#high;
    this.#words[at + 1] = this.#low;
    this.#words[at + 2] = segment;
    this.#words[at + 3] = offset / placeUnitBytes;
    this.#words[at + 4] = bytes;
    this.#generations[slot] = generation;
  }

  delete(name: string): void {
    let hole = this.#find(name);
    if (this.#words[hole * columns + 2] === 0) return;
    this.#size -= 1;
    // Entries after the hole move up, unless they are where their hash wants them.
    for (let next = this.#after(hole); this.#words[next * columns + 2] !== 0; next = this.#after(next)) {
      const home = this.#home(this.#words[next * columns + 1] as number);
      const fromHome = (next - home + this.#capacity) % this.#capacity;
      const fromHole = (next - hole + this.#capacity) % this.#capacity;
      if (fromHome < fromHole) continue;
      this.#move(next, hole);
      hole = next;
    }
    this.#words[hole * columns + 2] = 0;
  }

  /** The slot of a name, or the free one where it would go. */
  #find(name: string): number {
    const digest = hash('sha256', this.#key + name, 'buffer');
    this.#high = digest.readUInt32LE(0);
    this.#low = digest.readUInt32LE(4);
    return this.#probe(this.#high, this.#low);
  }

  #probe(high: number, low: number): number {
    for (let slot = this.#home(low); ; slot = this.#after(slot)) {
      const at = slot * columns;
      if (this.#words[at + 2] === 0) return slot;
      if (this.#words[at] === high && this.#words[at + 1] === low) return slot;
    }
  }

  #home(low: number): number {
    return low & (this.#capacity - 1);
  }

  #after(slot: number): number {
    return (slot + 1) & (this.#capacity - 1);
  }

  #move(from: number, to: number): void {
    this.#words.copyWithin(to * columns, from * columns, (from + 1) * columns);
    this.#generations[to] = this.#generations[from] as number;
  }

  #grow(): void {
    const words = this.#words;
    const generations = this.#generations;
    const slots = this.#capacity;
    this.#capacity *= 2;
    this.#words = new Uint32Array(this.#capacity * columns);
    this.#generations = new Float64Array(this.#capacity);
    for (let from = 0; from < slots; from += 1) {
      const at = from * columns;
      if (words[at + 2] === 0) continue;
      const slot = this.#probe(words[at] as number, words[at + 1] as number);
      this.#words.set(words.subarray(at, at + columns), slot * columns);
      this.#generations[slot] = generations[from] as number;
    }
  }
}
