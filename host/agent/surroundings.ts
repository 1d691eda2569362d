import type { Delivery } from '../bus/delivery.ts';
import type { Clock, Random } from '../clock.ts';
import type { Budget, Turn } from '../engine/budget.ts';
import type { Resident } from '../engine/engine.ts';
import type { HostError } from '../errors.ts';
import type { Recorder } from '../history/recorder.ts';
import type { Outcome } from '../outcome.ts';
import type { Agent } from './agent.ts';
import type { FailurePlace } from './error-strategy.ts';
import type { Halt } from './halt.ts';
import type { LifeNumber } from './lifecycle.ts';
import type { WarmState } from './warm-state.ts';

/** Why an instance ends in good order (wit/types.wit). */
export type StopReason = 'requested' | 'idle' | 'replaced' | 'restarting' | 'shutdown';

/** What a resident needs of its thread. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly turn: Turn;
  /**
   * Links and instantiates, or brings back what was saved, which it lets go of only when that has worked; waits
   * for room if there is none.
   * @throws HostError `HOST_ERR_BUDGET_EXHAUSTED`
   */
  launch(agent: Agent, saved: Saved | undefined, budget: Budget, deadlineMs: number): Promise<Launch>;
  /** It has an instance and nothing to do, from now on. */
  idle(agent: Agent): void;
  /** It is idle no longer. */
  busy(agent: Agent): void;
  /** Its state is in the heap, or is to be looked after there again. */
  kept(agent: Agent, saved: Saved): void;
  /** Its state is needed now, or by nobody any more. */
  released(agent: Agent, saved: Saved): void;
  /** Calls `agent.overdue()` at a moment of the monotonic clock, unless called off by the timer it returns. */
  arm(agent: Agent, atMs: number): number;
  disarm(timer: number): void;
  /** Its guest stands still from now on, at the end of its fuel slice, until `release`. */
  hold(agent: Agent): void;
  release(agent: Agent): void;
  /** Something has come for a call of it that waits: `agent.goOn()` when it is its turn. */
  ready(agent: Agent): void;
  /** Whether messages wait for it, or are on their way. */
  hasWork(agent: Agent): boolean;
  /** It had its turn, and waits. */
  rested(agent: Agent): void;
  /** What it saved is nobody's any more. */
  discard(agent: Agent): void;
  /** The call under way is being ended: what it waits for ends too. */
  stopped(agent: Agent): void;
  /** Writes down what the agent is told, if its manifest says so. */
  record(agent: Agent): Recorder | undefined;
  /** What came of a message; the next may come from now on. */
  handled(
    agent: Agent,
    delivery: Delivery,
    outcome: Outcome<Uint8Array | undefined>,
    place: FailurePlace,
  ): void;
  /** Tells the people who run the host. */
  note(agent: Agent, what: AgentNote): void;
  /** Its life went from one state to another; called for every message, so it has to be cheap. */
  turned(agent: Agent, from: LifeNumber, to: LifeNumber, why: string): void;
}

/** An instance, and whether it goes on where an earlier one was saved. */
export interface Launch {
  readonly resident: Resident;
  readonly isWoken: boolean;
}

/** How an agent's circuit, its liveness (`unhealthy`) or its readiness turned. */
export type WellbeingTurn =
  | 'circuit-open'
  | 'circuit-half-open'
  | 'circuit-closed'
  | 'unhealthy'
  | 'unready'
  | 'ready';

export type AgentNote =
  | { readonly kind: 'started'; readonly resumed: boolean }
  | { readonly kind: 'denied'; readonly what: string; readonly cure: string }
  | { readonly kind: Halt['kind'] | 'stopped' | 'killed' | 'resumed' | 'failed-over'; readonly why: string }
  | {
      readonly kind: 'ended';
      readonly outcome: Outcome | undefined;
      readonly reason: StopReason | 'failed' | 'killed';
    }
  | { readonly kind: WellbeingTurn; readonly why: string }
  | { readonly kind: 'refused'; readonly error: HostError }
  /** It left memory, its state being so many bytes in the heap. */
  | { readonly kind: 'hibernated'; readonly bytes: number }
  | { readonly kind: 'woken' };

/**
 * Where an agent is in its life on its thread: not begun, or lost after a failure (`absent`); in memory
 * (`launching`, `idle`, `busy`, and `waiting` for something outside with nothing on a stack); out of it, its state in
 * the host's heap (`hibernated`) or on disk (`cold`), or in either while a call of it waits (`parked`); or it
 * ended, and its manifest says that it is not started again (`stopped`).
 */
export type AgentPhase =
  | 'absent'
  | 'launching'
  | 'idle'
  | 'busy'
  | 'waiting'
  | 'leaving'
  | 'hibernated'
  | 'parked'
  | 'cold'
  | 'stopped';

/** Where the state of an agent that is not in memory lies. */
export type Saved = WarmState | { readonly kind: 'cold' };
