import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type BlockChain, blockHeadBytes, firstBlock, sealBlock } from './block.ts';
import type { HistorySink } from './recorder.ts';
import type { ValueWriter } from './value-writer.ts';

export interface HistoryWriterOptions {
  readonly folder: string;
  /** Names the writer's files among those of other threads and other starts of the host. */
  readonly name: string;
  /** A file that has more is followed by another. */
  readonly fileBytesMax: number;
  /** Runs `act` after so many milliseconds. */
  readonly after: (ms: number, act: () => void) => void;
  /** Each block as it is written: for the audit chain, which makes it the host's word. */
  readonly sealed: (block: SealedBlock) => void;
  /** The disk refused; what is recorded from now on is lost until it takes something again. */
  readonly failed: (error: unknown) => void;
}

/** What a third party needs to check that a block is the one that was written. */
export interface SealedBlock {
  readonly file: string;
  readonly number: bigint;
  /** SHA-256, 32 bytes. */
  readonly digest: Uint8Array;
  readonly turns: number;
}

const blockBytesMax = 256 * 1024;
/** Of a record's length. */
const lengthBytesMax = 8;
/** Milliseconds until what was recorded is in its file. */
const flushMsMax = 20;

/** Writes the records of one thread's agents into files, in blocks that name the block before. */
export class HistoryWriter implements HistorySink {
  readonly #options: HistoryWriterOptions;
  /** The next block: room for its head, and the records so far. */
  readonly #block: Buffer = Buffer.allocUnsafeSlow(blockBytesMax);
  #length = blockHeadBytes;
  #turns = 0;
  #isArmed = false;
  #files = 0;
  #file: { fd: number; name: string; bytes: number; chain: BlockChain } | undefined;

  constructor(options: HistoryWriterOptions) {
    this.#options = options;
  }

  append(record: ValueWriter): void {
    const bytesMax = record.length + lengthBytesMax;
    if (this.#length + bytesMax > blockBytesMax) this.flush();
    this.#turns += 1;
    if (blockHeadBytes + bytesMax > blockBytesMax) {
      const alone = Buffer.allocUnsafe(blockHeadBytes + bytesMax);
      this.#write(alone.subarray(0, put(alone, blockHeadBytes, record)));
      return;
    }
    this.#length = put(this.#block, this.#length, record);
    if (!this.#isArmed) this.#arm();
  }

  #arm(): void {
    this.#isArmed = true;
    this.#options.after(flushMsMax, () => {
      this.#isArmed = false;
      this.flush();
    });
  }

  /** Everything appended so far is in its file, though perhaps not on the disk. */
  flush(): void {
    if (this.#length === blockHeadBytes) return;
    this.#write(this.#block.subarray(0, this.#length));
    this.#length = blockHeadBytes;
  }

  close(): void {
    this.flush();
    if (this.#file !== undefined) closeSync(this.#file.fd);
    this.#file = undefined;
  }

  #write(block: Buffer): void {
    const turns = this.#turns;
    this.#turns = 0;
    try {
      const file = this.#current();
      const chain = sealBlock(block, file.chain);
      writeAll(file.fd, block);
      file.bytes += block.length;
      this.#options.sealed({ file: file.name, number: file.chain.number, digest: chain.digest, turns });
      file.chain = chain;
    } catch (thrown) {
      // A block may be there in part: it goes on in another file.
      this.#retire();
      this.#options.failed(thrown);
    }
  }

  #current(): { fd: number; name: string; bytes: number; chain: BlockChain } {
    if (this.#file !== undefined && this.#file.bytes >= this.#options.fileBytesMax) this.#retire();
    if (this.#file === undefined) {
      const name = `${this.#options.name}-${String(this.#files).padStart(6, '0')}.history`;
      this.#files += 1;
      const fd = openSync(join(this.#options.folder, name), 'wx', 0o600);
      this.#file = { fd, name, bytes: 0, chain: firstBlock };
    }
    return this.#file;
  }

  #retire(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) closeSync(file.fd);
  }
}

function put(into: Buffer, at: number, record: ValueWriter): number {
  let rest = record.length;
  let next = at;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    into[next] = (rest % 0x80) | 0x80;
    next += 1;
  }
  into[next] = rest;
  record.copyTo(into, next + 1);
  return next + 1 + record.length;
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
