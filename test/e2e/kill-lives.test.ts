import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { HostProcess } from '../support/process.ts';
import { writtenAgent } from '../support/written-agent.ts';

// `kill -9` while agents are moved from thread to thread, are restarted by their supervisor, and work several at once.

const home = mkdtempSync(join(tmpdir(), 'motehost-kill-lives-'));
after(() => rmSync(home, { recursive: true }));

/** Computes for some slices, so that others wait and are moved, and passes on what it got; `ledger` refuses it. */
const source = `
import { Failure, Message, Reply, bus, fail, log, noReply, utf8 } from "motehost:agent";
export function handle(message: Message): Reply {
  const words = utf8.decode(message.body);
  if (words == "trap") unreachable();
  if (words.startsWith("entry ")) return fail(Failure.invalid("kept"));
  let sum: u32 = 1;
  for (let at = 500_000; at > 0; at--) sum = sum * 1664525 + 1013904223;
  log.info("seen " + words + (sum == 7 ? "!" : ""));
  const sent = bus.send("ledger", "entry " + words);
  return sent.isErr ? fail(Failure.unavailable(sent.error.toString())) : noReply();
}
`;

const movers = Array.from({ length: 8 }, (_, at) => `m${at}`);
const supervised = ['m0', 'm1', 'm2', 'm3'];
/** Works several at once, keeps nothing, and so knows no ids. */
const parallel = 'many';
const senders = 12;
const messagesMax = 2000;
const killAfter = 150;

before(async () => {
  const { bytes } = await writtenAgent(source);
  for (const name of [...movers, parallel, 'ledger']) {
    const folder = join(home, 'agents', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'agent.wasm'), bytes);
    const guarantee = name === parallel ? 'at-least-once' : 'exactly-once';
    const mode = name === parallel ? '[execution]\nmode = "parallel"\nparallel = 3\n' : '';
    const delivery = `[delivery]\nguarantee = "${guarantee}"\nattempts = 5\nbackoff = "10ms"\n`;
    const rest = '[capabilities.bus]\nsend = ["agent.*"]\n[restart]\nbackoff = "1ms"\nbackoff-max = "5ms"\n';
    const toml = `name = "${name}"\nworld = "handler"\ncomponent = "agent.wasm"\n${delivery}${mode}${rest}`;
    writeFileSync(join(folder, 'agent.toml'), toml);
  }
  const tree = `[[supervisors]]\nname = "top"\nintensity = 1000\nchildren = ${JSON.stringify(supervised)}\n`;
  writeFileSync(join(home, 'agents', 'supervisors.toml'), tree);
});

interface Running {
  readonly host: HostProcess;
  readonly url: string;
}

async function start(): Promise<Running> {
  const args = [
    'serve',
    'agents',
    '--state',
    'state',
    '--listen',
    '127.0.0.1:0',
    '--threads',
    '2',
    '--no-watch',
  ];
  const host = new HostProcess(args, home);
  const [, url = ''] = await host.stderr.until(/serving 10 agents on (\S+)/);
  return { host, url };
}

/** Whether the host said that it has the message. */
async function isAccepted(url: string, to: string, id: string, words = id): Promise<boolean> {
  try {
    const headers = { 'x-mote-message-id': id, 'content-type': 'text/plain' };
    const answer = await fetch(`${url}/v1/agents/${to}/send`, { method: 'POST', body: words, headers });
    await answer.arrayBuffer();
    return answer.status === 202;
  } catch {
    return false;
  }
}

async function json<Body>(url: string, path: string): Promise<Body> {
  const answer = await fetch(`${url}${path}`);
  return (await answer.json()) as Body;
}

/** Those of one thread, so that the other one has nothing to do and takes some. */
async function onThreadOne(url: string): Promise<string[]> {
  const { agents } = await json<{ agents: { name: string; thread: number }[] }>(url, '/v1/agents?limit=100');
  return agents.filter(({ name, thread }) => thread === 1 && movers.includes(name)).map(({ name }) => name);
}

async function moved(url: string): Promise<number> {
  const { stealing } = await json<{ stealing: { moved: number } }>(url, '/v1/status');
  return stealing.moved;
}

/** Sends to all by turns until the host is gone, which is when enough is accepted and agents have moved. */
async function sendAndKill({ host, url }: Running): Promise<Map<string, string>> {
  const accepted = new Map<string, string>();
  const receivers = [...(await onThreadOne(url)), parallel];
  const restarted = receivers.find((name) => supervised.includes(name)) ?? assert.fail();
  let next = 0;
  let isMoved = false;
  const send = async (): Promise<void> => {
    while (next < messagesMax) {
      const number = next++;
      const to = receivers[number % receivers.length] ?? '';
      const id = `${to}-${number}.`;
      if (number % 50 === 0) await isAccepted(url, restarted, `trap-${number}`, 'trap');
      if (!(await isAccepted(url, to, id))) return;
      accepted.set(id, to);
      if (accepted.size % 25 === 0) isMoved ||= (await moved(url).catch(() => 0)) > 0;
      if (accepted.size >= killAfter && isMoved) host.kill('SIGKILL');
    }
  };
  await Promise.all(Array.from({ length: senders }, send));
  assert.ok(isMoved, 'no agent was moved');
  await host.end('SIGKILL');
  return accepted;
}

interface Letter {
  readonly message: { readonly body: string };
}

async function letters(url: string): Promise<readonly Letter[]> {
  return (await json<{ deadLetters: readonly Letter[] }>(url, '/v1/dead-letters?limit=10000')).deadLetters;
}

/** What the ledger was sent and keeps as dead letters, which outlive the host: who was to deal with it has done so. */
async function entries(url: string): Promise<string[]> {
  return (await letters(url))
    .flatMap(({ message: { body } }) => (body.startsWith('entry ') ? [body.slice('entry '.length)] : []))
    .sort();
}

async function untilEntered(url: string, ids: Iterable<string>): Promise<string[]> {
  for (;;) {
    const found = await entries(url);
    const all = new Set(found);
    if ([...ids].every((id) => all.has(id))) return found;
  }
}

/** Nothing is in a journal any more but dead letters. */
async function untilSettled(url: string): Promise<void> {
  for (let owed = 1; owed > 0; ) {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const found = [...metrics.matchAll(/^motehost_bus_journal_live(?:\{.*\})? (\d+)$/gm)];
    assert.ok(found.length > 0);
    owed = found.reduce((sum, [, value]) => sum + Number(value), 0) - (await letters(url)).length;
  }
}

test('kill -9 while agents move, are restarted and work several at once: nothing is lost, and nothing exactly-once again', {
  timeout: 100_000,
}, async () => {
  const accepted = await sendAndKill(await start());
  assert.ok(accepted.size >= killAfter);
  const again = await start();
  await using _host = again.host;
  await untilEntered(again.url, accepted.keys());
  await untilSettled(again.url);
  const entered = await entries(again.url);
  // A sender that was not sure says all of it once more, with the same ids: nobody gets any of it again.
  const once = [...accepted].filter(([, to]) => to !== parallel);
  for (const [id, to] of once) assert.ok(await isAccepted(again.url, to, id));
  const lasts = movers.map((to) => `last-${to}`);
  for (const to of movers) assert.ok(await isAccepted(again.url, to, `last-${to}`));
  await untilEntered(again.url, lasts);
  assert.deepEqual(await entries(again.url), [...entered, ...lasts].sort());
  assert.equal(await again.host.end('SIGTERM'), 0);
});
