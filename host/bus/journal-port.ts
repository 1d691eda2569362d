import type { DeadReason } from './dead-letters.ts';
import type { Failure, Guarantee, Message } from './message.ts';

/** One message on its way to one receiver, as a journal keeps it. */
export interface JournalRecord {
  readonly message: Message;
  /** The receiver's name. */
  readonly receiver: string;
  readonly guarantee: Guarantee;
}

/** Where accepted messages are kept until they are dealt with, so that they outlive the process. */
export interface Journal {
  /**
   * A message was accepted; returns its entry, a safe integer above 0.
   * @throws HostError `HOST_ERR_STATE_UNWRITABLE` when it cannot be kept now; `HOST_ERR_MESSAGE_TOO_LARGE`
   */
  accepted(record: JournalRecord): number;
  /**
   * Receivers dealt with this entry and so many (1) that follow it, or dead letters were dropped. Entries that are
   * not there are ignored, here and below.
   */
  settled(first: number, count?: number): void;
  /** It was not taken after all. */
  withdrawn(entry: number): void;
  /** This attempt comes next; a dead letter lives again. */
  attempted(entry: number, attempt: number): void;
  /** It became a dead letter. */
  died(entry: number, reason: DeadReason, failure: Failure | undefined): void;
  /** Those of these entries that are still owed, with the attempt that comes next; slow, it may read them from the disk. */
  read(entries: readonly number[]): ReadonlyMap<number, JournalRecord>;
  /**
   * Resolves once everything accepted before is on disk; one promise for all that goes there together.
   * @throws HostError `HOST_ERR_STATE_UNWRITABLE`: what was accepted since the last flush is not
   */
  flushed(): Promise<void>;
}
