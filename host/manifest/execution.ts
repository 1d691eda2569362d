import { HostError } from '../errors.ts';
import type { Table } from './table.ts';

/**
 * When an agent has an instance, and for how long:
 * - `event-driven`: from its first message on, out of memory when it has nothing to do
 * - `persistent`: from the start of the host on, in memory, and again as soon as it is lost
 * - `ephemeral`: a new one for each message, of which nothing is kept
 * - `scheduled`: as event-driven; it has triggers that name times, and no other reason to be there
 * - `parallel`: several at a time, each as event-driven, of which nothing is kept when they have nothing to do
 */
export type ExecutionMode = 'event-driven' | 'persistent' | 'ephemeral' | 'scheduled' | 'parallel';

/** `limits` and `sandbox` are one here: an agent's program has both, always. */
export type Isolation = 'limits' | 'sandbox';

export interface Execution {
  readonly mode: ExecutionMode;
  readonly isolation: Isolation;
  /** Instances that share its messages; 1 unless it is `parallel`. */
  readonly instances: number;
}

export const defaultExecution: Execution = { mode: 'event-driven', isolation: 'sandbox', instances: 1 };

const modes = ['event-driven', 'persistent', 'ephemeral', 'scheduled', 'parallel'] as const;
const instancesBounds = { min: 2, max: 256 };
const isolations = ['none', 'limits', 'sandbox', 'process', 'container'] as const;

/**
 * Reads `[execution]`.
 * @param hasTimes whether a trigger of it names times
 * @throws HostError `HOST_ERR_CONFIG_INVALID`; `HOST_ERR_TIER_UNAVAILABLE` for an isolation that this host does not have
 */
export function executionOf(manifest: Table, hasTimes: boolean): Execution {
  const table = manifest.table('execution').only(['mode', 'isolation', 'parallel']);
  const mode = table.choice('mode', modes, defaultExecution.mode);
  if (mode === 'scheduled' && !hasTimes)
    throw table.fault('mode', 'a scheduled agent needs [[triggers]] with cron, every or at');
  return { mode, isolation: isolationOf(table), instances: instancesOf(table, mode) };
}

function instancesOf(table: Table, mode: ExecutionMode): number {
  if (mode !== 'parallel' && table.has('parallel'))
    throw table.fault(
      'parallel',
      `execution.parallel needs mode = "parallel"; in mode = "${mode}" an agent has one instance`,
    );
  if (mode === 'parallel' && !table.has('parallel'))
    throw table.fault('parallel', 'a parallel agent has to say how many instances it has: parallel = 4');
  return table.quantity('parallel', 'count', instancesBounds, 1);
}

/** What `[execution] mode = "parallel"` excludes. */
export interface Kept {
  /** `[errors] state`. */
  readonly isSaved: boolean;
  readonly isRecorded: boolean;
  /** `[restart] policy`. */
  readonly restart: string;
  readonly hasRoute: boolean;
  readonly guarantee: string;
}

/**
 * Nothing that an instance of a parallel agent has may outlive it: its next message may go to another.
 * @throws HostError `HOST_ERR_CONFIG_INVALID` naming what is kept
 */
export function requireNothingKept(manifest: Table, kept: Kept): void {
  const table = manifest.table('execution');
  const why = kept.isSaved
    ? 'leave [errors] state = "saved" out: instances share the messages, and no state'
    : kept.restart !== 'always'
      ? `leave [restart] policy = "${kept.restart}" out: an instance that is lost is begun again, as the others go on`
      : kept.isRecorded
        ? 'leave [history] record out: a run of several instances cannot be run again'
        : kept.guarantee === 'exactly-once'
          ? 'leave [delivery] guarantee = "exactly-once" out: one instance alone would get all messages'
          : kept.hasRoute
            ? 'leave [http] route out: each request has an instance of its own already'
            : undefined;
  if (why !== undefined) throw table.fault('mode', `a parallel agent keeps nothing; ${why}`);
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
