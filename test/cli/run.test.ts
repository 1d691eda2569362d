import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { host } from '../support/cli.ts';
import { wat } from '../support/wat.ts';

const folder = mkdtempSync(join(tmpdir(), 'motehost-run-'));

async function program(name: string, text: string): Promise<string> {
  const path = join(folder, `${name}.wasm`);
  writeFileSync(path, await wat(text));
  return path;
}

const wasi = (name: string, type: string): string =>
  `(import "wasi_snapshot_preview1" "${name}" (func $${name} ${type}))`;
const fdRead = wasi('fd_read', '(param i32 i32 i32 i32) (result i32)');
const fdWrite = wasi('fd_write', '(param i32 i32 i32 i32) (result i32)');
const procExit = wasi('proc_exit', '(param i32)');

const cat = `(module ${fdRead} ${fdWrite} (memory (export "memory") 2)
  (func (export "_start") (local $got i32)
    (loop $again
      (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 65536))
      (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $got (i32.load (i32.const 8)))
      (if (local.get $got) (then
        (i32.store (i32.const 4) (local.get $got))
        (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (br $again))))))`;
const spin = '(module (func (export "_start") (loop (br 0))))';
const math = `(module
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "half") (param f64) (result f64) local.get 0 f64.const 2 f64.div)
  (func (export "wide") (param i64) (result i64) local.get 0))`;

test('a program exits with its own code', async () => {
  for (const code of [0, 1, 7, 42, 124, 255]) {
    const file = await program(
      `exit-${code}`,
      `(module ${procExit} (memory (export "memory") 1) (func (export "_start") (call $proc_exit (i32.const ${code}))))`,
    );
    assert.equal((await host(['run', file])).code, code);
  }
});

test('stdin and stdout stream through', async () => {
  const input = 'a line\n'.repeat(50_000);
  const { code, stdout, stderr } = await host(['run', await program('cat', cat)], { input });
  assert.equal(code, 0);
  assert.equal(stdout.length, input.length);
  assert.equal(stdout, input);
  assert.match(stderr, /^host: ok · fuel [\d,]+ · memory 128 KiB · [\d.]+ m?s\n$/);
});

test('--quiet leaves stderr to the program', async () => {
  assert.equal((await host(['run', '--quiet', await program('cat', cat)])).stderr, '');
});

test('a trap exits with 134 and names its kind and the function', async () => {
  const file = await program('trap', '(module (func $boom unreachable) (func (export "_start") call $boom))');
  const { code, stderr } = await host(['run', file]);
  assert.equal(code, 134);
  assert.match(stderr, /^host: trap: unreachable · /);
  assert.match(stderr, /boom/);
});

test('a limit exits with 124 and names limit, value, use and flag', async () => {
  const { code, stderr } = await host(['run', await program('spin', spin), '--fuel', '1M']);
  assert.equal(code, 124);
  assert.match(
    stderr,
    /^host: limit: fuel: 1,000,00\d units used of 1,000,000 units; raise it with --fuel · /,
  );
});

test('a deadline ends a program that waits for input', async () => {
  const child = host(['run', await program('cat', cat), '--deadline', '300ms'], { keepInputOpen: true });
  const { code, stderr } = await child;
  assert.equal(code, 124);
  assert.match(stderr, /limit: deadline: .* of 300 ms; raise it with --deadline/);
});

test('the tightest of flag, environment and config file holds, and the message says whose it is', async () => {
  const file = await program('spin', spin);
  const config = join(folder, 'config.toml');
  writeFileSync(config, '[limits]\nfuel = "3M"\n');
  const cases: [string[], Record<string, string>, RegExp][] = [
    [['--fuel', '1M'], { HOST_FUEL: '2M', HOST_CONFIG: config }, /of 1,000,000 units; raise it with --fuel/],
    [['--fuel', '9M'], { HOST_FUEL: '2M', HOST_CONFIG: config }, /of 2,000,000 units; raise it in HOST_FUEL/],
    [['--fuel', '9M', '--config', config], {}, /of 3,000,000 units; raise it in .*config\.toml/],
  ];
  for (const [flags, env, message] of cases)
    assert.match((await host(['run', file, ...flags], { env })).stderr, message);
});

test('Ctrl-C ends an endless loop as cancelled, with 130', async () => {
  const file = await program(
    'spin-loud',
    spin
      .replace('(module', `(module ${fdWrite} (memory (export "memory") 1) (data (i32.const 16) "go")`)
      .replace(
        '(loop',
        '(i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 2)) (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (loop',
      ),
  );
  const { code, stderr } = await host(['run', file], { onStdout: (_, kill) => kill('SIGINT') });
  assert.equal(code, 130);
  assert.match(stderr, /^host: cancelled: SIGINT · fuel /);
});

