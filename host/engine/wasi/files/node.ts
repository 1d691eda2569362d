import { hash } from 'node:crypto';
import fs from 'node:fs';
import type { Preopen } from '../grants.ts';
import { pooled } from './disk.ts';
import { FileError } from './file-error.ts';
import type { Handle } from './handle.ts';
import type { Descriptor, FileStat, MetadataHash, NewTime } from './port.ts';
import { fileStatOf, utimeOf } from './stat.ts';
import type { Tree } from './tree.ts';

/** What open files and directories have in common. */
export abstract class Node {
  readonly tree: Tree;
  /** The grant it came by. */
  readonly grant: Preopen;
  /** Where it was on the host when it was opened. */
  readonly place: string;
  #handle: Handle | undefined;

  constructor(tree: Tree, handle: Handle, grant: Preopen, place: string, counted = true) {
    this.tree = tree;
    this.grant = grant;
    this.place = place;
    this.#handle = handle;
    if (counted) tree.add(this);
  }

  get mode(): Preopen['mode'] {
    return this.grant.mode;
  }

  get isClosed(): boolean {
    return this.#handle === undefined;
  }

  /** @throws FileError `badf` after `close` */
  get handle(): Handle {
    if (this.#handle === undefined) throw new FileError('badf');
    return this.#handle;
  }

  /** Puts another handle to the same object in place of the present one. */
  protected replaceHandle(next: Handle): void {
    const before = this.handle;
    this.#handle = next;
    before.release();
  }

  close(): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#handle = undefined;
    this.tree.remove(this);
    handle.release();
  }

  /** @throws FileError `rofs` under a read-only preopen */
  requireWritable(): void {
    if (this.mode === 'read-write') return;
    const { hostPath, guestPath, writeCure } = this.grant;
    const cure = writeCure?.() ?? `allow it with --dir ${hostPath}::${guestPath}:rw`;
    this.tree.budget.deny(`writing under ${guestPath}`, cure);
    throw new FileError('rofs');
  }

  /** @throws FileError `acces` where policies do not permit it */
  requireReading(place: string = this.place): void {
    if (this.grant.gate?.mayRead(place) === false) throw new FileError('acces');
  }

  /** @throws FileError `acces` where policies do not permit it */
  requireWriting(bytes: number, place: string = this.place): void {
    if (this.grant.gate?.mayWrite(place, bytes) === false) throw new FileError('acces');
  }

  /** Runs with the handle held open, so that closing meanwhile is safe. */
  protected async holding<T>(act: (handle: Handle) => T | Promise<T>): Promise<T> {
    const handle = this.handle.retain();
    try {
      return await act(handle);
    } finally {
      handle.release();
    }
  }

  stat(): Promise<FileStat> {
    this.requireReading();
    return this.holding(async (handle) => this.tree.times.restore(fileStatOf(await statOf(handle))));
  }

  async setTimes(accessed: NewTime, modified: NewTime): Promise<void> {
    this.requireWritable();
    if (accessed === 'keep' && modified === 'keep') return;
    this.requireWriting(0);
    await this.holding(async (handle) => {
      await setTimesOf(handle, accessed, modified);
      this.tree.times.note(await statOf(handle), accessed, modified);
    });
  }

  syncData(): Promise<void> {
    return this.holding((handle) => flush(handle, fs.fdatasync));
  }

  sync(): Promise<void> {
    return this.holding((handle) => flush(handle, fs.fsync));
  }

  async isSameObject(other: Descriptor): Promise<boolean> {
    const [mine, theirs] = await Promise.all([this.stat(), other.stat()]);
    return mine.device === theirs.device && mine.inode === theirs.inode;
  }

  async metadataHash(): Promise<MetadataHash> {
    return metadataHashOf(await this.stat(), this.tree.hashKey);
  }
}

async function statOf(handle: Handle): Promise<fs.BigIntStats> {
  return handle.fd >= 0
    ? handle.disk.stat(handle.local, handle.fd)
    : handle.disk.statAt(handle.local, handle.path);
}

async function setTimesOf(handle: Handle, accessed: NewTime, modified: NewTime): Promise<void> {
  const from = utimeOf(accessed);
  const to = utimeOf(modified);
  // By path, because a directory's handle is for looking only; the path is the handle itself.
  await handle.disk.change(
    handle.local,
    () => fs.utimesSync(handle.path, from, to),
    (done) => fs.utimes(handle.path, from, to, done),
  );
}

/** Flushing waits for the disk: always in the thread pool. A directory's handle is for looking only, so it is opened anew. */
async function flush(
  handle: Handle,
  how: (fd: number, done: (error: Error | null) => void) => void,
): Promise<void> {
  const isDirectory = (await statOf(handle)).isDirectory();
  const fd = isDirectory ? await handle.disk.open(false, handle.path, fs.constants.O_RDONLY) : handle.fd;
  try {
    await pooled<void>((done) => how(fd, (error) => done(error, undefined)));
  } finally {
    if (isDirectory) handle.disk.close(false, fd);
  }
}

/** Keyed, so that a guest learns of changes and identity but nothing about the host's inode numbers. */
export function metadataHashOf(stat: FileStat, key: string): MetadataHash {
  const { device, inode, size, modifiedNs, changedNs } = stat;
  const digest = hash('sha256', `${key}:${device}:${inode}:${size}:${modifiedNs}:${changedNs}`, 'buffer');
  return { lower: digest.readBigUInt64LE(0), upper: digest.readBigUInt64LE(8) };
}
