import type { Guarantee, Message } from './message.ts';

/** One message on its way to one receiver, as a journal keeps it. */
export interface JournalRecord {
  readonly message: Message;
  /** The receiver's name. */
  readonly receiver: string;
  readonly guarantee: Guarantee;
}

/** Where accepted messages are kept until they are dealt with, so that they outlive the process. */
export interface Journal {
  /** A message was accepted; returns its entry, a safe integer above 0. */
  accepted(record: JournalRecord): number;
  /** The receiver dealt with it, or it became a dead letter. */
  settled(entry: number): void;
  /** Resolves once everything accepted before is on disk. */
  flushed(): Promise<void>;
}
