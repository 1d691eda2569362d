import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { skip as skipRust } from '../guest-sdk/rust/rust-project.ts';
import { HostProcess, Transcript } from '../support/process.ts';

// The commands of these READMEs are run as they stand there, by a shell, against a host that serves the example.

const root = resolve(import.meta.dirname, '../..');
const bin = join(root, 'host/cli/bin.js');
const home = mkdtempSync(join(tmpdir(), 'motehost-served-'));
after(() => rmSync(home, { recursive: true }));
/** Building loads a compiler: seconds on a busy machine. */
const options = { timeout: 180_000 };

interface Readme {
  readonly serve: string;
  readonly commands: readonly string[];
  /** Lines the commands print, in this order. */
  readonly printed: readonly string[];
}

/** The commands in a README's blocks of `sh`, and the lines in its blocks of nothing. */
function readReadme(folder: string): Readme {
  const text = readFileSync(join(root, folder, 'README.md'), 'utf8');
  const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  const lines = (language: string): string[] =>
    blocks
      .filter(([, named]) => named === language)
      .flatMap(([, , block = '']) => block.split('\n'))
      .filter((line) => line !== '');
  const [serve = '', ...commands] = lines('sh');
  return { serve: serve.replace('npx host ', ''), commands, printed: lines('') };
}

/** One command of a README in a shell. */
class Shell implements AsyncDisposable {
  readonly #child;
  readonly #closed: Promise<unknown[]>;
  #isClosed = false;
  readonly stdout: Transcript = new Transcript(() => this.#isClosed);
  readonly stderr: Transcript = new Transcript(() => this.#isClosed);

  constructor(command: string, url: string) {
    const words = command
      .replace(/^npx host/, `"${process.execPath}" "${bin}"`)
      .replaceAll('http://127.0.0.1:8080', url);
    const env = { ...process.env, HOST_URL: url };
    // The shell becomes the command, so that ending it ends that.
    this.#child = spawn('sh', ['-c', `exec ${words}`], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#closed = once(this.#child, 'close');
    const { stdout, stderr } = this.#child;
    stdout.setEncoding('utf8').on('data', (text: string) => this.stdout.add(text));
    stderr.setEncoding('utf8').on('data', (text: string) => this.stderr.add(text));
    this.#child.on('close', () => {
      this.#isClosed = true;
      for (const one of [this.stdout, this.stderr]) one.add('');
    });
  }

  /** Its exit code. */
  async end(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }
}

async function serve(words: string): Promise<{ run: HostProcess; url: string }> {
  const state = mkdtempSync(join(home, 'state-'));
  const run = new HostProcess([...words.split(' '), '--listen', '127.0.0.1:0', '--state', state], root);
  const [, url = ''] = await run.stderr.until(/serving .* on (http:\S+)\n[\s\S]*Ctrl-C drains/);
  return { run, url };
}

/** Runs commands one after the other; what they printed. `after` waits for what a command sets going. */
async function runAll(
  commands: readonly string[],
  url: string,
  settled: (command: string) => Promise<unknown> = async () => {},
): Promise<string> {
  let printed = '';
  for (const command of commands) {
    await using shell = new Shell(command, url);
    assert.equal(await shell.end(), 0, `${command}\n${shell.stderr.printed}`);
    printed += `${shell.stdout.printed}\n`;
    await settled(command);
  }
  return printed;
}

/** That these lines were printed, in this order. */
function assertLines(printed: string, expected: readonly string[]): void {
  const lines = printed.split('\n').filter((line) => expected.includes(line));
  assert.deepEqual(lines, expected, printed);
  assert.ok(expected.length > 0);
}

test('pipeline: orders go through four agents, and what makes no sense is found', {
  ...options,
  skip: skipRust,
}, async (t) => {
  const { serve: words, commands, printed } = readReadme('examples/pipeline');
  const { run, url } = await serve(words);
  await using _ = run;
  const settled = async (command: string): Promise<void> => {
    if (command.includes('invoke ingest'))
      await run.stdout.until(/stored item=coffee quantity=1 cents=320\n/);
  };
  const all = await runAll(commands, url, settled);
  assertLines(all, printed);
  await t.test('the dead letters name receiver and reason', () => {
    assert.match(all, /orders\.raw +parse +invalid +invalid: 'coffee, please' is not ITEM QUANTITY\n/);
    assert.match(all, /agent\.enrich +enrich +invalid +invalid: nobody sells sofa\n/);
  });
  assert.equal(await run.end('SIGTERM'), 0);
});

