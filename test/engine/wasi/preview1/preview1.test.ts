import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../../host/clock.ts';
import { Stopped } from '../../../../host/engine/budget.ts';
import type { WasiGrants } from '../../../../host/engine/wasi/grants.ts';
import { errno } from '../../../../host/engine/wasi/preview1/errno.ts';
import { preview1 } from '../../../../host/engine/wasi/preview1/preview1.ts';
import { HostError } from '../../../../host/errors.ts';
import { allRights, at, guest, readRights, signatures } from './guest.ts';

const read = 1n << 1n;
const write = 1n << 6n;
const oflags = { create: 1, directory: 2, exclusive: 4, truncate: 8 };

test('arguments and variables arrive as C strings, in order', async (context) => {
  const made = await guest(context, {
    args: ['prog', 'zwei ü', ''],
    env: [
      ['A', '1'],
      ['B', 'x=y'],
    ],
  });
  assert.equal(await made.call('args_sizes_get', at.out, at.out2), 0);
  assert.deepEqual([made.u32(at.out), made.u32(at.out2)], [3, 'prog\0zwei ü\0\0'.length + 1]);
  assert.equal(await made.call('args_get', at.vectors, at.data), 0);
  assert.equal(made.read(at.data, 14), 'prog\0zwei ü\0\0');
  assert.deepEqual(
    [0, 4, 8].map((offset) => made.u32(at.vectors + offset) - at.data),
    [0, 5, 13],
  );
  await made.call('environ_sizes_get', at.out, at.out2);
  assert.deepEqual([made.u32(at.out), made.u32(at.out2)], [2, 10]);
  await made.call('environ_get', at.vectors, at.data);
  assert.equal(made.read(at.data, 10), 'A=1\0B=x=y\0');
});

test('what C strings cannot carry is refused before anything runs', async (context) => {
  const made = await guest(context);
  const quiet = { isTerminal: false, write: async () => {} };
  const grants: WasiGrants = {
    args: [],
    env: [],
    stdin: { isTerminal: false, read: async () => undefined },
    stdout: quiet,
    stderr: quiet,
    preopens: [],
    net: [],
    clock: systemClock,
    random: { fill: (bytes) => bytes },
  };
  for (const bad of [{ args: ['a\0b'] }, { env: [['A=', 'x']] }, { env: [['A', '\0']] }] as const)
    assert.throws(
      () => preview1({ ...grants, ...bad }, made.budget),
      (thrown) => thrown instanceof HostError && thrown.code === 'HOST_ERR_GRANT_INVALID',
    );
});

test('output keeps its order over both streams, is counted, and stops the guest at its limit', async (context) => {
  const made = await guest(context, { limits: { outputBytesMax: 20 } });
  for (const [fd, text] of [
    [1, 'one '],
    [2, 'two '],
    [1, 'three '],
  ] as const)
    assert.equal(await made.write(fd, text), 0);
  assert.equal(await made.write(1, 'f', 'o', 'u'), 0);
  assert.equal(made.u32(at.out), 3);
  assert.equal(made.printed.both, 'one two three fou');
  assert.equal(made.budget.outputBytes, 17);
  await assert.rejects(made.write(1, 'four more'), Stopped);
  assert.equal(made.budget.cause?.kind === 'limit' && made.budget.cause.limit, 'outputBytesMax');
  assert.equal(made.printed.stdout, 'one three fou');
  await assert.rejects(made.call('fd_tell', 3, at.out), Stopped);
});

test('a guest waits for a sink that lags, and a sink that failed is a broken pipe', async (context) => {
  const pending: (() => void)[] = [];
  let fail = false;
  const made = await guest(context, {
    stdout: {
      isTerminal: true,
      write: () =>
        fail ? Promise.reject(new Error('gone')) : new Promise((resolve) => pending.push(resolve)),
    },
  });
  const vectors = made.vectors([at.big, 150_000]);
  assert.equal(await made.call('fd_write', 1, ...vectors, at.out), 0);
  const second = made.call('fd_write', 1, ...vectors, at.out);
  let isDone = false;
  void second.then(() => {
    isDone = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isDone, false);
  for (const resolve of pending.splice(0)) resolve();
  assert.equal(await second, 0);
  fail = true;
  assert.equal(await made.write(1, 'lost'), 0);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await made.write(1, 'refused'), errno.pipe);
});

