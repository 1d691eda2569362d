import assert from 'node:assert/strict';
import { cpSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { historyFiles, streamName } from '../../host/history/history-files.ts';
import { HistoryWriter } from '../../host/history/history-writer.ts';
import { Recorder } from '../../host/history/recorder.ts';
import { histories } from '../../host/host/record/replaying.ts';
import { Hosted, localAgent, scribe, temporaryState } from '../support/hosted.ts';
import { inItsBlock, kindsOf, recorded, turnsOf } from '../support/replays.ts';

// A history holds what agents were told: on the disk nobody reads it but its own host.

const secret = 'the combination is 4711';

async function left(t: TestContext): Promise<string> {
  const state = temporaryState(t);
  const hosted = await Hosted.start(t, state, [localAgent('scribe', await scribe(), recorded)]);
  await inItsBlock(state, () => hosted.ask('scribe', secret));
  await hosted.close(1000);
  return state;
}

function copyOf(t: TestContext, state: string): string {
  const copy = temporaryState(t);
  cpSync(state, copy, { recursive: true });
  return copy;
}

function begun(t: TestContext, state: string): Promise<Hosted> {
  return Hosted.start(t, state, []);
}

/** As a version without seals wrote them. */
function writeUnsealed(state: string): void {
  const folder = join(state, 'history');
  const sink = new HistoryWriter({
    folder,
    stream: streamName(1, 1),
    fileBytesMax: 1e6,
    wallMs: () => 1,
    after: () => {},
    sealed: () => {},
    makeRoom: () => {},
    failed: (error) => assert.fail(String(error)),
    recovered: () => {},
  });
  new Recorder({ agent: 'old', sink, turnBytesMax: 1e6 }).begins({ digest: '', limits: {}, atMs: 1 });
  sink.close();
}

test('what an agent was told is nowhere in the files of its history, and its own host runs it again', async (t) => {
  const state = await left(t);
  const folder = join(state, 'history');
  const bytes = historyFiles(folder).map(({ name }) => readFileSync(join(folder, name)));
  assert.ok(bytes.length > 0 && bytes.every((one) => one.length > 0 && !one.includes(secret)));
  assert.deepEqual(kindsOf(await turnsOf(state, 'scribe')), ['same']);
});

test('without the key, with that of another host, or in the place of another file nothing of it opens', async (t) => {
  const state = await left(t);
  const folder = join(state, 'history');
  const sealed = { code: 'HOST_ERR_HISTORY_SEALED', message: /host\.key it was sealed with/ };
  const bare = copyOf(t, state);
  rmSync(join(bare, 'keys'), { recursive: true });
  await assert.rejects(turnsOf(bare, 'scribe'), { ...sealed, message: /put back the one/ });
  const other = copyOf(t, bare);
  rmSync(other, { recursive: true });
  await (await begun(t, other)).close(1000);
  rmSync(join(other, 'history'), { recursive: true });
  cpSync(folder, join(other, 'history'), { recursive: true });
  await assert.rejects(turnsOf(other, 'scribe'), sealed);
  const moved = copyOf(t, state);
  const [name = ''] = historyFiles(folder).map((file) => file.name);
  const elsewhere = name.replace(/\d{6}(?=\.history)/, '000007');
  renameSync(join(moved, 'history', name), join(moved, 'history', elsewhere));
  await assert.rejects(turnsOf(moved, 'scribe'), sealed);
});

test('a host whose key is missing does not begin with another one beside sealed histories', async (t) => {
  const state = await left(t);
  for (const name of ['keys', 'journal', 'cold']) rmSync(join(state, name), { recursive: true });
  await assert.rejects(begun(t, state), {
    code: 'HOST_ERR_IDENTITY_CORRUPT',
    message: /host\.key is missing, and .*\.history needs it/,
  });
});

test('what is not sealed is read where there never was a key, or when its operator says so', async (t) => {
  const state = temporaryState(t);
  await (await begun(t, state)).close(1000);
  writeUnsealed(state);
  const names = (takesUnsealed: boolean): string[] =>
    histories({ stateFolder: state, takesUnsealed }).map(({ agent }) => agent);
  assert.throws(() => names(false), { code: 'HOST_ERR_HISTORY_CORRUPT', message: /--take-unsealed/ });
  assert.deepEqual(names(true), ['old']);
  rmSync(join(state, 'keys'), { recursive: true });
  assert.deepEqual(names(false), ['old']);
});
