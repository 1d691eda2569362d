import type { Directory } from './directory.ts';

/** Members looked at for one message; a larger circle is gone through in turns. */
const candidatesMax = 16;
const congestedScore = 1_000_000;
const cursorsMax = 4_096;

/**
 * Instances of one agent that share its messages: each has an id, and all are linked in a circle, in shared memory.
 * The first, whose id the agent's name leads to, stands for all; only thread 0 changes who is in it.
 */
export class Circles {
  readonly #directory: Directory;
  /** The id of the next member; 0: the agent has no other instance. */
  readonly #nexts: Int32Array;
  /** The id of the first member. */
  readonly #firsts: Int32Array;
  /** 1 while a member is at a message. */
  readonly #working: Int32Array;
  /** Whoever got the last message, by first members, on this thread. */
  readonly #cursors = new Map<number, number>();

  constructor(directory: Directory, nexts: Int32Array, firsts: Int32Array, working: Int32Array) {
    this.#directory = directory;
    this.#nexts = nexts;
    this.#firsts = firsts;
    this.#working = working;
  }

  /** Puts a member after the first one; both are in the directory. */
  join(first: number, member: number): void {
    const [at, to] = [this.#directory.indexOf(first), this.#directory.indexOf(member)];
    Atomics.store(this.#firsts, at, first);
    Atomics.store(this.#firsts, to, first);
    Atomics.store(this.#nexts, to, Atomics.load(this.#nexts, at) || first);
    // Last: whoever finds the member finds the way on from it.
    Atomics.store(this.#nexts, at, member);
  }

  /** Takes a member out that is not the first one. Who is at it finds the way on still. */
  leave(first: number, member: number): void {
    let before = first;
    while (this.#next(before) !== member) before = this.#next(before);
    const after = this.#next(member);
    Atomics.store(this.#nexts, this.#directory.indexOf(before), after === before ? 0 : after);
  }

  /** An agent that has just come is in no circle. */
  clear(index: number): void {
    Atomics.store(this.#nexts, index, 0);
    Atomics.store(this.#firsts, index, 0);
    Atomics.store(this.#working, index, 0);
  }

  /** Says whether a member is at a message; only for its thread. */
  noteWorking(id: number, isWorking: boolean): void {
    const index = this.#directory.indexOf(id);
    if (this.#firsts[index] !== 0) Atomics.store(this.#working, index, isWorking ? 1 : 0);
  }

  /** The member that gets the next message of an agent: one that has nothing to do, in turn, else the one with the least. */
  memberFor(first: number): number {
    return this.#nexts[this.#directory.indexOf(first)] === 0 ? first : this.#choose(first);
  }

  #choose(first: number): number {
    let best = first;
    let bestScore = Number.POSITIVE_INFINITY;
    let at = this.#cursors.get(first) ?? first;
    for (let count = 0; count < candidatesMax && bestScore > 0; count += 1) {
      at = this.#next(at);
      // One that was at the cursor may be gone, and another agent have its place.
      if (this.#firsts[this.#directory.indexOf(at)] !== first) at = first;
      const score = this.#scoreOf(at);
      if (score < bestScore) [best, bestScore] = [at, score];
      if (at === this.#cursors.get(first)) break;
    }
    if (this.#cursors.size >= cursorsMax) this.#cursors.clear();
    this.#cursors.set(first, best);
    return best;
  }

  #next(id: number): number {
    return Atomics.load(this.#nexts, this.#directory.indexOf(id));
  }

  #scoreOf(id: number): number {
    const directory = this.#directory;
    if (directory.ownerOf(id) < 0) return Number.POSITIVE_INFINITY;
    const held = directory.isCongested(id) || directory.isPaused(id) ? congestedScore : 0;
    return held + 2 * directory.depthOf(id) + Atomics.load(this.#working, directory.indexOf(id));
  }
}
