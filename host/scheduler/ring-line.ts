import type { Line } from './line.ts';

const entriesFirst = 64;

/** First come, first served: a ring. Its size is a power of two. */
export class RingLine implements Line {
  #keys = new Int32Array(entriesFirst);
  #stamps = new Float64Array(entriesFirst);
  #head = 0;
  size = 0;

  get firstKey(): number {
    return this.#keys[this.#head] as number;
  }

  get firstStamp(): number {
    return this.#stamps[this.#head] as number;
  }

  get firstRank(): number {
    return this.firstStamp;
  }

  add(key: number, stamp: number): void {
    if (this.size === this.#keys.length) this.#grow();
    const at = (this.#head + this.size) & (this.#keys.length - 1);
    this.#keys[at] = key;
    this.#stamps[at] = stamp;
    this.size += 1;
  }

  dropFirst(): void {
    this.#head = (this.#head + 1) & (this.#keys.length - 1);
    this.size -= 1;
  }

  clear(): void {
    this.size = 0;
  }

  sweep(isLive: (key: number, stamp: number) => boolean): void {
    const mask = this.#keys.length - 1;
    let kept = 0;
    for (let index = 0; index < this.size; index += 1) {
      const from = (this.#head + index) & mask;
      const key = this.#keys[from] as number;
      const stamp = this.#stamps[from] as number;
      if (!isLive(key, stamp)) continue;
      const to = (this.#head + kept) & mask;
      this.#keys[to] = key;
      this.#stamps[to] = stamp;
      kept += 1;
    }
    this.size = kept;
  }

  #grow(): void {
    const mask = this.#keys.length - 1;
    const keys = new Int32Array(this.#keys.length * 2);
    const stamps = new Float64Array(this.#keys.length * 2);
    for (let index = 0; index < this.size; index += 1) {
      const from = (this.#head + index) & mask;
      keys[index] = this.#keys[from] as number;
      stamps[index] = this.#stamps[from] as number;
    }
    this.#keys = keys;
    this.#stamps = stamps;
    this.#head = 0;
  }
}
