import type { Line } from './line.ts';

const entriesFirst = 64;

/** First come, first served: a ring. Its size is a power of two. */
export class RingLine implements Line {
  #keys = new Int32Array(entriesFirst);
  #stamps = new Float64Array(entriesFirst);
  #ranks = new Float64Array(entriesFirst);
  #head = 0;
  size = 0;
  key = 0;
  stamp = 0;
  rank = 0;
  /** Of the entry that came last, if there is one. */
  lastRank = 0;

  look(): void {
    this.key = this.#keys[this.#head] as number;
    this.stamp = this.#stamps[this.#head] as number;
    this.rank = this.#ranks[this.#head] as number;
  }

  drop(): void {
    this.#head = (this.#head + 1) & (this.#keys.length - 1);
    this.size -= 1;
  }

  add(key: number, stamp: number, rank: number): void {
    if (this.size === this.#keys.length) this.#grow();
    const at = (this.#head + this.size) & (this.#keys.length - 1);
    this.#keys[at] = key;
    this.#stamps[at] = stamp;
    this.#ranks[at] = rank;
    this.size += 1;
    this.lastRank = rank;
  }

  clear(): void {
    this.size = 0;
  }

  sweep(isLive: (key: number, stamp: number) => boolean): void {
    const mask = this.#keys.length - 1;
    let kept = 0;
    for (let index = 0; index < this.size; index += 1) {
      const from = (this.#head + index) & mask;
      if (!isLive(this.#keys[from] as number, this.#stamps[from] as number)) continue;
      const to = (this.#head + kept) & mask;
      this.#keys[to] = this.#keys[from] as number;
      this.#stamps[to] = this.#stamps[from] as number;
      this.#ranks[to] = this.#ranks[from] as number;
      kept += 1;
    }
    this.size = kept;
  }

  #grow(): void {
    const from = this.#head;
    this.#keys = unrolled(new Int32Array(this.size * 2), this.#keys, from);
    this.#stamps = unrolled(new Float64Array(this.size * 2), this.#stamps, from);
    this.#ranks = unrolled(new Float64Array(this.size * 2), this.#ranks, from);
    this.#head = 0;
  }
}

/** A full ring, from its head on, in a larger array. */
function unrolled<Entries extends Int32Array | Float64Array>(
  to: Entries,
  ring: Entries,
  head: number,
): Entries {
  to.set(ring.subarray(head));
  to.set(ring.subarray(0, head), ring.length - head);
  return to;
}
