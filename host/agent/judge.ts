import type { Budget, StopCause } from '../engine/budget.ts';
import { classify } from '../engine/trap.ts';
import type { Outcome, Usage } from '../outcome.ts';

/** What the guest used so far in this invocation. */
export function usageOf(budget: Budget): Usage {
  return {
    fuel: budget.fuelUsed,
    memoryBytes: budget.memoryBytes,
    wallMs: budget.wallMs,
    outputBytes: budget.outputBytes,
  };
}

/** The outcome the host itself decided on, if it did. */
export function stopped(budget: Budget): Outcome | undefined {
  return budget.cause === undefined ? undefined : outcomeOf(budget.cause, usageOf(budget));
}

/** What a call that the host ended for this cause comes to. */
export function outcomeOf(cause: StopCause, usage: Usage): Outcome {
  if (cause.kind !== 'exit') return { ...cause, usage };
  return cause.exitCode === 0 ? { kind: 'ok', value: undefined, usage } : { ...cause, kind: 'error', usage };
}

/** What a call that came back means; of a fallible one, `value` is a WIT `result`. */
export function returned(value: unknown, isFallible: boolean, usage: Usage): Outcome {
  if (!isFallible || !isResult(value)) return { kind: 'ok', value, usage };
  if (value.tag === 'ok') return { kind: 'ok', value: value.val, usage };
  return { kind: 'error', exitCode: 1, failure: value.val, usage };
}

function isResult(value: unknown): value is { tag: 'ok' | 'err'; val: unknown } {
  if (typeof value !== 'object' || value === null || !('tag' in value)) return false;
  return value.tag === 'ok' || value.tag === 'err';
}

/** A trap right after the host refused memory or a grant ended because of the refusal: that is what its reader must mend. */
export function trapped(thrown: unknown, budget: Budget): Outcome {
  const usage = usageOf(budget);
  const trap = classify(thrown);
  const refusal = budget.refusal;
  if (refusal?.kind === 'limit' && trap.kind !== 'stack-overflow') return { ...refusal, usage };
  const denial = [...budget.denials.keys()].at(-1);
  if (denial !== undefined) return { kind: 'denied', reason: denial, usage };
  const stack = trap.cause instanceof Error ? trap.cause.stack : undefined;
  return {
    kind: 'trap',
    trap: trap.kind,
    message: trap.message,
    ...(stack === undefined ? {} : { stack }),
    usage,
  };
}
