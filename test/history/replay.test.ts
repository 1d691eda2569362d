import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { HostError } from '../../host/errors.ts';
import { componentsName, historyFiles } from '../../host/history/history-files.ts';
import { type Replayed, replaying } from '../../host/host/record/replaying.ts';
import { Hosted, localAgent, scribe, temporaryState } from '../support/hosted.ts';
import { answerOf, inItsBlock, kindsOf, recorded, replayed, turnsOf } from '../support/replays.ts';
import { buildScript } from '../support/script-agent.ts';
import { writtenAgent } from '../support/written-agent.ts';

/** Asks for all that is different at each run: time, chance, and what another agent answers. */
const curious = `
import { Message, Reply, bus, fail, Failure, log, reply, utf8 } from "motehost:agent";
let seen = "";
export function handle(message: Message): Reply {
  const words = utf8.decode(message.body);
  seen += Date.now().toString() + Math.random().toString() + words;
  log.info(words);
  if (words == "ask") {
    const answer = bus.request("agent.scribe", "hello", 5000);
    if (answer.isErr) return fail(Failure.unavailable(answer.error.toString()));
    seen += utf8.decode(answer.value.body);
  }
  if (words == "denied") {
    const sent = bus.send("nobody", "x");
    return reply(sent.isErr ? sent.error.toString() : "sent");
  }
  if (words == "trap") unreachable();
  let sum = 0;
  for (let at = 0; at < seen.length * 100; at++) sum += seen.charCodeAt(at % seen.length);
  return reply(seen.length.toString() + " " + sum.toString() + " " + Math.random().toString());
}
`;
const curiousToml = `${recorded}[capabilities.bus]\nsend = ["agent.scribe"]\n`;

async function host(t: TestContext, state: string, toml = curiousToml, source = curious): Promise<Hosted> {
  const component = new Uint8Array((await writtenAgent(source)).bytes);
  return Hosted.start(t, state, [
    localAgent('curious', component, toml),
    localAgent('scribe', await scribe()),
  ]);
}

test('what an agent did is done again, with time, chance, answers, denials and a trap, and burns the same', async (t) => {
  const state = temporaryState(t);
  const hosted = await host(t, state);
  const words = ['one', 'ask', 'denied', 'trap', 'two', 'ask'];
  const answers: string[] = [];
  for (const word of words) answers.push(await hosted.ask('curious', word));
  await hosted.close(1000);
  const turns = await turnsOf(state, 'curious');
  assert.deepEqual(
    kindsOf(turns),
    words.map(() => 'same'),
  );
  assert.deepEqual(turns.map(answerOf), answers);
  assert.deepEqual([...new Set(turns.map((turn) => replayed(turn).life))], [1, 2], 'the trap ended a life');
});

test('an agent that goes on with its state from before what took it along does so again, over a restart of the host too', async (t) => {
  const state = temporaryState(t);
  const toml = `${curiousToml}[errors]\nstate = "saved"\ntrap = "restart"\n`;
  const first = await host(t, state, toml);
  const words = ['one', 'ask', 'trap', 'two', 'trap', 'denied'];
  const answers: string[] = [];
  for (const word of words) answers.push(await first.ask('curious', word));
  await first.close(1000);
  const second = await host(t, state, toml);
  for (const word of ['three', 'trap', 'four']) answers.push(await second.ask('curious', word));
  await second.close(1000);
  assert.match(answers[3] ?? '', /^\d+ /);
  const turns = await turnsOf(state, 'curious');
  // Each trap is tried twice: its manifest says so.
  assert.deepEqual(
    kindsOf(turns),
    turns.map(() => 'same'),
  );
  assert.equal(turns.length, 12);
  assert.deepEqual(
    turns.map(answerOf).filter((answer) => answer !== 'trap'),
    answers.filter((answer) => answer !== 'trap'),
  );
  assert.deepEqual([...new Set(turns.map((turn) => replayed(turn).life))], [1], 'one life');
});

