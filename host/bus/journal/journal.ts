import type { Failure, Guarantee, Message } from '../message.ts';

/** Why a message was given up. */
export type DeadReason =
  | 'expired'
  | 'attempts'
  | 'invalid'
  | 'refused'
  | 'removed'
  | 'mailbox-full'
  | 'failed'
  | 'terminated'
  | 'dropped'
  | 'corrupt';

/** A message to be kept for its receiver. */
export interface Owed {
  readonly message: Message;
  /** The receiving agent's name: ids are another run's. */
  readonly receiver: string;
  readonly guarantee: Guarantee;
}

/**
 * What one thread has promised to deliver, kept beyond the process. A message is accepted under a sequence; the
 * sequence stays its name in this journal until it is settled, across restarts too. Nothing here waits: what is
 * recorded in one turn of the event loop goes to the disk together, and `flushed` says when.
 */
export interface Journal {
  /**
   * Records a message for an agent, by the agent's name. It is promised once `flushed`, asked for in the same turn
   * of the event loop, resolves.
   * @returns its sequence, a safe integer above 0 and above every one before
   * @throws HostError `HOST_ERR_STATE_UNWRITABLE` when the disk takes nothing now or is behind;
   * `HOST_ERR_MESSAGE_TOO_LARGE`
   */
  accepted(owed: Owed): number;
  /**
   * Nothing more is owed for this sequence and so many (1) that follow it: dealt with, or a dead letter was dropped.
   * Unknown sequences are ignored.
   */
  settled(first: number, count?: number): void;
  /** It was not taken after all, and its id stays unknown. Unknown sequences are ignored. */
  withdrawn(sequence: number): void;
  /** Attempt number `attempt` comes next; of a dead letter: it lives again. Unknown sequences are ignored. */
  attempted(sequence: number, attempt: number): void;
  /** It is given up and kept as a dead letter, the oldest of which makes room. Unknown sequences are ignored. */
  died(sequence: number, reason: DeadReason, failure: Failure | undefined): void;
  /**
   * Those of these messages that are still owed, each with the attempt that comes next. Reads the files they are in:
   * meant for the loss of a thread. What cannot be read again is missing, and delivered after a restart.
   */
  read(sequences: readonly number[]): ReadonlyMap<number, JournalEntry>;
  /**
   * Everything recorded so far is as safe as the journal makes it. Shared by all who ask in one turn.
   * @throws HostError `HOST_ERR_STATE_UNWRITABLE`: no message accepted since the last one that was flushed is promised
   */
  flushed(): Promise<void>;
  /** Whether so much was recorded that the event loop should turn now, and have it go on its way to the disk. */
  readonly isFull: boolean;
  /** Exactly-once messages that were dealt with lately, of this run and those before. */
  settledIds(): readonly SettledId[];
  status(): JournalStatus;
  /** Flushes, makes everything safe against a loss of power, and closes. */
  close(): Promise<void>;
}

export interface JournalStatus {
  /** Messages accepted and not settled, dead letters included. */
  readonly live: number;
  readonly liveBytes: number;
  /** Size of all segment files. */
  readonly diskBytes: number;
  readonly segments: number;
  readonly deadLetters: number;
  /** Dead letters that had to make room, since the start. */
  readonly deadLettersDropped: number;
  /** Why the disk takes nothing now. */
  readonly trouble: string | undefined;
}

/** A message that an earlier run of the host accepted and did not settle. */
export interface JournalEntry extends Owed {
  readonly sequence: number;
  /** `attempt` is the one to make next. */
  readonly message: Message;
}

export interface JournalDeadLetter extends JournalEntry {
  readonly reason: DeadReason;
  readonly failure: Failure | undefined;
  readonly atMs: number;
}

/** An exactly-once message that was dealt with: a second one of that id is not delivered. */
export interface SettledId {
  readonly receiver: string;
  /** Whose id it is (`originOf`). */
  readonly origin: string | undefined;
  readonly id: string;
  readonly atMs: number;
}

/** Bytes of a segment that were not readable. */
export interface Damage {
  readonly path: string;
  readonly from: number;
  readonly bytes: number;
  /** `torn`: the write that a crash interrupted, never promised; `corrupt`: it may have held messages. */
  readonly kind: 'torn' | 'corrupt';
}

/** What an earlier run of the host left behind. */
export interface Recovered {
  /** In the order in which they were accepted. */
  readonly pending: readonly JournalEntry[];
  /** Oldest first. */
  readonly deadLetters: readonly JournalDeadLetter[];
  readonly settledIds: readonly SettledId[];
  readonly damage: readonly Damage[];
}
