import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { SchedulerSettings } from '../../host/config/scheduler-settings.ts';
import { Hosted, localAgent, principal, temporaryState } from '../support/hosted.ts';
import { writtenAgent } from '../support/written-agent.ts';

/** `tell A B`: sends a word to each of them, in that order; `spin`: computes until its deadline; else logs that it ran. */
const source = `
import { Message, Reply, bus, log, noReply, utf8 } from "motehost:agent";
export function handle(message: Message): Reply {
  const words = utf8.decode(message.body).split(" ");
  if (words[0] == "tell") for (let at = 1; at < words.length; at++) bus.send(words[at], "run");
  if (words[0] == "spin") for (;;) {}
  if (words[0] == "run") log.info("ran");
  return noReply();
}
`;
let built: Promise<Uint8Array<ArrayBuffer>> | undefined;

/** What was written is there at once. */
const prompt = '[delivery]\nguarantee = "at-most-once"\n';
const manifests: Readonly<Record<string, string>> = {
  // Nobody else has a turn until it has written to all.
  teller: '[scheduling]\nclass = "real-time"\n[capabilities.bus]\nsend = ["agent.>"]\n',
  a: `${prompt}[scheduling]\nweight = 1\n`,
  b: `${prompt}[scheduling]\nweight = 200\n`,
  c: `${prompt}[scheduling]\nweight = 400\n`,
  urgent: '[scheduling]\npriority = "critical"\n',
  spinner: '[limits]\ndeadline = "60s"\n',
  last: prompt,
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

/** In which order a, b and c run when all are written to at once; whoever is written to last may be favoured. */
async function orderOf(host: Hosted): Promise<string> {
  // Those that have their instance run in their turn itself.
  for (const name of ['a', 'b', 'c', 'last']) await host.ask(name, 'begin');
  await host.ask('teller', 'tell a b c last');
  await host.lines.until(/: ran$/, 4);
  const ran = host.lines.all.filter((line) => line.endsWith(': ran')).map((line) => line.split(':')[0]);
  return ran.filter((name) => name !== 'last').join(' ');
}

test('manifests and the policy of the host decide who of a thread runs first', async (t) => {
  assert.equal(await orderOf(await open(t, { policy: 'first-come', agingMs: 60_000 })), 'a b c');
  assert.equal(await orderOf(await open(t, { policy: 'priority', agingMs: 60_000 })), 'c b a');
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
  const spinning = host.serving.invoke(
    'spinner',
    { contentType: undefined, headers: [], body: new TextEncoder().encode('spin') },
    { principal, deadlineMs: 60_000 },
  );
  await host.ask('teller', 'tell urgent');
  await host.lines.until(/^urgent: ran$/);
  const [thread] = (await host.serving.status()).threads;
  assert.ok(thread !== undefined && thread.scheduling.slices > 0 && thread.scheduling.preemptions > 0);
  assert.ok(thread.scheduling.starts >= 3);
  const metrics = await host.serving.metrics();
  const queued = metrics.find(({ name }) => name === 'motehost_scheduler_queued');
  assert.equal(queued?.samples.length, 6);
  await host.close(0);
  await spinning;
});
