import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Descriptor } from '../../../../host/engine/wasi/preview2/filesystem.ts';
import { type Scene, scene, witError } from './grants.ts';

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'motehost-preview2-'));
  await writeFile(join(root, 'greeting.txt'), 'hello, file');
});
after(() => rm(root, { recursive: true, force: true }));

async function directory(it: Scene): Promise<Descriptor> {
  const [[first]] = await it.call('wasi:filesystem/preopens', 'getDirectories');
  return first;
}

const granted = (mode: 'read-only' | 'read-write'): Promise<Scene> =>
  scene({ preopens: [{ hostPath: root, guestPath: '/data', mode }] });

const follow = { symlinkFollow: true };
const bytes = (of: string): Uint8Array => new TextEncoder().encode(of);
const text = (of: Uint8Array): string => new TextDecoder().decode(of);

test('without a grant there is no directory', async () => {
  await using it = await scene();
  assert.deepEqual(it.call('wasi:filesystem/preopens', 'getDirectories'), []);
});

test("a granted directory that does not exist is the caller's mistake", async () => {
  const missing = [{ hostPath: join(root, 'missing'), guestPath: '/', mode: 'read-only' }] as const;
  await assert.rejects(scene({ preopens: missing }), { code: 'HOST_ERR_GRANT_INVALID' });
});

test('a granted directory has the name the guest was promised', async () => {
  await using it = await granted('read-only');
  const [[descriptor, guestPath]] = it.call('wasi:filesystem/preopens', 'getDirectories');
  assert.equal(guestPath, '/data');
  assert.equal(descriptor.getType(), 'directory');
});

test('a file is read at any place and as a stream', async () => {
  await using it = await granted('read-only');
  const file = await (await directory(it)).openAt(follow, 'greeting.txt', {}, { read: true });
  assert.equal(file.getType(), 'regular-file');
  const [some, someEnd] = await file.read(5n, 7n);
  assert.deepEqual([text(some), someEnd], ['file', false]);
  assert.equal((await file.read(5n, 11n))[1], true);
  assert.equal((await file.read(0n, 0n))[1], false);
  const stream = file.readViaStream(7n);
  file[Symbol.dispose]();
  assert.equal(text(await stream.blockingRead(100n)), 'file', 'the stream outlives the descriptor');
  assert.deepEqual(await witError(() => stream.blockingRead(1n)), { tag: 'closed' });
});

test('a file is created, written, appended to and read back', async () => {
  await using it = await granted('read-write');
  const base = await directory(it);
  const file = await base.openAt(follow, 'new.txt', { create: true }, { read: true, write: true });
  assert.equal(await file.write(bytes('0123'), 0n), 4n);
  const stream = file.writeViaStream(4n);
  await stream.blockingWriteAndFlush(bytes('45'));
  await stream.blockingWriteAndFlush(bytes('67'));
  const end = file.appendViaStream();
  await end.blockingWriteAndFlush(bytes('89'));
  await end.blockingWriteAndFlush(bytes('!'));
  assert.equal((await file.stat()).size, 11n);
  assert.equal(await readFile(join(root, 'new.txt'), 'utf8'), '0123456789!');
  await file.setSize(4n);
  await file.sync();
  await file.syncData();
  assert.equal((await base.statAt(follow, 'new.txt')).size, 4n);
  const flags = file.getFlags();
  assert.deepEqual([flags.read, flags.write, flags.mutateDirectory], [true, true, false]);
  await file.setTimes(
    { tag: 'no-change' },
    { tag: 'timestamp', val: { seconds: 1000n, nanoseconds: 500_000_000 } },
  );
  assert.deepEqual((await file.stat()).dataModificationTimestamp, {
    seconds: 1000n,
    nanoseconds: 500_000_000,
  });
});

