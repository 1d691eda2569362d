import { CalendarLine } from './calendar-line.ts';
import { levels } from './level.ts';
import type { Line } from './line.ts';
import { makePolicy, type PolicyOptions } from './policies/make-policy.ts';
import type { Policy, PolicyStanding } from './policy.ts';
import { RingLine } from './ring-line.ts';
import { cellsPerAgent, dueCell, Standings, stampCell, type Terms } from './standings.ts';

export interface RunQueueOptions extends Omit<PolicyOptions, 'name' | 'onFallback'> {
  /** Who of one level goes first. Default `fair-share`. */
  readonly policy?: PolicyOptions['name'];
  /** Milliseconds after which a level in which somebody waits has a turn, whoever waits before it. Default 10. */
  readonly agingMs?: number;
  /** Turns in a row that agents may pass on to whom they just wrote. Default 3; 0: none. */
  readonly passedOnMax?: number;
}

/** What a queue did since it was made. */
export interface RunQueueCounts {
  /** Turns given to a level because it had waited for `agingMs`. */
  readonly aged: number;
  /** Turns given to whoever the last one wrote to. */
  readonly passedOn: number;
}

/** Whoever waits for nobody: there is none. */
export const nobody = -1;
const firstLevelBit = 0x8000_0000;
/** Void entries of a line that are let be, beyond as many as there are live ones. */
const voidMin = 64;

/**
 * Who of those that have something to do has the next turn. Keys are small integers. Of several levels the first in
 * which somebody waits goes first, inside a level the policy decides; a level that was passed over for `agingMs` has
 * one turn. A decision takes O(log n) at most, and makes no objects.
 */
export class RunQueue {
  readonly #standings = new Standings();
  readonly #policy: Policy;
  readonly #nowMs: () => number;
  readonly #looksAtDue: boolean;
  readonly #agingMs: number;
  readonly #passedOnMax: number;
  readonly #lines: readonly Line[];
  readonly #lengths = new Int32Array(levels.length);
  /** A bit for each level in which somebody waits, the first level's being the highest. */
  #waiting = 0;
  /** Since when a level was passed over; 0: it was not. */
  readonly #passedOverMs = new Float64Array(levels.length);
  #stamp = 0;
  #length = 0;
  #next = nobody;
  #nextStamp = 0;
  #passedOnRun = 0;
  readonly #counts = { aged: 0, passedOn: 0 };
  readonly #isLive = (key: number, stamp: number): boolean => this.#standings.stampOf(key) === stamp;

  constructor({ policy = 'fair-share', agingMs = 10, passedOnMax = 3, ...rest }: RunQueueOptions) {
    this.#policy = makePolicy({ name: policy, ...rest, onFallback: () => this.#rankAnew() });
    this.#looksAtDue = policy === 'earliest-deadline' || policy === 'custom';
    this.#nowMs = rest.nowMs;
    this.#agingMs = agingMs;
    this.#passedOnMax = passedOnMax;
    this.#lines = levels.map(() => (this.#policy.isRing ? new RingLine() : new CalendarLine()));
  }

  /** Whether it matters when something is due. */
  get looksAtDue(): boolean {
    return this.#looksAtDue;
  }

  /** Who decides, and why if that is not who should. */
  get standing(): PolicyStanding {
    const { name, standing = { policy: name, inForce: name, asked: 0 } } = this.#policy;
    return standing;
  }