test('input is read to its end, over several vectors, whether it is there or comes later', async (context) => {
  const chunks = ['hello ', '', 'world'];
  const made = await guest(context, {
    stdin: {
      isTerminal: true,
      read: async () => {
        const chunk = chunks.shift();
        return chunk === undefined ? undefined : new TextEncoder().encode(chunk);
      },
    },
  });
  const vectors = made.vectors([at.data, 2], [at.data + 100, 3]);
  assert.equal(await made.call('fd_read', 0, ...vectors, at.out), 0);
  assert.deepEqual([made.u32(at.out), made.read(at.data, 2), made.read(at.data + 100, 3)], [5, 'he', 'llo']);
  await made.call('fd_read', 0, ...made.vectors([at.data, 100]), at.out);
  assert.equal(made.read(at.data, made.u32(at.out)), ' ');
  await made.call('fd_read', 0, ...made.vectors([at.data, 100]), at.out);
  assert.equal(made.read(at.data, made.u32(at.out)), 'world');
  for (const _ of [1, 2]) {
    assert.equal(await made.call('fd_read', 0, ...made.vectors([at.data, 100]), at.out), 0);
    assert.equal(made.u32(at.out), 0);
  }
  assert.equal(await made.call('fd_write', 0, ...vectors, at.out), errno.badf);
  assert.equal(await made.call('fd_read', 1, ...vectors, at.out), errno.badf);
});

test('a file is opened, written, sought, read and closed, with its position kept', async (context) => {
  const made = await guest(context);
  const fd = await made.open('file', { oflags: oflags.create });
  assert.equal(fd, 4);
  assert.equal(await made.write(fd, 'hello ', 'world'), 0);
  assert.equal(made.u32(at.out), 11);
  assert.equal(await made.call('fd_tell', fd, at.out), 0);
  assert.equal(made.u64(at.out), 11n);
  assert.equal(await made.call('fd_seek', fd, -5n, 2, at.out), 0);
  assert.equal(made.u64(at.out), 6n);
  assert.equal(await made.call('fd_read', fd, ...made.vectors([at.data, 2], [at.data + 50, 9]), at.out), 0);
  assert.deepEqual([made.u32(at.out), made.read(at.data, 2), made.read(at.data + 50, 3)], [5, 'wo', 'rld']);
  assert.equal(await made.call('fd_pread', fd, ...made.vectors([at.data, 5]), 0n, at.out), 0);
  assert.equal(made.read(at.data, 5), 'hello');
  assert.equal(await made.call('fd_pwrite', fd, ...made.vectors([at.data, 1]), 10n, at.out), 0);
  assert.equal(await made.call('fd_seek', fd, -1n, 0, at.out), errno.inval);
  assert.equal(await made.call('fd_seek', fd, 0n, 3, at.out), errno.inval);
  assert.equal(await made.call('fd_seek', 1, 0n, 1, at.out), errno.spipe);
  assert.equal(await made.call('fd_close', fd), 0);
  assert.equal(await made.call('fd_close', fd), errno.badf);
  assert.equal(readFileSync(join(made.folder, 'file'), 'utf8'), 'hello worlh');
  assert.equal(await made.open('file'), 4);
});

