import type { BlockSeal } from '../../block-seal.ts';
import type { Bus } from '../../bus/bus.ts';
import { openJournal } from '../../bus/journal/disk-journal.ts';
import type { Damage, Journal, JournalEntry, Recovered } from '../../bus/journal/journal.ts';
import type { Clock, Random } from '../../clock.ts';

export interface ThreadMailOptions {
  readonly folder: string;
  readonly seal: BlockSeal;
  readonly clock: Clock;
  readonly random: Random;
  /** Go on with what is readable of a damaged journal. */
  readonly repair: boolean;
}

/** What is new about a journal's disk. */
export interface JournalNews {
  readonly level: 'error' | 'info';
  readonly text: string;
  readonly isTaking: boolean;
}

/** The messages that one thread has promised to deliver, kept on disk; and what it found there. */
export class ThreadMail {
  readonly journal: Journal;
  #recovered: Recovered | undefined;
  #trouble: string | undefined;

  /** @throws HostError `HOST_ERR_JOURNAL_CORRUPT`, `HOST_ERR_STATE_UNWRITABLE` */
  constructor(options: ThreadMailOptions) {
    const { journal, recovered } = openJournal(options);
    this.journal = journal;
    this.#recovered = recovered;
  }

  /** What was not readable. */
  get damage(): readonly Damage[] {
    return this.#recovered?.damage ?? [];
  }

  /**
   * Delivers what was found, once the agents are there. `isTried`: whether the receiver of a message was cut off, with
   * its thread or with the whole host. The first message of each of those counts as tried, as it may have been at it,
   * and that is on disk before it may be at it again.
   */
  async deliver(bus: Bus, isTried: (receiver: string) => boolean): Promise<void> {
    const found = this.#recovered;
    this.#recovered = undefined;
    for (const { sequence, ...letter } of found?.deadLetters ?? [])
      bus.restoreDeadLetter({ ...letter, entry: sequence });
    const before = found?.pending ?? [];
    const pending = countTried(before, isTried);
    const tried = pending.filter((entry, at) => entry !== before[at]);
    for (const { sequence, message } of tried) this.journal.attempted(sequence, message.attempt);
    // A disk that takes nothing is told of elsewhere, and nothing is lost with it.
    if (tried.length > 0) await this.journal.flushed().catch(() => {});
    for (const { sequence, message, receiver, guarantee } of pending)
      bus.restore({ message, receiver, guarantee }, sequence);
  }

  /** Says what is new about the disk: why it takes nothing, or that it does again. */
  news(): JournalNews | undefined {
    const { trouble } = this.journal.status();
    if (trouble === this.#trouble) return undefined;
    this.#trouble = trouble;
    if (trouble === undefined) return { level: 'info', text: 'messages go to disk again', isTaking: true };
    return {
      level: 'error',
      text: `messages that must not be lost are refused: ${trouble}`,
      isTaking: false,
    };
  }

  /** For metrics. */
  counts(): Readonly<Record<string, number>> {
    const { live, liveBytes, diskBytes, deadLettersDropped } = this.journal.status();
    return {
      journalLive: live,
      journalLiveBytes: liveBytes,
      journalDiskBytes: diskBytes,
      deadLettersDropped,
    };
  }

  close(): Promise<void> {
    return this.journal.close();
  }
}

/** Has the first message of each receiver that was cut off count as tried. In the order in which they were accepted. */
export function countTried(
  pending: readonly JournalEntry[],
  isTried: (receiver: string) => boolean,
): readonly JournalEntry[] {
  const seen = new Set<string>();
  return pending.map((entry) => {
    const { receiver, message } = entry;
    if (seen.has(receiver) || !isTried(receiver)) return entry;
    seen.add(receiver);
    return { ...entry, message: { ...message, attempt: message.attempt + 1 } };
  });
}

/** What people are told of a damaged journal. */
export function damageText({ path, from, bytes, kind }: Damage): string {
  return kind === 'torn'
    ? `${path}: the write that was interrupted, ${bytes} bytes of messages nobody was promised, is cut off`
    : `${path}: ${bytes} bytes from ${from} on were not readable; what is set aside is ${path}.damaged`;
}
