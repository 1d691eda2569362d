import { HostError } from '../errors.ts';

/** How agents are scheduled. Totals count since the host began and never go back. */
export interface SchedulerMetrics {
  /** Messages that agents were given a turn for. */
  readonly total_scheduled: number;
  /** Whole seconds since the host began. */
  readonly uptime_seconds: number;
  /** Agents that compute, or whose instance begins. */
  readonly running_agents: number;
  /** Agents with mail that wait for their turn. */
  readonly queued_agents: number;
  /** Agents that handle nothing until somebody says so: held, or paused. */
  readonly suspended_agents: number;
  /** Agents the host has room for. */
  readonly max_capacity: number;
  /** Running agents by that. */
  readonly load_factor: number;
}

/** The agents there are. */
export interface TaskManagerMetrics {
  readonly total_tasks: number;
  /** Those of them that take messages: neither held nor stopped, and not on a thread that was lost. */
  readonly healthy_tasks: number;
  /** Since each was installed, or since the host began where that was later. */
  readonly average_uptime_seconds: number;
  /** Bytes of all linear memories. */
  readonly total_memory_usage: number;
}

/** Instances in memory. */
export interface LoadBalancerMetrics {
  /** Instances that were begun or woken. */
  readonly total_allocations: number;
  /** Linear memories there are: one is let go of when its instance ends or sleeps. */
  readonly active_allocations: number;
  /** Share of the memory the host may use, 0 to 1. */
  readonly memory_utilization: number;
  /** Share of its time an agents' thread is busy on average, 0 to 1. */
  readonly cpu_utilization: number;
  /** Instances that found no room. */
  readonly allocation_failures: number;
  /** From the wish for an instance to its first call, waits for room included. */
  readonly average_allocation_time_ms: number;
}

/** The process. */
export interface SystemResourceMetrics {
  /** Resident set, in MiB. */
  readonly memory_usage_mb: number;
  /** Of all cores, 0 to 100, since the snapshot before. */
  readonly cpu_usage_percent: number;
}

/** What summaries of contexts saved. */
export interface CompactionMetrics {
  readonly total_compactions: number;
  readonly total_tokens_saved: number;
  readonly compactions_by_tier: Readonly<Record<string, number>>;
  /** 0 to 1; null: not known. */
  readonly context_utilization_ratio: number | null;
}

/**
 * How a host is at one moment, in the names and the order that symbi-runtime 1.10.0 gives them. `compaction` is null
 * on a host whose agents have no contexts.
 */
export interface MetricsSnapshot {
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly scheduler: SchedulerMetrics;
  readonly task_manager: TaskManagerMetrics;
  readonly load_balancer: LoadBalancerMetrics;
  readonly system: SystemResourceMetrics;
  readonly compaction: CompactionMetrics | null;
}

export const noCompaction: CompactionMetrics = {
  total_compactions: 0,
  total_tokens_saved: 0,
  compactions_by_tier: {},
  context_utilization_ratio: null,
};

const parts = {
  scheduler: [
    'total_scheduled',
    'uptime_seconds',
    'running_agents',
    'queued_agents',
    'suspended_agents',
    'max_capacity',
    'load_factor',
  ],
  task_manager: ['total_tasks', 'healthy_tasks', 'average_uptime_seconds', 'total_memory_usage'],
  load_balancer: [
    'total_allocations',
    'active_allocations',
    'memory_utilization',
    'cpu_utilization',
    'allocation_failures',
    'average_allocation_time_ms',
  ],
  system: ['memory_usage_mb', 'cpu_usage_percent'],
} as const;

/** A snapshot as a JSON document, with a line end. */
export function snapshotText(snapshot: MetricsSnapshot, isPretty: boolean): string {
  return `${JSON.stringify(snapshot, undefined, isPretty ? 2 : undefined)}\n`;
}

/** @throws HostError `HOST_ERR_METRICS_SERIALIZATION` for what is no snapshot, naming the field */
export function readSnapshot(text: string): MetricsSnapshot {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (cause) {
    throw notOne(cause instanceof Error ? cause.message : String(cause));
  }
  requireNumber(found, 'timestamp', '');
  for (const [part, names] of Object.entries(parts))
    for (const name of names) requireNumber(fieldIn(found, part), name, `${part}.`);
  const compaction = fieldIn(found, 'compaction') ?? null;
  if (compaction !== null)
    for (const name of ['total_compactions', 'total_tokens_saved'])
      requireNumber(compaction, name, 'compaction.');
  return { ...(found as MetricsSnapshot), compaction: compaction as CompactionMetrics | null };
}

function fieldIn(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null ? (of as Record<string, unknown>)[name] : undefined;
}

function requireNumber(of: unknown, name: string, prefix: string): void {
  if (typeof fieldIn(of, name) !== 'number') throw notOne(`${prefix}${name} must be a number`);
}

function notOne(why: string): HostError {
  return new HostError('HOST_ERR_METRICS_SERIALIZATION', `serialization error: ${why}`);
}
