import type { Payload } from '../../bus/message.ts';
import { intersect, type Limits } from '../../limits.ts';
import { type Condition, conditionText } from '../../policy/condition.ts';
import { redacted } from './redaction.ts';

/** An action about to be carried out: those of its parts that conditions can look at or change. */
export interface Act {
  readonly payload?: Payload;
  readonly limits?: Limits;
  /** How long its answer is waited for; 0: as long as usual. */
  readonly timeoutMs?: number;
  readonly tier?: string;
  /** Whether it changes nothing. */
  readonly isReading?: boolean;
}

/** The same held to all conditions but rates; a text says which cannot be held, and so denies it. */
export function bound(act: Act, conditions: readonly Condition[]): Act | string {
  const fields: string[] = [];
  let held: Act | string = act;
  for (const condition of conditions) {
    if (condition.kind === 'redact') fields.push(condition.field);
    else held = holding(held, condition);
    if (typeof held === 'string') return held;
  }
  return fields.length === 0 ? held : redactedOf(held, fields);
}

function redactedOf(act: Act, fields: readonly string[]): Act | string {
  const payload = act.payload && redacted(act.payload, fields);
  return payload === undefined
    ? `nothing can be taken out of it (redact ${fields.join(', ')}); only JSON can be redacted`
    : { ...act, payload };
}

function holding(act: Act, condition: Exclude<Condition, { kind: 'redact' }>): Act | string {
  switch (condition.kind) {
    // The decider keeps the one, whoever counts the other.
    case 'until':
    case 'rate':
      return act;
    case 'max-bytes':
      return sized(act, condition);
    case 'max-fuel':
      return limited(act, { fuelMax: BigInt(condition.fuel) }, condition);
    case 'max-memory':
      return limited(act, { memoryBytesMax: condition.bytes }, condition);
    case 'deadline':
      return timed(act, condition.ms, condition);
    case 'tier':
      return act.tier === condition.name ? act : unenforceable(condition);
    case 'read-only':
      return act.isReading === true ? act : 'it is read-only, and this writes';
    case 'seal':
    case 'sign':
      return unenforceable(condition);
  }
}

function sized(act: Act, condition: Extract<Condition, { kind: 'max-bytes' }>): Act | string {
  const bytes = act.payload?.body.length;
  if (bytes === undefined) return unenforceable(condition);
  return bytes <= condition.bytes ? act : `it has ${bytes} bytes, max-bytes is ${condition.bytes}`;
}

function limited(act: Act, limits: Partial<Limits>, condition: Condition): Act | string {
  return act.limits === undefined
    ? unenforceable(condition)
    : { ...act, limits: intersect(act.limits, limits) };
}

function timed(act: Act, ms: number, condition: Condition): Act | string {
  if (act.limits !== undefined) return limited(act, { deadlineMs: ms }, condition);
  if (act.timeoutMs === undefined) return unenforceable(condition);
  return { ...act, timeoutMs: act.timeoutMs === 0 ? ms : Math.min(act.timeoutMs, ms) };
}

/** What cannot be held to a condition is not done. */
function unenforceable(condition: Condition): string {
  return `this host cannot hold it to '${conditionText(condition)}'`;
}
