import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { AgentRecord } from '../../host/host/state/agent-records.ts';
import { openState, removeJournal, type StateFolder } from '../../host/host/state/state-folder.ts';

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'state-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'state');
}

function opened(t: TestContext, folder: string): StateFolder {
  const state = openState(folder);
  t.after(() => state.close());
  return state;
}

const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 2, 3]);
const digest = createHash('sha256').update(bytes).digest('hex');

function record(name: string, more: Partial<AgentRecord> = {}): AgentRecord {
  return {
    name,
    manifest: `name = "${name}"`,
    digest,
    earlier: [],
    accepted: undefined,
    parent: undefined,
    installedAtMs: 1_700_000_000_000.5,
    ...more,
  };
}

test('a state folder is made for its user alone, and what others may write to is refused', (t) => {
  const folder = temporary(t);
  openState(folder).close();
  for (const path of [folder, join(folder, 'journal'), join(folder, 'cold'), join(folder, 'components')])
    assert.equal(statSync(path).mode & 0o777, 0o700, path);
  chmodSync(folder, 0o770);
  assert.throws(() => openState(folder), { code: 'HOST_ERR_STATE_UNWRITABLE', message: /others may write/ });
  const file = join(folder, 'file');
  writeFileSync(file, '');
  assert.throws(() => openState(file), { code: 'HOST_ERR_STATE_UNWRITABLE', message: /is a file/ });
});

test('files in a state folder that others may look into are readable by its user alone', (t) => {
  const folder = temporary(t);
  mkdirSync(folder, { mode: 0o755 });
  const state = opened(t, folder);
  state.agents.put(record('a'));
  const files = readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile());
  assert.ok(files.length >= 3, files.join());
  for (const name of files) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
});

test('a folder in it that is a link elsewhere is refused, and nothing is written there', (t) => {
  const folder = temporary(t);
  const victim = join(folder, '..', 'victim');
  mkdirSync(victim);
  for (const name of ['journal', 'cold', 'components']) {
    mkdirSync(folder, { mode: 0o700 });
    symlinkSync(victim, join(folder, name));
    assert.throws(() => openState(folder), {
      code: 'HOST_ERR_STATE_UNWRITABLE',
      message: new RegExp(`${name} is a symbolic link.*remove it`),
    });
    rmSync(folder, { recursive: true });
  }
  const state = opened(t, folder);
  for (const path of ['journal', 'cold']) symlinkSync(victim, join(folder, path, '1'));
  assert.throws(() => state.journalOf(1), { code: 'HOST_ERR_STATE_UNWRITABLE' });
  assert.throws(() => state.coldOf(1), { code: 'HOST_ERR_STATE_UNWRITABLE' });
  assert.deepEqual(readdirSync(victim), []);
});

test('a file in it that is a link elsewhere is neither read nor written', async (t) => {
  const folder = temporary(t);
  const victim = join(folder, '..', 'victim');
  for (const name of ['lock.sqlite', 'host.json', 'agents.sqlite']) {
    writeFileSync(victim, '');
    mkdirSync(folder, { mode: 0o700 });
    symlinkSync(victim, join(folder, name));
    assert.throws(() => openState(folder), {
      code: 'HOST_ERR_STATE_UNWRITABLE',
      message: /symbolic link/,
    });
    assert.equal(readFileSync(victim, 'utf8'), '', name);
    rmSync(folder, { recursive: true });
  }
  writeFileSync(victim, bytes);
  const { components } = opened(t, folder);
  symlinkSync(victim, join(folder, 'components', `${digest}.wasm`));
  assert.equal(components.has(digest), false);
  await assert.rejects(components.get(digest), { code: 'HOST_ERR_FILE_NOT_FOUND' });
  components.put(bytes);
  assert.deepEqual(new Uint8Array(await components.get(digest)), bytes);
});

test('two hosts in one folder: the second is refused and told who has it, until the first ends', (t) => {
  const folder = temporary(t);
  const first = openState(folder);
  assert.throws(() => openState(folder), {
    code: 'HOST_ERR_STATE_LOCKED',
    message: new RegExp(`process id ${process.pid}, running since 20.*--state`),
  });
  first.close();
  opened(t, folder);
});

