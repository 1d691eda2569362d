import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Descriptor } from '../../../../host/engine/wasi/preview3/filesystem.ts';
import { witError } from '../preview2/grants.ts';
import { readAll, readText, type Scene3, scene3, written } from './scene.ts';

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'motehost-preview3-'));
  await writeFile(join(root, 'greeting.txt'), 'hello, file');
  await mkdir(join(root, 'inner'));
  await symlink('..', join(root, 'out'));
});
after(() => rm(root, { recursive: true, force: true }));

const granted = (mode: 'read-only' | 'read-write'): Promise<Scene3> =>
  scene3({ preopens: [{ hostPath: root, guestPath: '/data', mode }] });

function directory(it: Scene3): Descriptor {
  const [[first]] = it.call('wasi:filesystem/preopens', 'getDirectories');
  return first;
}

const read = { read: true };
const open = (it: Scene3, path: string, how = {}, flags = {}): Promise<Descriptor> =>
  directory(it).openAt({}, path, how, flags);

test('without a grant there is no directory', async () => {
  await using it = await scene3();
  assert.deepEqual(it.call('wasi:filesystem/preopens', 'getDirectories'), []);
});

test('a file is read from anywhere to its end', async () => {
  await using it = await granted('read-only');
  const file = await open(it, 'greeting.txt', {}, read);
  assert.deepEqual(await readText(file.readViaStream(7n)), { text: 'file', end: { tag: 'ok' } });
  assert.deepEqual(await readText(file.readViaStream(100n)), { text: '', end: { tag: 'ok' } });
});

test('an offset that no file can have is refused', async () => {
  await using it = await granted('read-only');
  const file = await open(it, 'greeting.txt', {}, read);
  const { end } = await readText(file.readViaStream(2n ** 64n - 1n));
  assert.deepEqual(end, { tag: 'err', val: { tag: 'invalid' } });
});

test('what is written and appended is in the file when the future says so', async () => {
  await using it = await granted('read-write');
  const file = await open(it, 'new.txt', { create: true }, { read: true, write: true });
  assert.deepEqual(await file.writeViaStream(written('abc', 'def'), 0n), { tag: 'ok' });
  assert.deepEqual(await file.appendViaStream(written('!')), { tag: 'ok' });
  assert.deepEqual(await file.writeViaStream(written('X'), 2n), { tag: 'ok' });
  assert.equal(await readFile(join(root, 'new.txt'), 'utf8'), 'abXdef!');
});

test('a directory, and a file opened to be read, take no bytes', async () => {
  await using it = await granted('read-write');
  const bad = { tag: 'err', val: { tag: 'bad-descriptor' } };
  const data = written('x');
  assert.deepEqual(await directory(it).writeViaStream(data, 0n), bad);
  assert.ok(data.isDropped);
  const file = await open(it, 'greeting.txt', {}, read);
  assert.deepEqual(await file.appendViaStream(written('x')), bad);
  const { end } = await readText(directory(it).readViaStream(0n));
  assert.deepEqual(end, bad);
});

test('the entries of a directory come as a stream', async () => {
  await using it = await granted('read-only');
  const inner = await open(it, 'inner', { directory: true });
  assert.deepEqual(await readAll(inner.readDirectory()), { items: [], end: { tag: 'ok' } });
  const { items } = await readAll(directory(it).readDirectory());
  const kinds = new Map(items.map(({ name, type }) => [name, type.tag]));
  assert.equal(kinds.get('greeting.txt'), 'regular-file');
  assert.equal(kinds.get('inner'), 'directory');
  assert.equal(kinds.get('out'), 'symbolic-link');
  const file = await open(it, 'greeting.txt', {}, read);
  const { end } = await readAll(file.readDirectory());
  assert.deepEqual(end, { tag: 'err', val: { tag: 'not-directory' } });
});

test('no path leads out of what was granted', async () => {
  await using it = await granted('read-write');
  const refused = { tag: 'not-permitted' };
  assert.deepEqual(await witError(() => open(it, '../x', {}, read)), refused);
  assert.deepEqual(await witError(() => open(it, 'out/x', {}, read)), refused);
  assert.deepEqual(await witError(() => open(it, '/etc/passwd', {}, read)), refused);
  assert.deepEqual(await witError(() => directory(it).removeDirectoryAt('out/')), refused);
  assert.deepEqual(await witError(() => directory(it).createDirectoryAt('../x')), refused);
});

test('a read-only grant changes nothing', async () => {
  await using it = await granted('read-only');
  const refusal = await witError(() => open(it, 'other', { create: true }, { write: true }));
  assert.deepEqual(refusal, { tag: 'read-only' });
  assert.deepEqual(await witError(() => directory(it).unlinkFileAt('greeting.txt')), { tag: 'read-only' });
});

test('a directory itself is no name that can be made or removed', async () => {
  await using it = await granted('read-write');
  assert.deepEqual(await witError(() => directory(it).createDirectoryAt('.')), { tag: 'exist' });
  assert.deepEqual(await witError(() => directory(it).unlinkFileAt('.')), { tag: 'is-directory' });
});

test('flags are told as they were asked for', async () => {
  await using it = await granted('read-write');
  const flagsOf = async (...how: [string, object?, object?]) => {
    const { read, write, mutateDirectory } = await (await open(it, ...how)).getFlags();
    return { read: read === true, write: write === true, mutate: mutateDirectory === true };
  };
  assert.deepEqual(await flagsOf('inner'), { read: true, write: false, mutate: false });
  assert.deepEqual(await flagsOf('greeting.txt'), { read: true, write: false, mutate: false });
  assert.deepEqual(await flagsOf('made', { create: true }), { read: true, write: true, mutate: false });
});

test('what a file is told about it has', async () => {
  await using it = await granted('read-only');
  const stat = await directory(it).statAt({}, 'greeting.txt');
  assert.deepEqual([stat.type.tag, stat.size], ['regular-file', 11n]);
  assert.ok(stat.dataModificationTimestamp.seconds > 1_600_000_000n);
});
