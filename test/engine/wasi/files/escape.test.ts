import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { openFiles } from '../../../../host/engine/wasi/files/files.ts';
import type { OpenDirectory } from '../../../../host/engine/wasi/files/port.ts';
import { anchorings, fails, openDirectory, openFile, readAll, sandbox, secret } from './sandbox.ts';

/** Every operation that takes a path, on this path. */
function operations(root: OpenDirectory, path: string): Record<string, () => Promise<unknown>> {
  return {
    open: () => root.openAt(path, { read: true, follow: true }),
    'open without following': () => root.openAt(path, { read: true }),
    create: () => root.openAt(path, { write: true, create: true, follow: true }),
    'create exclusively': () => root.openAt(path, { write: true, create: true, exclusive: true }),
    truncate: () => root.openAt(path, { write: true, truncate: true, follow: true }),
    'open directory': () => root.openAt(path, { read: true, directory: true, follow: true }),
    stat: () => root.statAt(path, true),
    'set times': () => root.setTimesAt(path, true, 'now', 'now'),
    hash: () => root.metadataHashAt(path, true),
    'make directory': () => root.createDirectory(path),
    'remove directory': () => root.removeDirectory(path),
    unlink: () => root.removeFile(path),
    'rename from': () => root.rename(path, root, 'taken'),
    'rename to': () => root.rename('mine', root, path),
    'link from': () => root.link(path, true, root, 'taken'),
    'link to': () => root.link('mine', false, root, path),
    symlink: () => root.createSymlink('mine', path),
    readlink: () => root.readSymlink(path),
  };
}

const swapAttempts = 1000;

