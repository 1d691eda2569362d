import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { kinds } from '../../host/audit/kinds.ts';
import { systemClock, systemRandom } from '../../host/clock.ts';
import { AgentRecords } from '../../host/host/state/agent-records.ts';
import { StateLock } from '../../host/host/state/state-lock.ts';
import { Trust } from '../../host/host/trust/trust.ts';
import { verifyComponent } from '../../host/identity/component-signature.ts';
import { type CliResult, host } from '../support/cli.ts';

const home = mkdtempSync(join(tmpdir(), 'motehost-cli-keys-'));
after(() => rmSync(home, { recursive: true }));
const call = (words: readonly string[], env: Record<string, string> = {}): Promise<CliResult> =>
  host(words, { cwd: home, env });
const keys = (...words: string[]): Promise<CliResult> => call(['keys', ...words]);

const state = join(home, '.motehost');

/** As after a host has served here, with these agents out of a folder. */
async function served(...agents: readonly string[]): Promise<void> {
  const trust = await Trust.open({
    stateFolder: state,
    clock: systemClock,
    random: systemRandom,
    version: 'test',
    onAudit: () => {},
    onPolicies: () => {},
  });
  for (const agent of agents) trust.pen?.append(kinds.agentInstalled, agent, '', 'digest', null, 'manifest');
  await trust.close('test');
}

test('keys of a host are shown, rotated and revoked; its chain goes over to the new one', async () => {
  assert.match((await keys('show')).stderr, /no host\.key in .*makes it when it serves for the first time/);
  await served('billing');
  const first = (await keys('show')).stdout.trim();
  assert.match(first, /^ed25519:[\w-]{43}$/);
  const agent = (await keys('show', 'billing')).stdout.trim();
  assert.notEqual(agent, first);
  const second = (await keys('rotate', 'host')).stdout.trim();
  assert.notEqual(second, first);
  assert.equal((await keys('show')).stdout.trim(), second);
  assert.equal(readFileSync(join(state, 'keys/host.pub'), 'utf8').trim(), second);
  const revoked = await keys('revoke', 'billing', '--reason', 'retired');
  assert.match(revoked.stderr, /generation 1 of billing, .* is revoked \(retired\); .* signs now/);
  const agentNow = (await keys('show', 'billing')).stdout.trim();
  assert.notEqual(agentNow, agent);
  const listed = (await keys('list')).stdout;
  assert.match(listed, new RegExp(`/billing +${agentNow} +own +2\n`));
  assert.match(listed, new RegExp(`/billing +${agent} +revoked: retired +1 +20\\d\\d-\\S+Z\n`));
  const rows = (await keys('list', '--json')).stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    rows.map(({ key, generation, reason }) => [key, generation, reason]),
    [
      [second, 2, undefined],
      [agentNow, 2, undefined],
      [agent, 1, 'retired'],
    ],
  );
  writeFileSync(join(home, 'first.pub'), `${first}\n`);
  const verified = await call(['audit', 'verify', join(state, 'audit'), '--key', 'first.pub']);
  assert.equal(verified.code, 0, verified.stderr);
  const byLater = await call([
    'audit',
    'verify',
    join(state, 'audit'),
    '--key',
    join(state, 'keys/host.pub'),
  ]);
  assert.equal(byLater.code, 1);
  assert.match(
    byLater.stdout,
    /^NOT intact: 1 fault; [1-9]\d* events were found right\n {2}event 1 \(batch 1, /,
  );
  assert.ok(
    byLater.stdout.includes(`under an earlier key ${first}; give that one with --key: it handed over in`),
  );
});

test('keys of others are pinned, listed, forgotten and revoked; what is none is refused', async () => {
  await served('other');
  const other = (await keys('show', 'other')).stdout.trim();
  assert.equal((await keys('trust', 'publisher/acme', other)).code, 0);
  assert.match((await keys('list')).stdout, new RegExp(`publisher/acme +${other} +hand`));
  assert.equal((await keys('forget', 'publisher/acme')).code, 0);
  assert.equal((await keys('forget', 'publisher/acme')).code, 66);
  await keys('revoke', other);
  assert.match((await keys('list')).stdout, /revoked: compromised/);
  for (const words of [['trust', 'acme', other], ['trust', 'publisher/acme', 'x'], ['rotate'], ['turn', 'x']])
    assert.equal((await keys(...words)).code, 64, words.join(' '));
});