test('--invoke calls any export with WAVE arguments', async () => {
  const file = await program('math', math);
  assert.equal((await host(['run', file, '--invoke', 'add(40, 2)'])).stdout, '42\n');
  assert.equal((await host(['run', file, '--invoke', 'half(3)'])).stdout, '1.5\n');
  assert.equal(
    (await host(['run', file, '--invoke', 'wide(-9223372036854775808)'])).stdout,
    '-9223372036854775808\n',
  );
});

test('--json gives one document with outcome, usage and what was printed', async () => {
  const { stdout } = await host(['run', await program('cat', cat), '--json'], { input: 'hi' });
  const document = JSON.parse(stdout) as Record<string, unknown>;
  assert.equal(document.kind, 'ok');
  assert.equal(document.stdout, 'hi');
  assert.match((document.usage as { fuel: string }).fuel, /^\d+$/);
});

test('what is wrong with a command line is said in one line', async () => {
  const file = await program('math', math);
  writeFileSync(join(folder, 'text.wasm'), 'hello, this is text');
  writeFileSync(join(folder, 'cut.wasm'), (await wat(math)).subarray(0, 20));
  const cases: [string[], number, RegExp][] = [
    [['run'], 64, /which program\?/],
    [['run', file, '--feul', '1'], 64, /unknown option --feul, did you mean '--fuel'\?/],
    [['run', file, '--fuel', 'lots'], 64, /--fuel: 'lots' is not a limit; write for example/],
    [['run', file, '--fuel', '-1'], 64, /--fuel/],
    [
      ['run', file, '--fuel', '1M', '--fuel=2M'],
      64,
      /--fuel is there twice, '1M' and '2M': it takes one value/,
    ],
    [['run', file, '--config', ''], 64, /--config is empty: name a path, or leave it out/],
    [
      ['run', file, '--config', join(folder, 'none.toml')],
      66,
      /--config: cannot read .*: it is not there \(ENOENT\)/,
    ],
    [['run', join(folder, 'none.wasm')], 66, /no such file/],
    [['run', folder], 66, /without an agent\.toml/],
    [['run', join(folder, 'text.wasm')], 65, /text\.wasm: the file is text, not WebAssembly/],
    [['run', join(folder, 'cut.wasm')], 65, /not a valid|malformed|ends/],
    [['run', file], 65, /no main export.*add, half, wide.*--invoke/],
    [['run', file, '--invoke', 'sub(1, 2)'], 64, /no export 'sub'; the program exports: add, half, wide/],
    [['run', file, '--invoke', 'add(1)'], 64, /add takes 2 arguments/],
    [['run', file, '--invoke', 'add(1, "x")'], 64, /s32/],
    [['run', file, '--invoke', 'add(1, 2.5)'], 64, /s32/],
    [['run', file, '--dir', join(folder, 'nowhere')], 64, /is not a directory/],
    [['run', file, '--net', 'example.com'], 64, /HOST:PORT/],
    [['run', file, '--env', 'SURELY_NOT_SET_HERE'], 64, /is not set here/],
    [['rnu'], 64, /no command 'rnu', did you mean 'run'\?/],
    [['help', 'rnu'], 64, /no command 'rnu', did you mean 'run'\?/],
    [['inspect'], 64, /which program\?/],
  ];
  for (const [words, code, message] of cases) {
    const ended = await host(words);
    assert.match(ended.stderr, message, words.join(' '));
    assert.equal(ended.code, code, words.join(' '));
    assert.equal(ended.stderr.trimEnd().split('\n').length, 1, ended.stderr);
  }
});

test('imports that nobody offers are all named', async () => {
  const text = '(module (import "env" "a" (func)) (import "env" "b" (func)) (func (export "_start")))';
  const { code, stderr } = await host(['run', await program('foreign', text)]);
  assert.equal(code, 65);
  assert.match(stderr, /env\.a/);
  assert.match(stderr, /env\.b/);
});

test('a WASI function declared with another type than it has is refused before anything runs', async () => {
  const text =
    '(module (import "wasi_snapshot_preview1" "fd_seek" (func (param i32 i32 i32 i32) (result i32))) (func (export "_start")))';
  const { code, stderr } = await host(['run', await program('mistyped', text)]);
  assert.equal(code, 65);
  assert.match(
    stderr,
    /wasi_snapshot_preview1\.fd_seek with another type than WASI gives it: \(i32, i64, i32, i32\) -> \(i32\)/,
  );
});

