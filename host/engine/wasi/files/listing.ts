import fs from 'node:fs';
import { directoryEntriesMax } from './bounds.ts';
import { type Disk, pooled } from './disk.ts';
import { FileError } from './file-error.ts';
import type { Handle } from './handle.ts';
import type { DirectoryEntry, DirectoryListing, DirectoryPage } from './port.ts';
import { typeOf } from './stat.ts';
import { decodeName } from './walk.ts';

/** What `opendir` gives with names as bytes; Node's types know only strings. */
type ByteDirent = fs.Dirent & { name: string | Uint8Array };

/**
 * One reading of a directory. The kernel's stream holds the place, so that entries removed meanwhile are
 * not skipped over; the last page is kept, because a guest with a small buffer asks for its end again.
 */
export class Listing implements DirectoryListing {
  readonly #directory: Handle;
  readonly #disk: Disk;
  readonly #onClose: () => void;
  #stream: fs.Dir | undefined;
  #page: DirectoryEntry[] = [];
  #pageStart = 0;
  #end = false;
  #closed = false;
  #busy = false;

  constructor(directory: Handle, onClose: () => void) {
    this.#directory = directory.retain();
    this.#disk = directory.disk;
    this.#onClose = onClose;
  }

  async list(start: bigint): Promise<DirectoryPage> {
    if (this.#closed) throw new FileError('badf');
    if (this.#busy) throw new FileError('busy');
    this.#busy = true;
    try {
      return await this.#list(
        start > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(start),
      );
    } finally {
      this.#busy = false;
      if (this.#closed) this.#letGo();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
    if (!this.#busy) this.#letGo();
  }

  async #list(start: number): Promise<DirectoryPage> {
    if (start === 0 || start < this.#pageStart) await this.#rewind();
    while (start >= this.#pageStart + this.#page.length && !this.#end) await this.#readPage();
    const entries = this.#page.slice(start - this.#pageStart);
    return { entries, end: this.#end };
  }

  async #rewind(): Promise<void> {
    this.#closeStream();
    this.#page = [];
    this.#pageStart = 0;
    this.#end = false;
    const { path, local } = this.#directory;
    // Node takes this encoding and its types do not.
    const options = { encoding: 'buffer' as BufferEncoding, bufferSize: directoryEntriesMax };
    this.#stream = await this.#disk.run(
      local,
      () => fs.opendirSync(path, options),
      (done) => fs.opendir(path, options, done),
    );
  }

  async #readPage(): Promise<void> {
    if (this.#stream === undefined) await this.#rewind();
    const page: DirectoryEntry[] = [];
    while (page.length < directoryEntriesMax) {
      const dirent = await this.#next();
      if (dirent === null) {
        this.#end = true;
        break;
      }
      page.push(await this.#describe(dirent));
    }
    this.#pageStart += this.#page.length;
    this.#page = page;
  }

  #next(): ByteDirent | null | Promise<ByteDirent | null> {
    const stream = this.#stream;
    if (stream === undefined) return null;
    return this.#disk.run<ByteDirent | null>(
      this.#directory.local,
      () => stream.readSync(),
      (done) => stream.read(done),
    );
  }

  async #describe(dirent: ByteDirent): Promise<DirectoryEntry> {
    const name = typeof dirent.name === 'string' ? dirent.name : decodeName(dirent.name);
    try {
      const stats = await this.#disk.statAt(this.#directory.local, this.#directory.at(name));
      return { name, type: typeOf(stats), inode: stats.ino };
    } catch {
      // Gone since it was listed; the guest finds that out by its own next step.
      return { name, type: 'unknown', inode: 0n };
    }
  }

  #letGo(): void {
    this.#closeStream();
    this.#directory.release();
  }

  #closeStream(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream === undefined) return;
    if (this.#directory.local) stream.closeSync();
    else void pooled<void>((done) => stream.close((error) => done(error ?? null, undefined))).catch(() => {});
  }
}
