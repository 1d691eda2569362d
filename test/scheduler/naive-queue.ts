import { levels } from '../../host/scheduler/level.ts';
import { nobody } from '../../host/scheduler/run-queue.ts';

interface Waiting {
  readonly key: number;
  readonly level: number;
  readonly rank: number;
  readonly stamp: number;
}

/** A guest that computes stands so much behind its pass. */
const sliceFuel = 2_000_000;

/** What a run queue does, said plainly: a list that is searched each time. It knows fixed ranks, or fair shares. */
export class NaiveQueue {
  readonly #fixed: ((key: number) => number) | undefined;
  #waiting: Waiting[] = [];
  readonly #levels = new Map<number, number>();
  readonly #weights = new Map<number, number>();
  readonly #passes = new Map<number, number>();
  readonly #present = new Map<number, number>();
  readonly #passOfLevel: number[] = levels.map(() => 0);
  #stamp = 0;

  constructor(fixed?: (key: number) => number) {
    this.#fixed = fixed;
  }

  set(key: number, level: number, weight: number): void {
    this.#levels.set(key, level);
    this.#weights.set(key, weight);
    if (!this.#present.has(key)) this.#present.set(key, level);
  }

  get length(): number {
    return this.#waiting.length;
  }

  lengthOf(level: number): number {
    return this.#waiting.filter((one) => one.level === level).length;
  }

  push(key: number, better: number = levels.length): void {
    const waits = this.#waiting.find((one) => one.key === key);
    if (waits !== undefined && better >= waits.level) return;
    this.remove(key);
    const level = Math.min(better, this.#levels.get(key) ?? 3);
    const before = this.#present.get(key) ?? this.#levels.get(key) ?? 3;
    const passOfLevel = this.#passOfLevel[level] as number;
    if (before !== level) this.#passes.set(key, passOfLevel);
    this.#present.set(key, level);
    this.#passes.set(key, Math.max(this.#passOf(key), passOfLevel));
    this.#add(key, level, this.#passOf(key));
  }

  again(key: number): void {
    if (this.#waiting.some((one) => one.key === key)) return;
    this.#add(key, this.#present.get(key) ?? this.#levels.get(key) ?? 3, this.#passOf(key) + sliceFuel);
  }

  #passOf(key: number): number {
    return this.#passes.get(key) ?? 0;
  }

  #add(key: number, level: number, fairRank: number): void {
    this.#stamp += 1;
    this.#waiting.push({ key, level, rank: this.#fixed?.(key) ?? fairRank, stamp: this.#stamp });
    this.#waiting.sort((a, b) => a.level - b.level || a.rank - b.rank || a.stamp - b.stamp);
  }

  shift(): number {
    const first = this.#waiting.shift();
    if (first === undefined) return nobody;
    const { level, key } = first;
    this.#passOfLevel[level] = Math.max(this.#passOfLevel[level] as number, this.#passOf(key));
    return key;
  }

  remove(key: number): boolean {
    const { length } = this.#waiting;
    this.#waiting = this.#waiting.filter((one) => one.key !== key);
    return this.#waiting.length < length;
  }

  charge(key: number, fuel: number): void {
    this.#passes.set(key, this.#passOf(key) + fuel / (this.#weights.get(key) ?? 1));
  }

  isWanted(key: number): boolean {
    const own = this.#present.get(key) ?? this.#levels.get(key) ?? 3;
    const first = this.#waiting[0];
    if (first === undefined || first.level > own) return false;
    return first.level < own || first.rank < (this.#fixed?.(key) ?? this.#passOf(key) + sliceFuel);
  }
}