test('an agent whose manifest does not say so leaves no history', async (t) => {
  const state = temporaryState(t);
  const hosted = await host(t, state);
  assert.equal(await hosted.ask('scribe', 'x'), '1');
  await hosted.close(1000);
  await assert.rejects(turnsOf(state, 'scribe'), (thrown: unknown) => {
    assert.ok(thrown instanceof HostError);
    assert.equal(thrown.code, 'HOST_ERR_HISTORY_UNKNOWN');
    return true;
  });
});

test('a history goes on over hibernation and over a restart of the host', async (t) => {
  const state = temporaryState(t);
  const toml = `${curiousToml}[hibernate]\nafter = "1ms"\n`;
  const first = await host(t, state, toml);
  for (const word of ['a', 'b', 'c']) {
    await first.ask('curious', word);
    await hasLeft(first, 'curious');
  }
  await first.close(1000);
  const second = await host(t, state, toml);
  const answer = await second.ask('curious', 'd');
  await second.close(1000);
  const turns = await turnsOf(state, 'curious');
  assert.deepEqual(kindsOf(turns), ['same', 'same', 'same', 'same']);
  assert.deepEqual([...new Set(turns.map((turn) => replayed(turn).life))], [1], 'one life');
  assert.equal(answerOf(turns[3]), answer);
});

test('a message that the deadline ended is the same up to there', async (t) => {
  const state = temporaryState(t);
  const hosted = await Hosted.start(t, state, [
    localAgent('scribe', await scribe(), `${recorded}[limits]\ndeadline = "200ms"\n`),
  ]);
  assert.equal(await hosted.ask('scribe', 'one'), '1');
  assert.equal(await hosted.ask('scribe', 'spin'), 'limit');
  assert.equal(await hosted.ask('scribe', 'one'), '1');
  await hosted.close(1000);
  assert.deepEqual(kindsOf(await turnsOf(state, 'scribe')), ['same', 'cut', 'same']);
});

test('another version is compared at the first call that differs, and at the first answer', async (t) => {
  const state = temporaryState(t);
  const hosted = await host(t, state);
  for (const word of ['one', 'ask']) await hosted.ask('curious', word);
  await hosted.close(1000);
  const other = async (from: string, to: string): Promise<Replayed> => {
    const source = curious.replace(from, to);
    assert.notEqual(source, curious);
    const component = new Uint8Array((await writtenAgent(source)).bytes);
    const turns = await turnsOf(state, 'curious', component);
    return replayed(turns.find(({ kind }) => kind === 'diverged'));
  };
  const asks = await other('"hello"', '"goodbye"');
  assert.equal(asks.turn, 2);
  assert.equal(asks.divergence?.at, 'call');
  const { expected, found } = asks.divergence as {
    expected: { name: string; args: unknown[] };
    found: { args: unknown[] };
  };
  assert.equal(expected.name, 'motehost:agent/bus@0.1.0#request');
  const bodyOf = (args: unknown[]): string =>
    new TextDecoder().decode((args[1] as { body: Uint8Array }).body);
  assert.deepEqual([bodyOf(expected.args), bodyOf(found.args)], ['hello', 'goodbye']);
  const silent = await other('log.info(words);', '');
  assert.equal(silent.divergence?.at, 'call');
  const answers = await other('seen.length.toString() + " "', 'seen.length.toString() + "_"');
  assert.deepEqual([answers.turn, answers.divergence?.at], [1, 'end']);
});

test('a changed byte anywhere in a history is found before it is believed', async (t) => {
  const state = temporaryState(t);
  const hosted = await host(t, state);
  for (const word of ['one', 'two', 'three']) await hosted.ask('curious', word);
  await hosted.close(1000);
  const folder = join(state, 'history');
  const path = join(folder, historyFiles(folder)[0]?.name ?? '');
  const bytes = readFileSync(path);
  const last = bytes.length - 1;
  for (const at of [0, 4, 8, 20, 60, 90, 200, Math.floor(last / 2), last]) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] as number) ^ 1;
    writeFileSync(path, changed);
    const found = await turnsOf(state, 'curious').then(
      (turns) => turns.length,
      (thrown: unknown) => (thrown as HostError).code,
    );
    assert.equal(found, 'HOST_ERR_HISTORY_CORRUPT', `byte ${at}`);
  }
});

