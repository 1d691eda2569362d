import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { host } from '../support/cli.ts';
import { wat } from '../support/wat.ts';

// Programs as other people's compilers make them, run as they are.

const bin = join(import.meta.dirname, '../../host/cli/bin.js');
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

/** What Wasmtime 50 counts for the same program, arguments, environment and stdin. */
const rustFuel = { preview1: '12084', component: '28893' };

for (const kind of ['preview1', 'component'] as const) {
  const file = join(fixtures, 'rust', `hello.${kind}.wasm`);

  test(`a Rust program (${kind}) runs with arguments, stdin and the environment it was granted`, async () => {
    const { code, stdout, stderr } = await host(['run', file, '--', 'Ada', 'Grace'], {
      input: 'one\ntwo',
      env: { EXIT: '3' },
    });
    assert.equal(stdout, 'hello, Ada and Grace\n1: one\n2: two\n');
    assert.match(stderr, /^host: ok /);
    assert.equal(code, 0);
  });

  test(`a Rust program (${kind}) uses the same fuel on every run, Wasmtime's number`, async () => {
    const args = ['run', file, '--json', '--env', 'EXIT=3', '--', 'Ada', 'Grace'];
    const first = await host(args, { input: 'a\nb' });
    const again = await host(args, { input: 'a\nb' });
    const { usage, stderr } = JSON.parse(first.stdout);
    assert.equal(usage.fuel, rustFuel[kind]);
    assert.equal(JSON.parse(again.stdout).usage.fuel, usage.fuel);
    assert.equal(stderr, 'leaving with 3\n');
    // WASI 0.2 knows only success and failure; preview1 keeps the number.
    assert.equal(first.code, kind === 'preview1' ? 3 : 1);
  });

  test(`a Rust program (${kind}) that panics is a trap, with its message on stderr`, async () => {
    const { code, stderr } = await host(['run', file, '--env', 'EXIT=soon', '--', 'Ada']);
    assert.match(stderr, /EXIT is a number: ParseIntError/);
    assert.match(stderr, /host: trap: unreachable/);
    assert.equal(code, 134);
  });
}

test('a module built for a JavaScript page is told so, whether or not it has a main export', async () => {
  const cases = [
    ['gojs', '(import "gojs" "runtime.wasmExit" (func)) (func (export "run"))', /GOOS=wasip1/],
    ['emscripten', '(import "a" "a" (func)) (func (export "b"))', /-sSTANDALONE_WASM/],
    ['script', '(import "env" "draw" (func)) (func (export "main"))', /env\.draw.*wasm32-wasip1/],
    [
      'assembly',
      '(import "env" "console.log" (func)) (func (export "main"))',
      /env\.console\.log.*AssemblyScript.*--use abort=/,
    ],
    ['command', '(import "wbg" "f" (func)) (func (export "_start"))', /wasm-bindgen/],
  ] as const;
  for (const [name, body, cure] of cases) {
    const file = join(folder, `${name}.wasm`);
    writeFileSync(file, await wat(`(module ${body})`));
    const { code, stderr } = await host(['run', file]);
    assert.match(stderr, /^host: the module imports what this host does not offer: /);
    assert.match(stderr, cure);
    assert.equal(code, 65);
  }
});

const full = existsSync('/dev/full') ? openSync('/dev/full', 'w') : undefined;

test('a program whose output has no room is told so', {
  skip: full === undefined && 'no /dev/full',
}, async () => {
  const iovec = '(data (i32.const 0) "\\10\\00\\00\\00\\04\\00\\00\\00")';
  const write = '(call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))';
  // The first write is taken before it is known to fail; a later one has the number: nospc, 51.
  const body = `(loop $again (local.set $e ${write}) (br_if $again (i32.eqz (local.get $e)))) (call $exit (local.get $e))`;
  const file = join(folder, 'full.wasm');
  const text = `(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1) ${iovec} (func (export "_start") (local $e i32) ${body}))`;
  writeFileSync(file, await wat(text));
  const { status } = spawnSync(process.execPath, [bin, 'run', file, '--fuel', '100M'], {
    stdio: ['ignore', full, 'pipe'],
  });
  assert.equal(status, 51);
});
