import type { Clock } from '../clock.ts';
import { systemFault } from '../system-fault.ts';
import { BatchBuffer } from './batch-buffer.ts';
import { ChainHash, hashBytes, sha256 } from './chain-hash.ts';
import type { Disk } from './disk.ts';
import { type Head, HeadFile } from './head.ts';
import { merkleRoot } from './merkle.ts';
import type { Recovered } from './recovery.ts';
import { encodeSeal, type SignedSeal, sealHash, signSeal } from './seal.ts';
import { encodeHeader, type SegmentHeader, segmentPath } from './segment.ts';
import { checkBytes } from './segment-reader.ts';
import { batchEventsMax } from './segment-scan.ts';
import type { Signer } from './signer.ts';

export interface ChainLimits {
  /** A segment ends at so many bytes, or when it is so old. */
  readonly segmentBytesMax: number;
  readonly segmentMsMax: number;
  /** Milliseconds that events may wait for others before they are sealed. */
  readonly sealMsMax: number;
  /** After a failed write, until the next attempt. */
  readonly retryMs: number;
  /** How far off the wall clock may be; null when nobody says. */
  readonly uncertaintyMs: number | null;
  /** Bytes on their way to the disk in one go; further blocks wait. */
  readonly bufferBytesMax: number;
}

export interface ChainWriterOptions {
  readonly folder: string;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly limits: ChainLimits;
  readonly recovered: Recovered;
  /** What must be durable first. @throws when it cannot be: the write is tried again */
  readonly beforeWrite: () => void;
  /** A buffer is durable: its entries as in the file, good until the call returns. */
  readonly onDurable: (entries: Buffer, firstSequence: number, events: number, head: Head) => void;
  /** The disk refuses (a reason), or takes again (undefined). */
  readonly onState: (failure: string | undefined) => void;
}

/**
 * Puts events on the chain: links them, seals them in batches and writes these, one write at a time. While one is
 * under way the next gathers. What a failed write was to make durable is kept and written again.
 */
export class ChainWriter {
  signer: Signer;
  head: Head | undefined;
  /** Why the last write failed. */
  failure: string | undefined;
  readonly #options: ChainWriterOptions;
  readonly #hash: ChainHash;
  readonly #links: Buffer = Buffer.alloc(batchEventsMax * hashBytes);
  readonly #headFile: HeadFile;
  readonly #closing = new AbortController();
  #filling = new BatchBuffer();
  #spare = new BatchBuffer();
  #nextSequence: number;
  #nextBatch: number;
  /** Events of the batch that gathers. */
  #count = 0;
  #lastSeal: Uint8Array;
  #fd: number | undefined;
  #segment: SegmentHeader | undefined;
  #headerHash: Uint8Array;
  /** Of the open segment: what is durable, and what will be. */
  #bytes: number;
  #plannedBytes: number;
  #isPumping = false;
  #isTimed = false;
  #writtenNumber = 0;
  /** The old heads stay until it is durable that they were given up. */
  #hasLoss: boolean;
  #onGivenUp: (() => void) | undefined;
  /** Who waits for what is being written. */
  readonly #writingWaiters: (() => void)[] = [];