test('a second run finds the first one prepared, and a damaged cache entry is made anew', async () => {
  const cache = mkdtempSync(join(tmpdir(), 'motehost-cache-'));
  const env = { HOST_CACHE: cache };
  const file = await program('math', math);
  const { readdirSync, readFileSync } = await import('node:fs');
  const run = () => host(['run', file, '--invoke', 'add(1, 2)'], { env });
  assert.equal((await run()).stdout, '3\n');
  const [entry] = readdirSync(cache).filter((name) => name.endsWith('.art'));
  assert.ok(entry !== undefined);
  const bytes = readFileSync(join(cache, entry));
  bytes[bytes.length - 3] = (bytes.at(-3) ?? 0) ^ 0xff;
  writeFileSync(join(cache, entry), bytes);
  assert.equal((await run()).stdout, '3\n');
  assert.notDeepEqual(readFileSync(join(cache, entry)), bytes);
});

test('a cache folder that others may write to is refused', async () => {
  const { chmodSync } = await import('node:fs');
  const cache = mkdtempSync(join(tmpdir(), 'motehost-cache-'));
  chmodSync(cache, 0o777);
  const { code, stderr } = await host(['run', await program('math', math), '--invoke', 'add(1, 2)'], {
    env: { HOST_CACHE: cache },
  });
  assert.equal(code, 69);
  assert.match(stderr, /others may write to the cache folder/);
});

test('a cache that cannot be written does not keep a program from running', async () => {
  const { code, stdout } = await host(['run', await program('math', math), '--invoke', 'add(1, 2)'], {
    env: { HOST_CACHE: '/proc/sys' },
  });
  assert.equal(stdout, '3\n');
  assert.equal(code, 0);
});

test('a program may come through a pipe, and a device without end is refused', async () => {
  const file = await program('math', math);
  const piped = await host(['run', '/dev/stdin', '--invoke', 'add(1, 2)'], { input: readFileSync(file) });
  assert.equal(piped.stdout, '3\n');
  const endless = await host(['run', '/dev/zero']);
  assert.equal(endless.code, 66);
  assert.match(endless.stderr, /goes on past/);
});

test('output that nobody could take is told, and a reader that has seen enough is not an error', async () => {
  const { execFileSync, spawnSync } = await import('node:child_process');
  const file = await program('cat', cat);
  const bin = join(import.meta.dirname, '../../host/cli/bin.js');
  const full = spawnSync('sh', ['-c', `echo hi | "${process.execPath}" "${bin}" run "${file}" > /dev/full`], {
    encoding: 'utf8',
  });
  assert.equal(full.status, 74);
  assert.match(full.stderr, /stdout could not be written: ENOSPC/);
  const head = execFileSync(
    'sh',
    ['-c', `yes | head -100000 | "${process.execPath}" "${bin}" run -q "${file}" | head -1`],
    { encoding: 'utf8' },
  );
  assert.equal(head, 'y\n');
});

test('every command has help', async () => {
  for (const name of ['run', 'new', 'build', 'inspect', 'doctor']) {
    const { code, stdout } = await host([name, '--help']);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`host ${name} `));
  }
  assert.match((await host(['--help'])).stdout, /^Serve many agents$/m);
  assert.match((await host(['--version'])).stdout, /^host \d+\.\d+\.\d+/);
});

test('doctor finds nothing in the way here', async () => {
  const { code, stdout } = await host(['doctor']);
  assert.equal(code, 0);
  assert.match(stdout, /^ok {4}node/);
});

test('arguments for an agent and a message for a command are mistakes that are told', async () => {
  const root = join(import.meta.dirname, '../..');
  const agent = await host(['run', join(root, 'examples/hello'), 'Ada']);
  assert.equal(agent.code, 64);
  assert.match(agent.stderr, /an agent takes a message, not arguments; did you mean --input 'Ada'\?/);
  const commandProgram = await host(['run', await program('cat', cat), '--input', 'x']);
  assert.equal(commandProgram.code, 64);
  assert.match(commandProgram.stderr, /this program is a command/);
});

test('a cache that is a file, or where no folder can be made, is refused in one line', async () => {
  const file = await program('math', math);
  for (const cache of [file, '/proc/none', join(file, 'below')]) {
    const { code, stderr } = await host(['run', file, '--invoke', 'add(1, 2)'], {
      env: { HOST_CACHE: cache },
    });
    assert.equal(code, 69, stderr);
    assert.match(stderr, /HOST_CACHE/);
  }
});
