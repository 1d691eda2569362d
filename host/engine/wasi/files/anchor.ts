import fs from 'node:fs';
import type { Disk } from './disk.ts';
import { FileError } from './file-error.ts';
import { Handle } from './handle.ts';
import type { Files, FileType } from './port.ts';
import { typeOf } from './stat.ts';

/** An object found by name and held, without having been opened for reading or writing. */
export interface Found {
  readonly type: FileType;
  readonly handle: Handle;
}

/** How names are looked up below a directory without leaving it: one step at a time, never through a link. */
export interface Anchor {
  readonly kind: Files['anchoring'];
  root(hostPath: string): Promise<Handle>;
  /** The directory `name`; undefined when it is something else. Fails with `noent` when there is nothing. */
  enter(parent: Handle, name: string): Promise<Handle | undefined>;
  /** Whatever `name` is, links included; undefined when there is nothing. Opens no device and no FIFO. */
  look(parent: Handle, name: string): Promise<Found | undefined>;
  /** The found regular file, opened with access flags. */
  reopen(found: Handle, flags: number): Promise<Handle>;
  /** A new regular file; fails with `exist` when the name is taken, by a dangling link too. */
  create(parent: Handle, name: string, flags: number): Promise<Handle>;
  /** Fails when the directory is no longer where it was: called before names in it are changed. */
  verify(directory: Handle): Promise<void>;
}

/** Linux's `O_PATH`, which Node does not name: a handle that can only be looked at and walked from. */
const oPath = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY, O_CREAT, O_EXCL } = fs.constants;

/** Whether `/proc/self/fd/<n>/name` can stand in for `openat`. */
export function hasDescriptorPaths(): boolean {
  return process.platform === 'linux' && fs.existsSync('/proc/self/fd');
}

/**
 * Every step is relative to an open handle: `/proc/self/fd/<n>/<name>` with `O_NOFOLLOW` is `openat`, and
 * `/proc/self/fd/<n>` reopens exactly the object that was looked at. Renames and links swapped in meanwhile
 * change what is found, never where it is.
 */
export function descriptorAnchor(disk: Disk): Anchor {
  const held = async (fd: number, knownLocal: boolean): Promise<Found> => {
    const path = `/proc/self/fd/${fd}`;
    try {
      const stats = await disk.type(knownLocal, fd);
      const local = await disk.isLocal(stats.dev, path);
      return { type: typeOf(stats), handle: new Handle(disk, fd, path, local) };
    } catch (thrown) {
      disk.close(knownLocal, fd);
      throw thrown;
    }
  };
  const open = async (local: boolean, path: string, flags: number): Promise<Found> =>
    held(await disk.open(local, path, flags), local);
  return {
    kind: 'descriptor',
    root: async (hostPath) => (await open(false, hostPath, oPath | O_DIRECTORY)).handle,
    enter: (parent, name) =>
      unless(
        'notdir',
        async () => (await open(parent.local, parent.at(name), oPath | O_DIRECTORY | O_NOFOLLOW)).handle,
      ),
    look: (parent, name) => unless('noent', () => open(parent.local, parent.at(name), oPath | O_NOFOLLOW)),
    reopen: async (found, flags) =>
      (await open(found.local, found.path, flags | O_NONBLOCK | O_NOCTTY)).handle,
    create: async (parent, name, flags) =>
      (await open(parent.local, parent.at(name), flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY)).handle,
    verify: async () => {},
  };
}

/**
 * Where there is no /proc: a directory is its real path, checked to be so after every step. Weaker: a
 * program outside the sandbox that swaps directories between a check and the call after it can win; the
 * guest alone cannot, for it does one thing at a time.
 */
export function checkedPathAnchor(disk: Disk): Anchor {
  const directory = (path: string): Handle => new Handle(disk, -1, path, false);
  const verify = async (handle: Handle): Promise<void> => {
    if ((await fs.promises.realpath(handle.path).catch(() => undefined)) !== handle.path)
      throw new FileError('busy');
  };
  const look = async (parent: Handle, name: string): Promise<Found | undefined> => {
    await verify(parent);
    const stats = await unless('noent', async () => disk.statAt(false, parent.at(name)));
    return stats && { type: typeOf(stats), handle: directory(parent.at(name)) };
  };
  return {
    kind: 'checked-path',
    root: async (hostPath) => directory(await fs.promises.realpath(hostPath)),
    enter: async (parent, name) => {
      const found = await look(parent, name);
      if (found === undefined) throw new FileError('noent');
      return found.type === 'directory' ? found.handle : undefined;
    },
    look,
    reopen: async (found, flags) => {
      const before = await (found.fd >= 0 ? disk.stat(false, found.fd) : disk.statAt(false, found.path));
      if (!before.isFile()) throw new FileError('busy');
      const fd = await disk.open(false, found.path, flags | O_NONBLOCK | O_NOFOLLOW);
      const after = await disk.stat(false, fd);
      if (after.ino !== before.ino || after.dev !== before.dev) {
        disk.close(false, fd);
        throw new FileError('busy');
      }
      return new Handle(disk, fd, found.path, false);
    },
    create: async (parent, name, flags) => {
      await verify(parent);
      const fd = await disk.open(false, parent.at(name), flags | O_CREAT | O_EXCL | O_NOFOLLOW);
      return new Handle(disk, fd, parent.at(name), false);
    },
    verify,
  };
}

async function unless<T>(code: FileError['code'], act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (thrown) {
    if (thrown instanceof FileError && thrown.code === code) return undefined;
    throw thrown;
  }
}
