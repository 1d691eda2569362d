import { pauseMsMax, pausesOf } from './pauses.ts';
import type { Table } from './table.ts';

/** What happens after an instance was lost to a trap or a limit. */
export interface Restart {
  readonly policy: 'always' | 'on-failure' | 'never';
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  /** Pauses stay `backoffMs`, grow by as much each time, or by the factor `multiplier`; up to `backoffMsMax`. */
  readonly backoffKind: 'fixed' | 'linear' | 'exponential';
  readonly multiplier: number;
  /** Percent of a pause that chance may take off it. */
  readonly jitterPercent: number;
  /** Restarts there may be within `periodMs`; beyond, it is held. Undefined: any number. */
  readonly restartsMax: number | undefined;
  readonly periodMs: number;
}

export const defaultRestart: Restart = {
  policy: 'always',
  backoffMs: 100,
  backoffMsMax: 30_000,
  backoffKind: 'exponential',
  multiplier: 2,
  jitterPercent: 0,
  restartsMax: undefined,
  periodMs: 5_000,
};

/** The names of other systems for the same. */
const policies: Readonly<Record<string, Restart['policy']>> = {
  always: 'always',
  permanent: 'always',
  'on-failure': 'on-failure',
  transient: 'on-failure',
  never: 'never',
  temporary: 'never',
};

const pauseBounds = { min: 1, max: pauseMsMax };
const restartBounds = { min: 0, max: 1_000_000 };

/** @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_LIMIT_INVALID` */
export function restartOf(manifest: Table): Restart {
  const table = manifest
    .table('restart')
    .only([
      'policy',
      'backoff',
      'backoff-max',
      'backoff-kind',
      'multiplier',
      'jitter',
      'intensity',
      'period',
    ]);
  const word = table.choice('policy', Object.keys(policies), defaultRestart.policy);
  const { backoffKind, multiplier, jitterPercent, periodMs } = defaultRestart;
  return {
    policy: policies[word] ?? defaultRestart.policy,
    ...pausesOf(table, defaultRestart),
    backoffKind: table.choice('backoff-kind', ['fixed', 'linear', 'exponential'], backoffKind),
    multiplier: table.quantity('multiplier', 'count', { min: 1, max: 100 }, multiplier),
    jitterPercent: table.quantity('jitter', 'count', { min: 0, max: 100 }, jitterPercent),
    restartsMax: table.has('intensity') ? table.quantity('intensity', 'count', restartBounds, 0) : undefined,
    periodMs: table.quantity('period', 'ms', pauseBounds, periodMs),
  };
}
