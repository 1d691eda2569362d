import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { told } from '../support/chains.ts';
import { type CliResult, host as runHost } from '../support/cli.ts';
import { scribe } from '../support/hosted.ts';
import { HostProcess } from '../support/process.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-audit-'));
after(() => rmSync(home, { recursive: true }));
before(async () => {
  const component = await scribe();
  for (const name of ['relay', 'sink']) {
    const folder = join(home, 'agents', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'scribe.wasm'), component);
    const grants = '[capabilities.bus]\nsend = ["agent.sink"]\n';
    writeFileSync(
      join(folder, 'agent.toml'),
      `name = "${name}"\nworld = "handler"\ncomponent = "scribe.wasm"\n${grants}`,
    );
  }
});

interface Running {
  readonly host: HostProcess;
  readonly url: string;
}

async function start(state: string): Promise<Running> {
  const words = ['--listen', '127.0.0.1:0', '--threads', '2', '--no-watch', '--audit', 'messages'];
  const host = new HostProcess(['serve', 'agents', '--state', state, ...words], home);
  const [, url = ''] = await host.stderr.until(/serving 2 agents on (\S+)/);
  return { host, url };
}

async function invoke(
  url: string,
  words: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const headers = { 'content-type': 'text/plain', 'x-mote-deadline-ms': '500' };
  const answer = await fetch(`${url}/v1/agents/relay/invoke`, { method: 'POST', body: words, headers });
  return { status: answer.status, text: await answer.text() };
}

/** `host audit` in a folder that holds a copy of the chain and the public key, and nothing else. */
class Stranger {
  readonly folder: string = mkdtempSync(join(home, 'stranger-'));

  constructor(state: string) {
    cpSync(join(home, state, 'audit'), join(this.folder, 'chain'), { recursive: true });
    cpSync(join(home, state, 'keys/host.pub'), join(this.folder, 'host.pub'));
    rmSync(join(this.folder, 'chain/subjects.keys'), { force: true });
  }

  run(...words: readonly string[]): Promise<CliResult> {
    return runHost(['audit', ...words], { cwd: this.folder });
  }

  get segment(): string {
    const name = readdirSync(join(this.folder, 'chain')).find((one) => one.endsWith('.chain'));
    return join(this.folder, 'chain', name ?? '');
  }
}

test('kill -9 of a host that records every message: its chain verifies, before and after it was started again', async () => {
  await using first = (await start('killed')).host;
  const url = /http:\S+/.exec(first.stderr.printed)?.[0] ?? '';
  const answered: string[] = [];
  const ask = async (lane: number): Promise<void> => {
    for (let count = 0; ; count += 1) {
      const words = `to sink ${lane}-${count}`;
      if ((await invoke(url, words)).status === 200) answered.push(words);
    }
  };
  const lanes = [1, 2, 3, 4].map((lane) => ask(lane).catch(() => {}));
  while (answered.length < 200) await new Promise((resolve) => setImmediate(resolve));
  await first.end('SIGKILL');
  await Promise.all(lanes);

  const found = await new Stranger('killed').run('verify', 'chain', '--key', 'host.pub');
  assert.equal(found.code, 0, found.stdout + found.stderr);
  await using second = (await start('killed')).host;
  assert.equal(await second.end('SIGTERM'), 0);
  const again = await new Stranger('killed').run('verify', 'chain', '--key', 'host.pub');
  assert.equal(again.code, 0, again.stdout + again.stderr);
  const starts = await told(join(home, 'killed'), 'host-started', 'host-stopped');
  assert.deepEqual(
    starts.map(({ name }) => name),
    ['host-started', 'host-started', 'host-stopped'],
  );
});

const canLimit = existsSync('/usr/bin/prlimit');

/** Whether files of the process may grow: what a full disk is to it. */
function letGrow(pid: number, may: boolean): void {
  const soft = may ? 'unlimited' : '1';
  execFileSync('/usr/bin/prlimit', ['--pid', String(pid), `--fsize=${soft}:unlimited`]);
}

test('a disk that takes no record: nothing new is begun, and with room it goes on', {
  skip: !canLimit,
}, async () => {
  const { host, url } = await start('full');
  await using _host = host;
  assert.equal((await invoke(url, 'one')).status, 200);
  letGrow(host.pid, false);
  let refused = await invoke(url, 'two');
  // One that was accepted a moment before waits for its record, and its asker no longer than it said.
  while (refused.status === 200 || refused.status === 504) refused = await invoke(url, 'more');
  assert.equal(refused.status, 503);
  const problem = JSON.parse(refused.text) as Readonly<Record<string, unknown>>;
  assert.equal(problem.code, 'HOST_ERR_AUDIT_FULL');
  assert.match(
    String(problem.detail),
    /nothing is begun that cannot be recorded: the audit chain cannot be written/,
  );
  assert.equal((await fetch(`${url}/readyz`)).status, 503);
  letGrow(host.pid, true);
  let answer = await invoke(url, 'after');
  while (answer.status !== 200) answer = await invoke(url, 'after');
  assert.equal(await host.end('SIGTERM'), 0);
  const found = await new Stranger('full').run('verify', 'chain', '--key', 'host.pub');
  assert.equal(found.code, 0, found.stdout + found.stderr);
  // Whatever was answered was recorded.
  const ended = await told(join(home, 'full'), 'invocation-ended');
  const begun = await told(join(home, 'full'), 'message-delivered');
  assert.equal(ended.length, begun.length);
});

