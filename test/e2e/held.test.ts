import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CliResult, host } from '../support/cli.ts';
import { frailAgent } from '../support/frail-agent.ts';
import { HostProcess } from '../support/process.ts';

// A person finds an agent held and lets it go on: processes of their own, a real agent, real HTTP.

const home = mkdtempSync(join(tmpdir(), 'motehost-e2e-held-'));
after(() => rmSync(home, { recursive: true }));
before(async () => {
  mkdirSync(join(home, 'billing'));
  writeFileSync(join(home, 'billing/billing.wasm'), await frailAgent('billing'));
  writeFileSync(
    join(home, 'billing/agent.toml'),
    'name = "billing"\nworld = "handler"\ncomponent = "billing.wasm"\n[errors]\ntrap = "manual"\n',
  );
});

test('host agents resume lets a held agent go on, with its message or without', {
  timeout: 120_000,
}, async () => {
  await using run = new HostProcess(['serve', 'billing', '--listen', '127.0.0.1:0', '--auth'], home);
  const [, url = ''] = await run.stderr.until(/serving .* on (http:\S+)\n[\s\S]*Ctrl-C drains/);
  const as =
    (token: string) =>
    (...args: string[]): Promise<CliResult> =>
      host(args, { cwd: home, env: { HOST_URL: url, HOST_TOKEN: token } });
  const token = async (name: string, may: string): Promise<string> =>
    (await host(['token', 'create', name, '--may', may], { cwd: home })).stdout.trim();
  const [admin, reader] = [as(await token('chief', 'admin')), as(await token('clerk', 'read'))];
  const idle = await admin('agents', 'resume', 'billing');
  assert.match(idle.stderr, /billing is neither paused, held nor terminated/);
  assert.notEqual(idle.code, 0);

  assert.equal((await admin('send', 'billing', '--input', 'trap 1')).code, 0);
  await run.stdout.until(/error +billing +held \(trap: unreachable.*host agents resume billing/);
  assert.match((await reader('agents')).stdout, /\nbilling +held /);
  assert.match((await reader('agents', 'billing')).stdout, /trouble +trap: unreachable/);
  assert.equal(
    (await reader('agents', 'resume', 'billing')).code,
    77,
    'whoever may look may not let it go on',
  );
  assert.equal((await admin('agents', 'resume', 'nobody')).code, 66);
  assert.match((await admin('invoke', 'billing', '--input', 'x')).stderr, /held; host agents resume billing/);
  const both = await admin('agents', 'resume', 'billing', '--drop', '--retry');
  assert.deepEqual([both.code, /say one/.test(both.stderr)], [64, true]);

  // The same message, the same end.
  assert.equal((await admin('agents', 'resume', 'billing', '--retry')).code, 0);
  await run.stdout.until(/billing +held \(trap/);
  const resumed = await admin('agents', 'resume', 'billing', '--drop');
  assert.deepEqual([resumed.code, resumed.stderr], [0, 'host: billing goes on\n']);
  assert.equal((await admin('invoke', 'billing', '--input', 'x')).stdout, 'billing 1');
  assert.equal(await run.end('SIGTERM'), 0);
});