test('chat: what is said is read by everybody who listens, and remembered', options, async () => {
  const { serve: words, commands, printed } = readReadme('examples/chat');
  const { run, url } = await serve(words);
  await using _ = run;
  const isStream = (command: string): boolean => /subscribe/.test(command);
  const [hosts = '', curls = '', ...more] = commands.filter(isStream);
  assert.deepEqual(more, []);
  await using reader = new Shell(hosts, url);
  await reader.stderr.until(/listening to chat\.>/);
  await using other = new Shell(curls, url);
  await other.stdout.until(/^: /m);

  const settled = async (command: string): Promise<void> => {
    if (!command.includes('say.lobby')) return;
    await reader.stdout.until(/^chat\.lobby {2}moderator {2}.*\n/m);
    await other.stdout.until(/"subject":"chat\.lobby"/);
  };
  const all = await runAll(
    commands.filter((command) => !isStream(command)),
    url,
    settled,
  );
  assertLines(all, printed);
  assert.doesNotMatch(reader.stdout.printed + other.stdout.printed + all, /my casino/);
  await run.stdout.until(/warn {2}moderator {2}kept back room=lobby/);
  assert.equal(await run.end('SIGTERM'), 0);
  await other.stdout.until(/event: end/);
});

test('trading-swarm: prices become orders, and large ones are put to the vote', {
  ...options,
  skip: skipRust,
}, async () => {
  const { serve: words, commands, printed } = readReadme('examples/trading-swarm');
  const { run, url } = await serve(words);
  await using _ = run;
  assertLines(await runAll(commands, url), printed);
  await run.stdout.until(/executor +the book is written token=1\n/);
  assert.equal(await run.end('SIGTERM'), 0);
});

test('quorum: what enough of ten nodes say is decided, and two that lie decide nothing', {
  ...options,
  skip: skipRust,
}, async () => {
  const { serve: words, commands, printed } = readReadme('examples/quorum');
  const { run, url } = await serve(words);
  await using _ = run;
  assertLines(await runAll(commands, url), printed);
  await run.stdout.until(/coordinator +announced rounds=\d+\n/);
  assert.equal(await run.end('SIGTERM'), 0);
});

test(
  'unreliable: what ends is restarted with what was started after it, and who asks too soon is turned away',
  options,
  async () => {
    const { serve: words, commands, printed } = readReadme('examples/unreliable');
    const { run, url } = await serve(words);
    await using _ = run;
    const settled = async (command: string): Promise<void> => {
      if (!command.includes('--input boom')) return;
      await run.stdout.until(/helper was restarted[\s\S]*helper was restarted/);
    };
    const all = await runAll(commands, url, settled);
    assertLines(all, printed);
    assert.match(all, /^crew +up +rest-for-one +5 in 10s +\d+ +shaky +up +2 +trap unreachable/m);
    assert.match(all, /agent\.shaky +shaky +attempts/);
    assert.match(all, /circuit +open/);
    for (;;) {
      const answer = await fetch(`${url}/v1/agents/shaky/invoke`, { method: 'POST', body: 'work' });
      await answer.arrayBuffer();
      if (answer.ok) break;
    }
    await run.stdout.until(/shaky +callers are let through: /);
    assert.equal(await run.end('SIGTERM'), 0);
  },
);

test('site: a wasi:http agent answers under its route', options, async () => {
  const { serve: words, commands, printed } = readReadme('examples/site');
  const { run, url } = await serve(words);
  await using _ = run;
  const all = await runAll(commands, url);
  assertLines(all, printed);
  assert.match(all, /<li><a href="\/shop\/api\/tea">tea<\/a> 2\.50<\/li>/);
  const nothing = await fetch(`${url}/shop/api/sofa`);
  assert.deepEqual([nothing.status, await nothing.json()], [404, { error: 'no sofa here' }]);
  assert.equal((await fetch(`${url}/elsewhere`)).status, 404);
  assert.equal(await run.end('SIGTERM'), 0);
});

test(
  'untrusted: an agent under limits gets what its manifest says, and is told no for the rest',
  options,
  async () => {
    const { serve: words, commands, printed } = readReadme('examples/untrusted');
    const { run, url } = await serve(words);
    await using _ = run;
    assertLines(await runAll(commands, url), printed);
    await run.stdout.until(
      /untrusted +denied: writing under \/data allow=.*agent\.toml: \[\[capabilities\.files\]\] path = .*read-write/,
    );
    await run.stdout.until(
      /untrusted +denied: connecting to 127\.0\.0\.1:80 allow=.*agent\.toml: \[\[capabilities\.net\]\] host = /,
    );
    await run.stdout.until(
      /untrusted +it wants more than \[resources\] connections = 2 allows: it gets none/,
    );
    await using endless = new Shell('npx host invoke untrusted --input compute', url);
    await run.stdout.until(
      /untrusted +it wants more than \[resources\] cpu-quota = 0\.25 allows: it is slowed down/,
    );
    await run.stdout.until(/untrusted +it wants more than .*cpu-quota = 0\.25 allows: what it does is ended/);
    assert.equal(await endless.end(), 77);
    assert.match(endless.stderr.printed, /it wants more than \[resources\] cpu-quota = 0\.25 allows/);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.match(
      metrics,
      /motehost_resource_violations_total\{thread="1",resource="cpu"\} [1-9]|thread="2",resource="cpu"\} [1-9]/,
    );
    assert.equal(await run.end('SIGTERM'), 0);
  },
);
