import type { Table } from './table.ts';

/** Pauses that grow from `backoffMs` to `backoffMsMax`. */
export interface Pauses {
  readonly backoffMs: number;
  readonly backoffMsMax: number;
}

/** A year: no pause in a manifest is longer. */
export const pauseMsMax: number = 366 * 24 * 3_600_000;
const pauseBounds = { min: 1, max: pauseMsMax };

/** Reads `backoff` and `backoff-max`. @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_LIMIT_INVALID` */
export function pausesOf(table: Table, defaults: Pauses): Pauses {
  const backoffMs = table.quantity('backoff', 'ms', pauseBounds, defaults.backoffMs);
  const otherwise = Math.max(backoffMs, defaults.backoffMsMax);
  const backoffMsMax = table.quantity('backoff-max', 'ms', pauseBounds, otherwise);
  if (backoffMsMax < backoffMs)
    throw table.wrong('backoff-max', `at least backoff, which is ${backoffMs} ms`);
  return { backoffMs, backoffMsMax };
}
