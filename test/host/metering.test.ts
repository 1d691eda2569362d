import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultMetrics } from '../../host/config/metrics.ts';
import { AllocationMeter } from '../../host/host/report/allocation-meter.ts';
import { ProcessMeter } from '../../host/host/report/process-meter.ts';
import { Totals } from '../../host/host/report/totals.ts';
import { listen } from '../../host/http/listen.ts';
import { readSnapshot } from '../../host/telemetry/metrics-snapshot.ts';
import { Collector } from '../support/collector.ts';
import { ask } from '../support/front.ts';
import { HandClock } from '../support/hand-clock.ts';
import { Hosted, localAgent, scribe, temporaryState } from '../support/hosted.ts';

test('totals only rise, though what is counted begins anew', () => {
  const totals = new Totals();
  assert.deepEqual(
    [5, 7, 0, 3, 3, 1].map((value) => totals.at('a', value)),
    [5, 7, 7, 10, 10, 11],
  );
  assert.equal(totals.at('b', 2), 2);
});

test('memory is told in MiB, and processor time as a share of all cores since the look before', () => {
  const clock = new HandClock();
  const usage = { residentBytes: 512 * 1024 * 1024, cpuMs: 100 };
  const meter = new ProcessMeter(clock, () => usage, 2);
  clock.turn(2_000);
  usage.cpuMs += 1_200;
  assert.deepEqual(meter.look(), { ...usage, memory_usage_mb: 512, cpu_usage_percent: 30 });
  clock.turn(500);
  usage.cpuMs += 900;
  assert.equal(meter.look().cpu_usage_percent, 30, 'too soon to tell something else');
  clock.turn(4_000);
  usage.cpuMs += 900_000;
  assert.equal(meter.look().cpu_usage_percent, 100);
});

test('instances are counted with the time they took; those that did not come are failures', async () => {
  const clock = new HandClock();
  const meter = new AllocationMeter(clock);
  await meter.launch(async () => clock.turn(3));
  await assert.rejects(
    meter.launch(async () => {
      throw new Error('no room');
    }),
    /no room/,
  );
  assert.deepEqual(meter.report, { count: 1, failures: 1, ms: 3 });
});

test('a host exports what it is: to a file, to a collector, and the same over HTTP', async (t) => {
  const collector = await Collector.http(t);
  const state = temporaryState(t);
  const path = join(state, 'metrics.json');
  const component = await scribe();
  const host = await Hosted.start(t, state, [localAgent('one', component), localAgent('two', component)], {
    metrics: {
      ...defaultMetrics(),
      exportIntervalMs: 50,
      file: { path, prettyPrint: true, earlierMax: 0 },
      otlp: { endpoint: collector.url, protocol: 'httpjson', timeoutMs: 5_000, headers: {} },
    },
  });
  const front = await listen(host.serving, { port: 0 });
  t.after(() => front.close(0));
  for (const words of ['a', 'b', 'c']) await host.ask('one', words);
  const { profile } = await host.serving.agent('one');
  assert.notEqual(profile.executionMs, 0.1, 'its messages have shown how it works');
  assert.ok(profile.cpuIntensity > 0.5 && profile.messagesPerSecond > 0);
  assert.equal((await host.serving.agent('two')).profile.executionMs, 0.1);
  await collector.until(collector.arrived.length + 2);
  const { scheduler, task_manager, load_balancer, system } = readSnapshot(
    (await ask(front, '/v1/metrics')).text,
  );
  assert.equal(scheduler.total_scheduled, 3);
  assert.equal(scheduler.max_capacity, 1_048_576);
  assert.equal(scheduler.suspended_agents, 0);
  assert.deepEqual([task_manager.total_tasks, task_manager.healthy_tasks], [2, 2]);
  assert.deepEqual(
    [load_balancer.total_allocations, load_balancer.active_allocations, load_balancer.allocation_failures],
    [1, 1, 0],
  );
  assert.ok(load_balancer.average_allocation_time_ms > 0);
  assert.ok(load_balancer.memory_utilization > 0 && load_balancer.memory_utilization < 1);
  assert.ok(task_manager.total_memory_usage >= 65_536);
  assert.ok(system.memory_usage_mb > 20, `${system.memory_usage_mb} MiB`);
  await host.serving.endThread(1);
  await host.lines.until(/2 agents of the lost thread are there again/);
  await host.ask('one', 'd');
  const after = await host.serving.snapshot();
  assert.equal(after.scheduler.total_scheduled, 4, 'a lost thread takes no total along');
  assert.equal(after.load_balancer.total_allocations, 2);
  await host.serving.spawn('one', ['three']);
  assert.equal((await host.serving.snapshot()).task_manager.total_tasks, 3);
  await host.serving.remove('three');
  assert.equal((await host.serving.snapshot()).task_manager.total_tasks, 2);
  assert.match(
    (await ask(front, '/metrics')).text,
    /motehost_metrics_exports_total\{exporter="otlp",result="exported"\} [1-9]/,
  );
  await host.close(0);
  assert.equal(readSnapshot(readFileSync(path, 'utf8')).scheduler.total_scheduled, 4, 'the last one is kept');
  assert.match(
    JSON.stringify(collector.arrived.at(-1)?.request),
    /"scheduler.total_scheduled".*?"asDouble":4\b/,
  );
});
