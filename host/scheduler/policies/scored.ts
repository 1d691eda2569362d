import type { PolicyName } from '../../config/scheduler-settings.ts';
import { type Level, levels } from '../level.ts';
import type { Policy, PolicyStanding } from '../policy.ts';
import type { Forecast } from '../profile.ts';
import {
  cellsPerAgent,
  dueCell,
  meanCell,
  presentLevel,
  rateCell,
  tagCell,
  usedCell,
  weightCell,
} from '../standings.ts';

/** An agent that wants a turn, as `motehost:scheduling/policy` says it (wit/deps/motehost-scheduling). */
export interface Runnable {
  key: number;
  level: Level;
  weight: number;
  rate: number;
  isFresh: boolean;
  nowMs: number;
  arrivedMs: number;
  dueMs: number;
  usedMs: number;
  forecastMs: number;
}

/** Who gives numbers to agents. The object is the same each time. @throws anything: it cannot be asked any more */
export type Scorer = (runnable: Readonly<Runnable>) => number;

export interface ScoredOptions {
  readonly scorer: Scorer;
  readonly nowMs: () => number;
  readonly forecast: Pick<Forecast, 'executionMsOf'>;
  /** Turns of an agent for which a score holds: messages and slices. 1 to `scoreTurnsMax`. */
  readonly scoreTurns: number;
  /** Decides once the scorer has failed. */
  readonly fallback: Policy;
  /** It has failed: told once, before `fallback` is asked anything. Everybody that waits has to be ranked anew. */
  readonly onFallback: () => void;
  /** Why; told once, after that. */
  readonly onFault: (fault: unknown) => void;
}

export const scoreTurnsMax = 1_000;
const turnsBase = 1_024;
const scoreOffset = 2 ** 31;

/**
 * By a component of the operator's, which is asked as an agent is queued and not at decisions: its answer holds for
 * some turns of that agent, and lies in the agent's own cells. The first time that it fails is the last: from then on
 * the declared fallback decides.
 */
export class Scored implements Policy {
  readonly name: PolicyName = 'custom';
  readonly isRing = false;
  readonly beginning = 0;
  readonly #options: ScoredOptions;
  readonly #row: Runnable;
  #asked = 0;
  #fault: string | undefined;

  constructor(options: ScoredOptions) {
    this.#options = options;
    const times = { nowMs: 0, arrivedMs: 0, dueMs: 0, usedMs: 0, forecastMs: 0 };
    this.#row = { key: 0, level: 'normal', weight: 1, rate: 1, isFresh: true, ...times };
  }

  get standing(): PolicyStanding {
    const inForce = this.#fault === undefined ? this.name : this.#options.fallback.name;
    const asked = { policy: this.name, inForce, asked: this.#asked };
    return this.#fault === undefined ? asked : { ...asked, fault: this.#fault };
  }

  arrive(cells: Float64Array, at: number, level: number): number {
    if (this.#fault !== undefined) return this.#options.fallback.arrive(cells, at, level);
    cells[at + tagCell] = this.#options.nowMs();
    cells[at + usedCell] = 0;
    return this.#score(cells, at, level, true);
  }

  again(cells: Float64Array, at: number): number {
    if (this.#fault !== undefined) return this.#options.fallback.again(cells, at);
    return this.#score(cells, at, presentLevel(cells, at), false);
  }

  /** As it was scored last: nothing is asked between two slices. */
  peek(cells: Float64Array, at: number): number {
    if (this.#fault !== undefined) return this.#options.fallback.peek(cells, at);
    return Math.floor((cells[at + meanCell] as number) / turnsBase) - scoreOffset;
  }

  charge(cells: Float64Array, at: number, fuel: number, ms: number): void {
    if (this.#fault !== undefined) this.#options.fallback.charge(cells, at, fuel, ms);
    else cells[at + usedCell] = (cells[at + usedCell] as number) + ms;
  }

  moved(cells: Float64Array, at: number, level: number): void {
    if (this.#fault !== undefined) this.#options.fallback.moved(cells, at, level);
    // What it said was of another level.
    else cells[at + meanCell] = 0;
  }

  picked(level: number, rank: number, cells: Float64Array, at: number): void {
    if (this.#fault !== undefined) this.#options.fallback.picked(level, rank, cells, at);
  }

  /** The cell has the score and, below `turnsBase`, for how many turns it holds still; 0: there is none. */
  #score(cells: Float64Array, at: number, level: number, isFresh: boolean): number {
    const known = cells[at + meanCell] as number;
    const left = known % turnsBase;
    if (left > 0) {
      cells[at + meanCell] = known - 1;
      return Math.floor(known / turnsBase) - scoreOffset;
    }
    let score: number;
    try {
      score = this.#ask(cells, at, level, isFresh);
    } catch (thrown) {
      return this.#fall(thrown, cells, at, level, isFresh);
    }
    cells[at + meanCell] = (score + scoreOffset) * turnsBase + this.#options.scoreTurns - 1;
    return score;
  }

  #ask(cells: Float64Array, at: number, level: number, isFresh: boolean): number {
    const { scorer, nowMs, forecast } = this.#options;
    const row = this.#row;
    row.key = at / cellsPerAgent;
    row.level = levels[level] as Level;
    row.weight = cells[at + weightCell] as number;
    row.rate = cells[at + rateCell] as number;
    row.isFresh = isFresh;
    row.nowMs = nowMs();
    row.arrivedMs = cells[at + tagCell] as number;
    row.dueMs = cells[at + dueCell] as number;
    row.usedMs = cells[at + usedCell] as number;
    row.forecastMs = forecast.executionMsOf(row.key);
    this.#asked += 1;
    return scorer(row);
  }

  #fall(thrown: unknown, cells: Float64Array, at: number, level: number, isFresh: boolean): number {
    const { fallback, onFallback, onFault } = this.#options;
    this.#fault = thrown instanceof Error ? thrown.message : String(thrown);
    onFallback();
    onFault(thrown);
    return isFresh ? fallback.arrive(cells, at, level) : fallback.again(cells, at);
  }
}
