import { appendFileSync, closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type BlockChain, blockHeadBytes, finishBlock, firstBlock, type HistorySeal } from './block.ts';
import { componentsName, fileName } from './history-files.ts';
import { records } from './marks.ts';
import type { HistorySink } from './recorder.ts';
import { ValueWriter } from './value-writer.ts';

export interface HistoryWriterOptions {
  readonly folder: string;
  /** `streamName` of the writer's thread and its start. */
  readonly stream: string;
  /** A file that has more is followed by another. */
  readonly fileBytesMax: number;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  /** Runs `act` after so many milliseconds. */
  readonly after: (ms: number, act: () => void) => void;
  /** Undefined: what is recorded lies open on the disk. */
  readonly seal?: HistorySeal | undefined;
  /** Each block as it is written: for the audit chain, which makes it the host's word. */
  readonly sealed: (block: SealedBlock) => void;
  /** Another file is about to be begun: what is too old goes. */
  readonly makeRoom: () => void;
  /** The disk refused; what is recorded from now on is lost until it takes something again. Told once. */
  readonly failed: (error: unknown) => void;
  /** It takes something again. */
  readonly recovered: () => void;
}

/** What a third party needs to check that a block is the one that was written. */
export interface SealedBlock {
  readonly file: string;
  readonly number: bigint;
  /** SHA-256, 32 bytes. */
  readonly digest: Uint8Array;
  readonly records: number;
}

interface OpenFile {
  readonly fd: number;
  readonly name: string;
  readonly components: Set<string>;
  bytes: number;
  chain: BlockChain;
}

const blockBytesMax = 256 * 1024;
/** Of a record's length. */
const lengthBytesMax = 8;
const gapBytesMax = 256;
/** Milliseconds until what was recorded is in its file. */
const flushMsMax = 20;

/** Writes the records of one thread's agents into files, in blocks that name the block before. */
export class HistoryWriter implements HistorySink {
  readonly #options: HistoryWriterOptions;
  /** The next block: room for its head, and the records so far. */
  readonly #block: Buffer = Buffer.allocUnsafeSlow(blockBytesMax);
  #length = blockHeadBytes;
  #records = 0;
  #components = new Set<string>();
  #isArmed = false;
  #isEnding = false;
  #isFailing = false;
  #files = 0;
  #file: OpenFile | undefined;

  constructor(options: HistoryWriterOptions) {
    this.#options = options;
  }

  append(record: ValueWriter): void {
    const bytesMax = record.length + lengthBytesMax;
    if (this.#length + bytesMax > blockBytesMax) this.flush();
    this.#records += 1;
    if (blockHeadBytes + bytesMax > blockBytesMax) {
      const alone = Buffer.allocUnsafe(blockHeadBytes + bytesMax);
      this.#write(alone.subarray(0, put(alone, blockHeadBytes, record)));
      return;
    }
    this.#length = put(this.#block, this.#length, record);
    if (!this.#isArmed) this.#arm();
  }

  needs(component: string): void {
    this.#components.add(component);
  }

  /** It is in its file before the agent can be in another thread, whose blocks are then the later ones. */
  ended(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#options.after(0, () => {
      this.#isEnding = false;
      this.flush();
    });
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
    const length = this.#length;
    this.#length = blockHeadBytes;
    this.#write(this.#block.subarray(0, length));
  }

  close(): void {
    this.flush();
    this.#retire();
  }

  #write(block: Buffer): void {
    const count = this.#records;
    this.#records = 0;
    try {
      const file = this.#current();
      this.#noteComponents(file);
      if (this.#isFailing) this.#writeGap(file);
      this.#writeBlock(file, block, count);
    } catch (thrown) {
      // A block may be there in part: it goes on in another file.
      this.#retire();
      if (!this.#isFailing) this.#options.failed(thrown);
      this.#isFailing = true;
    }
  }

  /** Before anything else that comes after what was lost. */
  #writeGap(file: OpenFile): void {
    const gap = new ValueWriter(gapBytesMax);
    gap.byte(records.gap);
    gap.text('');
    const block = Buffer.allocUnsafe(blockHeadBytes + gap.length + lengthBytesMax);
    this.#writeBlock(file, block.subarray(0, put(block, blockHeadBytes, gap)), 1);
    this.#isFailing = false;
    this.#options.recovered();
  }

  #writeBlock(file: OpenFile, open: Buffer, count: number): void {
    const { seal, wallMs, sealed } = this.#options;
    const { number } = file.chain;
    const block = seal === undefined ? open : sealedBlock(open, seal, file.name, number);
    const chain = finishBlock(block, file.chain, wallMs(), seal !== undefined);
    writeAll(file.fd, block);
    file.bytes += block.length;
    file.chain = chain;
    sealed({ file: file.name, number, digest: chain.digest, records: count });
  }

  #noteComponents(file: OpenFile): void {
    if (this.#components.size === 0) return;
    const path = join(this.#options.folder, componentsName(file.name));
    for (const digest of this.#components)
      if (!file.components.has(digest)) {
        appendFileSync(path, `${digest}\n`, { mode: 0o600 });
        file.components.add(digest);
      }
    this.#components = new Set();
  }

  #current(): OpenFile {
    if (this.#file !== undefined && this.#file.bytes >= this.#options.fileBytesMax) this.#retire();
    if (this.#file === undefined) {
      this.#options.makeRoom();
      const name = fileName(this.#options.stream, this.#files);
      this.#files += 1;
      const fd = openSync(join(this.#options.folder, name), 'wx', 0o600);
      this.#file = { fd, name, bytes: 0, chain: firstBlock, components: new Set() };
    }
    return this.#file;
  }

  #retire(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) closeSync(file.fd);
  }
}

function sealedBlock(open: Buffer, seal: HistorySeal, file: string, number: bigint): Buffer {
  const content = seal.seal(open.subarray(blockHeadBytes), file, number);
  const block = Buffer.allocUnsafe(blockHeadBytes + content.length);
  block.set(content, blockHeadBytes);
  return block;
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
