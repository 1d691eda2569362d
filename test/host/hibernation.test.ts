import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { inspect } from 'node:util';
import { systemClock, systemRandom } from '../../host/clock.ts';
import { type LocalServing, type ServeOptions, serve } from '../../host/host/serve.ts';
import type { AgentState, Reply } from '../../host/host/serving.ts';
import { parseManifest } from '../../host/manifest.ts';
import { writtenAgent } from '../support/written-agent.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-hibernation-'));
after(() => rmSync(home, { recursive: true, force: true }));

/** Counts its messages; `trap` traps. */
const counting = `import { Message, Reply, reply } from "motehost:agent";
let count: u32 = 0;
export function handle(message: Message): Reply {
  if (String.UTF8.decode(message.body.buffer) == "trap") unreachable();
  count += 1;
  return reply(Uint8Array.wrap(String.UTF8.encode(count.toString())));
}
`;
const component = new Uint8Array((await writtenAgent(counting, { release: true })).bytes);

const opened = new Set<LocalServing>();
let folders = 0;

function newFolder(): string {
  folders += 1;
  return join(home, String(folders));
}

async function start(
  manifest: string,
  options: Partial<ServeOptions> & { readonly stateFolder: string },
): Promise<LocalServing> {
  const manifestPath = join(home, 'agent.toml');
  const text = `name = "counter"\ncomponent = "counter.wasm"\n${manifest}`;
  writeFileSync(manifestPath, text);
  const serving = await serve({
    agents: [{ manifestPath, manifest: parseManifest(text, manifestPath), component }],
    cacheFolder: undefined,
    threads: 2,
    limits: {},
    clock: systemClock,
    random: systemRandom,
    log: () => {},
    ...options,
  });
  opened.add(serving);
  return serving;
}

async function close(serving: LocalServing): Promise<void> {
  opened.delete(serving);
  await serving.close(1000);
}

afterEach(async () => {
  for (const serving of opened) await close(serving);
});

function invoke(serving: LocalServing, name: string, body = '', deadlineMs = 10_000): Promise<Reply> {
  const payload = { contentType: undefined, headers: [], body: new TextEncoder().encode(body) };
  return serving.invoke(name, payload, { deadlineMs, principal: { name: 'test' } });
}

async function ask(serving: LocalServing, name: string): Promise<string> {
  const reply = await invoke(serving, name);
  const end = reply.kind === 'answered' ? inspect(reply.outcome) : reply.reason;
  assert.ok(reply.kind === 'answered' && reply.outcome.kind === 'ok', end);
  return new TextDecoder().decode(reply.outcome.value);
}

async function become(serving: LocalServing, name: string, state: AgentState): Promise<void> {
  for (let looks = 0; looks < 500; looks += 1) {
    if ((await serving.agent(name)).state === state) return;
    await wait(10);
  }
  assert.equal((await serving.agent(name)).state, state);
}

const quick = '[hibernate]\nafter = "1ms"\n';

test('an agent goes on where it was after it hibernated in the heap', async () => {
  const serving = await start(quick, { stateFolder: newFolder() });
  assert.equal(await ask(serving, 'counter'), '1');
  await become(serving, 'counter', 'hibernated');
  assert.equal(await ask(serving, 'counter'), '2');
  assert.equal((await serving.agent('counter')).handled, 2);
});

test('an agent goes on where it was after its state lay on disk, and what it did is still counted', async () => {
  const serving = await start(quick, { stateFolder: newFolder(), warmBytesMax: 0 });
  assert.equal(await ask(serving, 'counter'), '1');
  await become(serving, 'counter', 'cold');
  const { handled, fuel, memoryBytes } = await serving.agent('counter');
  assert.deepEqual([handled, memoryBytes], [1, 65_536]);
  assert.ok(fuel > 0n);
  assert.equal((await serving.status()).agents.cold, 1);
  assert.equal(await ask(serving, 'counter'), '2');
  await become(serving, 'counter', 'cold');
  assert.equal((await serving.agent('counter')).handled, 2);
  const { agents, threads } = await serving.status();
  assert.equal(agents.cold, 1);
  assert.equal(
    threads.reduce((sum, thread) => sum + thread.handled, 0),
    2,
  );
});

test('a restart of the host finds every state: of agents in memory, in the heap and on disk', async () => {
  const stateFolder = newFolder();
  const first = await start('', { stateFolder });
  const names = ['one', 'two', 'three', 'four'];
  await first.spawn('counter', names);
  for (const name of ['counter', ...names]) assert.equal(await ask(first, name), '1');
  await close(first);
  // Fewer threads than before: states of the others are adopted.
  const second = await start('', { stateFolder, threads: 1 });
  await second.spawn('counter', names);
  for (const name of ['counter', ...names]) {
    assert.equal((await second.agent(name)).state, 'cold');
    assert.equal(await ask(second, name), '2');
  }
});

test('an agent that is installed anew under the name of one that was removed has nothing of it', async () => {
  const serving = await start('', { stateFolder: newFolder(), warmBytesMax: 0 });
  const manifest = `name = "guest"\nworld = "handler"\n${quick}`;
  await serving.install({ manifest, component });
  assert.equal(await ask(serving, 'guest'), '1');
  await become(serving, 'guest', 'cold');
  await serving.remove('guest');
  await serving.install({ manifest, component });
  assert.equal((await serving.agent('guest')).handled, 0);
  assert.equal(await ask(serving, 'guest'), '1');
});

test('at the cap an idle agent leaves memory for the next, and comes back as it was', async () => {
  const bounds = { memoriesMax: 8, stacksPerThreadMax: 50 };
  const serving = await start('[hibernate]\nafter = "never"\n', { stateFolder: newFolder(), bounds });
  const names = Array.from({ length: 30 }, (_, index) => `many-${index}`);
  await serving.spawn('counter', names);
  for (const count of ['1', '2', '3']) {
    const answers = await Promise.all(names.map((name) => ask(serving, name)));
    assert.deepEqual(new Set(answers), new Set([count]));
    const { memories } = await serving.status();
    assert.ok(memories.live <= 8, `${memories.live}`);
  }
});

test('where nobody can leave a call is refused at its deadline, and the host goes on', async () => {
  const bounds = { memoriesMax: 0, stacksPerThreadMax: 50 };
  const serving = await start('', { stateFolder: newFolder(), bounds });
  const reply = await invoke(serving, 'counter', '', 2000);
  const failure = reply.kind === 'answered' && reply.outcome.kind === 'error' ? reply.outcome.failure : reply;
  assert.match(JSON.stringify(failure), /"unavailable".*memories of at most 0/);
  assert.equal((await serving.status()).memories.live, 0);
});

test('a list of a name and again the same spawns nobody', async () => {
  const serving = await start('', { stateFolder: newFolder() });
  await assert.rejects(serving.spawn('counter', ['twin', 'twin']), { code: 'HOST_ERR_AGENT_DUPLICATE' });
  await assert.rejects(serving.agent('twin'), { code: 'HOST_ERR_AGENT_UNKNOWN' });
  await serving.spawn('counter', ['twin']);
  assert.equal(await ask(serving, 'twin'), '1');
});
