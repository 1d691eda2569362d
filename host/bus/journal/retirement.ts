import { readFile } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Files } from './files.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Ledger } from './ledger.ts';
import { kinds, recordBytes, sequenceOf, writeCarried } from './record.ts';
import { walkRecords } from './scan.ts';
import { openSegment } from './sealed-blocks.ts';
import { type Segment, segmentHeadBytes } from './segment.ts';
import type { SettledIds } from './settled-ids.ts';

/** Read through in one turn of the event loop, which messages wait for. */
const chunkBytes = 64 * 1024;
/** Segments that are kept even when most of what they hold is settled. */
const segmentsKeptMin = 4;

export interface RetirementParts {
  readonly ledger: Ledger;
  readonly commit: GroupCommit;
  readonly files: Files;
  readonly clock: Clock;
  readonly deadLetters: DeadLetters;
  readonly settledIds: SettledIds;
  readonly attempts: ReadonlyMap<number, number>;
  readonly segmentBytesMax: number;
  /** What is not sealed is written again, sealed. */
  readonly isSealing: boolean;
}

/**
 * Removes segments, from the oldest on and none out of turn: what a later one says of an earlier one's messages must
 * outlive them. A segment goes once nothing in it is owed. When more than half of what is on disk is settled, the
 * oldest one's survivors are written again at the end, under their sequences.
 */
export class Retirement {
  readonly #parts: RetirementParts;
  #running: Promise<void> | undefined;
  #isStopped = false;
  /** A segment that could not be read again: nothing is removed any more. */
  stuck: string | undefined;

  constructor(parts: RetirementParts) {
    this.#parts = parts;
  }

  /** Begins when there is something to remove. */
  consider(): void {
    if (this.#running === undefined && this.#due() !== undefined) this.#running = this.#run();
  }

  /** Begins nothing more; resolves when what is under way has ended, and nothing is left that is not sealed. */
  async stop(): Promise<void> {
    for (let bare = this.#bare(); bare !== undefined; bare = this.#bare()) {
      this.consider();
      await this.#running;
      // The disk does not take it.
      if (this.#bare() === bare) break;
    }
    this.#isStopped = true;
    await this.#running;
  }

  #due(): Segment | undefined {
    const { ledger, commit } = this.#parts;
    const { oldest } = ledger;
    if (this.#isStopped || this.stuck !== undefined) return undefined;
    if (oldest === undefined || commit.isInUse(oldest)) return undefined;
    return oldest.live === 0 || this.#bare() !== undefined || this.#isOvergrown() ? oldest : undefined;
  }

  /** The oldest, when it is of a time before there were seals. */
  #bare(): Segment | undefined {
    const { oldest } = this.#parts.ledger;
    return this.#parts.isSealing && oldest?.seal === undefined ? oldest : undefined;
  }

  #isOvergrown(): boolean {
    const { ledger, segmentBytesMax } = this.#parts;
    if (ledger.segments.size <= segmentsKeptMin) return false;
    return ledger.diskBytes > Math.max(segmentsKeptMin * segmentBytesMax, 2 * ledger.liveBytes);
  }

  async #run(): Promise<void> {
    try {
      for (let segment = this.#due(); segment !== undefined; segment = this.#due())
        await this.#retire(segment);
    } catch {
      // The disk failed, which the journal has told; the next batch that succeeds begins this again.
    } finally {
      this.#running = undefined;
    }
  }

  async #retire(segment: Segment): Promise<void> {
    const { ledger, commit, files } = this.#parts;
    const isCarried = segment.live > 0;
    if (isCarried) await this.#carry(segment);
    const isNoted = this.#noteIds(segment);
    if (isNoted) await commit.flushed();
    // A file's removal may outrun what was written before it.
    if (isCarried || isNoted) await commit.sync();
    await files.remove(segment.path);
    ledger.remove(segment);
  }

  #noteIds(segment: Segment): boolean {
    const { commit, settledIds, clock } = this.#parts;
    const nowMs = Number(clock.wallNs() / 1_000_000n);
    const ids = settledIds.move(segment.index, commit.filling.segment.index, nowMs);
    for (const settled of ids) commit.filling.marks.push({ kind: 'once', ...settled });
    commit.wake();
    return ids.length > 0;
  }

  async #carry(segment: Segment): Promise<void> {
    const { ledger, commit } = this.#parts;
    const file = await readFile(segment.path);
    const bytes = segment.seal === undefined ? file : openSegment(file, segment.salt, segment.seal).bytes;
    for (let at = segmentHeadBytes; at < bytes.length && segment.live > 0; ) {
      const target = commit.filling.segment;
      const chunk: { readonly sequence: number; readonly bytes: number }[] = [];
      const end = walkRecords(bytes, segment.salt, at, at + chunkBytes, (kind, from, bodyEnd) => {
        if (kind !== kinds.accepted && kind !== kinds.carried) return;
        const sequence = sequenceOf(bytes, from);
        if (!ledger.isIn(sequence, segment)) return;
        this.#write(sequence, bytes.subarray(from, bodyEnd));
        chunk.push({ sequence, bytes: recordBytes(bodyEnd - from) });
      });
      commit.wake();
      if (chunk.length > 0) await commit.flushed();
      else await turn();
      for (const carried of chunk) {
        // Settled meanwhile: the mark of it lies behind the copy.
        if (ledger.isIn(carried.sequence, segment) && ledger.release(carried.sequence) !== 0)
          ledger.put(carried.sequence, target, carried.bytes);
      }
      if (this.#isStopped) throw new Error('the journal is closing');
      if (end === at) break;
      at = end;
    }
    if (segment.live === 0) return;
    this.stuck = `${segment.path} cannot be read again; nothing is removed until the host is started anew`;
    throw new Error(this.stuck);
  }

  #write(sequence: number, body: Uint8Array): void {
    const { commit, attempts, deadLetters } = this.#parts;
    const { writer, segment, marks } = commit.filling;
    writeCarried(writer, segment.salt, body, attempts.get(sequence));
    const death = deadLetters.get(sequence);
    if (death !== undefined) marks.push(death);
  }
}
