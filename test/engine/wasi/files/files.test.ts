import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFiles } from '../../../../host/engine/wasi/files/files.ts';
import { HostError } from '../../../../host/errors.ts';
import { anchorings, fails, openDirectory, openFile, readAll, sandbox } from './sandbox.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const readWrite = { read: true, write: true, create: true, follow: true };

for (const anchoring of anchorings) {
  test(`${anchoring}: a file is made, written, read back, resized and removed`, async (context) => {
    const { root, inside } = await sandbox(context, anchoring);
    const file = await openFile(root, 'file', readWrite);
    assert.equal(await file.write(bytes('hello world'), 0n), 11);
    assert.equal(await file.write(bytes('W'), 6n), 1);
    assert.equal(await readAll(file), 'hello World');
    await file.setSize(5n);
    assert.equal((await file.stat()).size, 5n);
    await file.allocate(0n, 9n);
    assert.equal((await file.stat()).size, 9n);
    await file.allocate(0n, 3n);
    assert.equal((await file.stat()).size, 9n);
    await file.sync();
    await file.syncData();
    assert.equal(await file.read(new Uint8Array(1), 9n), 0);
    assert.equal(await file.read(new Uint8Array(1), 2n ** 63n), 0);
    await fails('fbig', () => file.write(bytes('x'), 2n ** 63n));
    await fails('fbig', () => file.setSize(2n ** 63n));
    file.close();
    file.close();
    await fails('badf', () => file.stat());
    await fails('badf', () => file.read(new Uint8Array(1), 0n));
    await root.removeFile('file');
    assert.equal(existsSync(join(inside, 'file')), false);
  });

  test(`${anchoring}: create, exclusive, truncate and directory mean what POSIX says`, async (context) => {
    const { root, inside } = await sandbox(context, anchoring);
    writeFileSync(join(inside, 'file'), 'content');
    mkdirSync(join(inside, 'dir'));
    await fails('exist', () => root.openAt('file', { write: true, create: true, exclusive: true }));
    await fails('exist', () => root.openAt('dir', { read: true, create: true, exclusive: true }));
    await fails('noent', () => root.openAt('none', { read: true }));
    await fails('noent', () => root.openAt('none/file', { write: true, create: true }));
    await fails('notdir', () => root.openAt('file', { read: true, directory: true }));
    await fails('notdir', () => root.openAt('file/x', { read: true }));
    await fails('isdir', () => root.openAt('dir', { write: true }));
    await fails('inval', () => root.openAt('new', { create: true, directory: true }));
    await openFile(root, 'file', { write: true, truncate: true });
    assert.equal(statSync(join(inside, 'file')).size, 0);
  });

  test(`${anchoring}: appending goes to the end, whoever else wrote`, async (context) => {
    const { root, inside } = await sandbox(context, anchoring);
    const file = await openFile(root, 'log', readWrite);
    await file.write(bytes('one'), 0n);
    writeFileSync(join(inside, 'log'), 'other', { flag: 'a' });
    await file.append(bytes('two'));
    assert.equal(readFileSync(join(inside, 'log'), 'utf8'), 'oneothertwo');
    await file.setFlags({ ...file.flags, append: true });
    await file.write(bytes('three'), 0n);
    assert.equal(readFileSync(join(inside, 'log'), 'utf8'), 'oneothertwothree');
    await file.setFlags({ ...file.flags, append: false, dsync: true });
    await file.write(bytes('ONE'), 0n);
    assert.equal(readFileSync(join(inside, 'log'), 'utf8'), 'ONEothertwothree');
  });

  test(`${anchoring}: directories, links and names are made, moved and removed`, async (context) => {
    const { root, inside } = await sandbox(context, anchoring);
    await root.createDirectory('dir');
    await root.createDirectory('dir/sub/');
    await fails('exist', () => root.createDirectory('dir'));
    await fails('inval', () => root.createDirectory('new/.'));
    await root.sync();
    await root.syncData();
    await fails('busy', () => root.removeDirectory('dir/..'));
    await openFile(root, 'dir/file', readWrite);
    await root.link('dir/file', false, root, 'hard');
    await root.createSymlink('dir/file', 'soft');
    assert.equal(await root.readSymlink('soft'), 'dir/file');
    assert.equal((await root.statAt('hard', false)).linkCount, 2n);
    await fails('inval', () => root.readSymlink('hard'));
    await fails('notempty', () => root.removeDirectory('dir'));
    await fails('isdir', () => root.removeFile('dir/sub'));
    await fails('notdir', () => root.removeDirectory('hard'));
    const sub = await openDirectory(root, 'dir/sub');
    await root.rename('hard', sub, 'moved');
    assert.equal(existsSync(join(inside, 'dir/sub/moved')), true);
    await fails('exist', () => root.link('dir/file', false, sub, 'moved'));
    await root.rename('dir/', root, 'renamed/');
    await root.removeFile('soft');
    assert.deepEqual(readdirSync(inside), ['renamed']);
    if (anchoring === 'descriptor') assert.equal((await sub.stat()).type, 'directory');
    else await fails('noent', () => sub.stat());
  });

  test(`${anchoring}: times are set by path and handle, and what is kept is kept to the nanosecond`, async (context) => {
    const { root, inside } = await sandbox(context, anchoring);
    writeFileSync(join(inside, 'file'), '');
    symlinkSync('file', join(inside, 'link'));
    const before = await root.statAt('file', false);
    await root.setTimesAt('link', true, 'keep', 5_000_000_000n);
    const after = await root.statAt('file', false);
    assert.equal(after.modifiedNs, 5_000_000_000n);
    assert.equal(after.accessedNs, before.accessedNs);
    await root.setTimesAt('link', false, 7_000_000_000n, 'keep');
    assert.equal((await root.statAt('link', false)).accessedNs, 7_000_000_000n);
    assert.equal((await root.statAt('file', false)).accessedNs, before.accessedNs);
    const file = await openFile(root, 'file');
    await file.setTimes(3_000_000_000n, 'now');
    const last = await file.stat();
    assert.equal(last.accessedNs, 3_000_000_000n);
    assert.ok(last.modifiedNs >= before.modifiedNs);
    await root.setTimesAt('.', false, 9_000_000_000n, 'keep');
    assert.equal((await root.stat()).accessedNs, 9_000_000_000n);
    await fails('inval', () => file.setTimes(2n ** 64n, 'keep'));
    const odd = 1_795_237_247_515_340_087n;
    await file.setTimes('keep', odd);
    assert.equal((await file.stat()).modifiedNs, odd);
    assert.equal((await file.stat()).accessedNs, 3_000_000_000n);
    await root.setTimesAt('file', false, odd - 1n, 'keep');
    assert.equal((await root.statAt('link', true)).modifiedNs, odd);
    assert.equal((await file.stat()).accessedNs, odd - 1n);
    writeFileSync(join(inside, 'file'), 'changed');
    assert.ok((await file.stat()).modifiedNs > before.modifiedNs);
    const onDisk = statSync(join(inside, 'file'), { bigint: true }).atimeNs;
    assert.ok(onDisk - odd < 250n && odd - onDisk < 250n);
  });

  test(`${anchoring}: a directory of 1000 entries is read once over while it is emptied`, async (context) => {
    const { root, inside } = await sandbox(context, anchoring);
    const names = Array.from({ length: 1000 }, (_, index) => `entry-${index}`);
    for (const name of names) writeFileSync(join(inside, name), '');
    const seen: string[] = [];
    for (let page = await root.list(0n); ; page = await root.list(BigInt(seen.length))) {
      for (const { name, type, inode } of page.entries) {
        assert.equal(type, 'regular-file');
        assert.ok(inode > 0n);
        seen.push(name);
        rmSync(join(inside, name));
      }
      if (page.end) break;
    }
    assert.deepEqual(seen.toSorted(), names.toSorted());
    assert.deepEqual(await root.list(0n), { entries: [], end: true });
  });

  test(`${anchoring}: a listing goes back to any position and on past the end`, async (context) => {
    const { root, inside } = await sandbox(context, anchoring);
    for (let index = 0; index < 600; index += 1) writeFileSync(join(inside, `entry-${index}`), '');
    const [first, second] = [root.openListing(), root.openListing()];
    const start = await first.list(0n);
    const next = await first.list(BigInt(start.entries.length));
    assert.deepEqual((await second.list(0n)).entries, start.entries);
    assert.deepEqual((await first.list(0n)).entries, start.entries);
    assert.deepEqual((await first.list(BigInt(start.entries.length))).entries, next.entries);
    assert.deepEqual((await first.list(3n)).entries, start.entries.slice(3));
    assert.deepEqual(await first.list(2n ** 64n - 1n), { entries: [], end: true });
    first.close();
    await fails('badf', () => first.list(0n));
    second.close();
  });

  test(`${anchoring}: open files are counted, given back, and all closed at the end`, async (context) => {
    const { root, files, inside } = await sandbox(context, anchoring, { openFilesMax: 3 });
    writeFileSync(join(inside, 'file'), 'content');
    const opened = [await openFile(root, 'file'), await openFile(root, 'file'), await openFile(root, 'file')];
    await fails('mfile', () => openFile(root, 'file'));
    await fails('mfile', () => root.openListing());
    opened[0]?.close();
    await fails('noent', () => openFile(root, 'none'));
    const listing = root.openListing();
    await fails('mfile', () => openFile(root, 'file'));
    listing.close();
    const last = await openFile(root, 'file');
    root.close();
    assert.equal((await root.stat()).type, 'directory');
    files.dispose();
    await fails('badf', () => last.stat());
    await fails('badf', () => root.stat());
    await fails('badf', () => root.openAt('file', { read: true }));
  });

  test(`${anchoring}: sameness and hashes follow the object and its contents`, async (context) => {
    const { root, inside } = await sandbox(context, anchoring);
    writeFileSync(join(inside, 'file'), 'content');
    writeFileSync(join(inside, 'other'), 'content');
    await root.link('file', false, root, 'hard');
    const [file, hard, other] = [
      await openFile(root, 'file', readWrite),
      await openFile(root, 'hard'),
      await openFile(root, 'other'),
    ];
    assert.equal(await file.isSameObject(hard), true);
    assert.equal(await file.isSameObject(other), false);
    assert.deepEqual(await file.metadataHash(), await root.metadataHashAt('hard', false));
    const before = await file.metadataHash();
    await file.write(bytes('longer content'), 0n);
    assert.notDeepEqual(await file.metadataHash(), before);
  });
}

