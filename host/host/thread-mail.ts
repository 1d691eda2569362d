import type { BlockSeal } from '../block-seal.ts';
import type { Bus } from '../bus/bus.ts';
import { openJournal } from '../bus/journal/disk-journal.ts';
import type { Damage, Journal, Recovered } from '../bus/journal/journal.ts';
import type { Clock, Random } from '../clock.ts';

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
   * Delivers what was found, once the agents are there. After a loss of the thread, what its own agents had counts
   * as tried: they may have been at it.
   */
  deliver(bus: Bus, self: number, isSuccessor: boolean): void {
    const found = this.#recovered;
    this.#recovered = undefined;
    for (const { sequence, ...letter } of found?.deadLetters ?? [])
      bus.restoreDeadLetter({ ...letter, entry: sequence });
    for (const { sequence, message, receiver, guarantee } of found?.pending ?? []) {
      const wasTried = isSuccessor && bus.directory.ownerOf(bus.directory.find(receiver)) === self;
      const attempt = wasTried ? message.attempt + 1 : message.attempt;
      if (wasTried) this.journal.attempted(sequence, attempt);
      bus.restore({ message: { ...message, attempt }, receiver, guarantee }, sequence);
    }
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

/** What people are told of a damaged journal. */
export function damageText({ path, from, bytes, kind }: Damage): string {
  return kind === 'torn'
    ? `${path}: the write that was interrupted, ${bytes} bytes of messages nobody was promised, is cut off`
    : `${path}: ${bytes} bytes from ${from} on were not readable; what is set aside is ${path}.damaged`;
}