test('only of agents that are or were here keys are shown and changed: of records, of the chain, of the ring', async () => {
  await served('billing');
  const records = new AgentRecords(join(state, 'agents.sqlite'));
  const digest = '0'.repeat(64);
  const made = { earlier: [], accepted: undefined, parent: undefined, installedAtMs: 0 };
  records.put({ name: 'spawned', manifest: '', digest, ...made });
  assert.equal(records.get('spawned')?.name, 'spawned');
  const held = await keys('show', 'spawned');
  assert.match(held.stderr, /no agent 'spawned' is or was in/, 'a host has the records');
  records.close();
  assert.equal((await keys('rotate', 'spawned')).code, 0);
  assert.equal((await keys('show', 'agent/spawned')).code, 0);
  const ring = readFileSync(join(state, 'keys/keyring.json'), 'utf8');
  for (const action of ['show', 'rotate', 'revoke']) {
    const refused = await keys(action, 'biling');
    assert.equal(refused.code, 66, action);
    assert.match(refused.stderr, /no agent 'biling' is or was in .*, did you mean 'billing'\?/);
  }
  assert.equal(readFileSync(join(state, 'keys/keyring.json'), 'utf8'), ring);
  rmSync(join(state, 'agents.sqlite'));
  assert.equal((await keys('show', 'spawned')).code, 0, 'it has a key in the ring');
});

test('what needs the host stopped says how one that serves is asked', async (t) => {
  await served();
  const lock = new StateLock(state, 0);
  t.after(() => lock.release());
  const key = (await keys('show')).stdout.trim();
  for (const [words, path] of [
    [['list'], 'GET /v1/keys'],
    [['rotate', 'host'], 'POST /v1/keys/host/rotate'],
    [['revoke', 'agent/billing'], 'POST /v1/keys/billing/revoke'],
    [['revoke', key], 'POST /v1/keys/revocations'],
  ] as const) {
    const refused = await keys(...words);
    assert.equal(refused.code, 69);
    assert.ok(refused.stderr.includes(`stop it, or ask it: ${path}\n`), refused.stderr);
  }
});

test('a passphrase seals the key: without it, and with another, nothing opens', async () => {
  await served();
  const shown = (await keys('show')).stdout;
  assert.equal((await call(['keys', 'passphrase'], { MOTEHOST_KEY_PASSPHRASE_NEW: 'open sesame' })).code, 0);
  assert.match((await keys('show')).stderr, /is sealed; give its passphrase in MOTEHOST_KEY_PASSPHRASE/);
  const wrong = await call(['keys', 'show'], { MOTEHOST_KEY_PASSPHRASE: 'close sesame' });
  assert.equal(wrong.code, 77);
  const right = await call(['keys', 'show'], { MOTEHOST_KEY_PASSPHRASE: 'open sesame' });
  assert.equal(right.stdout, shown);
  const env = { MOTEHOST_KEY_PASSPHRASE: 'open sesame', MOTEHOST_KEY_PASSPHRASE_NEW: '' };
  assert.equal((await call(['keys', 'passphrase'], env)).code, 0);
  assert.equal((await keys('show')).stdout, shown);
});

test('a host.key that is missing or of another host is told with the cure, and nothing is made in its place', async () => {
  await served();
  const [key, kept] = [join(state, 'keys/host.key'), join(home, 'kept.key')];
  copyFileSync(key, kept);
  rmSync(key);
  await assert.rejects(served(), {
    code: 'HOST_ERR_IDENTITY_CORRUPT',
    message: /host\.key is missing.*put back/,
  });
  assert.ok(!existsSync(key));
  const other = mkdtempSync(join(tmpdir(), 'motehost-cli-keys-'));
  const made = await call(['sign', kept, '--key', other]);
  assert.equal(made.code, 0, made.stderr);
  copyFileSync(join(other, 'host.key'), key);
  await assert.rejects(served(), { code: 'HOST_ERR_IDENTITY_CORRUPT' });
  rmSync(other, { recursive: true });
  copyFileSync(kept, key);
  await served();
});

test('host sign writes who vouches for exactly this component', async () => {
  await served();
  const file = join(home, 'a.wasm');
  writeFileSync(file, 'a component');
  const signed = await call(['sign', 'a.wasm']);
  assert.match(signed.stdout, /^sha256:[0-9a-f]{64}\n$/);
  const verdict = verifyComponent(readFileSync(file), readFileSync(`${file}.sig`));
  assert.equal(verdict.kind === 'signed' && verdict.keyText, (await keys('show')).stdout.trim());
  assert.equal(verifyComponent(Buffer.from('another'), readFileSync(`${file}.sig`)).kind, 'refused');
  assert.equal((await call(['sign', 'none.wasm'])).code, 66);
});
