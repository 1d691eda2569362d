import type { Clock } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import { systemFault } from '../../system-fault.ts';
import { Batch } from './batch.ts';
import type { Files } from './files.ts';
import { type Segment, segmentHead, segmentHeadBytes, slotsMax } from './segment.ts';

export interface CommitOptions {
  readonly files: Files;
  readonly clock: Clock;
  /** When `flushed` resolves: after the system has it (`os`), or the disk (`disk`). */
  readonly sync: 'os' | 'disk';
  readonly syncEveryMs: number;
  readonly retryMs: number;
  readonly segmentBytesMax: number;
}

/** Bytes that fill a batch: it should go before it grows further. */
const fullBytes = 64 * 1024;

/** What the pump asks of the journal. */
export interface CommitOwner {
  /** A new segment behind all others. */
  nextSegment(): Segment;
  /** Messages of these slots and above never got to the disk. */
  dropped(segment: Segment, firstSlot: number): void;
  /** A batch is on disk. */
  completed(): void;
}

/**
 * Carries batches to the disk, one write at a time: while one is under way, the next fills. A write that fails
 * takes back everything it was to make safe, and what filled meanwhile; what happened to older messages is kept and
 * tried again.
 */
export class GroupCommit {
  filling: Batch;
  /** Why the last write failed; undefined once one succeeds. */
  failure: HostError | undefined;
  /** Waiting before the disk is tried again. */
  isHeld = false;
  #spare: Batch;
  #writing: Batch | undefined;
  #written = 0;
  #isScheduled = false;
  #open: Segment | undefined;
  #isSyncDue = false;
  #syncing: Promise<void> | undefined;
  readonly #options: CommitOptions;
  readonly #owner: CommitOwner;
  readonly #closing = new AbortController();

  constructor(options: CommitOptions, owner: CommitOwner) {
    this.#options = options;
    this.#owner = owner;
    const segment = owner.nextSegment();
    this.filling = new Batch(segment);
    this.#spare = new Batch(segment);
  }

  /** Bytes accepted and not yet with the system. */
  get pendingBytes(): number {
    return this.filling.writer.length + (this.#writing?.writer.length ?? 0);
  }

  /** Whether a full batch waits for a turn of the event loop. */
  get isFull(): boolean {
    return !this.isHeld && this.filling.writer.length >= fullBytes;
  }

  /** What is not with the system yet, in its order. */
  get unwritten(): readonly Batch[] {
    return this.#writing === undefined ? [this.filling] : [this.#writing, this.filling];
  }

  /** Has the batch that fills written at the end of this turn of the event loop. */
  wake(): void {
    if (this.#isScheduled || this.isHeld || this.#writing !== undefined) return;
    this.#isScheduled = true;
    setImmediate(this.#flush);
  }

  /** Tries the disk again now, whatever wait is under way. */
  retry(): void {
    this.isHeld = false;
    if (!this.filling.isEmpty) this.wake();
  }

  flushed(): Promise<void> {
    if (!this.filling.isEmpty) return this.filling.done();
    return this.#writing?.done() ?? Promise.resolve();
  }

  /** Whether a segment may still be written to. */
  isInUse(segment: Segment): boolean {
    return segment === this.filling.segment || segment === this.#writing?.segment || segment.fd !== undefined;
  }

  /** What is with the system survives a loss of power. */
  async sync(): Promise<void> {
    await this.#syncing;
    const fd = this.#open?.fd;
    if (fd !== undefined) await this.#options.files.sync(fd);
  }

  /** Writes what is left. @throws HostError when it cannot be written; closed it is in any case */
  async close(): Promise<void> {
    this.retry();
    try {
      while (this.#writing !== undefined || !this.filling.isEmpty) await this.flushed();
    } finally {
      this.isHeld = true;
      this.#closing.abort();
      await this.#sealOpen().catch(() => {});
    }
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    const batch = this.filling;
    if (this.#writing !== undefined || this.isHeld || batch.isEmpty) return;
    batch.seal();
    this.#writing = batch;
    this.#written = 0;
    this.filling = this.#spare;
    this.filling.aim(this.#isFull(batch) ? this.#owner.nextSegment() : batch.segment);
    if (batch.segment === this.#open && !batch.segment.isDirty) this.#begun(batch);
    else void this.#prepare(batch);
  };

  #isFull({ segment, writer }: Batch): boolean {
    return segment.bytes + writer.length >= this.#options.segmentBytesMax || segment.used > slotsMax / 2;
  }

  async #prepare(batch: Batch): Promise<void> {
    const { segment } = batch;
    try {
      if (segment !== this.#open) await this.#sealOpen();
      this.#open = segment;
      segment.fd ??= await this.#options.files.create(segment.path);
      if (segment.isDirty) await this.#options.files.truncate(segment.fd, segment.bytes);
      segment.isDirty = false;
      if (segment.bytes === 0) await this.#begin(segment, segment.fd);
      this.#begun(batch);
    } catch (error) {
      this.#fail(batch, error);
    }
  }

  async #begin(segment: Segment, fd: number): Promise<void> {
    const { files } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    files.write(
      fd,
      segmentHead(segment.salt, segment.seal !== undefined),
      0,
      segmentHeadBytes,
      0,
      (error, written) => {
        if (error !== null) reject(error);
        else if (written < segmentHeadBytes) reject(new Error('no room'));
        else resolve();
      },
    );
    // Should it fail half way, the rest is cut off before the next attempt.
    segment.isDirty = true;
    await promise;
    await files.syncName(segment.path);
    segment.isDirty = false;
    segment.bytes = segmentHeadBytes;
  }

  /** Nothing is written to a segment before the one ahead of it is safe: only the last can be torn. */
  async #sealOpen(): Promise<void> {
    const segment = this.#open;
    if (segment?.fd === undefined) return;
    const { files } = this.#options;
    await this.#syncing;
    if (segment.isDirty) await files.truncate(segment.fd, segment.bytes);
    segment.isDirty = false;
    await files.sync(segment.fd);
    const { fd } = segment;
    segment.fd = undefined;
    this.#open = undefined;
    await files.close(fd);
  }

  /** Its segment takes it now, at the end. */
  #begun(batch: Batch): void {
    batch.place();
    this.#write(batch);
  }

  #write({ segment, bytes, length }: Batch): void {
    const from = this.#written;
    this.#options.files.write(
      segment.fd ?? -1,
      bytes,
      from,
      length - from,
      segment.bytes + from,
      this.#onWritten,
    );
  }

  readonly #onWritten = (error: Error | null, written: number): void => {
    const batch = this.#writing;
    if (batch === undefined) return;
    if (error !== null || written === 0) {
      this.#fail(batch, error ?? new Error('nothing was written'));
      return;
    }
    this.#written += written;
    if (this.#written < batch.length) this.#write(batch);
    else if (this.#options.sync === 'os') this.#complete(batch);
    else this.#completeSynced(batch);
  };

  #completeSynced(batch: Batch): void {
    this.#options.files.sync(batch.segment.fd ?? -1).then(
      () => this.#complete(batch),
      (cause: unknown) => this.#fail(batch, cause),
    );
  }