test('directories are made, listed, renamed and removed', async () => {
  await using it = await granted('read-write');
  const base = await directory(it);
  await base.createDirectoryAt('tree');
  const tree = await base.openAt(follow, 'tree', { directory: true }, { read: true });
  for (const name of ['a', 'b']) {
    const file = await tree.openAt(follow, name, { create: true }, { write: true });
    file[Symbol.dispose]();
  }
  await tree.symlinkAt('a', 'link');
  assert.equal(await tree.readlinkAt('link'), 'a');
  await base.linkAt({}, 'tree/a', tree, 'hard');
  const entries = tree.readDirectory();
  const names: string[] = [];
  for (
    let entry = await entries.readDirectoryEntry();
    entry !== undefined;
    entry = await entries.readDirectoryEntry()
  )
    names.push(`${entry.name} ${entry.type}`);
  entries[Symbol.dispose]();
  assert.deepEqual(names.sort(), [
    'a regular-file',
    'b regular-file',
    'hard regular-file',
    'link symbolic-link',
  ]);
  const a = await tree.openAt(follow, 'a', {}, { read: true });
  const hard = await tree.openAt(follow, 'hard', {}, { read: true });
  assert.equal(await a.isSameObject(hard), true);
  assert.equal(await a.isSameObject(tree), false);
  assert.deepEqual(await a.metadataHash(), await tree.metadataHashAt({}, 'hard'));
  await tree.renameAt('b', base, 'moved');
  assert.equal(await witError(() => base.removeDirectoryAt('tree')), 'not-empty');
  for (const name of ['a', 'hard', 'link']) await tree.unlinkFileAt(name);
  await base.unlinkFileAt('moved');
  await base.removeDirectoryAt('tree');
  assert.equal(await witError(() => base.statAt(follow, 'tree')), 'no-entry');
});

test('nothing leads out of a granted directory', async () => {
  await using it = await granted('read-write');
  const base = await directory(it);
  await symlink('/etc', join(root, 'out'));
  for (const path of ['..', '../x', '/etc/passwd', 'out/passwd'])
    assert.equal(await witError(() => base.openAt(follow, path, {}, { read: true })), 'not-permitted', path);
  assert.equal(await witError(() => base.symlinkAt('/etc', 'absolute')), 'not-permitted');
});

test('a read-only grant lets nothing be changed', async () => {
  await using it = await granted('read-only');
  const base = await directory(it);
  assert.equal(base.getFlags().mutateDirectory, false);
  const refused = [
    () => base.createDirectoryAt('d'),
    () => base.unlinkFileAt('greeting.txt'),
    () => base.renameAt('greeting.txt', base, 'x'),
    () => base.linkAt({}, 'greeting.txt', base, 'x'),
    () => base.symlinkAt('greeting.txt', 'x'),
    () => base.setTimesAt(follow, 'greeting.txt', { tag: 'now' }, { tag: 'now' }),
    () => base.openAt(follow, 'greeting.txt', {}, { write: true }),
    () => base.openAt(follow, 'greeting.txt', { truncate: true }, { read: true }),
    () => base.openAt(follow, 'x', { create: true }, { read: true }),
    () => base.openAt(follow, '.', {}, { read: true, mutateDirectory: true }),
  ];
  for (const act of refused) assert.equal(await witError(act), 'read-only', String(act));
});

test('a descriptor refuses what it is not', async () => {
  await using it = await granted('read-write');
  const base = await directory(it);
  const file = await base.openAt(follow, 'greeting.txt', {}, { read: true });
  assert.equal(await witError(() => base.read(1n, 0n)), 'bad-descriptor');
  assert.equal(await witError(() => base.readViaStream(0n)), 'bad-descriptor');
  assert.equal(await witError(() => file.write(bytes('x'), 0n)), 'bad-descriptor');
  assert.equal(await witError(() => file.writeViaStream(0n)), 'bad-descriptor');
  assert.equal(await witError(() => file.readDirectory()), 'not-directory');
  assert.equal(await witError(() => file.openAt({}, 'x', {}, {})), 'not-directory');
  file.advise(0n, 0n, 'normal');
});

test('open files are limited and a drop frees one', async () => {
  await using it = await scene(
    { preopens: [{ hostPath: root, guestPath: '/', mode: 'read-only' }] },
    { openFilesMax: 2 },
  );
  const base = await directory(it);
  const open = () => base.openAt(follow, 'greeting.txt', {}, { read: true });
  const [first] = [await open(), await open()];
  assert.equal(await witError(open), 'insufficient-memory');
  first?.[Symbol.dispose]();
  await open();
});

test("a file stream's failure tells its error code", async () => {
  await using it = await granted('read-write');
  const file = await (await directory(it)).openAt(follow, 'big', { create: true }, { write: true });
  const stream = file.writeViaStream(2n ** 60n);
  const failed = (await witError(() => stream.blockingWriteAndFlush(bytes('x')))) as {
    tag: string;
    val: unknown;
  };
  assert.equal(failed.tag, 'last-operation-failed');
  assert.equal(it.call('wasi:filesystem/types', 'filesystemErrorCode', failed.val), 'file-too-large');
});
