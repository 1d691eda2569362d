import type * as http from 'node:http';
import type { Principal } from './serving.ts';

/** Whoever comes to an agent's own site. */
export const visitor: Principal = { name: 'public' };

/** Undefined where it does not say so beforehand. */
export function lengthOf({ headers }: http.IncomingMessage): number | undefined {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers;
  if (encoding !== undefined) return undefined;
  return length === undefined ? 0 : Number(length);
}
