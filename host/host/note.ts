import type { FieldsOf } from '../audit/field.ts';
import type { Kind } from '../audit/kinds.ts';
import type { AuditPen } from '../audit/pen.ts';
import { HostError } from '../errors.ts';

/**
 * Records what has happened already and cannot be refused any more. When even the reserve is used up the pen counts
 * it, and the count is on the chain later (`events-lost`).
 */
export function note<K extends Kind>(
  pen: AuditPen,
  kind: K,
  agent: string,
  principal: string,
  ...fields: FieldsOf<K>
): void {
  try {
    pen.append(kind, agent, principal, ...fields);
  } catch (thrown) {
    if (!(thrown instanceof HostError)) throw thrown;
  }
}
