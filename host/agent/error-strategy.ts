import type { ErrorRules, ErrorStep, FailureKind } from '../manifest.ts';
import type { Outcome } from '../outcome.ts';

/** Whose doing the end of a message was: its handler's, the agent's at its start, or the host's, which could not begin. */
export type FailurePlace = 'handler' | 'start' | 'host';

/** A message that was not dealt with. */
export interface Failed {
  readonly outcome: Outcome;
  readonly place: FailurePlace;
  /** Whoever asked had no more time for it. */
  readonly isLate: boolean;
}

/**
 * The kind of failure that an agent has to answer for; undefined for what is not its doing: a message it calls invalid,
 * an asker that gave up or had too little time (who could otherwise stop any agent with a short deadline), and the
 * host's own troubles.
 */
export function failureKindOf({ outcome, place, isLate }: Failed): FailureKind | undefined {
  if (place === 'host' || outcome.kind === 'ok' || outcome.kind === 'cancelled') return undefined;
  if (isLate && outcome.kind === 'limit' && outcome.limit === 'deadlineMs') return undefined;
  if (place === 'start') return 'start';
  if (outcome.kind !== 'error') return outcome.kind;
  const tag = tagOf(outcome.failure);
  if (tag === 'invalid') return undefined;
  return tag === 'denied' ? 'denied' : 'error';
}

function tagOf(failure: unknown): unknown {
  return typeof failure === 'object' && failure !== null && 'tag' in failure ? failure.tag : undefined;
}

/**
 * The place in a list of steps where a message stands that has failed `failures` times (1 or more): every retry and
 * every restart uses one up, whatever the failures before were. The list's length: nothing is left.
 * `retries` is how often `retry` without a number comes.
 */
export function stepAt(steps: readonly ErrorStep[], failures: number, retries: number): number {
  let used = failures;
  for (const [at, step] of steps.entries()) {
    const turns = turnsOf(step, retries);
    if (turns === undefined || used <= turns) return at;
    used -= turns;
  }
  return steps.length;
}

/** How often a step has the message delivered again; undefined: it does not, it ends it. */
function turnsOf(step: ErrorStep, retries: number): number | undefined {
  if (step.kind === 'retry') return step.times ?? retries;
  return step.kind === 'restart' ? 1 : undefined;
}

/** Whether the instance has to go although it answered in good order. */
export function restartsAfter(
  { steps }: ErrorRules,
  outcome: Outcome,
  failures: number,
  retries: number,
): boolean {
  if (outcome.kind !== 'error') return false;
  const kind = failureKindOf({ outcome, place: 'handler', isLate: false });
  const own = kind === undefined ? undefined : steps[kind];
  return own !== undefined && own[stepAt(own, failures, retries)]?.kind === 'restart';
}

/** Deliveries of one message there can be, over all lists. */
export function deliveriesMax({ steps }: ErrorRules, attempts: number): number {
  const turns = Object.values(steps).map((own) =>
    own.reduce((sum, step) => sum + (turnsOf(step, attempts - 1) ?? 0), 1),
  );
  return Math.max(attempts, ...turns);
}

/** Agents a message may have failed at before it goes to yet another. */
export const hopsMax = 8;
/** The header that says at whom; a guest cannot set what begins so. */
export const failoverHeader = 'mote-failover';

/** Whether a message that failed at `path`, and now at `from`, may go to `to`: never in a circle, never without end. */
export function mayFailOver(path: readonly string[], from: string, to: string): boolean {
  return to !== from && !path.includes(to) && path.length < hopsMax;
}
