import type { AuditEvent } from './event.ts';

/** Which events are asked for; every condition that is there must hold. */
export interface EventFilter {
  readonly kinds?: readonly number[];
  readonly agents?: readonly string[];
  readonly principal?: string;
  /** Milliseconds since the Unix epoch: from (inclusive), to (exclusive). */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Sequence numbers: from and to, both inclusive. */
  readonly fromSequence?: number;
  readonly toSequence?: number;
}

export function passes(event: AuditEvent, filter: EventFilter): boolean {
  const { kinds, agents, principal, fromMs, toMs, fromSequence, toSequence } = filter;
  if (fromSequence !== undefined && event.sequence < fromSequence) return false;
  if (toSequence !== undefined && event.sequence > toSequence) return false;
  if (fromMs !== undefined && event.timeMs < fromMs) return false;
  if (toMs !== undefined && event.timeMs >= toMs) return false;
  if (kinds !== undefined && !kinds.includes(event.kind)) return false;
  if (agents !== undefined && (event.agent === null || !agents.includes(event.agent))) return false;
  return principal === undefined || event.principal === principal;
}
