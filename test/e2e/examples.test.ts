import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { host } from '../support/cli.ts';

const root = resolve(import.meta.dirname, '../..');
const example = (name: string): string => join(root, 'examples', name);
/** Building loads a compiler: seconds on a busy machine, while every run after it takes milliseconds. */
const options = { timeout: 120_000 };

test('hello greets whom it is told of, and logs it', options, async () => {
  const { code, stdout, stderr } = await host(['run', example('hello'), '--input', 'Ada']);
  assert.equal(stdout, 'Hello, Ada!');
  assert.match(stderr, /^\[info\] greeting name=Ada\nhost: ok · fuel [\d,]+ · memory /);
  assert.equal(code, 0);
});

test('hello without a name says what is wrong, with exit code 1', options, async () => {
  const { code, stderr } = await host(['run', example('hello')]);
  assert.match(stderr, /host: failed: invalid: /);
  assert.equal(code, 1);
});

test('word-count counts what comes in on stdin', options, async () => {
  const { code, stdout } = await host(['run', example('word-count')], { input: 'one two\nthree\n' });
  assert.equal(stdout, '2 lines, 3 words, 14 bytes\n');
  assert.equal(code, 0);
});

test('prime-sieve needs real fuel, the same amount every time', options, async () => {
  const fuels = [];
  for (let run = 0; run < 2; run += 1) {
    const { code, stdout, stderr } = await host(['run', example('prime-sieve')]);
    assert.equal(stdout, '664579 primes below 10000000');
    assert.equal(code, 0);
    fuels.push(/fuel ([\d,]+)/.exec(stderr)?.[1]);
  }
  assert.equal(fuels[0], fuels[1]);
  assert.ok(Number(fuels[0]?.replaceAll(',', '')) > 100_000_000);
});

test('endless-loop is stopped by the fuel limit of its manifest', options, async () => {
  const { code, stderr } = await host(['run', example('endless-loop')]);
  assert.equal(code, 124);
  assert.match(stderr, /limit: fuel: .* of 100,000,000 units; raise it in .*agent\.toml, which sets it/);
});

test('memory-hog is stopped by the memory limit of its manifest', options, async () => {
  const { code, stderr } = await host(['run', example('memory-hog')]);
  assert.equal(code, 124);
  assert.match(stderr, /limit: memory: .* of 16 MiB; raise it in .*agent\.toml, which sets it/);
});

test('every example is tested here and described in the README or by its own comment', () => {
  // Those that are served, the router and the policies have files of their own.
  const apart = [
    'router.test.ts',
    'served-examples.test.ts',
    'office.test.ts',
    '../cli/policy.test.ts',
    '../host/policy-component.test.ts',
  ].map((name) => join(import.meta.dirname, name));
  const tests = [import.meta.filename, ...apart].map((file) => readFileSync(file, 'utf8')).join('');
  for (const entry of readdirSync(join(root, 'examples'), { withFileTypes: true })) {
    if (entry.isDirectory())
      assert.ok(
        tests.includes(`example('${entry.name}')`) || tests.includes(`examples/${entry.name}'`),
        entry.name,
      );
  }
});

test('each command of the README that runs something here does what it says', options, async () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const first = /```sh\nnpm ci && npx host (.*)\n```/.exec(readme)?.[1];
  assert.ok(first !== undefined);
  const { code, stdout } = await host(first.split(' '), { cwd: root });
  assert.equal(stdout, 'Hello, world!');
  assert.equal(code, 0);
  assert.match(readme, /<!-- the test command -->\n```sh\nnpm ci && npm test\n```/);
});
