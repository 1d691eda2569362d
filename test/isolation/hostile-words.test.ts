import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseDir, parseEnv, parseNet } from '../../host/cli/grant-flags.ts';
import { compatibleName } from '../../host/engine/linker.ts';
import { HostError } from '../../host/errors.ts';
import { limitNames, parseLimit } from '../../host/limits.ts';
import { parseManifest } from '../../host/manifest.ts';
import { host } from '../support/cli.ts';
import { wat } from '../support/wat.ts';

// Words of a command line and texts of settings files: whatever they are, the answer is one line and a code
// that says whose fault it is, and it comes at once.

const folder = mkdtempSync(join(tmpdir(), 'motehost-words-'));
const internal = 70;

test('a path that is too long, loops or leads through a file is a bad path, not a bug', async () => {
  const loop = join(folder, 'loop');
  symlinkSync(loop, loop);
  const file = join(folder, 'program.wasm');
  writeFileSync(file, await wat('(module (func (export "_start")))'));
  mkdirSync(join(folder, 'empty'));
  for (const path of [loop, 'a'.repeat(5000), `${file}/x`, join(folder, 'empty'), join(folder, 'none')]) {
    for (const words of [
      ['run', path],
      ['inspect', path],
      ['build', path],
      ['run', file, '--dir', path],
    ]) {
      if (words.at(-2) === '--dir' && path.endsWith('empty')) continue;
      const { code, stderr } = await host(words);
      assert.ok(
        code !== null && code >= 64 && code !== internal,
        `${words.join(' ').slice(0, 80)}: ${code} ${stderr.slice(0, 200)}`,
      );
      assert.equal(stderr.trimEnd().split('\n').length, 1);
    }
  }
  for (const path of [join(loop, 'a'), join(file, 'a'), `${'a/'.repeat(3000)}a`])
    assert.equal((await host(['new', path])).code, 66, path.slice(0, 80));
});

test('a program that is a pipe is read; one that never ends is refused', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const bytes = await wat('(module (func (export "_start")))');
  const [ended] = await Promise.all([host(['run', pipe]), writeFile(pipe, bytes)]);
  assert.equal(ended.code, 0, ended.stderr);
  const endless = await host(['run', '/dev/zero']);
  assert.equal(endless.code, 66);
  assert.match(endless.stderr, /goes on past/);
});

const fragments = [
  ...'()[]{},:"\'\\#=.*@%-_ \n\0\x1b',
  ...[
    'some',
    'ok',
    'err',
    'true',
    'inf',
    '0',
    '-1',
    '1e999',
    '0x',
    '1.5',
    '9'.repeat(50),
    '\\u{110000}',
    '\\ud800',
  ],
  ...[
    'constructor',
    '__proto__',
    'then',
    'toString',
    '[limits]',
    'name',
    'fuel',
    'memory',
    'world',
    '"handler"',
    'entry',
  ],
  ...['1979-05-27', '::', '[::1]:80', 'localhost:', '@1.2.3', '--', '\ud800', '😀', '"""', "'''"],
  ...['A', '(', '[', '{a:', '"', '\\', '1.', '_'].map((each) => each.repeat(1000)),
];

function* texts(seed: number, count: number): Generator<string> {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let made = 0; made < count; made += 1) {
    const parts = Array.from({ length: 1 + random(12) }, () => fragments[random(fragments.length)]);
    yield parts.join(['', ' ', '\n'][random(3)]);
  }
}

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  '--dir': parseDir,
  '--env': (text) => parseEnv(text, process.env),
  '--net': parseNet,
  'agent.toml': (text) => parseManifest(text, 'agent.toml'),
  'a table of limits': (text) =>
    parseManifest(`name = "a"\nworld = "handler"\n[limits]\n${text}`, 'agent.toml'),
  'an interface name': compatibleName,
  ...Object.fromEntries(limitNames.map((name) => [name, (text: string) => parseLimit(name, text, 'x')])),
};

for (const [what, read] of Object.entries(readers)) {
  test(`two thousand made-up texts for ${what} are read or refused, each at once`, () => {
    for (const text of texts(what.length, 2_000)) {
      const startedMs = performance.now();
      try {
        read(text);
      } catch (error) {
        assert.ok(error instanceof HostError, `${JSON.stringify(text).slice(0, 200)}: ${error}`);
      }
      assert.ok(performance.now() - startedMs < 1_000, JSON.stringify(text).slice(0, 200));
    }
  });
}
