import type { Condition } from './condition.ts';

/**
 * From the most to the least that is allowed. `conditions`: allowed, bound to them. `step-up`: a person has to approve.
 * `defer`: not now; a later policy may decide it. Both end as denials when nobody answers in time.
 */
export const decisionKinds = ['allow', 'conditions', 'step-up', 'defer', 'deny'] as const;
export type DecisionKind = (typeof decisionKinds)[number];

/**
 * What has to be recorded, each more than the one before:
 * - `none`: nothing of what was decided on, not even its digest
 * - `digest`: what the host records anyway; so it is when a policy says nothing
 * - `messages`: what was decided on as well, with its digest, whatever the host records otherwise
 * - `all`: each decision as well
 * - `payload`: what was decided on itself, as well
 */
export const auditLevels = ['none', 'digest', 'messages', 'all', 'payload'] as const;
export type AuditLevel = (typeof auditLevels)[number];

/** Whether something has to be recorded beyond what the host records of itself. */
export function isRecordAsked(audit: AuditLevel): boolean {
  return audit !== 'none' && audit !== 'digest';
}

/** How a request was decided, and by which policies. */
export interface Decision {
  readonly kind: DecisionKind;
  /** The policies that determined it: `orders.cedar#no-pii`. None when nothing permits. */
  readonly policies: readonly string[];
  /** For a person: what the policies' annotations say, else how it came. */
  readonly reason: string;
  /** What the action is bound to; beside `step-up` and `defer`, what it will be bound to. */
  readonly conditions: readonly Condition[];
  readonly audit: AuditLevel;
  /** From when on it does not hold any more, in milliseconds since the epoch; `Infinity` for ever. */
  readonly untilMs: number;
  /** The version of the policies that decided. */
  readonly version: number;
  /** Whether it came of a failure rather than of a policy: such a decision is not kept. */
  readonly isFailure: boolean;
}

/** The stricter the higher. */
export function strictness(kind: DecisionKind): number {
  return decisionKinds.indexOf(kind);
}

/** Whether the action may be carried out now. */
export function isAllowed({ kind }: Decision): boolean {
  return kind === 'allow' || kind === 'conditions';
}

/** A denial for the want of something: no policy, no answer, no approval. */
export function denial(reason: string, version: number, policies: readonly string[] = []): Decision {
  return {
    kind: 'deny',
    policies,
    reason,
    conditions: [],
    audit: 'digest',
    untilMs: Number.POSITIVE_INFINITY,
    version,
    isFailure: false,
  };
}

/** A denial because something broke. */
export function failure(reason: string, version: number, policies: readonly string[] = []): Decision {
  return { ...denial(reason, version, policies), isFailure: true };
}
