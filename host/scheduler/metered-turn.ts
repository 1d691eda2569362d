import type { Clock } from '../clock.ts';
import type { Turn } from '../engine/budget.ts';
import type { Profiles } from './profile.ts';

/** What agents owe because they used more than their share; keys are those of turns. */
export interface Shares {
  charge(key: number, fuel: number, ms: number): void;
  /** Milliseconds for which it is not to compute; 0: it may. */
  owedMs(key: number): number;
}

export interface MeteredTurnOptions {
  /** Who deals the turns out. */
  readonly turn: Turn;
  readonly profiles: Profiles;
  /** The key of an agent's profile, by that of its turns. */
  readonly indexOf: (key: number) => number;
  readonly shares: Shares;
  readonly clock: Clock;
}

/** Turns whose use is measured: profiles learn from it, and whoever used up its share waits until it has one again. */
export class MeteredTurn implements Turn {
  readonly #options: MeteredTurnOptions;
  /** What ends the waits of guests; at most as many as calls are under way. */
  readonly #waiting = new Map<number, AbortController>();

  constructor(options: MeteredTurnOptions) {
    this.#options = options;
  }

  isWanted(key: number): boolean {
    const { turn, shares } = this.#options;
    return shares.owedMs(key) > 0 || turn.isWanted(key);
  }

  giveWay(key: number): Promise<void> {
    const { turn, shares } = this.#options;
    // Mostly nobody owes anything; what it may owe after the turn it waits for is seen at the end of its next slice.
    return shares.owedMs(key) > 0 ? this.#payAndGiveWay(key) : turn.giveWay(key);
  }

  async #payAndGiveWay(key: number): Promise<void> {
    const { turn, shares } = this.#options;
    await turn.giveWay(key);
    for (let owedMs = shares.owedMs(key); owedMs > 0; owedMs = shares.owedMs(key)) {
      if (!(await this.#wait(key, owedMs))) return;
      await turn.giveWay(key);
    }
  }

  charge(key: number, fuel: number, ms: number): void {
    const { turn, profiles, indexOf, shares } = this.#options;
    shares.charge(key, fuel, profiles.charge(indexOf(key), fuel, ms));
    turn.charge(key, fuel, ms);
  }

  /** False: it was let go. */
  async #wait(key: number, ms: number): Promise<boolean> {
    const end = new AbortController();
    this.#waiting.set(key, end);
    try {
      await this.#options.clock.sleep(ms, end.signal);
      return true;
    } catch {
      return false;
    } finally {
      if (this.#waiting.get(key) === end) this.#waiting.delete(key);
    }
  }

  /** A guest that is being ended waits for nothing any more. */
  letGo(key: number): void {
    this.#waiting.get(key)?.abort();
    this.#options.turn.letGo?.(key);
  }

  /** Guests that wait for a share. */
  get waiting(): number {
    return this.#waiting.size;
  }
}