test('an agent with resources is done again as well: JavaScript on the general lane', async (t) => {
  const state = temporaryState(t);
  const { bytes } = await buildScript(`
    let count = 0;
    export function handle(message) {
      count += 1;
      console.log('turn ' + count);
      return new TextEncoder().encode([count, Date.now(), Math.random(), performance.now(), crypto.randomUUID()].join(' '));
    }`);
  const hosted = await Hosted.start(t, state, [localAgent('script', bytes, recorded)]);
  const answers = [await hosted.ask('script', 'a'), await hosted.ask('script', 'b')];
  await hosted.close(1000);
  const turns = await turnsOf(state, 'script');
  assert.deepEqual(kindsOf(turns), ['same', 'same']);
  assert.deepEqual(turns.map(answerOf), answers);
});

/** Each look is answered by the agent's thread, in a turn of its own. */
async function hasLeft(hosted: Hosted, agent: string): Promise<void> {
  for (;;) {
    const { state } = await hosted.serving.agent(agent);
    if (state === 'hibernated' || state === 'cold') return;
  }
}

test('an agent that is upgraded has another life, and each life its own component', async (t) => {
  const state = temporaryState(t);
  const hosted = await host(t, state);
  const answers = [await hosted.ask('curious', 'one')];
  const next = new Uint8Array((await writtenAgent(curious.replace('" "', '"-"'))).bytes);
  const { manifestPath, manifest } = localAgent('curious', next, curiousToml);
  await hosted.serving.upgrade(manifestPath, manifest, next);
  answers.push(await hosted.ask('curious', 'two'));
  await hosted.close(1000);
  const turns = await turnsOf(state, 'curious');
  assert.deepEqual(kindsOf(turns), ['same', 'same']);
  assert.deepEqual(turns.map(answerOf), answers);
  assert.deepEqual(
    turns.map((turn) => replayed(turn).life),
    [1, 2],
  );
});

test('components stay as long as a life in a history needs them', async (t) => {
  const state = temporaryState(t);
  const folder = join(state, 'history');
  const first = await host(t, state);
  await first.ask('curious', 'one');
  await first.close(1000);
  assert.equal(readdirSync(join(folder, 'components')).length, 1);
  const second = await Hosted.start(t, state, [localAgent('scribe', await scribe())]);
  await second.close(0);
  assert.deepEqual(kindsOf(await turnsOf(state, 'curious')), ['same']);
  for (const { name } of historyFiles(folder)) {
    rmSync(join(folder, name));
    rmSync(join(folder, componentsName(name)), { force: true });
  }
  const third = await Hosted.start(t, state, [localAgent('scribe', await scribe())]);
  await third.close(0);
  assert.deepEqual(readdirSync(join(folder, 'components')), []);
});

test('what was written before the host was killed in the middle of a block is run again', async (t) => {
  const state = temporaryState(t);
  const hosted = await host(t, state);
  const answers = [];
  const folder = join(state, 'history');
  for (const word of ['one', 'two', 'three'])
    answers.push(await inItsBlock(state, () => hosted.ask('curious', word)));
  await hosted.close(1000);
  const path = join(folder, historyFiles(folder)[0]?.name ?? '');
  const bytes = readFileSync(path);
  const whole = await turnsOf(state, 'curious');
  assert.deepEqual(whole.map(answerOf), answers);
  const counts = new Set<number>();
  for (let length = bytes.length - 1; length > 0; length -= 97) {
    writeFileSync(path, bytes.subarray(0, length));
    const turns = await turnsOf(state, 'curious').catch(() => []);
    counts.add(turns.length);
    assert.deepEqual(turns.map(answerOf), answers.slice(0, turns.length), `${length} bytes`);
  }
  assert.ok(counts.size > 1, 'blocks went one by one');
});

