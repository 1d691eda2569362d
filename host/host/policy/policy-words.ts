import type { Decision } from '../../policy/decision.ts';
import { entityText } from '../../policy/entity.ts';
import type { PolicyRequest } from '../../policy/request.ts';

/** The command line that says why a request is decided as it is. */
export function explainCommand(
  folder: string,
  { principal, action, resource, context }: PolicyRequest,
): string {
  const asked = [`-p ${quoted(entityText(principal))}`, `-a ${action}`, `-r ${quoted(entityText(resource))}`];
  if (context !== undefined && Object.keys(context).length > 0)
    asked.push(`-c ${quoted(JSON.stringify(context))}`);
  return `host policy explain ${quoted(folder)} ${asked.join(' ')}`;
}

/** Why a request was denied, for the operator: the policies, or where to look when there is none. */
export function denialWords(folder: string, request: PolicyRequest, decision: Decision): string {
  const { policies, reason } = decision;
  if (policies.length === 0) return `${reason}: ${explainCommand(folder, request)}`;
  return `${policies.join(', ')}: ${reason}`;
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
