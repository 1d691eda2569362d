import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { HostError } from '../../host/errors.ts';
import { historyFiles } from '../../host/history/history-files.ts';
import { type Replayed, replaying, type Unreplayed } from '../../host/host/replaying.ts';
import { Hosted, localAgent, scribe, temporaryState } from '../support/hosted.ts';
import { buildScript } from '../support/script-agent.ts';
import { writtenAgent } from '../support/written-agent.ts';

const recorded = '[history]\nrecord = true\n';

async function turnsOf(
  stateFolder: string,
  agent: string,
  component?: Uint8Array<ArrayBuffer>,
): Promise<(Replayed | Unreplayed)[]> {
  const other = component === undefined ? {} : { component };
  return Array.fromAsync(replaying({ stateFolder, agent, cacheFolder: undefined, ...other }));
}

function kindsOf(turns: readonly (Replayed | Unreplayed)[]): string[] {
  return turns.map(({ kind }) => kind);
}

function replayed(turn: Replayed | Unreplayed | undefined): Replayed {
  assert.ok(turn !== undefined && turn.kind !== 'unreplayed', `not replayed: ${inspect(turn)}`);
  return turn;
}

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
  const again = turns.map((turn) => {
    const { now } = replayed(turn);
    return now.kind === 'ok' ? new TextDecoder().decode(now.value as Uint8Array) : now.kind;
  });
  assert.deepEqual(again, answers);
  assert.deepEqual([...new Set(turns.map((turn) => replayed(turn).life))], [1, 2], 'the trap ended a life');
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
  }
  await first.close(1000);
  const second = await host(t, state, toml);
  const answer = await second.ask('curious', 'd');
  await second.close(1000);
  const turns = await turnsOf(state, 'curious');
  assert.deepEqual(kindsOf(turns), ['same', 'same', 'same', 'same']);
  assert.deepEqual([...new Set(turns.map((turn) => replayed(turn).life))], [1], 'one life');
  assert.equal(new TextDecoder().decode(replayed(turns[3]).now.value as Uint8Array), answer);
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
  assert.deepEqual(
    kindsOf(turns),
    ['same', 'same'],
    JSON.stringify(
      turns.map((turn) => 'divergence' in turn && turn.divergence),
      (_, v) => (typeof v === 'bigint' ? String(v) : v),
    ),
  );
  const again = turns.map((turn) => new TextDecoder().decode(replayed(turn).now.value as Uint8Array));
  assert.deepEqual(again, answers);
});