test('a host in another process has the folder until it ends, even when it is killed', async (t) => {
  const folder = temporary(t);
  const holder = join(import.meta.dirname, 'state-holder.ts');
  const running = spawn(process.execPath, [holder, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => running.kill('SIGKILL'));
  await once(running.stdout, 'data');
  assert.throws(() => openState(folder), {
    code: 'HOST_ERR_STATE_LOCKED',
    data: { folder, pid: running.pid },
  });
  running.kill('SIGKILL');
  await once(running, 'exit');
  const state = opened(t, folder);
  assert.equal(state.agents.get('held')?.name, 'held');
});

test('components are kept once, by digest, and what was damaged is not handed out', async (t) => {
  const folder = temporary(t);
  const { components } = opened(t, folder);
  assert.equal(components.put(bytes), digest);
  assert.equal(components.put(bytes), digest);
  assert.deepEqual(components.list(), [digest]);
  assert.deepEqual(new Uint8Array(await components.get(digest)), bytes);
  await assert.rejects(components.get('0'.repeat(64)), { code: 'HOST_ERR_FILE_NOT_FOUND' });
  await assert.rejects(async () => components.get('../../agents'), { code: 'HOST_ERR_VALUE_INVALID' });
  writeFileSync(join(folder, 'components', `${digest}.wasm`), 'something else');
  await assert.rejects(components.get(digest), { code: 'HOST_ERR_FILE_UNREADABLE', message: /install/ });
});

test('components nobody has any more are removed, and what a crash left half written', (t) => {
  const folder = temporary(t);
  const { components } = opened(t, folder);
  const other = components.put(new Uint8Array([9]));
  components.put(bytes);
  writeFileSync(join(folder, 'components', `${digest}.wasm.1.partial`), '');
  writeFileSync(join(folder, 'components', 'README'), 'not ours');
  assert.equal(components.removeUnused(new Set([digest])), 1);
  assert.deepEqual(readdirSync(join(folder, 'components')).sort(), ['README', `${digest}.wasm`].sort());
  assert.equal(components.has(other), false);
});

test('agents are there again after a restart: installed, changed, spawned; removed ones are not', async (t) => {
  const folder = temporary(t);
  const first = openState(folder);
  const upgraded = record('billing', {
    earlier: ['ab'.repeat(32), 'cd'.repeat(32)],
    accepted: '["agent.audit"]',
  });
  first.agents.put(record('billing'));
  first.agents.put(upgraded);
  first.agents.put(record('gone'));
  first.agents.put(record('worker-1', { manifest: 'shared', parent: 'billing' }));
  first.agents.put(record('worker-2', { manifest: 'shared', parent: 'billing' }));
  await first.agents.saved();
  first.agents.remove('gone');
  first.agents.remove('unknown');
  await first.agents.saved();
  first.close();
  const { agents } = opened(t, folder);
  assert.deepEqual(
    [...agents.all()],
    [
      upgraded,
      record('worker-1', { manifest: 'shared', parent: 'billing' }),
      record('worker-2', { manifest: 'shared', parent: 'billing' }),
    ],
  );
  assert.equal(agents.count, 3);
  assert.deepEqual(agents.get('billing'), upgraded);
  assert.equal(agents.get('gone'), undefined);
  assert.deepEqual(agents.digests(), new Set([digest, 'ab'.repeat(32), 'cd'.repeat(32)]));
});

test('manifests of agents that were removed are forgotten, those in use are not', async (t) => {
  const { agents } = opened(t, temporary(t));
  agents.put(record('a', { manifest: 'one' }));
  agents.put(record('b', { manifest: 'two' }));
  await agents.saved();
  agents.remove('a');
  agents.prune();
  agents.put(record('c', { manifest: 'one' }));
  assert.equal(agents.get('b')?.manifest, 'two');
  assert.equal(agents.get('c')?.manifest, 'one');
});

test('when triggers last came due is remembered, and forgotten with their agent', async (t) => {
  const folder = temporary(t);
  const first = openState(folder);
  first.agents.putDue('billing', 'daily', 1000.25);
  first.agents.putDue('billing', 'daily', 2000.25);
  first.close();
  const { agents } = opened(t, folder);
  assert.equal(agents.lastDueMs('billing', 'daily'), 2000.25);
  assert.equal(agents.lastDueMs('billing', 'weekly'), undefined);
  agents.remove('billing');
  assert.equal(agents.lastDueMs('billing', 'daily'), undefined);
});

test('a change the disk does not take is told to who waits for it, and the next ones go on', async (t) => {
  const { agents } = opened(t, temporary(t));
  const bad: AgentRecord = { ...record('bad'), installedAtMs: Number.NaN };
  agents.put(bad);
  agents.put(record('with-it'));
  await assert.rejects(agents.saved(), {
    code: 'HOST_ERR_STATE_UNWRITABLE',
    message: /cannot keep agents in/,
  });
  assert.equal(agents.get('with-it'), undefined);
  agents.put(bad);
  assert.equal(agents.get('bad'), undefined);
  assert.ok(agents.trouble !== undefined);
  agents.tryAgain();
  assert.equal(agents.trouble, undefined, 'it takes others');
  agents.put(bad);
  assert.equal(agents.get('bad'), undefined);
  agents.put(record('good'));
  await agents.saved();
  assert.equal(agents.trouble, undefined);
  assert.equal(agents.count, 1);
});

test('a folder of a newer host is refused', async (t) => {
  const folder = temporary(t);
  openState(folder).close();
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(join(folder, 'agents.sqlite'));
  database.exec('PRAGMA user_version = 99');
  database.close();
  assert.throws(() => openState(folder), { code: 'HOST_ERR_STATE_UNWRITABLE', message: /newer host/ });
  // The refusal left no lock behind.
  assert.throws(() => openState(folder), { code: 'HOST_ERR_STATE_UNWRITABLE' });
});

test('every thread has its journal folder, and one that is not needed any more is removed', (t) => {
  const state = opened(t, temporary(t));
  const folder = state.journalOf(3);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  mkdirSync(join(folder, 'anything'));
  removeJournal(state, 3);
  assert.deepEqual(readdirSync(state.journalFolder), []);
});
