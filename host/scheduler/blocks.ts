const cellsPerEntry = 3;
const entriesPerBlock = 32;
const cellsPerBlock = entriesPerBlock * cellsPerEntry;
const blocksFirst = 16;
const none = -1;

/**
 * Entries of many small lists, each in the order in which it was filled: chains of blocks out of one pool, so that
 * to fill and to read one goes along memory.
 */
export class Blocks {
  /** Key, stamp and rank of each entry. */
  #cells = new Float64Array(blocksFirst * cellsPerBlock);
  /** The block that follows in its list, or among the free ones. */
  #nexts = new Int32Array(blocksFirst);
  #free = none;
  #used = 0;
  readonly #heads: Int32Array;
  readonly #tails: Int32Array;
  /** Entries in the last block of each list. */
  readonly #fills: Int32Array;

  constructor(lists: number) {
    this.#heads = new Int32Array(lists).fill(none);
    this.#tails = new Int32Array(lists).fill(none);
    this.#fills = new Int32Array(lists);
  }

  isEmpty(list: number): boolean {
    return this.#heads[list] === none;
  }

  add(list: number, key: number, stamp: number, rank: number): void {
    let fill = this.#fills[list] as number;
    if (fill === entriesPerBlock || this.#heads[list] === none) {
      this.#lengthen(list);
      fill = 0;
    }
    const at = (this.#tails[list] as number) * cellsPerBlock + fill * cellsPerEntry;
    this.#cells[at] = key;
    this.#cells[at + 1] = stamp;
    this.#cells[at + 2] = rank;
    this.#fills[list] = fill + 1;
  }

  #lengthen(list: number): void {
    const block = this.#take();
    this.#nexts[block] = none;
    if (this.#heads[list] === none) this.#heads[list] = block;
    else this.#nexts[this.#tails[list] as number] = block;
    this.#tails[list] = block;
  }

  #take(): number {
    const block = this.#free;
    if (block !== none) {
      this.#free = this.#nexts[block] as number;
      return block;
    }
    if (this.#used === this.#nexts.length) this.#grow();
    this.#used += 1;
    return this.#used - 1;
  }

  /** Empties a list into whatever takes its entries, in order. */
  pour(list: number, into: { add(key: number, stamp: number, rank: number): void }): void {
    let block = this.#heads[list] as number;
    this.#heads[list] = none;
    while (block !== none) {
      const next = this.#nexts[block] as number;
      const fill = next === none ? (this.#fills[list] as number) : entriesPerBlock;
      const end = block * cellsPerBlock + fill * cellsPerEntry;
      const cells = this.#cells;
      for (let at = block * cellsPerBlock; at < end; at += cellsPerEntry)
        into.add(cells[at] as number, cells[at + 1] as number, cells[at + 2] as number);
      this.#nexts[block] = this.#free;
      this.#free = block;
      block = next;
    }
  }

  /** All lists are empty. */
  clear(): void {
    this.#heads.fill(none);
    this.#free = none;
    this.#used = 0;
  }

  #grow(): void {
    const blocks = this.#nexts.length * 2;
    const cells = new Float64Array(blocks * cellsPerBlock);
    cells.set(this.#cells);
    const nexts = new Int32Array(blocks);
    nexts.set(this.#nexts);
    this.#cells = cells;
    this.#nexts = nexts;
  }
}
