import fs from 'node:fs';
import type { Clock } from '../../../clock.ts';
import { fileErrorOf } from './file-error.ts';
import type { Soon } from './port.ts';

/** A call on the thread that took longer than this waited for the disk, or for a turn on the processor. */
const slowCallMs = 4;
/**
 * Slow calls add to a score and quick ones take from it. A busy disk makes two slow ones in a row or one in
 * four; a busy processor makes a slow one among thousands, and no reason to leave the thread.
 */
const slowScore = 4;
const busyScore = 8;
/** On a busy disk everything goes to the thread pool for so long. */
const recoverMs = 250;

/**
 * File systems whose page cache answers without a network or a user-space server, by `statfs` magic
 * (ext, xfs, btrfs, tmpfs, ramfs, overlay, f2fs, zfs, bcachefs, squashfs, erofs).
 */
const localFileSystems: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x858458f6, 0x794c7630, 0xf2f52010, 0x2fc12fc1, 0xca451a4e,
  0x73717368, 0xe0f5e1e2,
]);

type Done<T> = (error: Error | null, value: T) => void;

/**
 * The system calls of one file tree. Each runs either at once on this thread or in the thread pool.
 *
 * Why running at once cannot hold the thread for long: it is done only for regular files and directories (a
 * FIFO, device or socket is never opened), only on file systems that need no network and no user-space
 * server, only up to `quickBytesMax`, and calls that keep taking over 4 ms (cold disk, write-back throttling)
 * send everything to the pool for the next 250 ms. A pool round trip costs about 14 µs, a call at once 1 µs.
 */
export class Disk {
  readonly #clock: Clock;
  readonly #localByDevice = new Map<number, boolean>();
  #slowUntilMs = 0;
  #score = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** False while the disk is busy. */
  get isQuick(): boolean {
    return this.#slowUntilMs === 0 || this.#clock.monotonicMs() >= this.#slowUntilMs;
  }

  /** Whether objects on this device may be used at once; `path` is one of them. */
  isLocal(device: number, path: string): Soon<boolean> {
    const known = this.#localByDevice.get(device);
    return known ?? this.#probe(device, path);
  }

  async #probe(device: number, path: string): Promise<boolean> {
    const { type } = await pooled<fs.StatsFs>((done) => fs.statfs(path, done));
    const local = process.platform === 'linux' && localFileSystems.has(type >>> 0);
    this.#localByDevice.set(device, local);
    return local;
  }

  /** Runs `now` on this thread when `local` and the disk is not busy, otherwise `start` in the pool. */
  run<T>(local: boolean, now: () => T, start: (done: Done<T>) => void): Soon<T> {
    if (!local) return pooled(start);
    const beganMs = this.#clock.monotonicMs();
    if (beganMs < this.#slowUntilMs) return pooled(start);
    try {
      return now();
    } catch (thrown) {
      throw fileErrorOf(thrown);
    } finally {
      this.#judge(beganMs);
    }
  }

  #judge(beganMs: number): void {
    const endedMs = this.#clock.monotonicMs();
    if (endedMs - beganMs <= slowCallMs) {
      if (this.#score > 0) this.#score -= 1;
      return;
    }
    this.#score += slowScore;
    if (this.#score < busyScore) return;
    this.#score = 0;
    this.#slowUntilMs = endedMs + recoverMs;
  }

  open(local: boolean, path: string, flags: number, mode = 0o666): Soon<number> {
    return this.run(
      local,
      () => fs.openSync(path, flags, mode),
      (done) => fs.open(path, flags, mode, done),
    );
  }

  close(local: boolean, fd: number): void {
    if (local) fs.closeSync(fd);
    else fs.close(fd, () => {});
  }

  type(local: boolean, fd: number): Soon<fs.Stats> {
    return this.run(
      local,
      () => fs.fstatSync(fd),
      (done) => fs.fstat(fd, done),
    );
  }

  stat(local: boolean, fd: number): Soon<fs.BigIntStats> {
    return this.run(
      local,
      () => fs.fstatSync(fd, { bigint: true }),
      (done) => fs.fstat(fd, { bigint: true }, done),
    );
  }

  /** Never follows a link. */
  statAt(local: boolean, path: string): Soon<fs.BigIntStats> {
    return this.run(
      local,
      () => fs.lstatSync(path, { bigint: true }),
      (done) => fs.lstat(path, { bigint: true }, done),
    );
  }

  read(local: boolean, fd: number, into: Uint8Array, offset: number): Soon<number> {
    return this.run(
      local,
      () => fs.readSync(fd, into, 0, into.length, offset),
      (done) => fs.read(fd, into, 0, into.length, offset, done),
    );
  }

  /** `offset` null writes at the end of a file opened with `O_APPEND`. */
  write(local: boolean, fd: number, bytes: Uint8Array, offset: number | null): Soon<number> {
    return this.run(
      local,
      () => fs.writeSync(fd, bytes, 0, bytes.length, offset),
      (done) => fs.write(fd, bytes, 0, bytes.length, offset, done),
    );
  }

  readLink(local: boolean, path: string): Soon<Buffer> {
    return this.run(
      local,
      () => fs.readlinkSync(path, { encoding: 'buffer' }),
      (done) => fs.readlink(path, { encoding: 'buffer' }, done),
    );
  }

  setSize(local: boolean, fd: number, size: number): Soon<void> {
    return this.run(
      local,
      () => fs.ftruncateSync(fd, size),
      (done) => fs.ftruncate(fd, size, (error) => done(error, undefined)),
    );
  }

  /** A change of names: `mkdir`, `rename` and so on. */
  change(local: boolean, now: () => void, start: (done: fs.NoParamCallback) => void): Soon<void> {
    return this.run(local, now, (done) => start((error) => done(error, undefined)));
  }
}

/** The promise of a callback-style call in the thread pool, failing with `FileError`. */
export function pooled<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null || error === undefined) resolve(value);
      else reject(fileErrorOf(error));
    });
  });
}
