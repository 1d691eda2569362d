import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Clock, systemClock, systemRandom } from '../../host/clock.ts';
import { defaultMetrics, type OtlpProtocol } from '../../host/config/metrics.ts';
import { createExporter } from '../../host/telemetry/export/create-exporter.ts';
import type { MetricsExporter, Reading } from '../../host/telemetry/export/exporter.ts';
import { otlpJson } from '../../host/telemetry/export/otlp-json.ts';
import { type OtlpPoint, type OtlpRequest, scopesOf } from '../../host/telemetry/export/otlp-model.ts';
import { otlpProtobuf } from '../../host/telemetry/export/otlp-protobuf.ts';
import type { Metric } from '../../host/telemetry/metric.ts';
import { noCompaction } from '../../host/telemetry/metrics-snapshot.ts';
import { Collector, type CollectorAnswer } from '../support/collector.ts';
import { HandClock } from '../support/hand-clock.ts';
import { decodeOtlp, plainOtlp } from '../support/protobuf.ts';

const fixtures = join(import.meta.dirname, '../fixtures/otlp');

const point = (value: number, attributes: Record<string, string> = {}): OtlpPoint => ({
  attributes,
  value,
  histogram: undefined,
});

/** What test/fixtures/otlp holds as the serializers of opentelemetry-js 0.223.0 wrote it. */
const known: OtlpRequest = {
  resource: { 'service.name': 'symbiont-scheduler', 'service.namespace': 'symbiont' },
  startNs: 1_700_000_000_000_000_000n,
  atNs: 1_700_000_060_123_456_789n,
  scopes: [
    {
      name: 'symbiont.scheduler',
      version: '0.1.0',
      metrics: [
        {
          name: 'scheduler.total_scheduled',
          description: 'Messages.',
          unit: '{agent}',
          kind: 'sum',
          points: [point(10)],
        },
        { name: 'scheduler.load_factor', description: '', unit: '1', kind: 'gauge', points: [point(0.005)] },
      ],
    },
    {
      name: 'motehost',
      version: '0.1.0',
      metrics: [
        {
          name: 'motehost_fuel_total',
          description: 'Fuel.',
          unit: '',
          kind: 'sum',
          points: [point(12_345_678_901, { thread: '1' }), point(0, { thread: '2', ö: 'é"' })],
        },
        {
          name: 'motehost_duration_seconds',
          description: '',
          unit: '',
          kind: 'histogram',
          points: [
            {
              attributes: { route: '/a' },
              value: 0,
              histogram: { count: 300, sum: 1.25, bounds: [0.01, 0.1], bucketCounts: [200, 99, 1] },
            },
          ],
        },
      ],
    },
  ],
};

test('protobuf and JSON say what the serializers of OpenTelemetry say of the same metrics', () => {
  const theirs = decodeOtlp(Buffer.from(readFileSync(join(fixtures, 'request.base64'), 'utf8'), 'base64'));
  assert.deepEqual(plainOtlp(decodeOtlp(otlpProtobuf(known))), plainOtlp(theirs));
  const theirJson = JSON.parse(readFileSync(join(fixtures, 'request.json'), 'utf8'));
  assert.deepEqual(plainOtlp(JSON.parse(otlpJson(known))), plainOtlp(theirJson));
  assert.deepEqual(plainOtlp(theirs), plainOtlp(theirJson));
});

test('numbers that JSON has not come as ProtoJSON says', () => {
  const [scope] = known.scopes;
  const metric = {
    name: 'a',
    description: '',
    unit: '',
    kind: 'gauge',
    points: [point(Number.POSITIVE_INFINITY)],
  } as const;
  const request = { ...known, scopes: [{ name: '', version: '', ...scope, metrics: [metric] }] };
  assert.match(otlpJson(request), /"asDouble":"Infinity"/);
  assert.match(
    JSON.stringify(decodeOtlp(otlpProtobuf(request)), (_, value) => (value === Infinity ? 'inf' : value)),
    /"asDouble":"inf"/,
  );
});

const metrics: readonly Metric[] = [
  {
    name: 'motehost_fuel_total',
    help: 'Fuel.',
    kind: 'counter',
    samples: [{ labels: { thread: '1' }, value: 7 }],
  },
  {
    name: 'motehost_wait_seconds',
    help: 'Waits.',
    kind: 'histogram',
    samples: [
      { labels: { le: '0.1' }, value: 2, suffix: '_bucket' },
      { labels: { le: '1' }, value: 5, suffix: '_bucket' },
      { labels: { le: '+Inf' }, value: 6, suffix: '_bucket' },
      { labels: {}, value: 4.5, suffix: '_sum' },
      { labels: {}, value: 6, suffix: '_count' },
    ],
  },
];

const reading: Reading = {
  snapshot: {
    timestamp: 1,
    scheduler: {
      total_scheduled: 10,
      uptime_seconds: 2,
      running_agents: 5,
      queued_agents: 3,
      suspended_agents: 2,
      max_capacity: 1000,
      load_factor: 0.005,
    },
    task_manager: {
      total_tasks: 5,
      healthy_tasks: 4,
      average_uptime_seconds: 1800,
      total_memory_usage: 1024,
    },
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
  },
  metrics,
};