test('a directory that is not there, and a file, cannot be granted', async (context) => {
  const { budget, inside } = await sandbox(context);
  writeFileSync(join(inside, 'file'), '');
  for (const name of ['none', 'file']) {
    await assert.rejects(
      () => openFiles([{ hostPath: join(inside, name), guestPath: '/x', mode: 'read-only' }], budget),
      (thrown) => thrown instanceof HostError && thrown.code === 'HOST_ERR_GRANT_INVALID',
    );
  }
});

test('no kernel descriptor stays open after dispose, one that was being opened included', async (context) => {
  const open = (): number => readdirSync('/proc/self/fd').length;
  const before = open();
  const { root, files, inside } = await sandbox(context);
  mkdirSync(join(inside, 'a/b/c'), { recursive: true });
  writeFileSync(join(inside, 'a/b/c/file'), 'content');
  for (let index = 0; index < 20; index += 1) await openFile(root, 'a/b/c/file');
  await root.list(0n);
  const late = root.openAt('a/b/c/file', { read: true });
  files.dispose();
  await late.catch(() => {});
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(open(), before);
});

test('a listing fails on a name that is not UTF-8, instead of hiding it', async (context) => {
  const { root, inside } = await sandbox(context);
  writeFileSync(Buffer.concat([Buffer.from(`${inside}/`), Buffer.from([0xff, 0xfe])]), '');
  await fails('ilseq', () => root.list(0n));
});
