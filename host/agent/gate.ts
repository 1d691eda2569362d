import type { Turn } from '../engine/budget.ts';

/** A guest that stands still, and what lets it go on. */
interface Standing {
  readonly resolve: () => void;
  readonly promise: Promise<void>;
}

/**
 * Where guests of paused agents stand still: before the turns of a thread, so that whoever deals those out knows of
 * nobody who does not want one.
 */
export class Gate implements Turn {
  readonly #turn: Turn;
  readonly #held = new Set<number>();
  /** At most as many as calls are under way. */
  readonly #standing = new Map<number, Standing>();

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  isWanted(key: number): boolean {
    return (this.#held.size > 0 && this.#held.has(key)) || this.#turn.isWanted(key);
  }

  async giveWay(key: number): Promise<void> {
    if (!this.#held.has(key)) await this.#turn.giveWay(key);
    while (this.#held.has(key)) {
      await this.#stand(key);
      // Ended where it stands: it is not to wait for a turn as well.
      if (this.#held.has(key)) return;
      await this.#turn.giveWay(key);
    }
  }

  charge(key: number, fuel: number, ms: number): void {
    this.#turn.charge(key, fuel, ms);
  }

  #stand(key: number): Promise<void> {
    let standing = this.#standing.get(key);
    if (standing === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      standing = { promise, resolve };
      this.#standing.set(key, standing);
    }
    return standing.promise;
  }

  /** Guests of this key stand still from now on. */
  hold(key: number): void {
    this.#held.add(key);
  }

  release(key: number): void {
    if (this.#held.delete(key)) this.letGo(key);
  }

  letGo(key: number): void {
    const standing = this.#standing.get(key);
    this.#standing.delete(key);
    standing?.resolve();
  }

  /** Guests that stand still. */
  get standing(): number {
    return this.#standing.size;
  }
}
