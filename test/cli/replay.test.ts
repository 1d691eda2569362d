import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock, systemRandom } from '../../host/clock.ts';
import { historyFiles } from '../../host/history/history-files.ts';
import { serve } from '../../host/host/serve.ts';
import { type CliResult, host } from '../support/cli.ts';
import { localAgent, payload, principal, scribe, scribeSource } from '../support/hosted.ts';
import { inItsBlock, recorded } from '../support/replays.ts';
import { writtenAgent } from '../support/written-agent.ts';

// `host replay` as a person types it, over a history that a host left.

const home = mkdtempSync(join(tmpdir(), 'motehost-replay-'));
const state = join(home, 'state');
const other = join(home, 'other.wasm');
after(() => rmSync(home, { recursive: true }));

before(async () => {
  const toml = `${recorded}[capabilities.bus]\nsend = ["agent.sink"]\n`;
  const serving = await serve({
    agents: [localAgent('scribe', await scribe(), toml), localAgent('sink', await scribe())],
    stateFolder: state,
    cacheFolder: undefined,
    threads: 1,
    limits: {},
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  });
  for (const words of ['one', 'to sink hello', 'bad', 'four'])
    await inItsBlock(state, () => serving.invoke('scribe', payload(words), { principal }));
  await serving.close(1000);
  // It answers otherwise from the second message on, and says something else to the sink.
  const source = scribeSource.replace('rest.slice(at + 1))', 'rest.slice(at + 1) + "!")');
  assert.notEqual(source, scribeSource);
  writeFileSync(other, (await writtenAgent(source)).bytes);
});

function replay(args: readonly string[], input = ''): Promise<CliResult> {
  return host(['replay', ...args, '--state', state], { input });
}

test('without an agent it lists who can be run again', async () => {
  const { code, stdout } = await replay([]);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^AGENT +TURNS +LIVES +FROM +TO +COMPONENT\nscribe +4 +1 +20\S+Z +20\S+Z +[0-9a-f]{12}\n$/,
  );
  const [line = ''] = (await replay(['--json'])).stdout.split('\n');
  const { agent, turns } = JSON.parse(line);
  assert.deepEqual({ agent, turns }, { agent: 'scribe', turns: 4 });
});

test('an agent that is run again is compared turn by turn', async () => {
  const { code, stdout, stderr } = await replay(['scribe']);
  assert.equal(code, 0);
  const kinds = stdout.split('\n').map((line) => line.split('  ').slice(0, 4).join(' '));
  assert.deepEqual(kinds, [
    '1 same handle ok',
    '2 same handle ok',
    '3 same handle error',
    '4 same handle ok',
    '',
  ]);
  assert.match(stderr, /^host: 4 the same, [\d,]+ fuel\n$/);
});

test('one turn from close up: what it was told, what it asked, what it was answered', async () => {
  const { stdout } = await replay(['scribe', '--turn', '2']);
  assert.match(stdout, /^turn 2 {2}life 1 {2}20\S+Z {2}handle\n {3}is told {2}.*"to sink hello"/);
  assert.match(stdout, / 2 {2}motehost:agent\/bus@0\.1\.0#send\("sink", .*"hello".*\) {2}→ {2}"/);
  assert.match(stdout, /ends {2}ok {2}"2", [\d,]+ fuel, [\d,]+ bytes of memory\n {3}the same as then\n$/);
});

test('step by step: Enter, a turn to go on to, and the end', async () => {
  const { code, stdout, stderr } = await replay(['scribe', '--step'], '\n4\nq\n');
  assert.equal(code, 0);
  assert.deepEqual(stdout.match(/^turn \d/gm), ['turn 1', 'turn 2', 'turn 4']);
  assert.match(stderr, /Enter: next turn; a number: go on to that turn; q: end > /);
  const backwards = await replay(['scribe', '--step'], '1\nq\n');
  assert.match(backwards.stderr, /turn 1 is over; begin again with --from 1/);
  assert.deepEqual(backwards.stdout.match(/^turn \d/gm), ['turn 1']);
});

test('another version: what it would have done, and where it first does something else', async () => {
  const { code, stdout, stderr } = await replay(['scribe', '--component', other]);
  assert.equal(code, 1);
  assert.match(
    stdout,
    /^1 {2}same .*\n2 {2}diverged .*\n {3}at call 2\n {3}then .*"hello".*\n {3}now .*"hello!"/,
  );
  assert.match(stderr, /1 the same, 1 different, 2 not run again, .*; first different: turn 2, at call 2/);
  const quiet = await replay(['scribe', '--component', other, '-q']);
  assert.match(quiet.stdout, /^2 {2}diverged/);
});

test('a version that only says something else goes on', async () => {
  const path = join(home, 'says.wasm');
  const source = scribeSource.replace('count.toString()', '"#" + count.toString()');
  writeFileSync(path, (await writtenAgent(source)).bytes);
  const { code, stdout, stderr } = await replay(['scribe', '--component', path]);
  assert.equal(code, 1);
  assert.deepEqual(stdout.match(/^\d {2}\w+/gm), ['1  diverged', '2  diverged', '3  same', '4  diverged']);
  assert.match(stdout, /then {2}"1"\n {3}now {3}"#1"/);
  assert.match(stderr, /first different: turn 1, at its end: value/);
});

test('lines of JSON have plain values', async () => {
  const { stdout } = await replay(['scribe', '--json', '--turn', '2']);
  const turn = JSON.parse(stdout);
  assert.equal(turn.kind, 'same');
  assert.equal(turn.argument.body, 'to sink hello');
  assert.equal(turn.now.value, '2');
  assert.equal(typeof turn.now.fuel, 'number');
  assert.deepEqual(
    turn.happened.map(({ kind }: { kind: string }) => kind),
    ['call', 'call'],
  );
});

test('who has no history is told how to begin one', async () => {
  const { code, stderr } = await replay(['scrib']);
  assert.equal(code, 66);
  assert.match(stderr, /there is no history of scrib.*scribe/);
  assert.match(
    (await replay(['nobody-at-all'])).stderr,
    /^host: there is no history of nobody-at-all; record = true under \[history\] .* it has had no message yet\n$/,
  );
  const wrong = await replay(['scribe', '--turn', '0']);
  assert.equal(wrong.code, 64);
  assert.equal((await replay(['scribe', '--turn', '1', '--from', '1'])).code, 64);
});

test('a damaged history is run up to the damage', async () => {
  const folder = join(state, 'history');
  const path = join(folder, historyFiles(folder)[0]?.name ?? '');
  const bytes = readFileSync(path);
  const changed = Buffer.from(bytes);
  const last = bytes.length - 1;
  changed[last] = (changed[last] as number) ^ 1;
  writeFileSync(path, changed);
  try {
    const { code, stdout, stderr } = await replay(['scribe']);
    assert.equal(code, 69);
    assert.match(stdout, /^1 {2}same/);
    assert.match(stderr, /the same, .* fuel\nhost: .*, byte \d+: the history was changed or damaged here/);
  } finally {
    writeFileSync(path, bytes);
  }
});
