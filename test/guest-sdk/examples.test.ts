import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { type CliResult, host } from '../support/cli.ts';

const folder = resolve(import.meta.dirname, '../../examples');

function run(name: string, input: string, ...flags: readonly string[]): Promise<CliResult> {
  return host(['run', join(folder, name), ...flags], { input });
}

test('hello greets whom it is told', async () => {
  const { code, stdout, stderr } = await run('hello', '', '--input', 'Ada');
  assert.deepEqual([code, stdout], [0, 'Hello, Ada!']);
  assert.match(stderr, /greeting name=Ada/);
  assert.match(stderr, /^host: ok · fuel [\d,]+ · memory 64 KiB · /m);
});

test('hello says that it was told nobody', async () => {
  const { code, stderr } = await run('hello', '', '--input', '');
  assert.equal(code, 1);
  assert.match(stderr, /invalid: whom shall I greet\?/);
});

test('word-count counts its standard input, in pieces, within its memory', async () => {
  const { code, stdout } = await run('word-count', 'some words\tin a\nline '.repeat(400_000));
  assert.deepEqual([code, stdout], [0, '400000 lines, 2000000 words, 8400000 bytes\n']);
});

test('prime-sieve counts primes, and costs the same each time', async () => {
  const runs = [
    await run('prime-sieve', '', '--input', '100000'),
    await run('prime-sieve', '', '--input', '100000'),
  ];
  const fuel = runs.map(({ stderr }) => /fuel ([\d,]+)/.exec(stderr)?.[1]);
  assert.deepEqual(
    runs.map(({ code, stdout }) => [code, stdout]),
    Array(2).fill([0, '9592 primes below 100000']),
  );
  assert.ok(fuel[0] !== undefined && fuel[0] === fuel[1], String(fuel));
});

test('endless-loop is stopped by its fuel', async () => {
  const { code, stdout, stderr } = await run('endless-loop', '');
  assert.deepEqual([code, stdout], [124, '']);
  assert.match(stderr, /limit: fuel: [\d,]+ units used of 100,000,000/);
});

test('memory-hog is stopped by its memory', async () => {
  const { code, stderr } = await run('memory-hog', '');
  assert.equal(code, 124);
  assert.match(stderr, /15 MiB and still hungry/);
  assert.match(stderr, /limit: memory: [\d.]+ MiB used of 16 MiB/);
});

test('every agent in the folder is run by a test here', () => {
  const agents = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(agents.map(({ name }) => name).sort(), [
    // Served ones: test/e2e/served-examples.test.ts.
    'chat',
    'endless-loop',
    'hello',
    'memory-hog',
    // Two agents under policies: test/e2e/office.test.ts, and policies alone: test/cli/policy.test.ts.
    'office',
    'pipeline',
    'policies',
    'prime-sieve',
    'quorum',
    // One agent in four languages: test/e2e/router.test.ts.
    'router',
    // What ranks agents, no agent itself: test/host/policy-component.test.ts.
    'scheduling-policy',
    'site',
    'trading-swarm',
    'unreliable',
    'untrusted',
    'word-count',
  ]);
});
