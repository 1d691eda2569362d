/** Entries of lines side by side, on their way from one order into another. */
export class Entries {
  #keys = new Int32Array(64);
  #stamps = new Float64Array(64);
  #ranks = new Float64Array(64);
  size = 0;

  add(key: number, stamp: number, rank: number): void {
    if (this.size === this.#keys.length) this.#grow();
    this.#keys[this.size] = key;
    this.#stamps[this.size] = stamp;
    this.#ranks[this.size] = rank;
    this.size += 1;
  }

  keyAt(at: number): number {
    return this.#keys[at] as number;
  }

  stampAt(at: number): number {
    return this.#stamps[at] as number;
  }

  rankAt(at: number): number {
    return this.#ranks[at] as number;
  }

  /** Some of the ranks, evenly taken, in order; those that are finite. */
  sample(count: number): Float64Array {
    const step = Math.max(1, Math.floor(this.size / count));
    const ranks = new Float64Array(Math.min(count, this.size));
    let taken = 0;
    for (let at = 0; at < this.size && taken < ranks.length; at += step) {
      const rank = this.#ranks[at] as number;
      if (!Number.isFinite(rank)) continue;
      ranks[taken] = rank;
      taken += 1;
    }
    return ranks.subarray(0, taken).sort();
  }

  leastRank(): number {
    let least = Number.POSITIVE_INFINITY;
    for (let at = 0; at < this.size; at += 1) {
      const rank = this.#ranks[at] as number;
      if (rank < least) least = rank;
    }
    return least;
  }

  #grow(): void {
    const keys = new Int32Array(this.size * 2);
    keys.set(this.#keys);
    const stamps = new Float64Array(this.size * 2);
    stamps.set(this.#stamps);
    const ranks = new Float64Array(this.size * 2);
    ranks.set(this.#ranks);
    this.#keys = keys;
    this.#stamps = stamps;
    this.#ranks = ranks;
  }
}