interface Part {
  readonly metrics: readonly {
    readonly name: string;
    readonly sum?: { isMonotonic?: boolean };
    readonly gauge?: object;
  }[];
}

test('every number of a snapshot is an instrument, totals as sums that only rise; histograms keep their buckets', () => {
  const request = { ...known, scopes: scopesOf(reading, '1') };
  const decoded = decodeOtlp(otlpProtobuf(request)) as { resourceMetrics: [{ scopeMetrics: [Part, Part] }] };
  const [founding, host] = decoded.resourceMetrics[0].scopeMetrics;
  const totals = founding.metrics.filter(({ sum }) => sum?.isMonotonic === true).map(({ name }) => name);
  assert.deepEqual(totals.sort(), [
    'load_balancer.allocation_failures',
    'load_balancer.total_allocations',
    'scheduler.total_scheduled',
  ]);
  assert.equal(founding.metrics.length, 19);
  assert.equal(founding.metrics.filter(({ gauge }) => gauge !== undefined).length, 16);
  assert.match(
    JSON.stringify(host.metrics[1]),
    /"count":"6","sum":4.5,"bucketCounts":\["2","3","1"\],"explicitBounds":\[0.1,1\]/,
  );
});

test('what summaries of contexts saved is exported, too', () => {
  const compaction = {
    ...noCompaction,
    total_compactions: 3,
    compactions_by_tier: { working: 2, 'long-term': 1 },
    context_utilization_ratio: 0.5,
  };
  const scopes = scopesOf({ snapshot: { ...reading.snapshot, compaction }, metrics: [] }, '1');
  const found = scopes[0]?.metrics
    .slice(19)
    .map(({ name, points }) => [name, ...points.map(({ value }) => value)]);
  assert.deepEqual(found, [
    ['compaction.total_compactions', 3],
    ['compaction.total_tokens_saved', 0],
    ['compaction.compactions_by_tier', 2, 1],
    ['compaction.context_utilization_ratio', 0.5],
  ]);
});

interface Wanted {
  readonly headers?: Record<string, string>;
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  readonly say?: (text: string) => void;
}

function exporterTo(
  collector: { url: string },
  protocol: OtlpProtocol,
  wanted: Wanted = {},
): MetricsExporter {
  const { headers = {}, timeoutMs = 10_000, clock = systemClock, say = () => {} } = wanted;
  const otlp = { endpoint: collector.url, protocol, timeoutMs, headers };
  return createExporter(
    { ...defaultMetrics(), file: undefined, otlp },
    { clock, random: systemRandom, version: '1', startNs: known.startNs, say },
  );
}

const collectors: Readonly<
  Record<OtlpProtocol, (t: TestContext, answers?: readonly CollectorAnswer[]) => Promise<Collector>>
> = {
  grpc: Collector.grpc,
  httpbinary: Collector.http,
  httpjson: Collector.http,
};

const contentTypes = {
  grpc: 'application/grpc',
  httpbinary: 'application/x-protobuf',
  httpjson: 'application/json',
} as const;

