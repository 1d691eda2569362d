import { HostError } from '../errors.ts';
import type { Outcome, Usage } from '../outcome.ts';
import type { CallOutcome } from './calls.ts';
import type { Halt } from './halt.ts';
import type { Spec } from './spec.ts';

const errorCharsMax = 1_000;
const noUsage: Usage = { fuel: 0n, memoryBytes: 0, wallMs: 0, outputBytes: 0 };

/** What comes of a message that its agent never saw, and whoever asked may try again. */
export function unavailable(text: string): CallOutcome {
  return { kind: 'error', exitCode: 1, failure: { tag: 'unavailable', val: text }, usage: noUsage };
}

/** It answers HTTP requests and nothing else. */
export const unsupported: CallOutcome = {
  kind: 'error',
  exitCode: 1,
  failure: { tag: 'unsupported', val: 'the agent answers HTTP requests, not messages' },
  usage: noUsage,
};
const noMore: CallOutcome = unavailable('it is not available now');

/** What comes of a message to one that is not begun again; other agents are not told why. */
export function endedFor(name: string, halt: Halt | undefined, isAskedByAgent: boolean): CallOutcome {
  if (isAskedByAgent) return noMore;
  const cure = `host agents resume ${name}`;
  if (halt === undefined)
    return unavailable(
      `the agent ended, and its manifest says that it is not started again; ${cure} begins it anew`,
    );
  if (halt.kind !== 'terminated') return unavailable(`the agent is ${halt.kind}; ${cure} lets it go on`);
  const [, how] = /^(stopped|killed) by /.exec(halt.why) ?? [];
  const why = how === undefined ? 'terminated, as its manifest says ([errors])' : `${how} by a person`;
  return unavailable(`the agent was ${why}; ${cure} begins it anew`);
}

/** Its `start` failed, or ended it. */
export class StartFailed extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super('the agent did not start');
    this.outcome = outcome;
  }
}

export function lostCall(): HostError {
  return new HostError(
    'HOST_ERR_SNAPSHOT_CORRUPT',
    'what an agent saved while it waited is lost; the agent begins anew',
  );
}

/** Our own mistake must not take a thread with all its agents along. */
export function faultOf(thrown: unknown): HostError {
  if (thrown instanceof HostError) return thrown;
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return new HostError('HOST_ERR_AGENT_STOPPED', `this is a bug in host, please report it: ${text}`);
}

/** Whether its manifest wants no other instance after this end; an exit of its own is none of a failure. */
export function isLast({ kind }: Outcome, { manifest: { restart } }: Spec): boolean {
  if (kind === 'cancelled') return false;
  return restart.policy === 'never' || (restart.policy === 'on-failure' && kind === 'ok');
}

/** What ended it, for people; what the guest said is cut. */
export function describe(outcome: Outcome): string {
  return words(outcome).slice(0, errorCharsMax);
}

/** Milliseconds come with fractions. */
function whole(amount: bigint | number): string {
  return String(typeof amount === 'number' ? Math.round(amount) : amount);
}

function words(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'trap':
      return `trap ${outcome.trap}: ${outcome.message}`;
    case 'limit':
      return `limit ${outcome.limit}: ${whole(outcome.used)} of ${whole(outcome.max)}`;
    case 'error':
      return `failed: ${JSON.stringify(outcome.failure)}`;
    case 'ok':
      return 'exited';
    default:
      return `${outcome.kind}: ${outcome.reason}`;
  }
}