test('a directory is listed through a buffer that cuts entries, with . and .. first', async (context) => {
  const made = await guest(context);
  const names = Array.from({ length: 40 }, (_, index) => `file-${index}`);
  for (const name of names) writeFileSync(join(made.folder, name), '');
  const seen: string[] = [];
  let cookie = 0n;
  for (;;) {
    assert.equal(await made.call('fd_readdir', 3, at.data, 200, cookie, at.out), 0);
    const used = made.u32(at.out);
    let offset = 0;
    while (offset + 24 <= used) {
      const length = made.u32(at.data + offset + 16);
      if (offset + 24 + length > used) break;
      seen.push(made.read(at.data + offset + 24, length));
      cookie = made.u64(at.data + offset);
      offset += 24 + length;
    }
    if (used < 200) break;
  }
  assert.deepEqual(seen.slice(0, 2), ['.', '..']);
  assert.deepEqual(seen.slice(2).toSorted(), names.toSorted());
  assert.equal(await made.call('fd_readdir', 3, at.data, 200, -1n, at.out), 0);
  assert.equal(made.u32(at.out), 0);
});

test('rights only shrink, and what was not asked for is not there', async (context) => {
  const made = await guest(context);
  writeFileSync(join(made.folder, 'file'), 'content');
  const reader = await made.open('file', { rights: read });
  assert.equal(await made.write(reader, 'x'), errno.notcapable);
  assert.equal(await made.call('fd_seek', reader, 0n, 0, at.out), errno.notcapable);
  const writer = await made.open('file', { rights: write });
  assert.equal(await made.call('fd_read', writer, ...made.vectors([at.data, 1]), at.out), errno.notcapable);
  assert.equal(await made.call('fd_fdstat_set_rights', writer, write | read, 0n), errno.notcapable);
  assert.equal(await made.call('fd_fdstat_set_rights', writer, 0n, 0n), 0);
  assert.equal(await made.write(writer, 'x'), errno.notcapable);
  assert.equal(await made.call('fd_fdstat_get', reader, at.data), 0);
  assert.deepEqual([made.bytes[at.data], made.u64(at.data + 8)], [4, read]);
});

test('a read-only preopen says so in its rights and refuses every change', async (context) => {
  const made = await guest(context, { mode: 'read-only' });
  writeFileSync(join(made.folder, 'file'), 'content');
  const open = (flags: number, rights: bigint): Promise<number> =>
    made.call('path_open', 3, 1, ...made.text('file'), flags, rights, 0n, 0, at.out);
  assert.equal(await open(0, allRights), errno.rofs);
  assert.equal(await open(oflags.truncate, read), errno.rofs);
  assert.equal(await open(0, readRights), 0);
  const path = made.text('file');
  const second = made.text('other', at.path2);
  assert.equal(await made.call('path_open', 3, 1, ...second, oflags.create, read, 0n, 0, at.out), errno.rofs);
  for (const [name, args] of [
    ['path_create_directory', [3, ...second]],
    ['path_remove_directory', [3, ...path]],
    ['path_unlink_file', [3, ...path]],
    ['path_rename', [3, ...path, 3, ...second]],
    ['path_link', [3, 0, ...path, 3, ...second]],
    ['path_symlink', [...path, 3, ...second]],
    ['path_filestat_set_times', [3, 1, ...path, 0n, 0n, 10]],
    ['fd_filestat_set_times', [3, 0n, 0n, 10]],
  ] as const)
    assert.equal(await made.call(name, ...args), errno.notcapable, name);
  assert.equal(readFileSync(join(made.folder, 'file'), 'utf8'), 'content');
});

test('a file that nobody asked to write is opened for reading, with whatever rights', async (context) => {
  const resize = 1n << 22n;
  for (const mode of ['read-only', 'read-write'] as const) {
    const made = await guest(context, { mode });
    writeFileSync(join(made.folder, 'file'), 'content', { mode: 0o444 });
    const reader = await made.open('file', { rights: readRights | resize });
    assert.equal(await made.call('fd_read', reader, ...made.vectors([at.data, 7]), at.out), 0);
    assert.equal(await made.call('fd_filestat_set_size', reader, 0n), errno.notcapable);
    assert.equal(readFileSync(join(made.folder, 'file'), 'utf8'), 'content');
  }
});