for (const protocol of ['grpc', 'httpbinary', 'httpjson'] as const) {
  test(`${protocol}: metrics arrive at a collector, with what is said in headers`, async (t) => {
    const collector = await collectors[protocol](t);
    const headers = { authorization: 'Bearer word', 'x-scope': 'a' };
    const exporter = exporterTo(collector, protocol, { headers });
    await exporter.export(reading);
    const [arrived] = collector.arrived;
    assert.equal(
      arrived?.path,
      protocol === 'grpc' ? '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export' : '/v1/metrics',
    );
    assert.equal(arrived?.headers.authorization, 'Bearer word');
    assert.equal(arrived?.headers['x-scope'], 'a');
    assert.equal(arrived?.headers['content-type'], contentTypes[protocol]);
    const text = JSON.stringify(arrived?.request);
    assert.match(text, /"service.name","value":\{"stringValue":"symbiont-scheduler"/);
    assert.match(text, /"scheduler.running_agents".*"asDouble":5/);
    assert.match(text, /"motehost_fuel_total"/);
    assert.deepEqual({ ...exporter.counts }, { exported: 1, failed: 0, retried: 0, droppedPoints: 0 });
    await exporter.shutdown();
  });

  test(`${protocol}: what a collector does not take for good is not sent again, and counted`, async (t) => {
    const collector = await collectors[protocol](t, [{ status: 400, code: 3 }]);
    const exporter = exporterTo(collector, protocol);
    await assert.rejects(exporter.export(reading), {
      code: 'HOST_ERR_METRICS_EXPORT',
      message: /^metrics export failed: http:.*status (400|3)$/,
    });
    assert.equal(collector.arrived.length, 1);
    assert.deepEqual({ ...exporter.counts }, { exported: 0, failed: 1, retried: 0, droppedPoints: 21 });
  });

  test(`${protocol}: what may be taken later is sent again after a pause`, async (t) => {
    const clock = new HandClock();
    const collector = await collectors[protocol](t, [{ status: 503, code: 14 }]);
    const exporter = exporterTo(collector, protocol, { clock });
    const done = exporter.export(reading);
    await collector.until(1);
    const isSettled = Promise.race([done.then(() => true), turned(clock, 2)]);
    assert.equal(await isSettled, false, 'it waits');
    clock.turn(1_200);
    await done;
    assert.equal(collector.arrived.length, 2);
    assert.deepEqual({ ...exporter.counts }, { exported: 1, failed: 0, retried: 1, droppedPoints: 0 });
  });

  test(`${protocol}: a collector that says nothing is waited for as long as is said, and no longer`, async (t) => {
    const clock = new HandClock();
    const collector = await collectors[protocol](t, [{ isSilent: true }]);
    const exporter = exporterTo(collector, protocol, { clock, timeoutMs: 3_000 });
    const done = assert.rejects(exporter.export(reading), /it took too long/);
    await collector.until(1);
    clock.turn(3_000);
    await done;
    assert.equal(exporter.counts.droppedPoints, 21);
  });

  test(`${protocol}: the end of the host ends an export on its way`, async (t) => {
    const collector = await collectors[protocol](t, [{ isSilent: true }]);
    const exporter = exporterTo(collector, protocol);
    const done = assert.rejects(exporter.export(reading), { code: 'HOST_ERR_METRICS_EXPORT' });
    await collector.until(1);
    await exporter.shutdown();
    await done;
  });
}

/** False once so many wait on the clock. */
async function turned(clock: HandClock, sleepers: number): Promise<false> {
  while (clock.sleepers < sleepers) await new Promise((resolve) => setImmediate(resolve));
  return false;
}

test('nobody at the address: tried five times within the time, then dropped', async () => {
  const clock = new HandClock();
  const exporter = exporterTo({ url: 'http://127.0.0.1:9' }, 'httpbinary', { clock, timeoutMs: 60_000 });
  let isDone = false;
  const done = assert.rejects(exporter.export(reading), /ECONNREFUSED/).finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    if (clock.sleepers > 1) clock.turn(6_000);
  }
  await done;
  assert.deepEqual({ ...exporter.counts }, { exported: 0, failed: 1, retried: 4, droppedPoints: 21 });
});

test('a part that a collector refuses is counted and told', async (t) => {
  const told: string[] = [];
  const json = await Collector.http(t, [
    { body: '{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"too old"}}' },
  ]);
  const ofJson = exporterTo(json, 'httpjson', { say: (text) => told.push(text) });
  await ofJson.export(reading);
  // partial_success { rejected_data_points: 300, error_message: "no" }
  const body = Uint8Array.of(0x0a, 0x07, 0x08, 0xac, 0x02, 0x12, 0x02, 0x6e, 0x6f);
  const grpc = await Collector.grpc(t, [{ body }]);
  const ofGrpc = exporterTo(grpc, 'grpc', { say: (text) => told.push(text) });
  await ofGrpc.export(reading);
  assert.deepEqual([ofJson.counts.droppedPoints, ofGrpc.counts.droppedPoints], [3, 300]);
  assert.match(
    told.join('\n'),
    /did not take 3 of the metrics: too old\n.*did not take 300 of the metrics: no/,
  );
});

test('a collector that says when to come again is believed, within the time of the export', async (t) => {
  const clock = new HandClock();
  const patient = await Collector.http(t, [{ status: 429, headers: { 'retry-after': '7' } }]);
  const done = exporterTo(patient, 'httpbinary', { clock }).export(reading);
  await patient.until(1);
  await turned(clock, 2);
  clock.turn(6_900);
  assert.equal(patient.arrived.length, 1);
  clock.turn(200);
  await done;
  const late = await Collector.http(t, [{ status: 429, headers: { 'retry-after': '11' } }]);
  await assert.rejects(exporterTo(late, 'httpbinary', { clock }).export(reading), /429/);
});

test('gRPC that is exhausted is asked again only if it says when', async (t) => {
  const clock = new HandClock();
  const shut = await Collector.grpc(t, [{ code: 8 }]);
  await assert.rejects(exporterTo(shut, 'grpc', { clock }).export(reading), /gRPC status 8/);
  // google.rpc.Status { details: [Any { RetryInfo { retry_delay { seconds: 2 } } }] }
  const info = Buffer.from([0x0a, 0x02, 0x08, 0x02]);
  const type = Buffer.from('type.googleapis.com/google.rpc.RetryInfo');
  const any = Buffer.concat([Buffer.from([0x0a, type.length]), type, Buffer.from([0x12, info.length]), info]);
  const details = Buffer.concat([Buffer.from([0x1a, any.length]), any]).toString('base64');
  const busy = await Collector.grpc(t, [{ code: 8, headers: { 'grpc-status-details-bin': details } }]);
  const done = exporterTo(busy, 'grpc', { clock }).export(reading);
  await busy.until(1);
  await turned(clock, 2);
  clock.turn(2_000);
  await done;
  assert.equal(busy.arrived.length, 2);
});
