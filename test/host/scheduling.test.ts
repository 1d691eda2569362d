import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { SchedulerSettings } from '../../host/config/scheduler-settings.ts';
import type { ThreadStatus } from '../../host/host/serving.ts';
import type { Level } from '../../host/manifest/scheduling.ts';
import { Hosted, localAgent, payload, principal, temporaryState } from '../support/hosted.ts';
import { writtenAgent } from '../support/written-agent.ts';

/** `spin`: computes without an end; `run`: logs that it ran; else does nothing. */
const source = `
import { Header, Message, Payload, Reply, bus, log, noReply, reply, utf8 } from "motehost:agent";
const idle = memory.data(8);
export function handle(message: Message): Reply {
  const words = utf8.decode(message.body);
  if (words == "spin") for (;;) {}
  if (words.startsWith("run")) log.info("ran" + words.slice(3));
  // Fuel for far more than what it is given below.
  if (words == "nap") for (let at: u64 = 0; at < 40000000; at++) store<u64>(idle, at);
  if (words == "ask") {
    const asked = bus.request("agent.c", "nap", 1000);
    return reply(asked.isErr ? asked.error.toString() : "answered");
  }
  if (words.startsWith("hurry ")) {
    const level = new Header("mote-priority", words.slice(6));
    const sent = bus.send("c", new Payload(null, [level], message.body));
    return reply(sent.isErr ? sent.error.toString() : "sent");
  }
  return noReply();
}
`;
let built: Promise<Uint8Array<ArrayBuffer>> | undefined;

const manifests: Readonly<Record<string, string>> = {
  a: '[scheduling]\nweight = 1\n[capabilities.bus]\nsend = ["agent.c"]\n',
  b: '[scheduling]\nweight = 200\n[capabilities.bus]\nsend = ["agent.c"]\npriority = "critical"\n',
  c: '[scheduling]\nweight = 400\n',
  urgent: '[scheduling]\npriority = "critical"\n',
  // Nobody else has a turn while it computes, if levels are not aged.
  first: '[scheduling]\nclass = "real-time"\n',
  spinner: '',
};

async function open(
  t: TestContext,
  scheduler: SchedulerSettings,
  stateFolder = temporaryState(t),
): Promise<Hosted> {
  built ??= writtenAgent(source).then(({ bytes }) => new Uint8Array(bytes));
  const component = await built;
  const agents = Object.entries(manifests).map(([name, toml]) => localAgent(name, component, toml));
  return await Hosted.start(t, stateFolder, agents, { scheduler });
}

/** Has an agent compute until it is told to end. */
function spin(host: Hosted, name: string): { end(): Promise<unknown> } {
  const ending = new AbortController();
  const spinning = host.serving.invoke(name, payload('spin'), { principal, signal: ending.signal });
  return {
    end: () => {
      ending.abort();
      return spinning;
    },
  };
}

/** In which order a, b and c run when all have got a message before anybody can run. */
async function orderOf(host: Hosted): Promise<string> {
  for (const name of ['a', 'b', 'c']) await host.ask(name, 'begin');
  const spinning = spin(host, 'first');
  await until(host, ({ active }) => active === 1);
  for (const name of ['a', 'b', 'c']) await host.send(name, 'run');
  await until(host, ({ scheduling }) => scheduling.queued.normal === 3);
  await spinning.end();
  await host.lines.until(/: ran$/, 3);
  const ran = host.lines.all.filter((line) => line.endsWith(': ran'));
  return ran.map((line) => line.split(':')[0]).join(' ');
}

/** Asks the one thread how it is until that is so. */
async function until(host: Hosted, isSo: (thread: ThreadStatus) => boolean): Promise<void> {
  for (;;) {
    const [thread] = (await host.serving.status()).threads;
    if (thread !== undefined && isSo(thread)) return;
  }
}

test('manifests and the policy of the host decide who of a thread runs first', async (t) => {
  assert.equal(await orderOf(await open(t, { policy: 'first-come', agingMs: 60_000 })), 'a b c');
  assert.equal(await orderOf(await open(t, { policy: 'priority', agingMs: 60_000 })), 'c b a');
});

test('a message has its agent go before others for that message only, and no agent may ask for that without the right', async (t) => {
  const host = await open(t, { policy: 'first-come', agingMs: 60_000 });
  for (const name of ['a', 'b', 'c']) await host.ask(name, 'begin');
  const spinning = spin(host, 'first');
  await until(host, ({ active }) => active === 1);
  const at = async (name: string, words: string, priority?: Level): Promise<void> => {
    await host.serving.send(name, payload(words), { principal, ...(priority && { priority }) });
  };
  await at('a', 'run');
  await at('c', 'run');
  await at('b', 'run late');
  await at('b', 'run early', 'critical');
  await at('b', 'run later', 'low');
  await until(host, ({ scheduling }) => scheduling.queued.critical === 1 && scheduling.queued.normal === 2);
  await spinning.end();
  await host.lines.until(/: ran/, 5);
  const ran = host.lines.all.filter((line) => line.includes(': ran'));
  assert.deepEqual(ran, ['b: ran early', 'a: ran', 'c: ran', 'b: ran late', 'b: ran later']);

  assert.equal(await host.ask('a', 'hurry critical'), 'denied');
  assert.equal(await host.ask('a', 'hurry normal'), 'sent');
  assert.equal(await host.ask('a', 'hurry urgent'), 'unsupported: mote-priority: urgent');
  assert.equal(await host.ask('b', 'hurry critical'), 'sent');
});

test('a call that will not end in time is refused at once, to whoever asks, and counted', async (t) => {
  const host = await open(t, { admission: 'predictive' });
  for (let message = 0; message < 10; message += 1) await host.ask('c', 'nap');
  const once = { principal, guarantee: 'at-most-once' } as const;
  await Promise.all(Array.from({ length: 300 }, () => host.serving.send('c', payload('nap'), once)));
  const reply = await host.serving.invoke('c', payload('nap'), { principal, deadlineMs: 1_000 });
  assert.ok(reply.kind === 'refused' && reply.reason === 'too-late', JSON.stringify(reply.kind));
  assert.ok((reply.forecastMs ?? 0) > (reply.deadlineMs ?? 0));
  assert.match(await host.ask('a', 'ask'), /^other: too-late: it would take \d+ ms, and has \d+ ms$/);
  assert.equal(await host.ask('b', 'anything'), '');
  const [thread] = (await host.serving.status()).threads;
  assert.deepEqual(thread?.scheduling.admission, { admission: 'predictive', judged: 2, refused: 2 });
});

test('a function of the operator decides, in each thread', async (t) => {
  const folder = temporaryState(t);
  const module = join(folder, 'rank.mjs');
  writeFileSync(module, 'export const rank = ({ weight }) => Math.abs(weight - 200);\n');
  const host = await open(t, { policy: 'custom', agingMs: 60_000, module }, folder);
  assert.equal(await orderOf(host), 'b a c');
});

test('a critical message is dealt with beside a guest that computes without an end; the status tells of it', async (t) => {
  const host = await open(t, {});
  const spinning = spin(host, 'spinner');
  await until(host, ({ active }) => active === 1);
  await host.send('urgent', 'run');
  await host.lines.until(/^urgent: ran$/);
  const [thread] = (await host.serving.status()).threads;
  assert.ok(thread !== undefined && thread.scheduling.slices > 0);
  assert.ok(thread.scheduling.starts >= 2);
  const metrics = await host.serving.metrics();
  const queued = metrics.find(({ name }) => name === 'motehost_scheduler_queued');
  assert.equal(queued?.samples.length, 6);
  await spinning.end();
});
