import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { agentGuest } from '../support/agent-guest.ts';
import { host } from '../support/cli.ts';
import { httpGuest } from '../support/http-guest.ts';
import { HostProcess } from '../support/process.ts';
import { wat } from '../support/wat.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-cli-dev-'));
const agent = join(home, 'agent');
const source = join(agent, 'assembly/index.ts');
const manifest = join(agent, 'agent.toml');
let good = '';
after(() => rmSync(home, { recursive: true }));
before(async () => {
  assert.equal((await host(['new', 'agent'], { cwd: home })).code, 0);
  good = readFileSync(source, 'utf8');
});

const options = { timeout: 60_000 };
const dev = (...args: string[]): HostProcess => new HostProcess(['dev', ...args], home);

/** A program under its name at once, as compilers put it there. */
function put(name: string, bytes: Uint8Array): void {
  writeFileSync(join(home, `${name}.new`), bytes);
  renameSync(join(home, `${name}.new`), join(home, name));
}

test('an agent is talked to line by line while its source changes', options, async () => {
  await using run = dev('agent');
  await run.stderr.until(
    /host: built agent\/build\/agent\.wasm .*\nhost: agent is ready; each line of stdin is a message/,
  );
  run.write('Ada\n');
  await run.stderr.until(/\[info\] greeting Ada[\s\S]*host: ok · fuel/);
  await run.stdout.until(/^Hello, Ada!\n/m);

  writeFileSync(source, good.replace('Hello', 'Good day'));
  await run.stderr.until(
    /host: built .*\nhost: version 2 has taken over; what version 1 kept in memory is gone\n/,
  );
  run.write('Bob\n');
  await run.stderr.until(/host: ok · fuel/);
  await run.stdout.until(/^Good day, Bob!\n/m);

  writeFileSync(source, good.replace('utf8.decode(', 'utf8.decode(('));
  await run.stderr.until(
    /host: assembly\/index\.ts:5:\d+: .*\n {2}5 \| .*\n *\^\nhost: version 2 goes on; waiting for a change\n/,
  );
  run.write('Cy\n');
  await run.stderr.until(/host: ok · fuel/);
  await run.stdout.until(/^Good day, Cy!\n/m);

  writeFileSync(source, good.replace('Hello', 'Good day'));
  await run.stderr.until(/host: it builds again; version 2 goes on\n/);

  writeFileSync(source, good);
  await run.stderr.until(/version 3 has taken over/);
  assert.equal(await run.end('SIGINT'), 130);
});

test(
  'a new file, a limit and a manifest that is wrong are noticed; what changes nothing is not',
  options,
  async () => {
    await using run = dev('agent', '--input', 'Eve');
    await run.stdout.until(/^Hello, Eve!\n/m);
    await run.stderr.until(/agent is ready/);

    // Noticed, and nothing to say about it: the next line on the screen is that of the next change.
    writeFileSync(join(agent, 'README.md'), 'other words');
    const wordy = good.replace('export function', 'import { word } from "./lib/word";\nexport function');
    writeFileSync(source, wordy.replace('`Hello', 'word() + `'));
    await run.stderr.until(
      /assembly\/index\.ts:\d+:\d+: [\s\S]*host: version 1 goes on; waiting for a change\n/,
    );
    mkdirSync(join(agent, 'assembly/lib'));
    writeFileSync(join(agent, 'assembly/lib/word.ts'), 'export function word(): string { return "Ahoy"; }\n');
    await run.stderr.until(/version 2 has taken over/);
    await run.stdout.until(/^Ahoy, Eve!\n/m);

    const text = readFileSync(manifest, 'utf8');
    writeFileSync(manifest, `${text}fuel = "1000"\n`);
    await run.stderr.until(/host: limit: fuel: .* of 1,000 units; raise it in .*agent\.toml, which sets it/);
    writeFileSync(manifest, `${text}fule = "1000"\n`);
    await run.stderr.until(/host: .*agent\.toml: unknown limit 'fule'[\s\S]*goes on; waiting for a change/);
    writeFileSync(manifest, text);
    await run.stdout.until(/^Ahoy, Eve!\n/m);
    assert.equal(await run.end('SIGTERM'), 130);
    writeFileSync(source, good);
  },
);

test('a folder that is removed and made again is seen', options, async () => {
  await using run = dev('agent', '--input', 'Ada');
  await run.stdout.until(/Hello, Ada!/);
  rmSync(agent, { recursive: true });
  await run.stderr.until(/cannot read agent\/agent\.toml.*\nhost: version 1 goes on/);
  mkdirSync(join(agent, 'assembly'), { recursive: true });
  writeFileSync(manifest, 'name = "agent"\nworld = "handler"\n');
  writeFileSync(source, good.replace('Hello', 'Again'));
  await run.stdout.until(/Again, Ada!/);
  writeFileSync(source, good);
  await run.stdout.until(/Hello, Ada!/);
  assert.equal(await run.end('SIGINT'), 130);
});

