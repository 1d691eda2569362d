import type { BlockSeal } from '../../block-seal.ts';
import type { Clock, Random } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import { makeFolder } from '../../folder.ts';
import { systemFault } from '../../system-fault.ts';
import { type Failure, type Message, originOf } from '../message.ts';
import { DeadLetters } from './dead-letters.ts';
import { type Files, systemFiles } from './files.ts';
import { type CommitOwner, GroupCommit } from './group-commit.ts';
import type {
  DeadReason,
  Journal,
  JournalEntry,
  JournalStatus,
  Owed,
  Recovered,
  SettledId,
} from './journal.ts';
import type { Ledger } from './ledger.ts';
import { attemptMax, type Mark, writeMessage } from './record.ts';
import { type Found, recover } from './recover.ts';
import { reread } from './reread.ts';
import { Retirement } from './retirement.ts';
import { Segment, sealOf, slotsMax } from './segment.ts';
import { SettledIds } from './settled-ids.ts';

export interface JournalOptions {
  /** One thread's folder, made when it is missing; nobody else writes to it. */
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly files?: Files;
  /** Seals what is written; none: it lies there as it is. */
  readonly seal?: BlockSeal;
  /**
   * What `flushed` waits for. `os` (default): the system has it, so it survives a `kill -9` of the host and any crash
   * of it; the disk has it at most `syncEveryMs` and one write later, so that much is lost with the power. `disk`: the
   * disk says it has it.
   */
  readonly sync?: 'os' | 'disk';
  /** Default 100. */
  readonly syncEveryMs?: number;
  /** How long a disk that failed is left alone; default 250. */
  readonly retryMs?: number;
  /** Default 16 MiB. */
  readonly segmentBytesMax?: number;
  /** Accepted and not yet with the system; default 8 MiB. */
  readonly pendingBytesMax?: number;
  /** Of messages accepted and not settled, dead letters included; default 4 GiB. */
  readonly liveBytesMax?: number;
  /** Default 1,000. */
  readonly deadLettersMax?: number;
  /** Default 16 MiB. */
  readonly deadLetterBytesMax?: number;
  /** Ids of exactly-once messages that were dealt with: how many are kept (default 100,000), how long (10 minutes). */
  readonly settledIdsMax?: number;
  readonly settledIdsMs?: number;
  /** Go on with what is readable of damaged files, which are set aside; default: refuse them. */
  readonly repair?: boolean;
}

const mebibyte = 1024 * 1024;
const ownerOnly = 0o700;

interface ExactlyOnce {
  readonly receiver: string;
  readonly origin: string | undefined;
  readonly id: string;
}

/**
 * Opens one thread's journal, and reads what an earlier run left in it.
 * @throws HostError `HOST_ERR_JOURNAL_CORRUPT`; `HOST_ERR_STATE_UNWRITABLE` for a folder that cannot be made or read
 */
export function openJournal(options: JournalOptions): {
  readonly journal: Journal;
  readonly recovered: Recovered;
} {
  const found = read(options.folder, options.repair ?? false, options.seal);
  const journal = new DiskJournal(options, found);
  return { journal, recovered: journal.recovered(found) };
}

function read(folder: string, repair: boolean, seal: BlockSeal | undefined): Found {
  try {
    makeFolder(folder, ownerOnly);
    return recover(folder, repair, seal);
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    const why = systemFault(cause);
    throw new HostError(
      'HOST_ERR_STATE_UNWRITABLE',
      `cannot read the journal in ${folder}: ${why}; the folder must belong to the host's user`,
      { folder },
      cause,
    );
  }
}

class DiskJournal implements Journal, CommitOwner {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #seal: BlockSeal | undefined;
  readonly #pendingBytesMax: number;
  readonly #liveBytesMax: number;
  readonly #ledger: Ledger;
  readonly #commit: GroupCommit;
  readonly #retirement: Retirement;
  readonly #deadLetters: DeadLetters;
  readonly #settledIds: SettledIds;
  /** The attempt that comes next, where it is not the first. */
  readonly #attempts: Map<number, number>;
  readonly #exactlyOnce = new Map<number, ExactlyOnce>();
  #nextIndex: number;
  #liveBytes = 0;
  #isClosed = false;
  /** Why messages of a lost thread could not be read again. */
  #unread: string | undefined;

