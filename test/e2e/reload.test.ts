import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { host } from '../support/cli.ts';
import { HostProcess } from '../support/process.ts';

// What a person changes while `host serve` runs, and that it goes on running.

const home = mkdtempSync(join(tmpdir(), 'motehost-reload-'));
after(() => rmSync(home, { recursive: true }));
const options = { timeout: 120_000 };

async function serve(folder: string): Promise<HostProcess> {
  assert.equal((await host(['new', folder], { cwd: home })).code, 0);
  assert.equal((await host(['build', folder], { cwd: home })).code, 0);
  const run = new HostProcess(
    ['serve', folder, '--listen', '127.0.0.1:0', '--state', `${folder}-state`],
    home,
  );
  await run.stderr.until(/Ctrl-C drains/);
  return run;
}

test('an agent is replaced when its manifest is granted more', options, async () => {
  await using run = await serve('granted');
  appendFileSync(join(home, 'granted/agent.toml'), '[capabilities.bus]\npublish = ["orders.*"]\n');
  await run.stderr.until(
    /granted is replaced: [0-9a-f]{12}\n {2}\+ \[capabilities\.bus\] publish \+= "orders\.\*"\n/,
  );
  assert.equal(await run.end('SIGTERM'), 0);
});

test('an agent is replaced when its manifest limits its fuel', options, async () => {
  await using run = await serve('limited');
  appendFileSync(join(home, 'limited/agent.toml'), 'fuel = "1G"\n');
  await run.stderr.until(/limited is replaced: [0-9a-f]{12}\n/);
  assert.equal(await run.end('SIGTERM'), 0);
});