test('a C library that asks only for what a read-only preopen passes on is told it cannot write', async (context) => {
  const made = await guest(context, { mode: 'read-only' });
  writeFileSync(join(made.folder, 'file'), 'content');
  assert.equal(await made.call('fd_fdstat_get', 3, at.data), 0);
  const offered = made.u64(at.data + 16);
  const open = (wanted: bigint): Promise<number> =>
    made.call('path_open', 3, 1, ...made.text('file'), 0, wanted & offered, offered, 0, at.out);
  assert.equal(await open(write), errno.rofs);
  assert.equal(await open(read | write), errno.rofs);
  assert.equal(await open(readRights), 0);
  assert.equal(await made.write(made.u32(at.out), 'x'), errno.notcapable);
});

test('paths that lead out, and strings that are not UTF-8, are refused by number', async (context) => {
  const made = await guest(context);
  symlinkSync('/etc', join(made.folder, 'etc'));
  mkdirSync(join(made.folder, 'dir'));
  const open = (path: string): Promise<number> =>
    made.call('path_open', 3, 1, ...made.text(path), 0, read, 0n, 0, at.out);
  for (const path of ['../x', '/etc/passwd', 'etc/passwd', 'dir/../../x'])
    assert.equal(await open(path), errno.perm, path);
  assert.equal(await open('a\0b'), errno.inval);
  assert.equal(await open(''), errno.noent);
  made.bytes.set([0xff, 0xfe], at.path);
  assert.equal(await made.call('path_open', 3, 1, at.path, 2, 0, read, 0n, 0, at.out), errno.ilseq);
  assert.equal(await made.call('path_open', 3, 1, at.path, 5000, 0, read, 0n, 0, at.out), errno.nametoolong);
  assert.equal(await made.call('path_open', 1, 1, ...made.text('x'), 0, read, 0n, 0, at.out), errno.notdir);
  assert.equal(
    await made.call('path_symlink', ...made.text('/etc'), 3, ...made.text('x', at.path2)),
    errno.perm,
  );
});

test('renumbering over a preopen closes the number, not the grant, and needs both open', async (context) => {
  const made = await guest(context);
  mkdirSync(join(made.folder, 'sub'));
  writeFileSync(join(made.folder, 'above'), '');
  const sub = await made.open('sub', { oflags: oflags.directory, rights: readRights });
  assert.equal(await made.call('fd_renumber', sub, 1000), errno.badf);
  assert.equal(await made.call('fd_renumber', 1000, sub), errno.badf);
  assert.equal(await made.call('fd_renumber', sub, 3), 0);
  assert.equal(await made.call('fd_prestat_get', 3, at.out), errno.badf);
  assert.equal(await made.call('fd_fdstat_get', sub, at.data), errno.badf);
  const reach = (path: string): Promise<number> =>
    made.call('path_filestat_get', 3, 1, ...made.text(path), at.data);
  assert.equal(await reach('.'), 0);
  assert.equal(await reach('above'), errno.noent);
  assert.equal(await reach('../above'), errno.perm);
});

test('any pointer, length and number gives an errno, never an exception', async (context) => {
  const made = await guest(context);
  writeFileSync(join(made.folder, 'file'), 'content');
  await made.open('file');
  const wild = [0, 1, 2, 3, 4, 7, at.data, 65_535, 262_140, 262_144, 0x7fffffff, -1, -2, -65_536];
  let seed = 12345;
  const pick = (): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return wild[(seed >>> 8) % wild.length] ?? 0;
  };
  for (const [name, params] of Object.entries(signatures)) {
    // These two end the guest; renumbering and closing would leave nothing to try on.
    if (['proc_exit', 'proc_raise', 'fd_close', 'fd_renumber', 'poll_oneoff'].includes(name)) continue;
    for (let round = 0; round < 40; round += 1) {
      const args = [...params].map((param) => (param === 'i' ? pick() : BigInt(pick())));
      const number = await made.call(name, ...args);
      assert.ok(number >= 0 && number <= 76, `${name}(${args.join()}) gave ${number}`);
    }
  }
});

