import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { RunFolder } from '../../host/host/state/run-folder.ts';

const isLinux = process.platform === 'linux';

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mote-runs-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A process with a run folder in `parent`. */
async function holder(
  t: TestContext,
  parent: string,
): Promise<{ readonly process: ChildProcessByStdio<null, Readable, null>; readonly path: string }> {
  const script = join(import.meta.dirname, 'run-folder-holder.ts');
  const running = spawn(process.execPath, [script, parent], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => running.kill('SIGKILL'));
  const [line] = await once(running.stdout, 'data');
  return { process: running, path: String(line).trim() };
}

test('what a killed host left goes when the next one starts, and what one that runs has stays', async (t) => {
  const parent = temporary(t);
  const [killed, alive] = [await holder(t, parent), await holder(t, parent)];
  writeFileSync(join(killed.path, '1.sock'), '');
  killed.process.kill('SIGKILL');
  await once(killed.process, 'exit');
  const next = new RunFolder(parent);
  assert.equal(existsSync(killed.path), false);
  assert.ok(existsSync(alive.path) && existsSync(next.path));
  next.remove();
  assert.equal(existsSync(next.path), false);
});

test('a process id that is another’s now is no owner', { skip: !isLinux }, (t) => {
  const parent = temporary(t);
  const first = new RunFolder(parent);
  const path = join(first.path, 'owner.json');
  const owner = JSON.parse(readFileSync(path, 'utf8'));
  new RunFolder(parent);
  assert.ok(existsSync(first.path));
  writeFileSync(path, JSON.stringify({ ...owner, startTicks: owner.startTicks - 1 }));
  new RunFolder(parent);
  assert.equal(existsSync(first.path), false);
});

test('links, folders that name no owner, and those of other containers and programs are left alone', async (t) => {
  const parent = temporary(t);
  const killed = await holder(t, parent);
  killed.process.kill('SIGKILL');
  await once(killed.process, 'exit');
  const owner = readFileSync(join(killed.path, 'owner.json'), 'utf8');
  const elsewhere = temporary(t);
  writeFileSync(join(elsewhere, 'owner.json'), owner);
  symlinkSync(elsewhere, join(parent, 'motehost-run-linked'));
  const kept = ['motehost-run-mute', 'motehost-run-foreign', 'motehost-run-link-in-it', 'another-program'];
  for (const name of kept) mkdirSync(join(parent, name));
  const foreign = { ...JSON.parse(owner), namespace: 'pid:[1]' };
  writeFileSync(join(parent, 'motehost-run-foreign', 'owner.json'), JSON.stringify(foreign));
  writeFileSync(join(parent, 'another-program', 'owner.json'), owner);
  symlinkSync(join(elsewhere, 'owner.json'), join(parent, 'motehost-run-link-in-it', 'owner.json'));
  const { path } = new RunFolder(parent);
  assert.match(basename(path), /^motehost-run-/);
  assert.equal(existsSync(killed.path), false, 'the same owner, in a folder of its own');
  for (const name of kept) assert.ok(existsSync(join(parent, name)), name);
  assert.equal(readFileSync(join(elsewhere, 'owner.json'), 'utf8'), owner);
});
