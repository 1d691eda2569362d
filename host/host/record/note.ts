import type { Field, FieldsOf } from '../../audit/field.ts';
import type { Kind } from '../../audit/kinds.ts';
import type { AuditPen } from '../../audit/pen.ts';
import { HostError } from '../../errors.ts';

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
): void;
// Without a list of the fields, which would be made for every message.
export function note(
  pen: AuditPen,
  kind: Kind,
  agent: string,
  principal: string,
  a?: Field,
  b?: Field,
  c?: Field,
  d?: Field,
  e?: Field,
  f?: Field,
): void {
  try {
    pen.put(kind, agent, principal, a, b, c, d, e, f);
  } catch (thrown) {
    if (!(thrown instanceof HostError)) throw thrown;
  }
}
