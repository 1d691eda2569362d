import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { host } from '../../support/cli.ts';

// Commands in TypeScript, built by `host build` and run by `host run` as people do.

const home = mkdtempSync(join(tmpdir(), 'motehost-ts-command-'));
after(() => rmSync(home, { recursive: true }));

const source = `import { args, env, exit, stderr, stdin, stdout } from 'motehost:command';

export function main(): number {
  const [word, ...rest] = args();
  if (word === 'args') stdout.line([...rest, ''].join('|'));
  if (word === 'env') stdout.line(env(rest[0] ?? '') ?? '(none)');
  if (word === 'exit') exit(3);
  if (word === 'lines') for (const line of stdin.lines()) stdout.line(\`[\${line}]\`);
  if (word === 'text') {
    const text = stdin.text();
    stdout.write(text);
    stderr.line(String(text.length));
  }
  if (word === 'bytes') for (let bytes = stdin.read(); bytes !== undefined; bytes = stdin.read()) stdout.write(bytes);
  if (word === 'console') {
    console.log('out', Date.now() > 1e12, Math.random() < 1);
    console.error('err');
  }
  if (word === 'throw') throw new Error('bad ü thing');
  return 7;
}
`;

before(async () => {
  for (const name of ['cli', 'words', 'wrong']) {
    const made = await host(['new', name, '--lang', 'ts', '--template', 'cli'], { cwd: home });
    assert.equal(made.code, 0, made.stderr);
  }
  writeFileSync(join(home, 'words/agent.ts'), source);
  const built = await host(['build', 'words'], { cwd: home });
  assert.deepEqual([built.code, built.stderr], [0, '']);
});

async function run(
  words: readonly string[],
  input = '',
  flags: readonly string[] = [],
): Promise<{ code: number | null; out: string; err: string }> {
  const { code, stdout, stderr } = await host(['run', 'words', ...flags, '--', ...words], {
    cwd: home,
    input,
  });
  return { code, out: stdout, err: stderr };
}

test('the template cli runs as it is, in as many bytes as the engine takes', async () => {
  const input = 'abc\nüd';
  const done = await host(['run', 'cli'], { cwd: home, input });
  assert.deepEqual([done.code, done.stdout], [0, 'ABC\nÜD\n'], done.stderr);
  assert.equal((await host(['run', 'cli', '--', '--fail'], { cwd: home, input })).code, 1);
  const { length } = readFileSync(join(home, 'cli/build/cli.wasm'));
  assert.ok(length > 1_200_000 && length < 1_800_000, `${length} bytes`);
});

test('arguments, the environment and the exit code go through', async () => {
  const { code, out } = await run(['args', 'b ü', '']);
  assert.deepEqual([code, out], [7, 'b ü||\n']);
  assert.equal((await run(['env', 'A'], '', ['--env', 'A=b=c'])).out, 'b=c\n');
  assert.equal((await run(['env', 'PATH'])).out, '(none)\n');
  assert.equal((await run(['exit'])).code, 3);
});

test('lines end at line breaks of either kind, and the last one needs none', async () => {
  assert.equal((await run(['lines'], 'a\r\nb\n\nü🌍')).out, '[a]\n[b]\n[]\n[ü🌍]\n');
  assert.equal((await run(['lines'])).out, '');
});

test('a long input is read whole, in one text or in pieces', async () => {
  const text = 'ü, words and more words\n'.repeat(10_000);
  const whole = await run(['text'], text);
  assert.equal(whole.out, text);
  assert.match(whole.err, new RegExp(`^${text.length}\n`));
  assert.equal((await run(['bytes'], text)).out, text);
});

test('console writes to the standard streams; a throw says what and where, and traps', async () => {
  const { out, err } = await run(['console']);
  assert.equal(out, 'out true true\n');
  assert.match(err, /^err\n/);
  assert.match((await run(['throw'])).err, /^main threw Error: bad ü thing\n {4}at main \(agent\.ts:19\)\n/);
});

test('nothing of the machine that builds it is in the program', async () => {
  const path = join(home, 'words/build/words.wasm');
  const first = readFileSync(path);
  rmSync(path);
  const env = { MOTEHOST_TEST_SECRET: 'neverInTheBytes', TZ: 'Asia/Tokyo' };
  assert.equal((await host(['build', 'words'], { cwd: home, env })).code, 0);
  assert.ok(first.equals(readFileSync(path)));
});

test('a main that is missing or returns something else is shown as it should be', async () => {
  const complaint = async (text: string): Promise<string> => {
    writeFileSync(join(home, 'wrong/agent.ts'), text);
    return (await host(['build', 'wrong'], { cwd: home })).stderr;
  };
  const wanted = 'it looks like this:\n {2}export function main\\(\\): number \\{ … \\}';
  assert.match(
    await complaint('export function mian() {}\n'),
    new RegExp(`world 'command' needs the export 'main' \\(there is none\\); ${wanted}`),
  );
  assert.match(
    await complaint("export function main() { return 'x'; }\n"),
    /agent\.ts:1:17: world 'command' needs the export 'main' \(Type 'string' is not assignable to type 'void \| number'\)/,
  );
});