test('memory that the process did not have is not there again, though now it has it', async (t) => {
  const state = temporaryState(t);
  const hungry = `
import { Message, Reply, reply } from "motehost:agent";
export function handle(message: Message): Reply {
  const had = memory.grow(20);
  return reply(had < 0 ? "none" : "more");
}`;
  const component = new Uint8Array((await writtenAgent(hungry)).bytes);
  const agents = [localAgent('hungry', component, recorded)];
  const hosted = await Hosted.start(t, state, agents, { memoryBytesMax: 64 * 65_536 });
  const answers = [];
  for (let at = 0; at < 4; at += 1) answers.push(await hosted.ask('hungry', 'x'));
  await hosted.close(1000);
  assert.deepEqual([...new Set(answers)], ['more', 'none']);
  const turns = await turnsOf(state, 'hungry');
  assert.deepEqual(
    kindsOf(turns),
    answers.map(() => 'same'),
  );
  assert.deepEqual(turns.map(answerOf), answers);
});

test('limits of fuel and memory end a turn where they did, to the unit', async (t) => {
  const state = temporaryState(t);
  const greedy = `
import { Message, Reply, reply, utf8 } from "motehost:agent";
const all: ArrayBuffer[] = [];
export function handle(message: Message): Reply {
  const words = utf8.decode(message.body);
  if (words == "spin") for (;;) {}
  if (words == "eat") for (;;) all.push(new ArrayBuffer(1000000));
  return reply(words);
}`;
  const component = new Uint8Array((await writtenAgent(greedy)).bytes);
  const limits = '[limits]\nfuel = 10000000\nmemory = "8MiB"\n';
  const hosted = await Hosted.start(t, state, [localAgent('greedy', component, `${recorded}${limits}`)]);
  const answers = [];
  for (const word of ['a', 'spin', 'b', 'eat', 'c']) answers.push(await hosted.ask('greedy', word));
  await hosted.close(1000);
  assert.deepEqual(answers, ['a', 'limit', 'b', 'limit', 'c']);
  const turns = await turnsOf(state, 'greedy');
  assert.deepEqual(kindsOf(turns), ['same', 'same', 'same', 'same', 'same']);
  assert.deepEqual(turns.map(answerOf), answers);
});

test('ten thousand messages of three agents in two threads: the same outputs, sends and fuel', {
  timeout: 60_000,
}, async (t) => {
  const state = temporaryState(t);
  const component = await scribe();
  const names = ['one', 'two', 'three'];
  const toml = `${recorded}[capabilities.bus]\nsend = ["agent.*"]\n[limits]\nmessages-per-second = 1000000\n[mailbox]\ncapacity = 100000\n`;
  const hosted = await Hosted.start(
    t,
    state,
    names.map((name) => localAgent(name, component, toml)),
    { threads: 2 },
  );
  const messages = 10_000;
  const rounds = messages / 4;
  const ask = async (from: number): Promise<void> => {
    for (let at = from; at < rounds; at += 20) {
      const [to, next] = [names[at % 3] ?? '', names[(at + 1) % 3] ?? ''];
      await hosted.ask(to, `to ${next} ${at}`);
      await hosted.ask(to, `${at}`);
      await hosted.ask(next, `bad ${at}`);
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, from) => ask(from)));
  await hosted.close(5000);
  let fuel = 0n;
  const counts: Record<string, number> = {};
  for (const agent of names)
    for await (const turn of replaying({ stateFolder: state, agent, cacheFolder: undefined })) {
      counts[turn.kind] = (counts[turn.kind] ?? 0) + 1;
      if (turn.kind !== 'unreplayed') fuel += turn.before.fuel - turn.now.fuel;
    }
  assert.deepEqual(counts, { same: messages });
  assert.equal(fuel, 0n);
});