  /** Another policy decides: those that wait are ranked by it, in the order in which they came. */
  #rankAnew(): void {
    const waiting = this.#standings.waiting();
    for (const line of this.#lines) line.clear();
    this.#standings.beginAnew();
    const { cells } = this.#standings;
    for (const key of waiting) {
      const at = key * cellsPerAgent;
      const level = this.#standings.presentOf(key);
      const rank = this.#policy.arrive(cells, at, level);
      (this.#lines[level] as Line).add(key, this.#standings.stampOf(key), rank, true);
    }
  }

  /** Those that wait. */
  get length(): number {
    return this.#length;
  }

  /** The first level in which somebody waits; behind all levels where nobody does. */
  get topLevel(): number {
    return Math.clz32(this.#waiting);
  }

  lengthOf(level: number): number {
    return this.#lengths[level] as number;
  }

  get counts(): RunQueueCounts {
    return this.#counts;
  }

  /** The terms of an agent, from its next turn on. */
  set(key: number, terms: Terms): void {
    this.#standings.set(key, terms);
  }

  /** The agent is no more. */
  forget(key: number): void {
    this.remove(key);
    this.#standings.forget(key);
  }

  has(key: number): boolean {
    return this.#standings.knows(key) && this.#standings.stampOf(key) !== 0;
  }

  /** The level in which an agent waits or has its turn. */
  levelOf(key: number): number {
    this.#standings.make(key);
    return this.#standings.presentOf(key);
  }

  /**
   * Something new came for an agent; nothing happens if it waits already, but that it may come to a better level.
   * `dueMs`: when that is due, if that is sooner than its terms say. `level`: a better one than its own, for this turn.
   * `isBeginning`: it has no instance yet.
   */
  push(
    key: number,
    dueMs: number = Number.POSITIVE_INFINITY,
    level: number = levels.length,
    isBeginning: boolean = false,
  ): void {
    const standings = this.#standings;
    standings.make(key);
    const { cells } = standings;
    const at = key * cellsPerAgent;
    const isQueued = cells[at + stampCell] !== 0;
    if (isQueued && level >= standings.presentOf(key)) return;
    if (isQueued) this.remove(key);
    const own = standings.levelOf(key);
    const present = level < own ? level : own;
    if (standings.place(key, present)) this.#policy.moved(cells, at, present);
    if (this.#looksAtDue) cells[at + dueCell] = Math.min(dueMs, this.#nowMs() + standings.deadlineMsOf(key));
    const rank = this.#policy.arrive(cells, at, present);
    this.#add(key, at, present, isBeginning ? rank + this.#policy.beginning : rank, true);
  }

  /** As `push`, and it has the next turn if nobody of a better level waits: whoever has its turn now wrote to it. */
  pass(key: number, dueMs: number = Number.POSITIVE_INFINITY, level: number = levels.length): void {
    this.push(key, dueMs, level);
    this.#next = key;
    this.#nextStamp = this.#standings.stampOf(key);
  }

  /** A guest that has given way wants to go on. */
  again(key: number): void {
    const level = this.levelOf(key);
    const { cells } = this.#standings;
    const at = key * cellsPerAgent;
    if (cells[at + stampCell] === 0) this.#add(key, at, level, this.#policy.again(cells, at), false);
  }

  #add(key: number, at: number, level: number, rank: number, isFresh: boolean): void {
    this.#stamp += 1;
    this.#standings.cells[at + stampCell] = this.#stamp;
    const line = this.#lines[level] as Line;
    const live = this.#lengths[level] as number;
    if (line.size > 2 * live + voidMin) line.sweep(this.#isLive);
    line.add(key, this.#stamp, rank, isFresh);
    this.#lengths[level] = live + 1;
    this.#waiting |= firstLevelBit >>> level;
    this.#length += 1;
  }

  /** Takes out whoever has the next turn; `nobody` if nobody waits. */
  shift(): number {
    if (this.#waiting === 0) return nobody;
    const top = Math.clz32(this.#waiting);
    const next = this.#takeNext(top);
    if (next !== nobody) return next;
    this.#passedOnRun = 0;
    const level = this.#isOneLevel(top) ? top : this.#agedLevel(top);
    const line = this.#lines[level] as Line;
    this.#lookLive(line);
    const { key } = line;
    this.#policy.picked(level, line.rank, this.#standings.cells, key * cellsPerAgent);
    line.drop();
    this.#take(key, level);
    if (level !== top) this.#counts.aged += 1;
    this.#passedOverMs[level] = 0;
    return key;
  }

  #takeNext(top: number): number {
    const key = this.#next;
    if (key === nobody) return nobody;
    this.#next = nobody;
    if (this.#passedOnRun >= this.#passedOnMax || this.#standings.stampOf(key) !== this.#nextStamp)
      return nobody;
    const level = this.#standings.presentOf(key);
    if (level > top) return nobody;
    this.#passedOnRun += 1;
    this.#counts.passedOn += 1;
    this.#take(key, level);
    return key;
  }

  #isOneLevel(top: number): boolean {
    return this.#waiting << (top + 1) === 0 || top === levels.length - 1;
  }

  /** The level that was passed over for too long, or else the first. */
  #agedLevel(top: number): number {
    const nowMs = this.#nowMs();
    let aged = top;
    let sinceMs = nowMs - this.#agingMs;
    for (let level = top + 1; level < levels.length; level += 1) {
      if (this.#lengths[level] === 0) continue;
      const passedOverMs = this.#passedOverMs[level] as number;
      if (passedOverMs === 0) this.#passedOverMs[level] = nowMs;
      else if (passedOverMs <= sinceMs) {
        aged = level;
        sinceMs = passedOverMs;
      }
    }
    return aged;
  }

  /** There must be a live entry. */
  #lookLive(line: Line): void {
    line.look();
    while (this.#standings.stampOf(line.key) !== line.stamp) {
      line.drop();
      line.look();
    }
  }

  #take(key: number, level: number): void {
    this.#standings.cells[key * cellsPerAgent + stampCell] = 0;
    this.#length -= 1;
    const live = (this.#lengths[level] as number) - 1;
    this.#lengths[level] = live;
    if (live > 0) return;
    this.#waiting &= ~(firstLevelBit >>> level);
    this.#passedOverMs[level] = 0;
    (this.#lines[level] as Line).clear();
  }

  /** It waits no longer; false: it did not. */
  remove(key: number): boolean {
    if (!this.has(key)) return false;
    this.#take(key, this.#standings.presentOf(key));
    return true;
  }

  /** What an agent used; the policy may look at it. */
  charge(key: number, fuel: number, ms: number): void {
    if (this.#standings.knows(key)) this.#policy.charge(this.#standings.cells, key * cellsPerAgent, fuel, ms);
  }

  /** Whether somebody has a turn before a guest that has its own now goes on. */
  isWanted(key: number): boolean {
    if (this.#waiting === 0) return false;
    const top = Math.clz32(this.#waiting);
    const own = this.levelOf(key);
    if (top < own) return true;
    if (top > own) return this.#agedLevel(own) !== own;
    if (!this.#isOneLevel(top) && this.#agedLevel(top) !== top) return true;
    const line = this.#lines[top] as Line;
    this.#lookLive(line);
    return line.rank < this.#policy.peek(this.#standings.cells, key * cellsPerAgent);
  }
}