  #complete(batch: Batch): void {
    batch.segment.bytes += batch.length;
    this.failure = undefined;
    this.#writing = undefined;
    this.#spare = batch;
    batch.resolve();
    if (this.#options.sync === 'os') this.#syncLater();
    if (!this.filling.isEmpty) this.wake();
    this.#owner.completed();
  }

  #fail(writing: Batch, cause: unknown): void {
    const { filling } = this;
    writing.segment.isDirty = writing.segment.fd !== undefined;
    const failure = unwritable(writing.segment.path, cause);
    this.failure = failure;
    this.#owner.dropped(writing.segment, writing.firstSlot);
    this.#owner.dropped(filling.segment, filling.firstSlot);
    const marks = writing.marks.concat(filling.marks);
    const settled = writing.settled;
    settled.addAll(filling.settled);
    writing.reject(failure);
    filling.reject(failure);
    this.#writing = undefined;
    this.#spare = writing;
    // Sequences of refused messages are not given out again: a late word about one must not hit another.
    const isUsedUp = writing.segment.used > slotsMax / 2;
    filling.aim(isUsedUp ? this.#owner.nextSegment() : writing.segment);
    filling.marks = marks;
    filling.settled = settled;
    this.#hold();
  }

  #hold(): void {
    this.isHeld = true;
    this.#sleep(this.#options.retryMs, () => this.retry());
  }

  #syncLater(): void {
    if (this.#isSyncDue) return;
    this.#isSyncDue = true;
    this.#sleep(this.#options.syncEveryMs, () => {
      this.#isSyncDue = false;
      const fd = this.#open?.fd;
      if (fd === undefined || this.#syncing !== undefined) return;
      // What fails here fails again, and is told, when the segment is sealed.
      this.#syncing = this.#options.files
        .sync(fd)
        .catch(() => {})
        .finally(() => {
          this.#syncing = undefined;
        });
    });
  }

  #sleep(ms: number, then: () => void): void {
    // Rejected by closing alone.
    this.#options.clock.sleep(ms, this.#closing.signal).then(then, () => {});
  }
}

function unwritable(path: string, cause: unknown): HostError {
  const why = systemFault(cause);
  return new HostError(
    'HOST_ERR_STATE_UNWRITABLE',
    `cannot write ${path}: ${why}; make room or mend the disk, the host tries again by itself`,
    { path },
    cause,
  );
}
