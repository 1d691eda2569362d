import type { Payload } from '../../bus/message.ts';

const jsonType = /^\s*(application\/json|[\w.+-]+\/[\w.+-]+\+json)\s*(;|$)/i;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * A payload without these fields, each a path such as `card.number`; in a list, without them in each of its parts.
 * Undefined where that cannot be told, as in anything but JSON.
 */
export function redacted(payload: Payload, fields: readonly string[]): Payload | undefined {
  if (payload.contentType === undefined || !jsonType.test(payload.contentType)) return undefined;
  const value = parsed(payload.body);
  if (value === undefined) return undefined;
  for (const field of fields) takeOut(value, field.split('.'), 0);
  return { ...payload, body: new TextEncoder().encode(JSON.stringify(value)) };
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body));
  } catch {
    return undefined;
  }
}

function takeOut(value: unknown, path: readonly string[], at: number): void {
  if (Array.isArray(value)) {
    for (const part of value) takeOut(part, path, at);
    return;
  }
  const name = path[at];
  if (typeof value !== 'object' || value === null || name === undefined || !Object.hasOwn(value, name))
    return;
  const record = value as Record<string, unknown>;
  if (at === path.length - 1) delete record[name];
  else takeOut(record[name], path, at + 1);
}