for (const anchoring of anchorings) {
  for (const [title, path] of [
    ['..', '../out/secret'],
    ['.. after a directory', 'dir/../../out/secret'],
    ['.. after dots and slashes', './/dir/.//../..//out/secret'],
    ['an absolute path', '/etc/passwd'],
    ['a link to a directory outside', 'up/secret'],
    ['an absolute link to a directory outside', 'absolute/secret'],
    ['a link through a link', 'twice/secret'],
  ] as const) {
    test(`${anchoring}: no operation leaves by ${title}`, async (context) => {
      const { root, inside, outside } = await sandbox(context, anchoring);
      mkdirSync(join(inside, 'dir'));
      writeFileSync(join(inside, 'mine'), 'mine');
      symlinkSync('../out', join(inside, 'up'));
      symlinkSync(outside, join(inside, 'absolute'));
      symlinkSync('dir/../up', join(inside, 'twice'));
      for (const [name, act] of Object.entries(operations(root, path))) {
        await fails('notcapable', act).catch((cause) => assert.fail(`${name}: ${cause}`));
      }
      assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), secret);
      assert.equal(existsSync(join(inside, 'taken')), false);
    });
  }

  test(`${anchoring}: a link that is the last name and leads out is never followed`, async (context) => {
    const { root, inside, outside } = await sandbox(context, anchoring);
    symlinkSync('../out/secret', join(inside, 'relative'));
    symlinkSync(join(outside, 'secret'), join(inside, 'absolute'));
    for (const name of ['relative', 'absolute']) {
      await fails('notcapable', () => root.openAt(name, { read: true, follow: true }));
      await fails('loop', () => root.openAt(name, { read: true }));
      await fails('notcapable', () => root.statAt(name, true));
      await fails('notcapable', () => root.setTimesAt(name, true, 'now', 'now'));
      await fails('notcapable', () => root.link(name, true, root, 'taken'));
      assert.equal((await root.statAt(name, false)).type, 'symbolic-link');
    }
    await fails('notcapable', () => root.readSymlink('absolute'));
    assert.equal(await root.readSymlink('relative'), '../out/secret');
  });

  test(`${anchoring}: a dangling link never creates a file outside, and does inside`, async (context) => {
    const { root, inside, outside } = await sandbox(context, anchoring);
    symlinkSync('../out/new', join(inside, 'relative'));
    symlinkSync(join(outside, 'new'), join(inside, 'absolute'));
    symlinkSync('new', join(inside, 'harmless'));
    const create = { write: true, create: true, follow: true };
    await fails('notcapable', () => root.openAt('relative', create));
    await fails('notcapable', () => root.openAt('absolute', create));
    await fails('exist', () => root.openAt('relative', { ...create, exclusive: true }));
    await fails('loop', () => root.openAt('relative', { write: true, create: true }));
    assert.equal(existsSync(join(outside, 'new')), false);
    await root.openAt('harmless', create);
    assert.equal(existsSync(join(inside, 'new')), true);
  });

  test(`${anchoring}: a slash, dot or dots after a file's name never reach the file`, async (context) => {
    const { root, inside } = await sandbox(context, anchoring);
    writeFileSync(join(inside, 'file'), 'content');
    symlinkSync('file', join(inside, 'link'));
    for (const path of ['file/', 'file///', 'file/.', 'link/', 'file/./']) {
      for (const [name, act] of Object.entries({
        open: () => root.openAt(path, { read: true, follow: true }),
        'open without following': () => root.openAt(path, { read: true }),
        truncate: () => root.openAt(path, { write: true, truncate: true, follow: true }),
        create: () => root.openAt(path, { write: true, create: true, follow: true }),
        stat: () => root.statAt(path, false),
        'set times': () => root.setTimesAt(path, false, 'now', 'now'),
      })) {
        await fails('notdir', act).catch((cause) => assert.fail(`${name} ${path}: ${cause}`));
      }
    }
    await fails('notdir', () => root.openAt('file/../file', { read: true }));
    await fails('notdir', () => root.removeFile('file/'));
    await fails('notdir', () => root.removeFile('link/'));
    await fails('notdir', () => root.rename('file/', root, 'moved'));
    await fails('notdir', () => root.rename('file', root, 'moved/'));
    await fails('notdir', () => root.rename('link/', root, 'moved'));
    await fails('notdir', () => root.link('file/', false, root, 'linked'));
    await fails('noent', () => root.link('file', false, root, 'linked/'));
    await fails('notdir', () => root.removeDirectory('link/'));
    await fails('isdir', () => root.openAt('new/', { write: true, create: true }));
    assert.equal(readFileSync(join(inside, 'file'), 'utf8'), 'content');
  });

  test(`${anchoring}: names that no file system takes are refused before it is asked`, async (context) => {
    const { root, inside } = await sandbox(context, anchoring);
    writeFileSync(join(inside, 'mine'), 'mine');
    for (const [name, act] of Object.entries(operations(root, 'a\0b')))
      await fails('inval', act).catch((cause) => assert.fail(`${name}: ${cause}`));
    await fails('inval', () => root.createSymlink('a\0b', 'link'));
    await fails('noent', () => root.openAt('', { read: true }));
    await fails('nametoolong', () => root.statAt('a'.repeat(256), false));
    await fails('nametoolong', () => root.statAt('é'.repeat(128), false));
    await fails('nametoolong', () => root.statAt('a/'.repeat(2048), false));
    await fails('ilseq', () => root.statAt('\ud800', false));
  });

  test(`${anchoring}: paths deeper than the walk holds open, and links without end, are refused`, async (context) => {
    const { root, inside } = await sandbox(context, anchoring);
    mkdirSync(join(inside, 'd/'.repeat(260)), { recursive: true });
    await fails('nametoolong', () => root.statAt('d/'.repeat(259), false));
    assert.equal((await root.statAt('d/'.repeat(250), false)).type, 'directory');
    symlinkSync('b', join(inside, 'a'));
    symlinkSync('a', join(inside, 'b'));
    await fails('loop', () => root.statAt('a', true));
    await fails('loop', () => root.openAt('a/x', { read: true }));
    writeFileSync(join(inside, 'l0'), 'end');
    for (let index = 1; index <= 41; index += 1) symlinkSync(`l${index - 1}`, join(inside, `l${index}`));
    assert.equal(await readAll(await openFile(root, 'l40')), 'end');
    await fails('loop', () => root.statAt('l41', true));
    rmSync(join(inside, 'd'), { recursive: true });
  });

  test(`${anchoring}: a FIFO, a device and a socket are not opened, and do not hold the thread`, async (context) => {
    const { root, inside, budget } = await sandbox(context, anchoring);
    execFileSync('mkfifo', [join(inside, 'fifo')]);
    const server = createServer().listen(join(inside, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    context.after(() => server.close());
    for (const name of ['fifo', 'socket']) {
      await fails('acces', () => root.openAt(name, { read: true }));
      await fails('acces', () => root.openAt(name, { write: true }));
      await fails('acces', () =>
        root.openAt(name, { read: true, write: true, truncate: true, create: true }),
      );
    }
    assert.equal((await root.statAt('fifo', false)).type, 'fifo');
    const devices = await openFiles([{ hostPath: '/dev', guestPath: '/dev', mode: 'read-write' }], budget, {
      anchoring,
    });
    context.after(() => devices.dispose());
    await fails('acces', () => devices.preopens[0]?.directory.openAt('zero', { read: true }));
  });

  test(`${anchoring}: each change is refused under a read-only directory, and reading is not`, async (context) => {
    const { root, readOnly, inside, budget } = await sandbox(context, anchoring);
    writeFileSync(join(inside, 'file'), 'content');
    writeFileSync(join(inside, 'other'), 'content');
    mkdirSync(join(inside, 'dir'));
    symlinkSync('file', join(inside, 'link'));
    const before = statSync(join(inside, 'file'), { bigint: true }).mtimeNs;
    const held = await openFile(readOnly, 'file');
    const heldDirectory = await openDirectory(readOnly, 'dir');
    const changes: Record<string, () => unknown> = {
      'open for writing': () => readOnly.openAt('file', { write: true }),
      'open for reading and writing': () => readOnly.openAt('file', { read: true, write: true }),
      append: () => readOnly.openAt('file', { write: true, append: true }),
      truncate: () => readOnly.openAt('file', { read: true, truncate: true }),
      create: () => readOnly.openAt('new', { read: true, create: true }),
      'create exclusively': () => readOnly.openAt('new', { read: true, create: true, exclusive: true }),
      'create below a directory': () => heldDirectory.openAt('new', { read: true, create: true }),
      'set times by path': () => readOnly.setTimesAt('file', true, 'now', 'now'),
      'set times by handle': () => held.setTimes('now', 'now'),
      'set times of a directory': () => heldDirectory.setTimes('now', 'now'),
      'make directory': () => readOnly.createDirectory('new'),
      'remove directory': () => readOnly.removeDirectory('dir'),
      unlink: () => readOnly.removeFile('file'),
      rename: () => readOnly.rename('file', readOnly, 'new'),
      'rename out': () => readOnly.rename('file', root, 'new'),
      'rename in': () => root.rename('other', readOnly, 'new'),
      link: () => readOnly.link('file', false, readOnly, 'new'),
      'link out': () => readOnly.link('file', false, root, 'new'),
      'link in': () => root.link('other', false, readOnly, 'new'),
      symlink: () => readOnly.createSymlink('file', 'new'),
    };
    for (const [name, act] of Object.entries(changes))
      await fails('rofs', act).catch((cause) => assert.fail(`${name}: ${cause}`));
    await fails('badf', () => held.write(new Uint8Array(1), 0n));
    await fails('badf', () => held.append(new Uint8Array(1)));
    await fails('badf', () => held.setSize(0n));
    await fails('badf', () => held.allocate(0n, 100n));
    assert.equal(await readAll(held), 'content');
    assert.equal(await readAll(await openFile(readOnly, 'link')), 'content');
    assert.equal(await readAll(await openFile(readOnly, 'file', { read: true, create: true })), 'content');
    assert.equal(statSync(join(inside, 'file'), { bigint: true }).mtimeNs, before);
    assert.equal(existsSync(join(inside, 'new')), false);
    assert.match([...budget.denials.values()].join(), /--dir .*::\/ro:rw/);
  });

  test(`${anchoring}: the base of an open directory is a bound too`, async (context) => {
    const { root, inside } = await sandbox(context, anchoring);
    mkdirSync(join(inside, 'sub/deep'), { recursive: true });
    writeFileSync(join(inside, 'above'), 'above');
    symlinkSync('../above', join(inside, 'sub/link'));
    const sub = await openDirectory(root, 'sub');
    await fails('notcapable', () => sub.openAt('../above', { read: true }));
    await fails('notcapable', () => sub.openAt('link', { read: true, follow: true }));
    await fails('notcapable', () => sub.openAt('deep/../..', { read: true }));
    await fails('notcapable', () => sub.statAt('..', false));
    assert.equal(await readAll(await openFile(root, 'sub/link')), 'above');
    assert.equal((await sub.statAt('deep/..', false)).inode, (await sub.stat()).inode);
  });
}

test('a walk through links to very long paths lets others have the thread', async (context) => {
  const { root, inside } = await sandbox(context);
  mkdirSync(join(inside, 'd'));
  writeFileSync(join(inside, 'l0'), 'end');
  for (let index = 1; index <= 30; index += 1)
    symlinkSync(`${'d/../'.repeat(800)}l${index - 1}`, join(inside, `l${index}`));
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  assert.equal(await readAll(await openFile(root, 'l30')), 'end');
  clearInterval(timer);
  assert.ok(turns > 3, `${turns} turns`);
});

test('magic links of /proc are not followed', async (context) => {
  const { budget, inside } = await sandbox(context);
  const files = await openFiles([{ hostPath: '/proc/self', guestPath: '/proc', mode: 'read-write' }], budget);
  context.after(() => files.dispose());
  const proc = files.preopens[0]?.directory;
  assert.ok(proc !== undefined);
  for (const path of ['root/etc/passwd', 'cwd/package.json', 'exe', 'root', 'fd/0', 'task/../root/etc']) {
    await assert.rejects(() => proc.openAt(path, { read: true, follow: true }), { name: 'FileError' }, path);
  }
  assert.equal(existsSync(inside), true);
});

test('a directory that is swapped for a link, or moved away, is still the same directory to who holds it', async (context) => {
  const { root, inside, outside } = await sandbox(context);
  mkdirSync(join(inside, 'a/b'), { recursive: true });
  writeFileSync(join(inside, 'a/secret'), 'mine');
  const held = await openDirectory(root, 'a');
  renameSync(join(inside, 'a'), join(inside, 'moved'));
  symlinkSync(outside, join(inside, 'a'));
  assert.equal(await readAll(await openFile(held, 'secret')), 'mine');
  assert.equal(await readAll(await openFile(held, 'b/../secret')), 'mine');
  await fails('notcapable', () => root.openAt('a/secret', { read: true }));
  await held.createDirectory('made');
  assert.equal(existsSync(join(inside, 'moved/made')), true);
  assert.equal(existsSync(join(outside, 'made')), false);
});

test('a directory swapped for a link thousands of times a second never lets the secret out', async (context) => {
  const { root, inside, outside } = await sandbox(context);
  mkdirSync(join(inside, 'real'));
  writeFileSync(join(inside, 'real/secret'), 'mine');
  symlinkSync(outside, join(inside, 'evil'));
  const flipper = new Worker(
    `const { renameSync } = require('node:fs');
     const { parentPort, workerData: [a, real, evil] } = require('node:worker_threads');
     parentPort.postMessage('ready');
     for (;;) {
       renameSync(real, a); renameSync(a, real);
       renameSync(evil, a); renameSync(a, evil);
     }`,
    {
      eval: true,
      workerData: [join(inside, 'a'), join(inside, 'real'), join(inside, 'evil')],
    },
  );
  await new Promise((resolve) => flipper.once('message', resolve));
  let opened = 0;
  for (let attempt = 0; attempt < swapAttempts; attempt += 1) {
    try {
      const file = await openFile(root, 'a/secret');
      assert.equal(await readAll(file), 'mine');
      file.close();
      opened += 1;
    } catch (thrown) {
      assert.ok(thrown instanceof Error && thrown.name === 'FileError', String(thrown));
    }
    await root.createDirectory('a/made').catch(() => {});
    await root.removeDirectory('a/made').catch(() => {});
    assert.equal(existsSync(join(outside, 'made')), false);
  }
  await flipper.terminate();
  context.diagnostic(`${opened} of ${swapAttempts} opened`);
});

test('a hard link made by the host is the file it is, inside', async (context) => {
  const { root, inside, outside } = await sandbox(context);
  linkSync(join(outside, 'secret'), join(inside, 'given'));
  assert.equal(await readAll(await openFile(root, 'given')), secret);
});
