import type { Cedar } from './cedar.ts';
import { contextFault, contextValue, type PolicyRequest } from './request.ts';
import type { Read } from './rule.ts';

/** What the policies look at and nothing else; a text is why it cannot be given to them. */
export function contextJson(
  { action, context }: PolicyRequest,
  reads: readonly Read[],
  nowMs: number,
): Record<string, Cedar.CedarValueJson> | string {
  const json: Record<string, Cedar.CedarValueJson> = {};
  for (const { name } of reads) {
    if (name === 'now') {
      const second = new Date(Math.floor(nowMs / 1000) * 1000).toISOString();
      json.now = { __extn: { fn: 'datetime', arg: second } };
      continue;
    }
    const value = contextValue(context, name);
    const fault = contextFault(action, name, value);
    if (fault !== undefined || value === undefined) return fault ?? '';
    json[name] = typeof value === 'object' ? [...value] : value;
  }
  return json;
}
