import type { PolicyName } from '../config/scheduler-settings.ts';

/** What became of the policy that the settings name. */
export interface PolicyStanding {
  readonly policy: PolicyName;
  /** Who decides now: another one, once that failed. */
  readonly inForce: PolicyName;
  /** How often a component was asked for a score. */
  readonly asked: number;
  /** Why another one decides. */
  readonly fault?: string;
}

/**
 * Gives each agent that waits a rank; the lowest goes first, of equals the one that came first. `cells[at + …]` are
 * the agent's own (`standings.ts`). None of this may allocate.
 */
export interface Policy {
  readonly name: PolicyName;
  /** Of one that can fail; undefined: it decides. */
  readonly standing?: PolicyStanding;
  /** Everybody in turn: ranks do not matter. */
  readonly isRing: boolean;
  /** How much higher the rank is of one that has no instance yet. */
  readonly beginning: number;
  /** Something new came for an agent that had nothing to do: a message, or what its call waited for. */
  arrive(cells: Float64Array, at: number, level: number): number;
  /** A guest gave way in the middle of a computation, and waits to go on. */
  again(cells: Float64Array, at: number): number;
  /** As `again`, and nothing changes: whoever has a lower rank goes before it. */
  peek(cells: Float64Array, at: number): number;
  charge(cells: Float64Array, at: number, fuel: number, ms: number): void;
  /** An agent waits in another level than before. */
  moved(cells: Float64Array, at: number, level: number): void;
  /** Whoever had this rank in a level has its turn. */
  picked(level: number, rank: number, cells: Float64Array, at: number): void;
}