  constructor(options: ChainWriterOptions) {
    const { recovered, folder, disk } = options;
    this.#options = options;
    this.signer = options.signer;
    this.#hash = new ChainHash(recovered.position.link);
    this.#nextSequence = recovered.position.nextSequence;
    this.#nextBatch = recovered.position.nextBatch;
    this.#lastSeal = recovered.position.lastSeal;
    this.#segment = recovered.segment;
    this.#headerHash = recovered.headerHash;
    this.#bytes = recovered.bytes;
    this.#plannedBytes = recovered.bytes;
    this.head = recovered.head;
    this.#hasLoss = recovered.loss !== undefined;
    this.#headFile = new HeadFile(folder);
    if (recovered.segment !== undefined) {
      this.#fd = disk.open(segmentPath(folder, recovered.segment.number));
      this.#writtenNumber = recovered.segment.number;
      disk.truncate(this.#fd, recovered.bytes);
    }
  }

  /** The sequence number of the next event. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Whether blocks have to wait. */
  get isFull(): boolean {
    return this.#filling.length >= this.#options.limits.bufferBytesMax;
  }

  /** Of the segment that was last written to. */
  get segmentNumber(): number {
    return this.#writtenNumber;
  }

  /** Links one record. It is sealed within `sealMsMax`, or at once when `isUrgent` is asked for (`wake`). */
  append(bytes: Buffer, from: number, length: number): void {
    if (this.#filling.length === 0) this.#beginBuffer();
    const buffer = this.#filling;
    const link = this.#hash.add(bytes, from, length);
    const headBytes = length < 24 ? 1 : length < 256 ? 2 : 3;
    let at = buffer.reserve(2 + checkBytes + headBytes + length);
    const out = buffer.bytes;
    out[at] = 0x82;
    out[at + 1] = 0x44;
    link.copy(out, at + 2, 0, checkBytes);
    at += 2 + checkBytes;
    if (headBytes === 1) out[at] = 0x40 | length;
    else if (headBytes === 2) {
      out[at] = 0x58;
      out[at + 1] = length;
    } else {
      out[at] = 0x59;
      out[at + 1] = length >>> 8;
      out[at + 2] = length;
    }
    bytes.copy(out, at + headBytes, from, from + length);
    link.copy(this.#links, this.#count * hashBytes);
    this.#count += 1;
    buffer.events += 1;
    this.#nextSequence += 1;
    if (this.#count === batchEventsMax) this.seal();
  }

  /** Told when everything appended so far is durable. */
  whenDurable(then: () => void): void {
    if (this.#filling.length === 0 && !this.#isPumping) then();
    else if (this.#filling.length === 0) this.#writingWaiters.push(then);
    else this.#filling.waiters.push(then);
  }

  /** Has what gathers written: now, or when it is old enough. */
  wake(isUrgent: boolean): void {
    if (this.#isPumping || this.#filling.length === 0) return;
    if (isUrgent || this.#filling.events >= batchEventsMax) void this.#pump();
    else if (!this.#isTimed) {
      this.#isTimed = true;
      this.#options.clock.sleep(this.#options.limits.sealMsMax, this.#closing.signal).then(
        () => {
          this.#isTimed = false;
          this.wake(true);
        },
        () => {},
      );
    }
  }

  /** Seals what gathers. */
  seal(): void {
    if (this.#count === 0) return;
    const { clock, limits } = this.#options;
    const signed = signSeal(
      {
        chain: this.#segmentHeader.chain,
        batch: this.#nextBatch,
        firstSequence: this.#nextSequence - this.#count,
        count: this.#count,
        lastLink: this.#hash.link,
        root: merkleRoot(this.#links, this.#count),
        previousSeal: this.#lastSeal,
        segmentHeader: this.#headerHash,
        wallMs: Number(clock.wallNs() / 1_000_000n),
        uncertaintyMs: limits.uncertaintyMs,
        publicKey: this.signer.publicKey,
      },
      this.signer,
    );
    this.#filling.add(encodeSeal(signed));
    this.#filling.lastSeal = signed;
    this.#lastSeal = sealHash(signed);
    this.#nextBatch += 1;
    this.#count = 0;
  }

  /** Writes what is left. @returns why it could not, or undefined */
  async close(): Promise<string | undefined> {
    this.#closing.abort();
    if (this.#filling.length > 0 || this.#isPumping) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.whenDurable(resolve);
      this.#onGivenUp = resolve;
      this.wake(true);
      await promise;
    }
    this.#headFile.close();
    if (this.#fd !== undefined) this.#options.disk.close(this.#fd);
    return this.failure;
  }

  get #segmentHeader(): SegmentHeader {
    const header = this.#filling.begins ?? this.#segment;
    if (header === undefined) throw new Error('bug: there is no segment to write to');
    return header;
  }

  /** The first event of a buffer decides whether it goes on in the open segment. */
  #beginBuffer(): void {
    const { limits, clock, recovered } = this.#options;
    this.#filling.firstSequence = this.#nextSequence;
    const wallMs = Number(clock.wallNs() / 1_000_000n);
    const open = this.#segment;
    const isDue =
      open === undefined ||
      this.#plannedBytes >= limits.segmentBytesMax ||
      wallMs - open.wallMs >= limits.segmentMsMax;
    if (!isDue) return;
    const header: SegmentHeader = {
      chain: recovered.chain,
      number: (open?.number ?? recovered.lastNumber) + 1,
      firstSequence: this.#nextSequence,
      firstBatch: this.#nextBatch,
      previousLink: this.#hash.link,
      previousSeal: this.#lastSeal,
      wallMs,
    };
    const bytes = encodeHeader(header);
    this.#headerHash = sha256(bytes);
    this.#filling.begins = header;
    this.#filling.add(bytes);
    this.#segment = header;
    this.#plannedBytes = 0;
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    while (this.#filling.length > 0) {
      this.seal();
      const writing = this.#filling;
      this.#filling = this.#spare;
      this.#plannedBytes += writing.length;
      if (!(await this.#writeUntilDone(writing))) break;
      this.#completed(writing);
      writing.reset();
      this.#spare = writing;
    }
    this.#isPumping = false;
  }

  #completed(writing: BatchBuffer): void {
    const headerBytes = writing.begins === undefined ? 0 : encodeHeader(writing.begins).length;
    const entries = writing.bytes.subarray(headerBytes, writing.length);
    const signed = writing.lastSeal as SignedSeal;
    this.head = { segment: this.#writtenNumber, offset: this.#bytes, signed };
    try {
      if (this.#hasLoss) this.#headFile.replace(this.head);
      else this.#headFile.write(this.head);
      this.#hasLoss = false;
    } catch {
      // The chain itself is durable; a head that is behind is found so and caught up.
    }
    const waiters = [...writing.waiters, ...this.#writingWaiters.splice(0)];
    this.#options.onDurable(entries, writing.firstSequence, writing.events, this.head);
    for (const then of waiters) then();
  }

  /** @returns whether it was written; it is not when the chain is closed meanwhile */
  async #writeUntilDone(writing: BatchBuffer): Promise<boolean> {
    const { clock, limits, onState } = this.#options;
    for (;;) {
      try {
        await this.#write(writing);
        if (this.failure !== undefined) onState(undefined);
        this.failure = undefined;
        return true;
      } catch (error) {
        this.failure = systemFault(error);
        onState(this.failure);
      }
      const isOpen = await clock.sleep(limits.retryMs, this.#closing.signal).then(
        () => true,
        () => false,
      );
      if (!isOpen) {
        this.#onGivenUp?.();
        return false;
      }
    }
  }

  async #write(writing: BatchBuffer): Promise<void> {
    const { disk, folder, beforeWrite } = this.#options;
    beforeWrite();
    if (writing.begins !== undefined && this.#writtenNumber !== writing.begins.number) {
      const fd = this.#createSegment(segmentPath(folder, writing.begins.number));
      if (this.#fd !== undefined) disk.close(this.#fd);
      this.#fd = fd;
      this.#bytes = 0;
      this.#writtenNumber = writing.begins.number;
    }
    const fd = this.#fd as number;
    if (this.failure !== undefined) disk.truncate(fd, this.#bytes);
    for (let done = 0; done < writing.length; ) {
      const written = await disk.write(fd, writing.bytes, done, writing.length - done, this.#bytes + done);
      if (written === 0) throw new Error('nothing was written');
      done += written;
    }
    await disk.sync(fd);
    this.#bytes += writing.length;
  }

  #createSegment(path: string): number {
    const { disk } = this.#options;
    try {
      return disk.create(path);
    } catch (error) {
      // Left by an attempt that failed half way.
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return disk.open(path);
      throw error;
    }
  }
}
