import { Blocks } from './blocks.ts';
import { Entries } from './entries.ts';
import { HeapLine } from './heap-line.ts';
import type { Line } from './line.ts';
import { RingLine } from './ring-line.ts';

/** Entries up to which a heap does. */
const heapMax = 1024;
/** Days of a year: as many lists, each of the entries of a stretch of ranks; and the list of those beyond a year. */
const days = 8192;
const beyond = days;
const sampleSize = 64;
/** Of the sampled ranks in order, the last one that a new year is made for: a few far out do not make days long. */
const sampleEnd = 60;
/** Empty days gone by for each entry that came, from which on days are too short. */
const emptyMax = 4;

/**
 * The lowest rank first, and of equal ranks the one that came first, whose cost hardly grows with how many wait:
 * only those of the present day are in a heap, the others lie unsorted in the days to come, a day being a stretch of
 * ranks. What comes in the order of its ranks anyway is in a ring beside it.
 */
export class CalendarLine implements Line {
  readonly #near = new HeapLine();
  readonly #fresh = new RingLine();
  /** Made when there are first more than a heap does for. */
  #far: Blocks | undefined;
  #farSize = 0;
  #beyondSize = 0;
  /** The present day, and ranks a day; where there is no calendar the day does not end. */
  #day = Number.POSITIVE_INFINITY;
  #width = 1;
  /** Entries of the heap from which on it is too large. */
  #spillAt = heapMax;
  #empties = 0;
  #isFirstFresh = false;
  key = 0;
  stamp = 0;
  rank = 0;

  get size(): number {
    return this.#near.size + this.#fresh.size + this.#farSize;
  }

  look(): void {
    const near = this.#near;
    const fresh = this.#fresh;
    if (near.size === 0 && this.#farSize > 0) this.#turn();
    const hasNear = near.size > 0;
    if (hasNear) near.look();
    if (fresh.size > 0) fresh.look();
    this.#isFirstFresh =
      fresh.size > 0 &&
      (!hasNear || fresh.rank < near.rank || (fresh.rank === near.rank && fresh.stamp < near.stamp));
    const first = this.#isFirstFresh ? fresh : near;
    this.key = first.key;
    this.stamp = first.stamp;
    this.rank = first.rank;
  }

  drop(): void {
    if (this.#isFirstFresh) this.#fresh.drop();
    else this.#near.drop();
  }

  add(key: number, stamp: number, rank: number, isFresh: boolean): void {
    const fresh = this.#fresh;
    if (isFresh && (fresh.size === 0 || rank >= fresh.lastRank)) fresh.add(key, stamp, rank);
    else this.#put(key, stamp, rank);
  }

  #put(key: number, stamp: number, rank: number): void {
    const day = Math.floor(rank / this.#width);
    if (day > this.#day) {
      const isOfThisYear = day - this.#day < days;
      this.#farSize += 1;
      if (!isOfThisYear) this.#beyondSize += 1;
      (this.#far as Blocks).add(isOfThisYear ? ofYear(day) : beyond, key, stamp, rank);
      return;
    }
    this.#near.add(key, stamp, rank);
    if (this.#near.size > this.#spillAt && this.#near.size > this.#farSize / 4) this.#rebuild();
  }

  /** The day is over: goes on to the next on which there is somebody. */
  #turn(): void {
    const far = this.#far as Blocks;
    for (let passed = 0; passed < days; passed += 1) {
      this.#day += 1;
      const day = ofYear(this.#day);
      if (day === 0 && this.#beyondSize > 0 && !this.#bringIn()) return;
      if (!far.isEmpty(day)) {
        const before = this.#near.size;
        far.pour(day, this.#near);
        const came = this.#near.size - before;
        this.#farSize -= came;
        this.#empties = Math.max(0, this.#empties - emptyMax * came);
        return;
      }
      this.#empties += 1;
      if (this.#empties > days) break;
    }
    this.#rebuild();
  }

  /** A new year: what was beyond may be in it. False: most are beyond again, and there are other days now. */
  #bringIn(): boolean {
    const entries = new Entries();
    (this.#far as Blocks).pour(beyond, entries);
    this.#farSize -= entries.size;
    this.#beyondSize = 0;
    // What belongs to this very day is poured with it.
    this.#day -= 1;
    this.#putAll(entries);
    this.#day += 1;
    if (this.#beyondSize <= heapMax || this.#beyondSize < this.#farSize / 2) return true;
    this.#rebuild();
    return false;
  }

  #putAll(entries: Entries): void {
    for (let at = 0; at < entries.size; at += 1)
      this.#put(entries.keyAt(at), entries.stampAt(at), entries.rankAt(at));
  }

  /** Makes days of another length, or none if a heap does, of all but what is in the ring. */
  #rebuild(): void {
    const entries = this.#unload();
    this.#load(entries);
  }

  /** Takes out all but what is in the ring, in any order. */
  #unload(): Entries {
    const entries = new Entries();
    this.#near.pour(entries);
    if (this.#farSize > 0) for (let list = 0; list <= beyond; list += 1) this.#far?.pour(list, entries);
    this.#near.clear();
    this.#farSize = 0;
    this.#beyondSize = 0;
    return entries;
  }

  #load(entries: Entries): void {
    this.#empties = 0;
    this.#day = Number.POSITIVE_INFINITY;
    this.#spillAt = Number.POSITIVE_INFINITY;
    if (entries.size > heapMax / 2) this.#begin(entries);
    this.#putAll(entries);
    // If most are of one day, only many more are worth another try.
    this.#spillAt = Math.max(heapMax, 2 * this.#near.size);
  }

  /** A year is twice as long as what is known of it. */
  #begin(entries: Entries): void {
    const sample = entries.sample(sampleSize);
    const last = Math.min(sampleEnd, sample.length - 1);
    const start = entries.leastRank();
    const width = (2 * ((sample[last] as number) - start)) / days;
    const day = Math.floor(start / width);
    // All equal, or too close together for days that can be told apart.
    if (!(width > 0) || !Number.isSafeInteger(day + days)) return;
    this.#far ??= new Blocks(days + 1);
    this.#width = width;
    this.#day = day;
  }

  clear(): void {
    this.#near.clear();
    this.#fresh.clear();
    if (this.#farSize > 0) this.#far?.clear();
    this.#farSize = 0;
    this.#beyondSize = 0;
    this.#day = Number.POSITIVE_INFINITY;
    this.#spillAt = heapMax;
  }

  sweep(isLive: (key: number, stamp: number) => boolean): void {
    this.#fresh.sweep(isLive);
    const all = this.#unload();
    const live = new Entries();
    for (let at = 0; at < all.size; at += 1)
      if (isLive(all.keyAt(at), all.stampAt(at))) live.add(all.keyAt(at), all.stampAt(at), all.rankAt(at));
    this.#load(live);
  }
}

/** Where a day is in its year; days before the first have numbers below 0. */
function ofYear(day: number): number {
  return day - Math.floor(day / days) * days;
}
