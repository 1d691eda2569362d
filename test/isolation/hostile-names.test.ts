import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostError } from '../../host/errors.ts';
import { formatLogLine } from '../../host/telemetry/guest-api.ts';
import { LogQueue } from '../../host/telemetry/log-queue.ts';
import { host } from '../support/cli.ts';
import { wat } from '../support/wat.ts';

// Names and texts out of a guest's file: they may not steer a terminal, forge lines, or cost more than their length.

const folder = mkdtempSync(join(tmpdir(), 'motehost-names-'));

function save(name: string, bytes: Uint8Array): string {
  const path = join(folder, `${name}.wasm`);
  writeFileSync(path, bytes);
  return path;
}

const leb = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...leb(Math.floor(value / 128))];
const sized = (bytes: readonly number[]): number[] => [...leb(bytes.length), ...bytes];

/** A name section that names function 0. */
function named(bytes: Uint8Array, name: string): Uint8Array {
  const functions = [1, 0, ...sized([...Buffer.from(name)])];
  return Buffer.concat([
    bytes,
    Buffer.from([0, ...sized([...sized([...Buffer.from('name')]), 1, ...sized(functions)])]),
  ]);
}

const trapping = '(module (func (export "_start") unreachable))';
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const control = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/;

test('host inspect escapes control characters in names, line ends included', async () => {
  const file = save(
    'inspect',
    await wat('(module (import "\\1b]0;title\\07" "x\\0aforged" (func)) (func (export "\\c2\\9b31m")))'),
  );
  const { code, stdout } = await host(['inspect', file]);
  assert.equal(code, 0);
  assert.doesNotMatch(stdout, control);
  assert.doesNotMatch(stdout, /^forged/m);
});

test("a function's name cannot forge a line of the host's in a stack trace", async () => {
  const { stderr } = await host(['run', save('forge', named(await wat(trapping), 'x\nhost: ok wasm://'))]);
  assert.equal(stderr.match(/^host: /gm)?.length, 1);
  assert.match(stderr, / {4}at x\\x0ahost: ok wasm:\/\/ \(wasm-function\[\d+\]\)/);
});

test('a name of ninety thousand parentheses is shown in part, and at once', async () => {
  const file = save('long', named(await wat(trapping), `${'('.repeat(90_000)})`));
  const startedMs = performance.now();
  const { code, stderr } = await host(['run', file]);
  assert.equal(code, 134);
  assert.ok(stderr.length < 2_000, `${stderr.length} characters`);
  assert.ok(performance.now() - startedMs < 3_000, 'reading a stack trace takes time by its length only');
});

test('an ordinary stack trace names its functions', async () => {
  const { stderr } = await host(['run', save('plain', named(await wat(trapping), 'divide'))]);
  assert.match(stderr, /\n {4}at divide \(wasm-function\[\d+\]\)\n/);
});

test('a message that lists megabytes of names is cut', async () => {
  const exports = Array.from({ length: 100 }, (_, at) => `(func (export "${'n'.repeat(5_000)}${at}"))`);
  const { code, stderr } = await host(['run', save('many', await wat(`(module ${exports.join(' ')})`))]);
  assert.equal(code, 65);
  assert.ok(stderr.length < 20_000, `${stderr.length} characters`);
  assert.match(new HostError('HOST_ERR_NOT_WASM', 'x'.repeat(100_000)).message, /more characters\)$/);
});

test('no character of a logged field steers a terminal, quoted or not', () => {
  for (const value of ['\x1b[31m', 'a b\x9b31m', '"\x7f', 'a\nb']) {
    const line = formatLogLine({ level: 'info', text: 't', fields: [{ name: 'n', value }] });
    assert.doesNotMatch(line, control, JSON.stringify(value));
    assert.equal(line.indexOf('\n'), line.length - 1);
  }
});

test("words that every JavaScript object knows are no commands, and no variables of the host's", async () => {
  const file = save('none', await wat('(module (func (export "_start")))'));
  for (const word of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf']) {
    assert.equal((await host([word])).code, 64, word);
    assert.equal((await host(['help', word])).code, 64, word);
    assert.equal((await host(['run', file, '--env', word])).code, 64, word);
  }
});

test('an exit code of 256 does not look like success', async () => {
  const exit = (code: number): string =>
    `(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1)
      (func (export "_start") (call $exit (i32.const ${code}))))`;
  for (const [code, shown] of [
    [0, 0],
    [255, 255],
    [256, 1],
    [65_536, 1],
    [-1, 1],
  ] as const)
    assert.equal((await host(['run', save(`exit${code}`, await wat(exit(code)))])).code, shown);
});

test('log lines that outrun a sink wait as bytes, in order, and are all there after flush', async () => {
  const written: Uint8Array[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const queue = new LogQueue({
    write: async (bytes) => {
      await promise;
      written.push(bytes);
    },
  });
  const lines = Array.from({ length: 10_000 }, (_, at) => `line ${at}\n`);
  for (const line of lines) queue.write(new TextEncoder().encode(line));
  resolve();
  await queue.flush();
  assert.equal(Buffer.concat(written).toString(), lines.join(''));
  assert.ok(written.length <= 3, `${written.length} writes`);
});

test('a sink that fails loses its lines, and nobody is told', async () => {
  const queue = new LogQueue({ write: () => Promise.reject(new Error('gone')) });
  queue.write(Uint8Array.of(1));
  queue.write(Uint8Array.of(2));
  await queue.flush();
});
