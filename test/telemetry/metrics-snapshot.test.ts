import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock, systemRandom } from '../../host/clock.ts';
import {
  defaultMetrics,
  type MetricsSettings,
  metricsOf,
  metricsOfTable,
} from '../../host/config/metrics.ts';
import { CompositeExporter } from '../../host/telemetry/export/composite-exporter.ts';
import { createExporter } from '../../host/telemetry/export/create-exporter.ts';
import { FileExporter } from '../../host/telemetry/export/file-exporter.ts';
import {
  type MetricsSnapshot,
  noCompaction,
  readSnapshot,
  snapshotText,
} from '../../host/telemetry/metrics-snapshot.ts';

// The tests that symbi-runtime 1.10.0 has for its metrics, one by one.

const around = {
  clock: systemClock,
  random: systemRandom,
  version: '0.1.0',
  startNs: 0n,
  say: (): void => {},
};

const snapshot: MetricsSnapshot = {
  timestamp: 1_700_000_000,
  scheduler: {
    total_scheduled: 10,
    uptime_seconds: 3600,
    running_agents: 5,
    queued_agents: 3,
    suspended_agents: 2,
    max_capacity: 1000,
    load_factor: 0.005,
  },
  task_manager: { total_tasks: 5, healthy_tasks: 4, average_uptime_seconds: 1800, total_memory_usage: 1024 },
  load_balancer: {
    total_allocations: 100,
    active_allocations: 5,
    memory_utilization: 0.45,
    cpu_utilization: 0.3,
    allocation_failures: 2,
    average_allocation_time_ms: 1.5,
  },
  system: { memory_usage_mb: 512, cpu_usage_percent: 30 },
  compaction: null,
};

test('metrics have the defaults of symbi-runtime', () => {
  const settings = defaultMetrics();
  assert.equal(settings.enabled, true);
  assert.equal(settings.exportIntervalMs, 60_000);
  assert.equal(settings.serviceName, 'symbiont-scheduler');
  assert.equal(settings.serviceNamespace, 'symbiont');
  assert.equal(settings.file?.path, join(tmpdir(), 'symbiont_scheduler_metrics.json'));
  assert.equal(settings.file?.prettyPrint, true);
  assert.equal(settings.otlp, undefined);
  assert.deepEqual(metricsOfTable({}, 'config.toml'), settings);
});

test('a snapshot comes back from its text as it was, name by name and in their order', () => {
  const text = snapshotText(snapshot, false);
  assert.deepEqual(readSnapshot(text), snapshot);
  assert.deepEqual(readSnapshot(snapshotText(snapshot, true)), snapshot);
  assert.equal(
    text,
    '{"timestamp":1700000000,"scheduler":{"total_scheduled":10,"uptime_seconds":3600,"running_agents":5,' +
      '"queued_agents":3,"suspended_agents":2,"max_capacity":1000,"load_factor":0.005},"task_manager":' +
      '{"total_tasks":5,"healthy_tasks":4,"average_uptime_seconds":1800,"total_memory_usage":1024},' +
      '"load_balancer":{"total_allocations":100,"active_allocations":5,"memory_utilization":0.45,' +
      '"cpu_utilization":0.3,"allocation_failures":2,"average_allocation_time_ms":1.5},"system":' +
      '{"memory_usage_mb":512,"cpu_usage_percent":30},"compaction":null}\n',
  );
});

test('what is no snapshot is refused by the name of what is missing', () => {
  const broken = (text: string, why: RegExp): void =>
    assert.throws(() => readSnapshot(text), { code: 'HOST_ERR_METRICS_SERIALIZATION', message: why });
  broken('{', /^serialization error: /);
  broken('{}', /timestamp must be a number/);
  broken(
    snapshotText(snapshot, false).replace('"running_agents":5', '"running_agents":"5"'),
    /scheduler\.running_agents/,
  );
});

test('without a place to export to there is no exporter', () => {
  const nowhere: MetricsSettings = { ...defaultMetrics(), file: undefined, otlp: undefined };
  const why = {
    code: 'HOST_ERR_METRICS_CONFIG',
    message:
      'metrics configuration error: No metrics exporters configured (enable at least `file` or `otlp`)',
  };
  assert.throws(() => createExporter(nowhere, around), why);
});