test('a stranger verifies, reads, proves and reports with a copy of the chain and the public key alone', async () => {
  const { host, url } = await start('shown');
  await using _host = host;
  await invoke(url, 'to sink hello');
  await invoke(url, 'to nobody hello');
  const live = (await (await fetch(`${url}/v1/audit?kind=message-denied`)).json()) as Page;
  assert.deepEqual(
    live.events.map(({ kind, agent, subject }) => [kind, agent, subject]),
    [['message-denied', 'relay', 'agent.nobody']],
  );
  const head = await (await fetch(`${url}/v1/audit/head`)).json();
  assert.match(String((head as { anchor: unknown }).anchor), /^motehost-anchor/);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /motehost_audit_events_total [1-9]/);
  assert.match(metrics, /motehost_audit_pending_bytes\{thread="1"\} \d/);
  assert.equal(await host.end('SIGTERM'), 0);

  const stranger = new Stranger('shown');
  const denied = await stranger.run('query', 'chain', '--kind', 'message-denied', '--agent', 'relay');
  assert.match(denied.stdout, /^\d+ \S+ message-denied relay .*subject=agent.nobody/);
  assert.equal((await stranger.run('query', 'chain', '--agent', 'unknown')).stdout, '');
  const [sequence = ''] = denied.stdout.split(' ');
  const proof = await stranger.run('prove', sequence, 'chain');
  rmSync(join(stranger.folder, 'event.proof'), { force: true });
  writeFileSync(join(stranger.folder, 'event.proof'), proof.stdout);
  const checked = await stranger.run('check-proof', 'event.proof', '--key', 'host.pub');
  assert.deepEqual([checked.code, /message-denied relay/.test(checked.stdout)], [0, true]);
  const lines = (await stranger.run('export', 'chain', '--format', 'ocsf')).stdout.trimEnd().split('\n');
  assert.ok(lines.every((line) => typeof JSON.parse(line) === 'object'));
  const report = await stranger.run('report', 'gdpr', 'chain', '--key', 'host.pub');
  assert.deepEqual([report.code, /^# .*GDPR/m.test(report.stdout)], [0, true]);
  const anchor = (await stranger.run('anchor', 'chain')).stdout.trim();
  assert.equal((await stranger.run('verify', 'chain', '-k', 'host.pub', '--anchor', anchor)).code, 0);

  const bytes = readFileSync(stranger.segment);
  const at = bytes.indexOf('agent.nobody');
  bytes[at] = 0x62;
  writeFileSync(stranger.segment, bytes);
  const broken = await stranger.run('verify', 'chain', '--key', 'host.pub');
  assert.equal(broken.code, 1);
  assert.match(
    broken.stdout,
    new RegExp(`event ${sequence} \\(batch \\d+, chain/\\d+.chain at byte \\d+\\): changed`),
  );
});

interface Page {
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

test('host audit says what is missing, and how to give it', async () => {
  const empty = mkdtempSync(join(home, 'empty-'));
  const run = (...words: readonly string[]): Promise<CliResult> =>
    runHost(['audit', ...words], { cwd: empty });
  const cases: readonly (readonly [words: readonly string[], code: number, says: RegExp])[] = [
    [[], 64, /verify, query, .*see host audit --help/],
    [['verfy'], 64, /no action 'verfy'.*verify/],
    [['verify', 'nowhere'], 66, /no audit chain in nowhere/],
    [['prove', 'x'], 64, /which event\?.*'x' is none/],
    [['report', 'hipa'], 64, /no report 'hipa'.*hipaa/],
    [['forget', 'ann'], 64, /why\?.*--reason/],
    [['stamp', 'ftp://x'], 64, /'ftp:\/\/x' is no URL/],
    [['query', '--kind', 'messge-sent'], 66, /no audit chain/],
    [['tail', '--url', 'http://127.0.0.1:1'], 69, /nothing listens/],
  ];
  for (const [words, code, says] of cases) {
    const result = await run(...words);
    assert.equal(result.code, code, `${words.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr, says);
  }
});
