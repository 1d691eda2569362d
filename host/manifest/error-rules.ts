import { isAgentName } from './name.ts';
import type { Table } from './table.ts';

/**
 * How an agent failed at a message: it trapped, met one of its limits, answered an error, went without a right it
 * needed (or answered `denied`), or could not be started for it.
 */
export type FailureKind = 'trap' | 'limit' | 'error' | 'denied' | 'start';

/** One thing that is done about a failure; what cannot be done, or is used up, gives way to the next of its list. */
export type ErrorStep =
  /** The message comes again after the delivery's backoff, so often; undefined: as often as `[delivery] attempts` says. */
  | { readonly kind: 'retry'; readonly times: number | undefined }
  /** The instance is gone, and the message comes again at once, in another. */
  | { readonly kind: 'restart' }
  /** Another agent gets the message. */
  | { readonly kind: 'failover'; readonly agent: string }
  /** The agent is stopped; its message and its mailbox are dead letters. */
  | { readonly kind: 'terminate' }
  /** The agent is held with its message and its mailbox, until a person says how to go on. */
  | { readonly kind: 'manual' }
  /** Whoever asked is told, and nothing more. */
  | { readonly kind: 'none' };

/** What is done when an agent fails at a message. A kind without steps is dealt with by the delivery room alone. */
export interface ErrorRules {
  /** After an instance was lost in the middle of a message the next is as it was before that message, or begins anew. */
  readonly state: 'clean' | 'saved';
  readonly steps: { readonly [kind in FailureKind]?: readonly ErrorStep[] };
}

export const defaultErrors: ErrorRules = { state: 'clean', steps: {} };

export const failureKinds: readonly FailureKind[] = ['trap', 'limit', 'error', 'denied', 'start'];

const stepsMax = 8;
const retriesMax = 1_000;
const shape =
  'one of "retry", "restart", "failover:NAME", "terminate", "manual", "none", or a list of them; retry can be { retry = 3 }, failover { failover = "NAME" }';

/** @throws HostError `HOST_ERR_CONFIG_INVALID` */
export function errorsOf(manifest: Table, name: string): ErrorRules {
  const table = manifest.table('errors').only(['default', 'state', ...failureKinds]);
  const state = table.choice('state', ['clean', 'saved'], defaultErrors.state);
  const fallback = stepsOf(table, 'default', name);
  const steps: { [kind in FailureKind]?: readonly ErrorStep[] } = {};
  for (const kind of failureKinds) {
    const own = stepsOf(table, kind, name) ?? fallback;
    if (own !== undefined) steps[kind] = own;
  }
  const beginsAgain = Object.values(steps).some((all) => all.some(({ kind }) => isAgain.has(kind)));
  if (beginsAgain && manifest.table('restart').text('policy') === 'never')
    throw manifest.wrong('errors', 'without retry and restart: [restart] policy = "never" says the opposite');
  return { state, steps };
}

const isAgain: ReadonlySet<ErrorStep['kind']> = new Set(['retry', 'restart']);
const isLast: ReadonlySet<ErrorStep['kind']> = new Set(['terminate', 'manual', 'none']);

function stepsOf(table: Table, key: string, self: string): readonly ErrorStep[] | undefined {
  const value = table.value(key);
  if (value === undefined) return undefined;
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (all.length === 0 || all.length > stepsMax) throw table.wrong(key, `1 to ${stepsMax} strategies`);
  const steps = all.map((one) => stepOf(one));
  for (const [at, step] of steps.entries()) {
    if (step === undefined) throw table.wrong(key, shape);
    if (step.kind === 'failover' && step.agent === self)
      throw table.wrong(key, 'another agent to fail over to, not the same one');
    if (isLast.has(step.kind) && at < steps.length - 1)
      throw table.wrong(key, `a list that ends with "${step.kind}": nothing comes after it`);
  }
  return steps.filter((step) => step !== undefined);
}

function stepOf(value: unknown): ErrorStep | undefined {
  if (typeof value === 'string') {
    const colon = value.indexOf(':');
    return colon < 0 ? stepNamed(value) : stepWith(value.slice(0, colon), value.slice(colon + 1));
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const [entry, ...more] = Object.entries(value);
  return entry === undefined || more.length > 0 ? undefined : stepWith(entry[0], entry[1]);
}

function stepNamed(word: string): ErrorStep | undefined {
  switch (word) {
    case 'retry':
      return { kind: word, times: undefined };
    case 'restart':
    case 'terminate':
    case 'manual':
    case 'none':
      return { kind: word };
    default:
      return undefined;
  }
}

function stepWith(word: string, value: unknown): ErrorStep | undefined {
  if (word === 'failover')
    return typeof value === 'string' && isAgentName(value) ? { kind: word, agent: value } : undefined;
  if (word !== 'retry') return undefined;
  const times = typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) : value;
  const isTimes = typeof times === 'number' && Number.isInteger(times) && times >= 1 && times <= retriesMax;
  return isTimes ? { kind: word, times } : undefined;
}