test('with a file alone the exporter is the one for files, with both it is a composite, file first', () => {
  const file = { path: join(tmpdir(), 'unused.json'), prettyPrint: true, earlierMax: 0 };
  assert.ok(createExporter({ ...defaultMetrics(), file }, around) instanceof FileExporter);
  const otlp = metricsOfTable({ otlp: {} }, 'config.toml').otlp;
  const both = createExporter({ ...defaultMetrics(), file, otlp }, around);
  assert.ok(both instanceof CompositeExporter);
  assert.deepEqual(
    both.parts.map(({ name }) => name),
    ['file', 'otlp'],
  );
  assert.equal(createExporter({ ...defaultMetrics(), file: undefined, otlp }, around).name, 'otlp');
});

test('OTLP goes by gRPC unless something else is said, each protocol to its own port', () => {
  const otlpOf = (otlp: object) => metricsOfTable({ otlp }, 'config.toml').otlp;
  const standard = { endpoint: 'http://localhost:4317', protocol: 'grpc', timeoutMs: 10_000, headers: {} };
  assert.deepEqual(otlpOf({}), standard);
  assert.equal(otlpOf({ protocol: 'httpbinary' })?.endpoint, 'http://localhost:4318');
  assert.equal(otlpOf({ protocol: 'httpjson' })?.endpoint, 'http://localhost:4318');
  assert.equal(otlpOf({ protocol: 'http/json' })?.protocol, 'httpjson');
});

test('a composite exports and shuts down', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-metrics-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'metrics.json');
  const file = new FileExporter({ path, isPretty: false, earlierMax: 0 });
  const composite = new CompositeExporter([file], () => assert.fail('nothing may fail'));
  await composite.export({ snapshot, metrics: [] });
  assert.deepEqual(readSnapshot(readFileSync(path, 'utf8')), snapshot);
  await composite.shutdown();
});

test('contexts that were never summarised have saved nothing', () => {
  assert.equal(noCompaction.total_compactions, 0);
  assert.equal(noCompaction.total_tokens_saved, 0);
  assert.deepEqual(noCompaction.compactions_by_tier, {});
  assert.equal(noCompaction.context_utilization_ratio, null);
  assert.deepEqual(
    readSnapshot(snapshotText({ ...snapshot, compaction: noCompaction }, false)).compaction,
    noCompaction,
  );
});

test('of several exporters one that fails keeps the others from nothing; alone it throws', async () => {
  const told: string[] = [];
  const failing = {
    name: 'failing',
    counts: { exported: 0, failed: 1, retried: 0, droppedPoints: 5 },
    export: () => Promise.reject(new Error('no')),
    shutdown: () => Promise.reject(new Error('not even that')),
  };
  const taken: string[] = [];
  const working = {
    name: 'working',
    counts: { exported: 1, failed: 0, retried: 0, droppedPoints: 0 },
    export: async () => void taken.push('export'),
    shutdown: async () => void taken.push('shutdown'),
  };
  const both = new CompositeExporter([failing, working], (name, error) =>
    told.push(`${name}: ${(error as Error).message}`),
  );
  await both.export({ snapshot, metrics: [] });
  await both.shutdown();
  assert.deepEqual(taken, ['export', 'shutdown']);
  assert.deepEqual(told, ['failing: no', 'failing: not even that']);
  assert.deepEqual({ ...both.counts }, { exported: 1, failed: 1, retried: 0, droppedPoints: 5 });
  const alone = new CompositeExporter([failing], () => {});
  await assert.rejects(alone.export({ snapshot, metrics: [] }), /no/);
});

test('metrics that are switched off are not exported', () => {
  const sources = { path: 'config.toml', env: {}, flags: {} };
  assert.equal(metricsOf({ ...sources, table: { enabled: false } }), undefined);
  assert.equal(metricsOf({ ...sources, table: undefined }), undefined);
  assert.deepEqual(metricsOf({ ...sources, table: {} }), defaultMetrics());
});
