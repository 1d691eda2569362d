import type { Metric, MetricSample } from '../metric.ts';
import type { CompactionMetrics, MetricsSnapshot } from '../metrics-snapshot.ts';
import type { Reading } from './exporter.ts';

/** A metric in the shape of OTLP 1 (`opentelemetry.proto.metrics.v1.Metric`); totals are cumulative. */
export interface OtlpMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly kind: 'gauge' | 'sum' | 'histogram';
  readonly points: readonly OtlpPoint[];
}

export interface OtlpPoint {
  readonly attributes: Readonly<Record<string, string>>;
  /** Of gauges and sums. */
  readonly value: number;
  readonly histogram: OtlpHistogram | undefined;
}

export interface OtlpHistogram {
  readonly count: number;
  readonly sum: number;
  /** Upper ends of all buckets but the last, which has none. */
  readonly bounds: readonly number[];
  /** One more than there are bounds. */
  readonly bucketCounts: readonly number[];
}

export interface OtlpScope {
  readonly name: string;
  readonly version: string;
  readonly metrics: readonly OtlpMetric[];
}

/** `ExportMetricsServiceRequest` of one resource. */
export interface OtlpRequest {
  readonly resource: Readonly<Record<string, string>>;
  /** Nanoseconds since 1970. */
  readonly startNs: bigint;
  readonly atNs: bigint;
  readonly scopes: readonly OtlpScope[];
}

/** Which of the snapshot's numbers are totals, and what they are measured in (UCUM). */
const instruments: Readonly<Record<string, { readonly unit: string; readonly isTotal?: true }>> = {
  'scheduler.running_agents': { unit: '{agent}' },
  'scheduler.queued_agents': { unit: '{agent}' },
  'scheduler.suspended_agents': { unit: '{agent}' },
  'scheduler.total_scheduled': { unit: '{message}', isTotal: true },
  'scheduler.max_capacity': { unit: '{agent}' },
  'scheduler.load_factor': { unit: '1' },
  'scheduler.uptime_seconds': { unit: 's' },
  'task_manager.total_tasks': { unit: '{agent}' },
  'task_manager.healthy_tasks': { unit: '{agent}' },
  'task_manager.average_uptime_seconds': { unit: 's' },
  'task_manager.total_memory_usage': { unit: 'By' },
  'load_balancer.total_allocations': { unit: '{instance}', isTotal: true },
  'load_balancer.active_allocations': { unit: '{instance}' },
  'load_balancer.memory_utilization': { unit: '1' },
  'load_balancer.cpu_utilization': { unit: '1' },
  'load_balancer.allocation_failures': { unit: '{instance}', isTotal: true },
  'load_balancer.average_allocation_time_ms': { unit: 'ms' },
  'system.memory_usage_mb': { unit: 'MiBy' },
  'system.cpu_usage_percent': { unit: '%' },
};

export const snapshotScope = 'symbiont.scheduler';
export const hostScope = 'motehost';

/** A reading as two scopes: the founding instruments under their names, and everything else the host counts. */
export function scopesOf({ snapshot, metrics }: Reading, version: string): readonly OtlpScope[] {
  return [
    { name: snapshotScope, version, metrics: snapshotMetrics(snapshot) },
    { name: hostScope, version, metrics: metrics.map(metricOf) },
  ];
}

export function pointsOf(scopes: readonly OtlpScope[]): number {
  let count = 0;
  for (const { metrics } of scopes) for (const { points } of metrics) count += points.length;
  return count;
}

function snapshotMetrics(snapshot: MetricsSnapshot): OtlpMetric[] {
  const values: Readonly<Record<string, Readonly<Record<string, number>>>> = {
    scheduler: { ...snapshot.scheduler },
    task_manager: { ...snapshot.task_manager },
    load_balancer: { ...snapshot.load_balancer },
    system: { ...snapshot.system },
  };
  const found = Object.entries(instruments).map(([name, { unit, isTotal }]) => {
    const [part = '', field = ''] = name.split('.');
    return single(name, unit, isTotal === true, values[part]?.[field] ?? 0);
  });
  return snapshot.compaction === null ? found : [...found, ...compactionMetrics(snapshot.compaction)];
}

function compactionMetrics(compaction: CompactionMetrics): OtlpMetric[] {
  const { total_compactions, total_tokens_saved, compactions_by_tier, context_utilization_ratio } =
    compaction;
  const tiers = Object.entries(compactions_by_tier).map(([tier, value]) => point({ tier }, value));
  const byTier: OtlpMetric = {
    name: 'compaction.compactions_by_tier',
    description: '',
    unit: '{compaction}',
    kind: 'sum',
    points: tiers,
  };
  return [
    single('compaction.total_compactions', '{compaction}', true, total_compactions),
    single('compaction.total_tokens_saved', '{token}', true, total_tokens_saved),
    ...(tiers.length === 0 ? [] : [byTier]),
    ...(context_utilization_ratio === null
      ? []
      : [single('compaction.context_utilization_ratio', '1', false, context_utilization_ratio)]),
  ];
}

function single(name: string, unit: string, isTotal: boolean, value: number): OtlpMetric {
  return { name, description: '', unit, kind: isTotal ? 'sum' : 'gauge', points: [point({}, value)] };
}

function point(attributes: OtlpPoint['attributes'], value: number): OtlpPoint {
  return { attributes, value, histogram: undefined };
}

function metricOf({ name, help, kind, samples }: Metric): OtlpMetric {
  const base = { name, description: help, unit: '' };
  if (kind === 'histogram') return { ...base, kind, points: histogramPoints(samples) };
  const points = samples.map(({ labels, value }) => point(labels, value));
  return { ...base, kind: kind === 'counter' ? 'sum' : 'gauge', points };
}

/** Prometheus tells buckets as counts of all below; OTLP each on its own. */
function histogramPoints(samples: readonly MetricSample[]): OtlpPoint[] {
  const series = Map.groupBy(samples, ({ labels: { le: _le, ...own } }) => JSON.stringify(own));
  return [...series].map(([key, some]) => ({
    attributes: JSON.parse(key) as Record<string, string>,
    value: 0,
    histogram: histogramOf(some),
  }));
}

function histogramOf(samples: readonly MetricSample[]): OtlpHistogram {
  const of = (suffix: string): number => samples.find((one) => one.suffix === suffix)?.value ?? 0;
  const buckets = samples
    .filter(({ suffix, labels }) => suffix === '_bucket' && labels.le !== '+Inf')
    .map(({ labels, value }) => ({ end: Number(labels.le), below: value }))
    .sort((a, b) => a.end - b.end);
  const count = of('_count');
  const steps = [...buckets.map(({ below }) => below), count];
  return {
    count,
    sum: of('_sum'),
    bounds: buckets.map(({ end }) => end),
    bucketCounts: steps.map((below, at) => below - (steps[at - 1] ?? 0)),
  };
}