test('a vector that leaves the memory, or one too many, writes nothing', async (context) => {
  const made = await guest(context);
  const { fault, inval } = errno;
  assert.equal(await made.call('fd_write', 1, ...made.vectors([at.data, 4], [262_140, 5]), at.out), fault);
  assert.equal(await made.call('fd_write', 1, ...made.vectors([-1, 1]), at.out), fault);
  assert.equal(await made.call('fd_write', 1, 262_141, 1, at.out), fault);
  assert.equal(await made.call('fd_write', 1, at.vectors, 1025, at.out), inval);
  assert.equal(await made.call('fd_write', 1, at.vectors, -1, at.out), inval);
  assert.equal(await made.call('fd_write', 1, ...made.vectors([at.data, 4]), 262_142), fault);
  assert.equal(made.printed.stdout, '');
  assert.equal(await made.call('random_get', 262_143, 2), fault);
  assert.equal(await made.call('random_get', 262_144, 0), 0);
});

test('exit ends the guest with its code; a signal does as a shell would say', async (context) => {
  for (const [name, argument, exitCode] of [
    ['proc_exit', 33, 33],
    ['proc_exit', -1, 0xffffffff],
    ['proc_raise', 6, 134],
  ] as const) {
    const made = await guest(context);
    await assert.rejects(made.call(name, argument), Stopped);
    assert.deepEqual(made.budget.cause, { kind: 'exit', exitCode });
  }
  const made = await guest(context);
  assert.equal(await made.call('proc_raise', 0), 0);
  assert.equal(await made.call('proc_raise', 31), errno.inval);
});

test('sockets are not given: every number is something else or nothing', async (context) => {
  const made = await guest(context);
  assert.equal(await made.call('sock_shutdown', 1, 0), errno.notsock);
  assert.equal(await made.call('sock_recv', 99, 0, 0, 0, 0, 0), errno.badf);
  assert.equal(await made.call('sock_accept', 3, 0, at.out), errno.notsock);
});

test('what never waits works without a stack that can be suspended; what waits is refused there', async (context) => {
  const made = await guest(context);
  assert.equal(made.callPlain('clock_time_get', 1, 0n, at.out), 0);
  assert.throws(() => made.callPlain('sched_yield'), { name: 'SuspendError' });
});

test('wasi_unstable has its own layout of stat, whence and subscriptions', async (context) => {
  const made = await guest(context, { snapshot: 'wasi_unstable' });
  writeFileSync(join(made.folder, 'file'), 'content');
  const fd = await made.open('file');
  assert.equal(await made.call('fd_filestat_get', fd, at.data), 0);
  assert.deepEqual([made.u32(at.data + 20), made.u64(at.data + 24)], [1, 7n]);
  assert.equal(await made.call('fd_seek', fd, -2n, 1, at.out), 0);
  assert.equal(made.u64(at.out), 5n);
  made.view.setBigUint64(at.data, 77n, true);
  made.view.setUint8(at.data + 8, 0);
  made.view.setUint32(at.data + 24, 1, true);
  made.view.setBigUint64(at.data + 32, 1n, true);
  made.view.setUint16(at.data + 48, 0, true);
  assert.equal(await made.call('poll_oneoff', at.data, at.big, 1, at.out), 0);
  assert.deepEqual([made.u32(at.out), made.u64(at.big)], [1, 77n]);
});

test('a file over the limit on open files is refused by number', async (context) => {
  const made = await guest(context, { limits: { openFilesMax: 1 } });
  await made.open('file', { oflags: oflags.create });
  assert.equal(await made.call('path_open', 3, 1, ...made.text('file'), 0, read, 0n, 0, at.out), errno.mfile);
  assert.equal(await made.call('fd_close', 4), 0);
  assert.equal(await made.open('file'), 4);
  assert.equal(existsSync(join(made.folder, 'file')), true);
});
