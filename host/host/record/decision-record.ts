import { kinds } from '../../audit/kinds.ts';
import type { AuditPen } from '../../audit/pen.ts';
import { conditionText } from '../../policy/condition.ts';
import type { DecisionListener } from '../../policy/decider.ts';
import { type Decision, isAllowed, isRecordAsked } from '../../policy/decision.ts';
import { entityText } from '../../policy/entity.ts';
import type { ActionName } from '../../policy/vocabulary.ts';
import type { AuditLevel } from './audit-level.ts';
import { note } from './note.ts';

/**
 * What policies decided, on the audit chain: every decision at level `all`, else those that do not allow, and those
 * that a policy wants recorded.
 */
export function decisionRecord(pen: AuditPen | undefined, level: AuditLevel): DecisionListener | undefined {
  if (pen === undefined) return undefined;
  const isAll = level === 'all';
  return ({ principal, action, resource }, decision) => {
    if (!isAll && isAllowed(decision) && !isAsked(action, decision)) return;
    const { kind, policies, reason, conditions } = decision;
    const isAgent = principal.kind === 'Agent';
    note(
      pen,
      kinds.decision,
      isAgent ? principal.id : '',
      isAgent ? '' : principal.id,
      action,
      entityText(resource),
      kind,
      policies,
      reason,
      conditions.length === 0 ? null : conditions.map(conditionText),
    );
  };
}

/** Where there is no message to be recorded, the decision is all there is to say. */
function isAsked(action: ActionName, { audit }: Decision): boolean {
  return audit === 'messages' ? !messageActions.has(action) : isRecordAsked(audit);
}

const messageActions: ReadonlySet<ActionName> = new Set(['bus.send', 'bus.publish', 'invoke']);
