import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CliResult, host } from '../support/cli.ts';
import { HostProcess } from '../support/process.ts';

// `host serve` and the commands that call it, as a person has them: processes of their own, real agents, real HTTP.

const home = mkdtempSync(join(tmpdir(), 'motehost-e2e-serve-'));
const options = { timeout: 120_000 };
after(() => rmSync(home, { recursive: true }));
before(async () => {
  for (const name of ['greeter', 'later']) {
    assert.equal((await host(['new', `agents/${name}`], { cwd: home })).code, 0);
    assert.equal((await host(['build', `agents/${name}`], { cwd: home })).code, 0);
  }
});

const source = join(home, 'agents/greeter/assembly/index.ts');

async function serve(...words: string[]): Promise<{ run: HostProcess; call: Call }> {
  const run = new HostProcess(['serve', ...words, '--listen', '127.0.0.1:0'], home);
  const [, url = ''] = await run.stderr.until(/serving .* on (http:\S+)\n[\s\S]*Ctrl-C drains/);
  const call: Call = (args, token) =>
    host(args, { cwd: home, env: { HOST_URL: url, ...(token === undefined ? {} : { HOST_TOKEN: token }) } });
  return { run, call };
}

type Call = (args: readonly string[], token?: string) => Promise<CliResult>;

test('an agent is called, looked at, joined by another and removed', options, async () => {
  const { run, call } = await serve('agents/greeter', '--state', 'state-a');
  await using _ = run;
  const greeted = await call(['invoke', 'greeter', '--input', 'Ada']);
  assert.equal(greeted.stdout, 'Hello, Ada!');
  assert.match(greeted.stderr, /^host: ok · fuel [\d,]+ · [\d.]+ ms\n$/);
  const failed = await call(['invoke', 'greeter']);
  assert.deepEqual([failed.code, failed.stdout], [1, '']);
  assert.match(failed.stderr, /^host: failed: invalid: whom shall I greet\? · fuel /);
  const nobody = await call(['invoke', 'nobody']);
  assert.deepEqual([nobody.code, nobody.stderr.split('\n').length], [66, 2]);
  await run.stdout.until(/info {2}greeter {2}greeting Ada\n/);
  assert.match(
    (await call(['logs', 'greeter', '--level', 'info'])).stdout,
    /info {2}greeter {2}greeting Ada\n/,
  );

  const installed = await call(['agents', 'install', 'agents/later']);
  assert.match(installed.stderr, /host: later is installed, [0-9a-f]{12}\n/);
  assert.equal((await call(['invoke', 'later', '--input', 'Bob'])).stdout, 'Hello, Bob!');
  assert.match((await call(['agents'])).stdout, /^NAME .*\ngreeter .*\nlater .*\n$/);
  assert.equal((await call(['agents', 'rm', 'later'])).code, 0);
  assert.equal((await call(['invoke', 'later', '--input', 'Bob'])).code, 66);
  assert.match((await call(['top', '-n', '1'])).stdout, /\ngreeter +idle /);
  assert.equal(await run.end('SIGTERM'), 0);
});

test(
  'with tokens a caller may what its token says: allowed, forbidden, and unknown alike',
  options,
  async () => {
    const { run, call } = await serve('agents/greeter', '--state', 'state-b', '--auth');
    await using _ = run;
    const make = async (name: string, may: string): Promise<string> =>
      (await call(['token', 'create', name, '--may', may, '--state', 'state-b'])).stdout.trim();
    const none = await call(['invoke', 'greeter', '--input', 'x']);
    assert.equal(none.code, 77);
    assert.match(none.stderr, /HOST_TOKEN|token/);
    const [greets, others] = [await make('a', 'invoke:greeter'), await make('b', 'invoke:other')];
    const ask = ['invoke', 'greeter', '--input', 'Ada'];
    // A running host looks for new tokens once a second.
    let allowed = await call(ask, greets);
    for (let tries = 0; allowed.code === 77 && tries < 20; tries += 1) allowed = await call(ask, greets);
    assert.equal(allowed.stdout, 'Hello, Ada!');
    const forbidden = await call(ask, others);
    const unknown = await call(['invoke', 'nobody', '--input', 'x'], others);
    assert.deepEqual([forbidden.code, unknown.code], [77, 77]);
    const blur = (text: string): string => text.replace(/greeter|nobody/g, 'NAME');
    assert.equal(blur(forbidden.stderr), blur(unknown.stderr));
    assert.equal((await call(['agents'], greets)).code, 77);
    assert.equal(await run.end('SIGTERM'), 0);
  },
);

test(
  'while an agent is replaced every message is answered, by the old one or by the new one',
  options,
  async () => {
    const { run, call } = await serve('agents', '--state', 'state-c');
    await using _ = run;
    const good = readFileSync(source, 'utf8');
    writeFileSync(source, good.replace('Hello', 'Good day'));
    const answers: string[] = [];
    const replaced = run.stderr.until(/host: greeter is replaced: [0-9a-f]{12}\n/).then(() => true);
    while (!(await Promise.race([replaced, call(['invoke', 'greeter', '--input', 'Ada']).then(keep)])));
    function keep({ stdout }: CliResult): false {
      answers.push(stdout);
      return false;
    }
    answers.push((await call(['invoke', 'greeter', '--input', 'Ada'])).stdout);
    assert.equal(answers.at(-1), 'Good day, Ada!');
    assert.deepEqual(
      answers.filter((answer) => !/^(Hello|Good day), Ada!$/.test(answer)),
      [],
    );
    writeFileSync(source, good);
    await run.stderr.until(/host: greeter is replaced/);
    assert.equal(await run.end('SIGTERM'), 0);
  },
);

test('an address that is taken is one line, and the host that has it goes on', options, async () => {
  const { run, call } = await serve('agents/greeter', '--state', 'state-d');
  await using _ = run;
  const [, url = ''] = /on http:\/\/(\S+)\n/.exec(run.stderr.printed) ?? [];
  const second = await host(['serve', 'agents/greeter', '--listen', url, '--state', 'state-e'], {
    cwd: home,
  });
  assert.equal(second.code, 69);
  assert.match(second.stderr, /host: cannot listen on 127\.0\.0\.1:\d+ .*EADDRINUSE/);
  assert.equal((await call(['invoke', 'greeter', '--input', 'Ada'])).code, 0);
  assert.equal(await run.end('SIGINT'), 0);
});
