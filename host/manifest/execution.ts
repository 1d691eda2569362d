import { HostError } from '../errors.ts';
import type { Table } from './table.ts';

/**
 * When an agent has an instance, and for how long:
 * - `event-driven`: from its first message on, out of memory when it has nothing to do
 * - `persistent`: from the start of the host on, in memory, and again as soon as it is lost
 * - `ephemeral`: a new one for each message, of which nothing is kept
 * - `scheduled`: as event-driven; it has triggers that name times, and no other reason to be there
 */
export type ExecutionMode = 'event-driven' | 'persistent' | 'ephemeral' | 'scheduled';

/** `limits` and `sandbox` are one here: an agent's program has both, always. */
export type Isolation = 'limits' | 'sandbox';

export interface Execution {
  readonly mode: ExecutionMode;
  readonly isolation: Isolation;
}

export const defaultExecution: Execution = { mode: 'event-driven', isolation: 'sandbox' };

const modes = ['event-driven', 'persistent', 'ephemeral', 'scheduled'] as const;
const isolations = ['none', 'limits', 'sandbox', 'process', 'container'] as const;

/**
 * Reads `[execution]`.
 * @param hasTimes whether a trigger of it names times
 * @throws HostError `HOST_ERR_CONFIG_INVALID`; `HOST_ERR_TIER_UNAVAILABLE` for an isolation that this host does not have
 */
export function executionOf(manifest: Table, hasTimes: boolean): Execution {
  const table = manifest.table('execution').only(['mode', 'isolation']);
  const mode = table.choice('mode', modes, defaultExecution.mode);
  if (mode === 'scheduled' && !hasTimes)
    throw table.fault('mode', 'a scheduled agent needs [[triggers]] with cron, every or at');
  return { mode, isolation: isolationOf(table) };
}

function isolationOf(table: Table): Isolation {
  const isolation = table.choice('isolation', isolations, defaultExecution.isolation);
  if (isolation === 'limits' || isolation === 'sandbox') return isolation;
  const why =
    isolation === 'none'
      ? 'nothing runs here without isolation'
      : 'an agent that asks for more isolation never runs with less, and this host has no such one';
  throw new HostError(
    'HOST_ERR_TIER_UNAVAILABLE',
    `${table.path}: execution.isolation '${isolation}': ${why}; isolation = "sandbox" is there`,
    { path: table.path, isolation },
  );
}