  constructor(options: JournalOptions, found: Found) {
    const { folder, clock, files = systemFiles, segmentBytesMax = 16 * mebibyte } = options;
    this.#folder = folder;
    this.#clock = clock;
    this.#random = options.random;
    this.#seal = options.seal;
    this.#pendingBytesMax = options.pendingBytesMax ?? 8 * mebibyte;
    this.#liveBytesMax = options.liveBytesMax ?? 4096 * mebibyte;
    this.#ledger = found.ledger;
    this.#attempts = found.attempts;
    this.#nextIndex = found.nextIndex;
    this.#liveBytes = found.ledger.liveBytes;
    this.#deadLetters = new DeadLetters(
      options.deadLettersMax ?? 1000,
      options.deadLetterBytesMax ?? 16 * mebibyte,
    );
    this.#settledIds = new SettledIds(options.settledIdsMax ?? 100_000, options.settledIdsMs ?? 600_000);
    const { sync = 'os', syncEveryMs = 100, retryMs = 250 } = options;
    this.#commit = new GroupCommit({ files, clock, sync, syncEveryMs, retryMs, segmentBytesMax }, this);
    this.#retirement = new Retirement({
      ledger: this.#ledger,
      commit: this.#commit,
      files,
      clock,
      deadLetters: this.#deadLetters,
      settledIds: this.#settledIds,
      attempts: this.#attempts,
      segmentBytesMax,
      isSealing: options.seal !== undefined,
    });
  }

  /** Takes in what was found; what is owed stays owed under its sequence. */
  recovered(found: Found): Recovered {
    const pending = [];
    const deadLetters = [];
    for (const { settled, segment } of found.settledIds) this.#settledIds.add(settled, segment);
    for (const entry of found.entries) {
      const { sequence, receiver, guarantee } = entry;
      const { id } = entry.message;
      const origin = originOf(entry.message);
      if (guarantee === 'exactly-once') this.#exactlyOnce.set(sequence, { receiver, origin, id });
      const attempt = this.#attempts.get(sequence) ?? entry.message.attempt;
      const message: Message = { ...entry.message, attempt };
      const death = found.deaths.get(sequence);
      if (death === undefined) pending.push({ ...entry, message });
      else
        deadLetters.push({
          ...entry,
          message,
          reason: death.reason,
          failure: death.failure,
          atMs: death.atMs,
        });
    }
    for (const death of found.deaths.values())
      this.#deadLetters.add(death, this.#ledger.bytesOf(death.sequence));
    this.#retirement.consider();
    deadLetters.sort((a, b) => a.atMs - b.atMs);
    return { pending, deadLetters, settledIds: this.#settledIds.all(), damage: found.damage };
  }

  accepted({ receiver, message, guarantee }: Owed): number {
    this.#admit(message);
    const { writer, segment } = this.#commit.filling;
    const from = writer.length;
    const sequence = segment.next;
    writeMessage(writer, segment.salt, sequence, receiver, message, guarantee);
    const bytes = writer.length - from;
    segment.take(bytes);
    this.#liveBytes += bytes;
    if (message.attempt > 1) this.#attempts.set(sequence, message.attempt);
    if (guarantee === 'exactly-once')
      this.#exactlyOnce.set(sequence, { receiver, origin: originOf(message), id: message.id });
    this.#commit.wake();
    return sequence;
  }

  settled(first: number, count: number = 1): void {
    for (let sequence = first; sequence < first + count; sequence++) this.#settle(sequence);
    this.#commit.wake();
  }

  #settle(sequence: number): void {
    const once = this.#exactlyOnce.size === 0 ? undefined : this.#exactlyOnce.get(sequence);
    if (!this.#release(sequence)) return;
    const { filling } = this.#commit;
    filling.settled.add(sequence);
    if (once === undefined) return;
    const settled = { ...once, atMs: this.#nowMs() };
    filling.marks.push({ kind: 'once', ...settled });
    this.#settledIds.add(settled, filling.segment.index);
  }

  withdrawn(sequence: number): void {
    this.#drop(sequence);
  }

  attempted(sequence: number, attempt: number): void {
    if (this.#ledger.bytesOf(sequence) === 0) return;
    this.#deadLetters.remove(sequence);
    this.#attempts.set(sequence, attempt);
    this.#mark({ kind: 'attempted', sequence, attempt: Math.min(attempt, attemptMax) });
  }

  died(sequence: number, reason: DeadReason, failure: Failure | undefined): void {
    const bytes = this.#ledger.bytesOf(sequence);
    if (bytes === 0) return;
    const death = { kind: 'died', sequence, reason, failure, atMs: this.#nowMs() } as const;
    this.#deadLetters.add(death, bytes);
    this.#mark(death);
    for (let old = this.#deadLetters.surplus(); old !== undefined; old = this.#deadLetters.surplus())
      this.#drop(old);
  }

  read(sequences: readonly number[]): ReadonlyMap<number, JournalEntry> {
    const { entries, failure } = reread(sequences, this.#ledger, this.#commit.unwritten);
    this.#unread = failure ?? this.#unread;
    for (const [sequence, entry] of entries) {
      const attempt = this.#attempts.get(sequence);
      if (attempt !== undefined) entries.set(sequence, { ...entry, message: { ...entry.message, attempt } });
    }
    return entries;
  }

  flushed(): Promise<void> {
    return this.#commit.flushed();
  }

  get isFull(): boolean {
    return this.#commit.isFull;
  }

  settledIds(): readonly SettledId[] {
    return this.#settledIds.all();
  }

  status(): JournalStatus {
    return {
      live: this.#ledger.live,
      liveBytes: this.#liveBytes,
      diskBytes: this.#ledger.diskBytes,
      segments: this.#ledger.segments.size,
      deadLetters: this.#deadLetters.size,
      deadLettersDropped: this.#deadLetters.dropped,
      trouble: this.#commit.failure?.message ?? this.#retirement.stuck ?? this.#unread,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#commit.retry();
    await this.#retirement.stop();
    await this.#commit.close();
  }

  nextSegment(): Segment {
    const salt = new DataView(this.#random.fill(new Uint8Array(4)).buffer).getUint32(0);
    const index = this.#nextIndex++;
    const segment = new Segment(this.#folder, index, salt, sealOf(this.#seal, index, salt));
    this.#ledger.add(segment);
    return segment;
  }

  dropped(segment: Segment, firstSlot: number): void {
    for (let slot = firstSlot; slot < segment.used; slot++)
      if (segment.lengthAt(slot) !== 0) this.#release(segment.index * slotsMax + slot);
  }

  completed(): void {
    this.#retirement.consider();
  }

  #admit(message: Message): void {
    const { filling, failure, isHeld, pendingBytes } = this.#commit;
    if (this.#isClosed) throw unwritable('the journal is closed; the host is stopping');
    // Once the wait is over, messages are let through to see whether the disk takes them again.
    if (isHeld && failure !== undefined) throw unwritable(failure.message);
    const bytes = message.body.length;
    if (bytes > this.#pendingBytesMax) throw tooLarge(bytes, this.#pendingBytesMax);
    if (pendingBytes > 0 && pendingBytes + bytes > this.#pendingBytesMax)
      throw unwritable(
        `more than ${this.#pendingBytesMax} bytes (pendingBytesMax) wait for the disk; send again`,
      );
    if (this.#liveBytes > this.#liveBytesMax)
      throw unwritable(
        `the journal holds ${this.#liveBytes} bytes of messages nobody dealt with, the limit (liveBytesMax) is ${this.#liveBytesMax}`,
      );
    if (filling.segment.used >= slotsMax) throw unwritable('too many messages in one turn; send again');
  }

  #drop(sequence: number): void {
    if (!this.#release(sequence)) return;
    this.#commit.filling.settled.add(sequence);
    this.#commit.wake();
  }

  #release(sequence: number): boolean {
    const bytes = this.#ledger.release(sequence);
    if (bytes === 0) return false;
    this.#liveBytes -= bytes;
    // Most messages are in none of these.
    if (this.#attempts.size > 0) this.#attempts.delete(sequence);
    if (this.#exactlyOnce.size > 0) this.#exactlyOnce.delete(sequence);
    if (this.#deadLetters.size > 0) this.#deadLetters.remove(sequence);
    return true;
  }

  #mark(mark: Mark): void {
    this.#commit.filling.marks.push(mark);
    this.#commit.wake();
  }

  #nowMs(): number {
    return Number(this.#clock.wallNs() / 1_000_000n);
  }
}

function unwritable(why: string): HostError {
  return new HostError('HOST_ERR_STATE_UNWRITABLE', why);
}

function tooLarge(bytes: number, max: number): HostError {
  return new HostError(
    'HOST_ERR_MESSAGE_TOO_LARGE',
    `the message has ${bytes} bytes, the journal takes ${max} (pendingBytesMax)`,
    { bytes, max },
  );
}
