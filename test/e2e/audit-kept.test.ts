import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { type CliResult, host as runHost } from '../support/cli.ts';
import { scribe } from '../support/hosted.ts';
import { life } from '../support/policed.ts';
import { HostProcess } from '../support/process.ts';
import { authority } from '../support/timestamp-authority.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-audit-kept-'));
after(() => rmSync(home, { recursive: true }));
before(async () => {
  const component = await scribe();
  for (const name of ['relay', 'sink']) {
    const folder = join(home, 'agents', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'scribe.wasm'), component);
    const head = `name = "${name}"\nworld = "handler"\ncomponent = "scribe.wasm"\n`;
    writeFileSync(join(folder, 'agent.toml'), `${head}[capabilities.bus]\nsend = ["agent.sink"]\n`);
  }
  mkdirSync(join(home, 'policies'));
  const sending = 'action == Motehost::Action::"bus.send"';
  writeFileSync(
    join(home, 'policies/a.cedar'),
    `${life}@id("mail") @audit("payload") permit (principal, ${sending}, resource);`,
  );
  writeFileSync(
    join(home, 'small.toml'),
    `[audit]
level = "messages"
segment-size = "4KiB"
retention-size = "8KiB"
anchor = ${JSON.stringify(join(home, 'anchors.txt'))}
anchor-every = "100ms"
`,
  );
});

const options = { timeout: 60_000 };

async function serve(
  state: string,
  ...words: readonly string[]
): Promise<{ readonly host: HostProcess; readonly url: string }> {
  const common = ['--listen', '127.0.0.1:0', '--threads', '1', '--no-watch'];
  const host = new HostProcess(['serve', 'agents', '--state', state, ...common, ...words], home);
  const [, url = ''] = await host.stderr.until(/serving 2 agents on (\S+)/);
  return { host, url };
}

async function tell(url: string, words: string): Promise<void> {
  const answer = await fetch(`${url}/v1/agents/relay/invoke`, { method: 'POST', body: words });
  assert.equal(answer.status, 200, await answer.text());
}

const audit = (...words: readonly string[]): Promise<CliResult> =>
  runHost(['audit', ...words], { cwd: home });
const segmentsOf = (folder: string): string[] =>
  readdirSync(join(home, folder))
    .filter((name) => name.endsWith('.chain'))
    .sort();

test(
  'the settings file rotates, deletes and anchors: the rest verifies and says from where, a cut end is found',
  options,
  async () => {
    const { host, url } = await serve('kept', '--config', 'small.toml');
    await using _host = host;
    for (let count = 0; segmentsOf('kept/audit')[0] === '00000001.chain'; count += 1)
      await tell(url, `to sink ${count}`);
    const live = await audit('anchor', 'kept/audit');
    assert.match(live.stdout, /^motehost-anchor:/);
    assert.equal(await host.end('SIGTERM'), 0);

    const key = ['--key', 'kept/keys/host.pub'];
    const whole = await audit('verify', 'kept/audit', ...key, '--anchor', 'anchors.txt', '--json');
    assert.equal(whole.code, 0, whole.stdout + whole.stderr);
    const { firstSequence, prunedTo, isIntact } = JSON.parse(whole.stdout) as Record<string, unknown>;
    // The host says so first and then deletes: one that ends in between leaves a part for its next start.
    assert.equal(isIntact, true);
    assert.ok(Number(firstSequence) > 1 && Number(firstSequence) <= Number(prunedTo) + 1);
    const text = await audit('verify', 'kept/audit', ...key, '--anchor', live.stdout.trim());
    assert.match(text.stdout, new RegExp(`events up to ${prunedTo} were deleted by the host`));
    assert.ok(readFileSync(join(home, 'anchors.txt'), 'utf8').trimEnd().split('\n').length >= 2);

    // Whoever cuts the end cuts the head as well: the anchor is elsewhere.
    cpSync(join(home, 'kept/audit'), join(home, 'cut'), { recursive: true });
    rmSync(join(home, 'cut', segmentsOf('cut').at(-1) ?? ''));
    rmSync(join(home, 'cut/head'));
    assert.equal((await audit('verify', 'cut', ...key)).code, 0);
    const cut = await audit('verify', 'cut', ...key, '--anchor', 'anchors.txt');
    assert.deepEqual([cut.code, /truncated: the chain ends before event \d+/.test(cut.stdout)], [1, true]);
    const last = join(home, 'kept/audit', segmentsOf('kept/audit').at(-1) ?? '');
    truncateSync(last, readFileSync(last).length - 10);
    assert.match((await audit('verify', 'kept/audit', ...key)).stdout, /truncated/);
  },
);

