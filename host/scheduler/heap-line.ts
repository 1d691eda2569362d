const entriesFirst = 64;

/**
 * The lowest rank first, and of equal ranks the one that came first: a heap in which each entry has four below it,
 * which halves the way down of two and keeps those it is compared with in one cache line.
 */
export class HeapLine {
  #ranks = new Float64Array(entriesFirst);
  #stamps = new Float64Array(entriesFirst);
  #keys = new Int32Array(entriesFirst);
  size = 0;

  key = 0;
  stamp = 0;
  rank = 0;

  look(): void {
    this.key = this.#keys[0] as number;
    this.stamp = this.#stamps[0] as number;
    this.rank = this.#ranks[0] as number;
  }

  add(key: number, stamp: number, rank: number): void {
    if (this.size === this.#keys.length) this.#grow();
    const ranks = this.#ranks;
    const stamps = this.#stamps;
    const keys = this.#keys;
    let at = this.size;
    this.size += 1;
    while (at > 0) {
      const above = (at - 1) >> 2;
      const rankAbove = ranks[above] as number;
      if (rankAbove < rank || (rankAbove === rank && (stamps[above] as number) < stamp)) break;
      ranks[at] = rankAbove;
      stamps[at] = stamps[above] as number;
      keys[at] = keys[above] as number;
      at = above;
    }
    ranks[at] = rank;
    stamps[at] = stamp;
    keys[at] = key;
  }

  drop(): void {
    this.size -= 1;
    const last = this.size;
    if (last > 0)
      this.#sink(this.#ranks[last] as number, this.#stamps[last] as number, this.#keys[last] as number);
  }

  /** Finds the place for an entry from the top downwards. */
  #sink(rank: number, stamp: number, key: number): void {
    const ranks = this.#ranks;
    const stamps = this.#stamps;
    const keys = this.#keys;
    const { size } = this;
    let at = 0;
    for (;;) {
      const first = at * 4 + 1;
      if (first >= size) break;
      const end = first + 4 < size ? first + 4 : size;
      let least = first;
      let leastRank = ranks[first] as number;
      for (let below = first + 1; below < end; below += 1) {
        const rankBelow = ranks[below] as number;
        if (rankBelow > leastRank) continue;
        if (rankBelow === leastRank && (stamps[below] as number) > (stamps[least] as number)) continue;
        least = below;
        leastRank = rankBelow;
      }
      if (leastRank > rank || (leastRank === rank && (stamps[least] as number) > stamp)) break;
      ranks[at] = leastRank;
      stamps[at] = stamps[least] as number;
      keys[at] = keys[least] as number;
      at = least;
    }
    ranks[at] = rank;
    stamps[at] = stamp;
    keys[at] = key;
  }

  clear(): void {
    this.size = 0;
  }

  /** Gives its entries, in any order; it has them still. */
  pour(into: { add(key: number, stamp: number, rank: number): void }): void {
    for (let at = 0; at < this.size; at += 1)
      into.add(this.#keys[at] as number, this.#stamps[at] as number, this.#ranks[at] as number);
  }

  #grow(): void {
    const size = this.#keys.length * 2;
    const ranks = new Float64Array(size);
    ranks.set(this.#ranks);
    const stamps = new Float64Array(size);
    stamps.set(this.#stamps);
    const keys = new Int32Array(size);
    keys.set(this.#keys);
    this.#ranks = ranks;
    this.#stamps = stamps;
    this.#keys = keys;
  }
}
