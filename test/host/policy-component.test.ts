import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../host/clock.ts';
import type { SchedulerSettings } from '../../host/config/scheduler-settings.ts';
import { loadPolicyProgram, openScorer } from '../../host/host/scheduling/policy-component.ts';
import type { Runnable, Scorer } from '../../host/scheduler/policies/scored.ts';
import { Profiles } from '../../host/scheduler/profile.ts';
import { nobody, RunQueue } from '../../host/scheduler/run-queue.ts';
import { Hosted, localAgent, payload, principal, temporaryState } from '../support/hosted.ts';
import { writtenAgent } from '../support/written-agent.ts';

const wit = `
package test:policies@1.0.0;
world w { export motehost:scheduling/policy@0.1.0; }
`;

/** Nearest to weight 200 goes first; of some weights it traps, does not end, or gives too many scores. */
const source = `
import { Runnable } from "motehost:scheduling/policy@0.1.0";
export namespace policy {
  export function score(runnables: Runnable[]): Int32Array {
    const scores = new Int32Array(runnables.length);
    for (let at = 0; at < runnables.length; at++) {
      const weight = <i32>runnables[at].weight;
      if (weight == 901) unreachable();
      if (weight == 902) for (;;) {}
      if (weight == 903) return new Int32Array(5);
      scores[at] = weight > 200 ? weight - 200 : 200 - weight;
    }
    return scores;
  }
}
`;
let built: Promise<Uint8Array> | undefined;

async function component(t: TestContext, bytes?: Uint8Array): Promise<string> {
  built ??= writtenAgent(source, { wit }).then((result) => result.bytes);
  const path = join(temporaryState(t), 'policy.wasm');
  writeFileSync(path, bytes ?? (await built));
  return path;
}

async function scorerOf(t: TestContext, more: Partial<SchedulerSettings> = {}): Promise<Scorer> {
  const settings: SchedulerSettings = { policy: 'custom', component: await component(t), ...more };
  const program = await loadPolicyProgram(settings, undefined, systemClock);
  assert.ok(program !== undefined);
  return openScorer(program, settings, systemClock);
}

function runnable(weight: number): Runnable {
  const times = { nowMs: 5, arrivedMs: 4, dueMs: 100, usedMs: 0, forecastMs: 1 };
  return { key: 1, level: 'normal', weight, rate: 10, isFresh: true, ...times };
}

