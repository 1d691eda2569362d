import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { unlinked } from '../../regular-file.ts';
import { deadState, stateOffset } from './record.ts';

const open = promisify(fs.open);
const write = promisify(fs.write);
const read = promisify(fs.read);
const truncate = promisify(fs.ftruncate);
const sync = promisify(fs.fsync);
const close = promisify(fs.close);
const unlink = promisify(fs.unlink);

/** One append-only file of records. Whoever reads holds it open until it is done. */
export class Segment {
  readonly id: number;
  readonly path: string;
  readonly #fd: number;
  /** Where the next record goes. */
  end: number;
  /** Bytes of records that are live. */
  liveBytes = 0;
  #users = 0;
  #isGone = false;

  private constructor(id: number, path: string, fd: number, end: number) {
    this.id = id;
    this.path = path;
    this.#fd = fd;
    this.end = end;
  }

  static async create(id: number, path: string): Promise<Segment> {
    return new Segment(id, path, await open(path, 'wx+', 0o600), 0);
  }

  static async openExisting(id: number, path: string): Promise<Segment> {
    const fd = await open(path, unlinked.change);
    return new Segment(id, path, fd, fs.fstatSync(fd).size);
  }

  /** Appends all or nothing; gives the offset. */
  async append(bytes: Uint8Array): Promise<number> {
    const offset = this.end;
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await write(this.#fd, bytes, done, bytes.length - done, offset + done);
        done += bytesWritten;
      }
    } catch (thrown) {
      // What was written of it would only be in the way; if even that fails, recovery passes over it.
      await truncate(this.#fd, offset).catch(() => {});
      throw thrown;
    }
    this.end = offset + bytes.length;
    return offset;
  }

  async read(offset: number, bytes: number): Promise<Buffer<ArrayBuffer>> {
    const buffer = Buffer.allocUnsafe(bytes);
    this.#users += 1;
    try {
      const { bytesRead } = await read(this.#fd, buffer, 0, bytes, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      this.#users -= 1;
      if (this.#isGone && this.#users === 0) await close(this.#fd);
    }
  }

  readAll(): Promise<Buffer<ArrayBuffer>> {
    return this.read(0, this.end);
  }

  /** Marks the record at `offset` as dead, in place: takes no room on the disk. */
  async kill(offset: number, bytes: number): Promise<void> {
    await write(this.#fd, deadState, 0, 1, offset + stateOffset);
    this.liveBytes -= bytes;
  }

  async remove(): Promise<void> {
    await unlink(this.path);
    this.#isGone = true;
    if (this.#users === 0) await close(this.#fd);
  }

  async close(): Promise<void> {
    await sync(this.#fd);
    await close(this.#fd);
  }
}
