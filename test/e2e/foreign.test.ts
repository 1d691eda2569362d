import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { host } from '../support/cli.ts';

// Programs as other people's compilers make them, run as they are.

const fixtures = join(import.meta.dirname, '../fixtures');
const folder = mkdtempSync(join(tmpdir(), 'motehost-foreign-'));
const builtins = '/usr/lib/llvm-14/lib/clang/14.0.6/lib/wasi/libclang_rt.builtins-wasm32.a';
const hasClang =
  existsSync('/usr/bin/clang') && existsSync('/usr/lib/wasm32-wasi/libc.a') && existsSync(builtins);
const skip = hasClang || process.env.CI ? false : 'needs clang, lld, wasi-libc and libclang-rt-14-dev-wasm32';

function compileC(name: string): string {
  const out = join(folder, `${name}.wasm`);
  const flags = ['--target=wasm32-wasi', '--sysroot=/usr', '-O2', '-nodefaultlibs', '-lc', builtins];
  execFileSync('/usr/bin/clang', [join(fixtures, 'c', `${name}.c`), ...flags, '-o', out]);
  return out;
}

test('a C program runs with arguments, environment, stdin and its own exit code', { skip }, async () => {
  const file = compileC('hello');
  const { code, stdout } = await host(['run', file, '--env', 'EXIT=3', '--', 'Ada', 'Grace'], {
    input: 'one\ntwo\n',
  });
  assert.equal(stdout, 'hello, Ada\nhello, Grace\nread: one\nread: two\n');
  assert.equal(code, 3);
});

test('a C program that opens a file needs a grant, and a read-only one stays read-only', {
  skip,
}, async () => {
  const file = compileC('files');
  const data = join(folder, 'data');
  mkdirSync(data);
  writeFileSync(join(data, 'in.txt'), 'from the host');
  const denied = await host(['run', file, '--', '/data']);
  assert.match(denied.stdout, /^open in\.txt: /);
  assert.equal(denied.code, 1);
  const readOnly = await host(['run', file, '--dir', `${data}::/data:ro`, '--', '/data']);
  assert.match(readOnly.stdout, /^in\.txt: from the host\ncreate out\.txt: /);
  const allowed = await host(['run', file, '--dir', `${data}::/data`, '--', '/data']);
  assert.equal(allowed.code, 0);
  assert.equal(readFileSync(join(data, 'out.txt'), 'utf8'), 'from the guest');
});