const faults = [
  [901, /it trapped \(.*unreachable/],
  [902, /used more than fuelMax allows, which is 100000; see score-fuel/],
  [903, /it gave 5 scores for 1/],
] as const;

test('a component gives scores; a trap, a loop and nonsense are each named', async (t) => {
  const scorer = await scorerOf(t);
  assert.deepEqual(
    [200, 1, 400].map((weight) => scorer(runnable(weight))),
    [0, 199, 200],
  );
  for (const [weight, why] of faults)
    assert.throws((await scorerOf(t)).bind(undefined, runnable(weight)), why);
});

test('who waits is ranked anew by the declared fallback once the component failed, and nobody is lost', async (t) => {
  for (const [weight, why] of faults) {
    const told: unknown[] = [];
    let nowMs = 1;
    const queue = new RunQueue({
      policy: 'custom',
      fallback: 'priority',
      scorer: await scorerOf(t),
      nowMs: () => (nowMs += 0.001),
      forecast: new Profiles(),
      onFault: (fault) => told.push(fault),
    });
    for (const [key, own] of [1, 200, 400, 3].entries()) {
      queue.set(key, { weight: own });
      queue.push(key);
    }
    assert.equal(queue.shift(), 1, 'by the component');
    queue.again(1);
    assert.deepEqual(queue.standing, { policy: 'custom', inForce: 'custom', asked: 4 });
    queue.set(4, { weight });
    queue.push(4);
    assert.equal(queue.length, 5);
    const order: number[] = [];
    for (let key = queue.shift(); key !== nobody; key = queue.shift()) order.push(key);
    assert.deepEqual(order, [4, 2, 1, 3, 0], 'by weight');
    assert.equal(told.length, 1);
    assert.match(String(told[0]), why);
    const { inForce, fault = '' } = queue.standing;
    assert.equal(inForce, 'priority');
    assert.match(fault, why);
  }
});

test('the component is asked as an agent is queued, and its answer holds for some of its turns', async (t) => {
  let asked = 0;
  const scorer = await scorerOf(t);
  const queue = new RunQueue({
    policy: 'custom',
    scoreTurns: 4,
    scorer: (one) => {
      asked += 1;
      return scorer(one);
    },
    nowMs: () => 1,
    forecast: new Profiles(),
  });
  queue.set(0, { weight: 200 });
  queue.set(1, { weight: 1 });
  queue.push(0);
  queue.push(1);
  for (let turn = 1; turn < 40; turn += 1) {
    assert.equal(queue.shift(), 0);
    for (let look = 0; look < 5; look += 1) queue.isWanted(0);
    if (turn % 2 === 0) queue.again(0);
    else queue.push(0);
  }
  assert.equal(asked, 1 + 10);
});

test('what is no policy is refused before the host begins', async (t) => {
  const stateFolder = temporaryState(t);
  const at = (path: string): SchedulerSettings => ({ policy: 'custom', component: path });
  const load = (path: string) => loadPolicyProgram(at(path), undefined, systemClock);
  await assert.rejects(load(join(stateFolder, 'none.wasm')), { code: 'HOST_ERR_FILE_NOT_FOUND' });
  await assert.rejects(load(await component(t, new Uint8Array([1]))), { code: 'HOST_ERR_NOT_WASM' });
  const agent = await writtenAgent(
    'import { Message, Reply, noReply } from "motehost:agent"; export function handle(message: Message): Reply { return noReply(); }',
  );
  const path = await component(t, agent.bytes);
  await assert.rejects(load(path), { code: 'HOST_ERR_CONFIG_INVALID' });
  await assert.rejects(Hosted.start(t, stateFolder, [], { scheduler: at(path) }), /policy@0\.1|imports/);
});

const agentSource = `
import { Message, Reply, log, noReply, utf8 } from "motehost:agent";
export function handle(message: Message): Reply {
  const words = utf8.decode(message.body);
  if (words == "spin") for (;;) {}
  if (words == "run") log.info("ran");
  return noReply();
}
`;

test('the example has those that pay go first, and of the others whoever takes least', async (t) => {
  const example = join(import.meta.dirname, '../../examples/scheduling-policy');
  const read = (name: string): string => readFileSync(join(example, name), 'utf8');
  const { bytes } = await writtenAgent(read('assembly/index.ts'), {
    wit: read('wit/world.wit'),
    world: 'paying-first',
  });
  const settings: SchedulerSettings = { policy: 'custom', component: await component(t, bytes) };
  const program = await loadPolicyProgram(settings, undefined, systemClock);
  assert.ok(program !== undefined);
  const scorer = await openScorer(program, settings, systemClock);
  const [paying, dueSooner, short, long] = [
    runnable(100),
    { ...runnable(100), dueMs: 50 },
    runnable(1),
    { ...runnable(1), forecastMs: 40 },
  ].map(scorer) as [number, number, number, number];
  assert.ok(dueSooner < paying && paying < short && short < long);
});

test('a component decides on a host; when it fails, log, event, status and metrics say so', async (t) => {
  const host = await hostOf(t, await component(t));
  assert.equal(await orderOn(host), 'paying second first');
  const events: string[] = [];
  const told = new Promise<void>((resolve) => {
    host.serving.subscribe('host.scheduler.*', undefined, ({ body }) => {
      events.push(new TextDecoder().decode(body));
      resolve();
    });
  });
  await host.ask('bad', 'begin');
  await told;
  const { policy, inForce, why, thread } = JSON.parse(events[0] ?? '');
  assert.deepEqual({ policy, inForce, thread }, { policy: 'custom', inForce: 'first-come', thread: 1 });
  assert.match(why, /unreachable/);
  await host.lines.until(/component failed on thread 1: it trapped.*first-come decides there instead/);
  const [status] = (await host.serving.status()).threads;
  assert.equal(status?.scheduling.policy.inForce, 'first-come');
  assert.match(status?.scheduling.policy.fault ?? '', /unreachable/);
  const fallback = (await host.serving.metrics()).find(({ name }) => name === 'motehost_scheduler_fallback');
  assert.deepEqual(fallback?.samples[0]?.value, 1);
});

async function hostOf(t: TestContext, path: string): Promise<Hosted> {
  const { bytes } = await writtenAgent(agentSource);
  const manifests = {
    first: '',
    second: '[scheduling]\nweight = 20\n',
    paying: '[scheduling]\nweight = 200\n',
    bad: '[scheduling]\nweight = 901\n',
    before: '[scheduling]\nclass = "real-time"\n',
  };
  const agents = Object.entries(manifests).map(([name, toml]) =>
    localAgent(name, new Uint8Array(bytes), toml),
  );
  const scheduler = { policy: 'custom', component: path, fallback: 'first-come', agingMs: 60_000 } as const;
  return await Hosted.start(t, temporaryState(t), agents, { scheduler });
}

/** In which order agents run that have got a message before anybody could. */
async function orderOn(host: Hosted): Promise<string> {
  const names = ['first', 'second', 'paying'];
  for (const name of names) await host.ask(name, 'begin');
  const ending = new AbortController();
  const spinning = host.serving.invoke('before', payload('spin'), { principal, signal: ending.signal });
  const until = async (isSo: (queued: number, active: number) => boolean): Promise<void> => {
    for (;;) {
      const [thread] = (await host.serving.status()).threads;
      if (thread !== undefined && isSo(thread.scheduling.queued.normal, thread.active)) return;
    }
  };
  await until((_, active) => active === 1);
  for (const name of names) await host.send(name, 'run');
  await until((queued) => queued === 3);
  ending.abort();
  await spinning;
  await host.lines.until(/: ran$/, 3);
  const ran = host.lines.all.filter((line) => line.endsWith(': ran'));
  return ran.map((line) => line.split(':')[0]).join(' ');
}