test('an agent with a life is told that it is replaced, and why it ends', options, async () => {
  put('life.wasm', await agentGuest('one'));
  await using run = dev('life.wasm');
  await run.stderr.until(/\[info\] started\n[\s\S]*life is ready/);
  run.write('x\ny\n');
  await run.stderr.until(/host: ok[\s\S]*host: ok/);
  await run.stdout.until(/^one1\none2\n/);

  put('life.wasm', await agentGuest('two'));
  await run.stderr.until(/\[info\] started\n\[info\] ended by 2\nhost: version 2 has taken over/);
  run.write('x\nt\n');
  await run.stderr.until(
    /host: trap: unreachable[\s\S]*the instance ended, and what it kept in memory is gone/,
  );
  run.write('x\n');
  await run.stderr.until(/\[info\] started\n[\s\S]*host: ok/);
  await run.stdout.until(/two1r\ntwo1r\n/);
  assert.equal(await run.end('SIGINT'), 130);
  assert.match(run.stderr.printed, /\[info\] ended by 4\n$/, 'because the host shuts down');
});

test('a message that never ends is cancelled by Ctrl-C', options, async () => {
  put('loop.wasm', await agentGuest('loop'));
  await using run = dev('loop.wasm', '--deadline', '1h', '--fuel', '1000T');
  await run.stderr.until(/loop is ready/);
  run.write('x\ns\n');
  await run.stderr.until(/host: ok/);
  assert.equal(await run.end('SIGINT'), 130);
});

test('HTTP is served, an instance for each request; a new version takes the next one', options, async () => {
  put('web.wasm', await httpGuest('one'));
  await using run = dev('web.wasm', '--port', '0', '--fuel', '10M');
  const [, url = ''] = await run.stderr.until(/host: serving (http:\/\/127\.0\.0\.1:\d+)\//);
  assert.equal(await (await fetch(`${url}/a`)).text(), 'one /a');
  await run.stderr.until(/host: GET \/a 200 · fuel [\d,]+ · memory 512 KiB · /);

  const late = begin(`${url}/late`);
  assert.equal(await (await fetch(`${url}/after`)).text(), 'one /after');
  put('web.wasm', await httpGuest('two'));
  await run.stderr.until(/host: version 2 takes the next request/);
  assert.equal(await (await fetch(`${url}/b`)).text(), 'two /b');
  late.finish();
  assert.equal(await late.answer, 'one /late', 'a request under way ends on the version it began on');

  assert.equal((await fetch(`${url}/trap`)).status, 500);
  await run.stderr.until(/host: GET \/trap 500 · trap: unreachable · fuel/);
  assert.equal((await fetch(`${url}/spin`)).status, 500);
  await run.stderr.until(/host: GET \/spin 500 · limit: fuel: .* of 10,000,000 units; raise it with --fuel/);
  assert.equal(await (await fetch(`${url}/c`)).text(), 'two /c', 'one that failed hurts no other');
  assert.equal(await run.end('SIGINT'), 130);
});

/** A request whose body is not at its end yet. */
function begin(url: string): { finish(): void; readonly answer: Promise<string> } {
  const { promise: answer, resolve, reject } = Promise.withResolvers<string>();
  const sent = request(url, { method: 'POST' }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    response.on('end', () => resolve(text));
  });
  sent.on('error', reject);
  sent.write('some');
  return { finish: () => void sent.end(), answer };
}

test('a port that is taken, and one that is none, are said in one line', options, async () => {
  put('port.wasm', await httpGuest('x'));
  await using first = dev('port.wasm', '--port', '0');
  const [, port = ''] = await first.stderr.until(/127\.0\.0\.1:(\d+)/);
  const second = await host(['dev', 'port.wasm', '--port', port], { cwd: home });
  assert.equal(second.code, 64);
  assert.match(
    second.stderr,
    /^host: cannot serve on port \d+: .*; choose another with --port, or 0 for any\n$/,
  );
  assert.match(
    (await host(['dev', '--port', '70000', 'agent'], { cwd: home })).stderr,
    /'70000' is not a port/,
  );
});

test('a command runs again with the same input; one that still runs makes way', options, async () => {
  const spin = '(module (func (export "_start") (loop (br 0))))';
  const done = '(module (func (export "_start")))';
  put('command.wasm', await wat(spin));
  await using run = dev('command.wasm', '--fuel', '1000T', '--deadline', '1h', '--input', 'x');
  put('command.wasm', await wat(done));
  await run.stderr.until(/host: ok · fuel/);
  assert.equal(await run.end('SIGINT'), 130);
});

const mistakes: readonly (readonly [words: readonly string[], code: number, message: RegExp])[] = [
  [['nowhere'], 66, /^host: no such folder or file: nowhere\n$/],
  [['.'], 66, /is a folder without an agent\.toml; host new NAME makes one/],
  [['agent', 'agent'], 64, /one folder at a time/],
  [['agent', '--inptu', 'x'], 64, /unknown option --inptu, did you mean '--input'\?/],
  [['agent', '--input', '-'], 64, /stdin is for messages, line by line; use @FILE/],
  [['agent', '--dir', 'nowhere'], 64, /--dir: nowhere is not a directory/],
  [['agent', '--fuel', 'lots'], 64, /--fuel: 'lots' is not a limit/],
];

for (const [words, code, message] of mistakes)
  test(`host dev ${words.join(' ')} ends at once, in one line`, options, async () => {
    const ended = await host(['dev', ...words], { cwd: home });
    assert.match(ended.stderr, message);
    assert.equal(ended.code, code);
  });
