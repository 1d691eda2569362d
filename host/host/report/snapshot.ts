import { Residence } from '../../engine/residence.ts';
import type {
  LoadBalancerMetrics,
  MetricsSnapshot,
  SchedulerMetrics,
  TaskManagerMetrics,
} from '../../telemetry/metrics-snapshot.ts';
import type { HostView, Looked } from './status.ts';

/** What a snapshot is made from: the host, and what each of its threads says. */
export interface SnapshotParts {
  readonly view: HostView;
  readonly looked: readonly Looked[];
  readonly system: MetricsSnapshot['system'];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Agents the host has room for. */
  readonly agentsMax: number;
}

export function snapshotOf(parts: SnapshotParts): MetricsSnapshot {
  const { memory_usage_mb, cpu_usage_percent } = parts.system;
  return {
    timestamp: Math.floor(parts.nowMs / 1000),
    scheduler: schedulerOf(parts),
    task_manager: taskManagerOf(parts),
    load_balancer: loadBalancerOf(parts),
    system: { memory_usage_mb, cpu_usage_percent },
    compaction: null,
  };
}

function schedulerOf({ view, looked, nowMs, agentsMax }: SnapshotParts): SchedulerMetrics {
  const running = inPhase(looked, 'busy') + inPhase(looked, 'launching');
  return {
    total_scheduled: total(parts(view, looked, 'delivered', ({ report }) => report.counts.delivered ?? 0)),
    uptime_seconds: Math.max(0, Math.floor((nowMs - view.startedAtMs) / 1000)),
    running_agents: running,
    queued_agents: sum(looked, ({ report }) => report.queued),
    suspended_agents: inPhase(looked, 'held') + inPhase(looked, 'paused'),
    max_capacity: agentsMax,
    load_factor: running / agentsMax,
  };
}

function taskManagerOf({ view, looked, nowMs }: SnapshotParts): TaskManagerMetrics {
  const { registry, startedAtMs, residence } = view;
  const unwell = inPhase(looked, 'held') + inPhase(looked, 'stopped');
  return {
    total_tasks: registry.size,
    healthy_tasks: Math.max(0, sum(looked, ({ report }) => report.agents) - unwell),
    average_uptime_seconds: registry.averageAgeMs(nowMs, startedAtMs) / 1000,
    total_memory_usage: Residence.bytesOf(residence),
  };
}

function loadBalancerOf({ view, looked }: SnapshotParts): LoadBalancerMetrics {
  const { residence } = view;
  const allocated = total(parts(view, looked, 'allocations', ({ report }) => report.allocations.count));
  const spentMs = total(parts(view, looked, 'allocation ms', ({ report }) => report.allocations.ms));
  return {
    total_allocations: allocated,
    active_allocations: Residence.memoriesOf(residence),
    memory_utilization: share(Residence.bytesOf(residence), residence.bounds.memoryBytesMax),
    cpu_utilization: looked.length === 0 ? 0 : sum(looked, ({ utilisation }) => utilisation) / looked.length,
    allocation_failures: total(
      parts(view, looked, 'allocation failures', ({ report }) => report.allocations.failures),
    ),
    average_allocation_time_ms: allocated === 0 ? 0 : spentMs / allocated,
  };
}

/** A thread's counter, that of the threads before in its place included. */
function parts(
  { totals }: HostView,
  looked: readonly Looked[],
  name: string,
  value: (each: Looked) => number,
): number[] {
  return looked.map((each) => totals.at(`${name} ${each.thread}`, value(each)));
}

function total(values: readonly number[]): number {
  return values.reduce((all, one) => all + one, 0);
}

function sum(looked: readonly Looked[], value: (each: Looked) => number): number {
  return total(looked.map(value));
}

function inPhase(looked: readonly Looked[], phase: string): number {
  return sum(looked, ({ report }) => new Map(Object.entries(report.phases)).get(phase) ?? 0);
}

function share(used: number, max: number | undefined): number {
  return max === undefined || max === 0 || !Number.isFinite(max) ? 0 : Math.min(1, used / max);
}
