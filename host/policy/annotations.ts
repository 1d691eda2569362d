import { nearest } from '../nearest.ts';
import { type Condition, parseConditions } from './condition.ts';
import { type AuditLevel, auditLevels } from './decision.ts';
import type { Rule } from './rule.ts';

/** What a policy's annotations say. */
export interface Annotations {
  readonly id: string | undefined;
  readonly kind: Rule['kind'];
  readonly conditions: readonly Condition[];
  readonly untilMs: number;
  readonly audit: AuditLevel | undefined;
  readonly reason: string | undefined;
}

const keys = ['id', 'decision', 'conditions', 'audit', 'reason'];
const permitsOnly = ['decision', 'conditions'];
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const reasonCharsMax = 300;

type Raw = Readonly<Record<string, string | null>>;

/** Reads them. A text is what is wrong: one that nobody understands might have been meant to forbid. */
export function annotationsOf(raw: Raw, effect: Rule['effect']): Annotations | string {
  const fault = Object.entries(raw)
    .map(([key, value]) => keyFault(key, value, effect))
    .find((one) => one !== undefined);
  if (fault !== undefined) return fault;
  const conditions = raw.conditions === undefined ? [] : parseConditions(raw.conditions ?? '');
  if (typeof conditions === 'string') return `@conditions: ${conditions}`;
  const until = conditions.find((condition) => condition.kind === 'until');
  return {
    id: raw.id ?? undefined,
    kind: kindOf(raw, effect, conditions),
    conditions,
    untilMs: until?.untilMs ?? Number.POSITIVE_INFINITY,
    audit: auditLevels.find((level) => level === raw.audit),
    reason: raw.reason ?? undefined,
  };
}

function keyFault(key: string, value: string | null, effect: Rule['effect']): string | undefined {
  if (!keys.includes(key))
    return `unknown annotation @${key}${nearest(key, keys)}; there are ${keys.map((one) => `@${one}`).join(', ')}`;
  if (value === null || value === '') return `@${key} needs a value: @${key}("…")`;
  if (effect === 'forbid' && permitsOnly.includes(key)) return `@${key} is for what permits; a forbid denies`;
  return valueFault(key, value);
}

function valueFault(key: string, value: string): string | undefined {
  if (key === 'id' && !idPattern.test(value))
    return `@id: '${value}' is no name: letters, digits, '.', '_' and '-', at most 64`;
  if (key === 'decision' && value !== 'step-up' && value !== 'defer')
    return `@decision: '${value}' is neither "step-up" nor "defer"${nearest(value, ['step-up', 'defer'])}`;
  if (key === 'audit' && auditLevels.every((level) => level !== value))
    return `@audit: '${value}' is none of ${auditLevels.map((level) => `"${level}"`).join(', ')}`;
  return key === 'reason' && value.length > reasonCharsMax
    ? `@reason has more than ${reasonCharsMax} characters`
    : undefined;
}

/** A time alone binds nobody who carries the action out: the decider keeps it. */
function kindOf(raw: Raw, effect: Rule['effect'], conditions: readonly Condition[]): Rule['kind'] {
  if (effect === 'forbid') return 'deny';
  if (raw.decision === 'step-up' || raw.decision === 'defer') return raw.decision;
  return conditions.some(({ kind }) => kind !== 'until') ? 'conditions' : 'allow';
}