test('events are followed live, by host audit tail and over HTTP', options, async () => {
  const { host, url } = await serve('live', '--audit', 'messages');
  await using _host = host;
  const filter = ['--kind', 'message-sent', '--agent', 'relay', '--json'];
  await using tail = new HostProcess(['audit', 'tail', '--url', url, ...filter], home);
  const stream = await fetch(`${url}/v1/audit/stream?kind=message-sent&agent=relay`);
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  // Nothing says that a reader is there: whoever comes late sees the next one.
  const isSeen = (): boolean => /"receiver":"sink"/.test(tail.stdout.printed);
  while (!isSeen()) await tell(url, 'to sink hello');
  const [event = ''] = tail.stdout.printed.split('\n');
  const { kind, agent, subject, bytes } = JSON.parse(event) as Record<string, unknown>;
  assert.deepEqual([kind, agent, subject, bytes], ['message-sent', 'relay', 'agent.sink', 5]);
  let seen = '';
  while (!/"receiver":"sink"/.test(seen)) seen += (await reader?.read())?.value ?? '';
  assert.match(seen, /^event: audit$/m);
  await reader?.cancel();
  assert.equal(await host.end('SIGTERM'), 0);
});

/** An authority on this machine. */
async function listen(t: TestContext, answer: (request: Uint8Array) => Uint8Array): Promise<string> {
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(answer(body));
  });
  t.after(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test(
  'a host that serves forgets a person, is stamped and anchored; its chain verifies',
  options,
  async (t) => {
    const { host, url } = await serve('asked', '--policies', 'policies');
    await using _host = host;
    await tell(url, 'to sink private-words');
    const people = ['query', 'asked/audit', '--kind', 'message-sent', '--agent', 'relay', '--people'];
    assert.match((await audit(...people)).stdout, /body="private-words"/);
    const unknown = await audit('forget', 'nobody', '--reason', 'asked', '--url', url);
    assert.notEqual(unknown.code, 0);
    const forgotten = await audit('forget', 'relay', '--reason', 'asked for it', '--url', url);
    assert.equal(forgotten.code, 0, forgotten.stderr);
    const after = await audit(...people);
    assert.match(after.stdout, /body=\(erased, person \d+\)/);
    assert.doesNotMatch(after.stdout, /private-words/);

    const tsa = authority(t);
    if (tsa !== undefined) {
      writeFileSync(join(home, 'tsa.pem'), tsa.ca);
      const stamped = await audit('stamp', await listen(t, tsa.answer), '--ca', 'tsa.pem', '--url', url);
      assert.deepEqual(
        [stamped.code, /vouches for batch \d+ at/.test(stamped.stderr)],
        [0, true],
        stamped.stderr,
      );
    }
    assert.equal((await audit('anchor', 'asked/audit', '--out', 'asked.anchor')).code, 0);
    assert.equal(await host.end('SIGTERM'), 0);
    const ca = tsa === undefined ? [] : ['--ca', 'tsa.pem'];
    const words = ['--key', 'asked/keys/host.pub', '--anchor', 'asked.anchor', ...ca];
    const found = await audit('verify', 'asked/audit', ...words);
    assert.equal(found.code, 0, found.stdout + found.stderr);
    if (tsa !== undefined) assert.match(found.stdout, /events up to \d+ were there at .*, says .*CN=Stamps/);
    const [erased] = (await audit('query', 'asked/audit', '--kind', 'erased')).stdout.split('\n');
    assert.match(erased ?? '', /erased .*reason=asked for it \(asked by local\)/);
  },
);

test('what [audit] and its flags cannot be is told with the key and the cure', options, async () => {
  const cases: readonly (readonly [toml: string, words: readonly string[], code: number, says: RegExp])[] = [
    ['[audit]\nretenton = "1d"', [], 64, /unknown key 'audit\.retenton', did you mean 'retention'\?/],
    ['[audit]\nretention = true', [], 64, /audit\.retention must be a text such as "90d"/],
    [
      '[audit]\nsegment-size = "1"',
      [],
      64,
      /audit\.segment-size: '1' is out of range; it may be 4096 to \d+ bytes/,
    ],
    ['[audit]\nlevel = "messges"', [], 64, /no level 'messges', did you mean 'messages'\?/],
    ['[audit]\nlevel = "messages"', ['--audit', 'security'], 64, /asks for messages at least/],
    ['', ['--audit-retention', 'soon'], 64, /--audit-retention: 'soon' is not a time/],
    ['', ['--audit-anchor-every', '1m'], 64, /--audit-anchor-every needs --audit-anchor FILE/],
  ];
  for (const [toml, words, code, says] of cases) {
    writeFileSync(join(home, 'wrong.toml'), toml);
    const found = await runHost(['serve', 'agents', '--config', 'wrong.toml', ...words], { cwd: home });
    assert.match(found.stderr, says);
    assert.equal(found.code, code, found.stderr);
  }
});
