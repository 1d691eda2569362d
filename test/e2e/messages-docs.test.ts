import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { type CliResult, host } from '../support/cli.ts';
import { HostProcess } from '../support/process.ts';

// docs/messages-from-agents.md: its files, as they stand there, served and called.

const page = readFileSync(resolve(import.meta.dirname, '../../docs/messages-from-agents.md'), 'utf8');
const home = mkdtempSync(join(tmpdir(), 'motehost-messages-docs-'));
const web = createServer((request, response) => {
  response.statusCode = request.url === '/prices/tea' ? 200 : 404;
  response.end('3 a cup, '.repeat(20_000));
});
after(() => {
  web.close();
  rmSync(home, { recursive: true });
});

/** Files of the page: each block with the file that is named before it. */
const files = [...page.matchAll(/`([\w-]+\/[\w./-]+)`.*\n\n```\w+\n([\s\S]*?)```/g)];

/** The page's host is nobody's: its place is taken by one of this machine. */
function here(text: string, port: number): string {
  return text
    .replace('host = "api.example.com"', `host = "127.0.0.1"\nscheme = "http"\nport = ${port}`)
    .replace('"api.example.com"', `"127.0.0.1:${port}"`)
    .replace('Scheme.https()', 'Scheme.http()');
}

test('what the page shows is told to whoever listens, and fetched from where it was granted', {
  timeout: 120_000,
}, async () => {
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  const { port } = web.address() as AddressInfo;
  assert.equal(files.length, 7);
  for (const [, path = '', text = ''] of files) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), here(text, port));
  }
  await using run = new HostProcess(['serve', '.', '--listen', '127.0.0.1:0'], home);
  const [, url = ''] = await run.stderr.until(/serving 3 agents on (http:\S+)\n[\s\S]*Ctrl-C drains/);
  const invoke = (name: string, input: string): Promise<CliResult> =>
    host(['invoke', name, '--input', input], { cwd: home, env: { HOST_URL: url } });
  assert.match((await invoke('teller', 'two teas')).stdout, /^told as \S+$/);
  await run.stdout.until(/ info {2}listener {2}orders\.new: two teas\n/);
  assert.equal((await invoke('fetch', 'tea')).stdout, '3 a cup, '.repeat(20_000));
  assert.match((await invoke('fetch', 'coffee')).stderr, /^host: failed: unavailable: status 404 /);
  assert.match((await invoke('fetch', '../x')).stderr, /^host: failed: unavailable: HTTP-request-denied /);
  await run.stdout.until(
    / warn {2}fetch {5}denied: a request GET http:\/\/127\.0\.0\.1:\d+\/prices\/\.\.\/x /,
  );
});
