import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildTestAgent } from './component-runner.ts';

const folder = mkdtempSync(join(tmpdir(), 'motehost-command-'));
const program = join(folder, 'streams.wasm');
after(() => rmSync(folder, { recursive: true }));
before(async () => {
  writeFileSync(program, (await buildTestAgent('streams', { world: 'command' })).bytes);
});

// Node's own WASI, as an implementation that is not ours.
const runner = `
  import { WASI } from 'node:wasi';
  import { readFileSync } from 'node:fs';
  const [path, ...args] = process.argv.slice(1);
  const wasi = new WASI({ version: 'preview1', args: ['streams', ...args], env: { SHELL_LIKE: 'a=b', EMPTY: '' }, returnOnExit: true });
  const instance = await WebAssembly.instantiate(await WebAssembly.compile(readFileSync(path)), wasi.getImportObject());
  process.exitCode = wasi.start(instance);
`;

function run(
  args: readonly string[],
  input: string | Uint8Array = '',
): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-warnings', '--input-type=module', '--eval', runner, program, ...args],
    { input, maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' },
  );
  return { code: status, out: stdout, err: stderr };
}

test('arguments, the environment and the exit code go through', () => {
  assert.deepEqual(run(['args', 'b ü', '']), { code: 7, out: 'args|b ü|\n', err: '' });
  assert.equal(run(['env', 'SHELL_LIKE']).out, 'a=b\n');
  assert.equal(run(['env', 'EMPTY']).out, '\n');
  assert.equal(run(['env', 'SHELL']).out, '(none)\n');
  assert.deepEqual(run(['exit']), { code: 3, out: '', err: '' });
});

test('lines end at line breaks of either kind, and the last one needs none', () => {
  assert.equal(run(['lines'], 'a\r\nb\n\nü🌍').out, '[a]\n[b]\n[]\n[ü🌍]\n');
  assert.equal(run(['lines'], '').out, '');
  const long = 'é'.repeat(200_000);
  assert.equal(run(['lines'], `${long}\nend\n`).out, `[${long}]\n[end]\n`);
});

test('a long input is read whole, in one text or in pieces', () => {
  const text = 'ü, words and more words\n'.repeat(40_000);
  assert.deepEqual(run(['text'], text), { code: 7, out: text, err: `${text.length}\n` });
  assert.equal(run(['chunks'], text).out, text);
});

test('console, trace, Date and Math.random work', () => {
  assert.deepEqual(run(['console']), { code: 7, out: 'out\ntrue\n', err: 'err ü🌍\ntraced 4.0\n' });
});

test('a throw says message, file and line on stderr and traps', () => {
  const { code, err } = run(['throw']);
  assert.equal(code, 1);
  assert.match(err, /^bad ü🌍 thing \(assembly\/index\.ts:25\)\n[\s\S]*unreachable/);
});

test('a command that imports what agents import is told what there is', async () => {
  await assert.rejects(buildTestAgent('echo', { world: 'command' }), {
    code: 'HOST_ERR_BUILD_FAILED',
    message: /there is no module 'motehost:agent'[\s\S]+there are: motehost:command, motehost:std/,
  });
});

import { writtenAgent } from '../support/written-agent.ts';

test('a command without main is told what is missing', async () => {
  await assert.rejects(writtenAgent('export function mian(): i32 { return 0; }', { world: 'command' }), {
    code: 'HOST_ERR_BUILD_FAILED',
    message:
      /world 'command' needs the export 'main' \(there is none\); it looks like this:\n {2}export function main\(\): i32/,
  });
});
