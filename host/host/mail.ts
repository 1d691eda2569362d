import { readdirSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { BlockSeal } from '../block-seal.ts';
import type { Bus } from '../bus/bus.ts';
import { openJournal } from '../bus/journal/disk-journal.ts';
import type { JournalEntry, SettledId } from '../bus/journal/journal.ts';
import type { Clock, Random } from '../clock.ts';
import { HostError } from '../errors.ts';
import type { LogEntry } from '../telemetry/log-entry.ts';
import { DeadLetterLog } from './report/dead-letter-log.ts';
import type { DeadLetter } from './serving.ts';
import { removeJournal, type StateFolder } from './state/state-folder.ts';
import { countTried, damageText, ThreadMail } from './thread/mail.ts';
import type { AgentThreadHandle, Threads } from './thread/threads.ts';

export interface MailOptions {
  readonly state: StateFolder;
  readonly threads: number;
  /** Of one thread's journal. */
  readonly sealOf: (thread: number) => BlockSeal;
  readonly clock: Clock;
  readonly random: Random;
  readonly repair: boolean;
  readonly say: (level: 'error' | 'warn' | 'info', text: string) => void;
  readonly log: (entry: LogEntry) => void;
  /** Whether the main thread's journal takes messages, when that changes. */
  readonly onJournal: (isTaking: boolean) => void;
}

const newsEveryMs = 1_000;

/** All threads' messages that must not be lost: brought back at the start, and after the loss of a thread. */
export class Mail {
  readonly #options: MailOptions;
  readonly #own: ThreadMail;
  readonly #news: NodeJS.Timeout;
  readonly deadLetterLog: DeadLetterLog;
  #bus: Bus | undefined;
  #threads: Threads | undefined;

  /** Opens the journal of the main thread. @throws HostError `HOST_ERR_JOURNAL_CORRUPT`, `HOST_ERR_STATE_UNWRITABLE` */
  constructor(options: MailOptions) {
    this.#options = options;
    const { state, sealOf, clock, random, repair } = options;
    this.#own = new ThreadMail({ folder: state.journalOf(0), seal: sealOf(0), clock, random, repair });
    this.deadLetterLog = new DeadLetterLog(options.log, () => Number(clock.wallNs() / 1_000_000n));
    this.#news = setInterval(() => this.#tell(), newsEveryMs).unref();
  }

  get journal(): ThreadMail['journal'] {
    return this.#own.journal;
  }

  /** Counters of the main thread's journal. */
  counts(): Readonly<Record<string, number>> {
    return this.#own.counts();
  }

  join(bus: Bus, threads: Threads): void {
    this.#bus = bus;
    this.#threads = threads;
  }

  /** Delivers what an earlier run left: call it once all agents are there. */
  async deliver(): Promise<void> {
    const bus = this.#joined();
    for (const damage of this.#own.damage)
      this.#options.say(damage.kind === 'torn' ? 'info' : 'warn', damageText(damage));
    const ids = [...(await this.#adopt()), ...(await this.#settledIds())];
    const { threads } = this;
    await Promise.all(threads.numbers.map((number) => this.#remind(number, threads.handle(number), ids)));
    const { wasCutOff } = this.#options.state;
    await Promise.all(
      threads.numbers.map((number) => threads.handle(number)?.call('deliver', wasCutOff ? 'all' : 'none')),
    );
    await this.#own.deliver(bus, () => wasCutOff);
  }

  /** A thread is back with its agents after a loss. */
  async returned(number: number, handle: AgentThreadHandle): Promise<void> {
    await this.#remind(number, handle, await this.#settledIds());
    await handle.call('deliver', 'own');
    this.#joined().returned(number);
    for (const other of this.threads.numbers)
      if (other !== number) this.threads.handle(other)?.post('returned', number);
  }

  get threads(): Threads {
    if (this.#threads === undefined) throw new Error('bug: the mail has not joined the host');
    return this.#threads;
  }

  #joined(): Bus {
    if (this.#bus === undefined) throw new Error('bug: the mail has not joined the host');
    return this.#bus;
  }

  /** What threads that are no more had promised is promised by this one. @returns what they had dealt with */
  async #adopt(): Promise<readonly SettledId[]> {
    const { state, threads } = this.#options;
    const ids: SettledId[] = [];
    for (const name of readdirSync(state.journalFolder)) {
      const number = Number(name);
      if (!Number.isSafeInteger(number) || number <= threads) continue;
      ids.push(...(await this.#adoptOne(number)));
      await this.#own.journal.flushed();
      removeJournal(state, number);
    }
    return ids;
  }

  async #adoptOne(number: number): Promise<readonly SettledId[]> {
    const { state, sealOf, clock, random, repair } = this.#options;
    const [folder, seal] = [state.journalOf(number), sealOf(number)];
    const { journal, recovered } = openJournal({ folder, seal, clock, random, repair });
    for (const entry of countTried(recovered.pending, () => state.wasCutOff))
      this.#joined().restore(entry, await this.#accept(entry));
    for (const { sequence: _sequence, ...letter } of recovered.deadLetters) {
      const entry = await this.#accept({ ...letter, sequence: 0 });
      this.#own.journal.died(entry, letter.reason, letter.failure);
      this.#joined().restoreDeadLetter({ ...letter, entry });
    }
    await journal.close();
    return recovered.settledIds;
  }

  /** Once more after a flush, when more waits for the disk than may. */
  async #accept(entry: JournalEntry): Promise<number> {
    const { journal } = this.#own;
    try {
      return journal.accepted(entry);
    } catch (thrown) {
      if (!(thrown instanceof HostError) || thrown.code !== 'HOST_ERR_STATE_UNWRITABLE') throw thrown;
      await journal.flushed();
      return journal.accepted(entry);
    }
  }

  async #settledIds(): Promise<readonly SettledId[]> {
    const { threads } = this;
    const asked = threads.numbers.map((number) => threads.handle(number)?.call('settledIds', undefined));
    const found = await Promise.allSettled(asked);
    const others = found.flatMap((one) => (one.status === 'fulfilled' ? (one.value ?? []) : []));
    return [...this.#own.journal.settledIds(), ...others];
  }

  async #remind(
    number: number,
    handle: AgentThreadHandle | undefined,
    ids: readonly SettledId[],
  ): Promise<void> {
    const { directory } = this.#joined();
    const own = ids.filter(({ receiver }) => directory.ownerOf(directory.find(receiver)) === number);
    if (own.length > 0) await handle?.call('remember', own);
  }

  // Dead letters

  /** The latest of all threads, newest first. */
  async deadLetters(max: number): Promise<readonly DeadLetter[]> {
    const { threads } = this;
    const asked = threads.numbers.map((number) => threads.handle(number)?.call('deadLetters', max));
    const others = (await Promise.all(asked)).flatMap((letters) => letters ?? []);
    return [...this.#joined().deadLetters(max), ...others]
      .sort((a, b) => b.atMs - a.atMs)
      .slice(0, max)
      .map(({ message, receiver, reason, failure, atMs }) => ({ message, receiver, reason, failure, atMs }));
  }

  /** @throws HostError `HOST_ERR_STATE_UNWRITABLE` */
  async retry(id: string): Promise<boolean> {
    const isOwn = this.#joined().retryDeadLetter(id);
    if (isOwn) await this.#own.journal.flushed();
    return (await this.#atThreads('retryDeadLetter', id)) || isOwn;
  }

  /** @throws HostError `HOST_ERR_STATE_UNWRITABLE` */
  async drop(id: string): Promise<boolean> {
    const isOwn = this.#joined().dropDeadLetter(id);
    if (isOwn) await this.#own.journal.flushed();
    return (await this.#atThreads('dropDeadLetter', id)) || isOwn;
  }

  /** What proves who sent a message; undefined: no thread has a proof of it. */
  async proof(id: string): Promise<string | undefined> {
    const { threads } = this;
    const asked = threads.numbers.map((number) => threads.handle(number)?.call('messageProof', id));
    return (await Promise.all(asked)).find((found) => found !== undefined);
  }

  async #atThreads(call: 'retryDeadLetter' | 'dropDeadLetter', id: string): Promise<boolean> {
    const { threads } = this;
    const asked = threads.numbers.map((number) => threads.handle(number)?.call(call, id));
    return (await Promise.all(asked)).includes(true);
  }

  #tell(): void {
    this.deadLetterLog.look();
    const news = this.#own.news();
    if (news === undefined) return;
    this.#options.say(news.level, news.text);
    this.#options.onJournal(news.isTaking);
  }

  /** Reads the last of what the threads said, then closes. */
  async close(): Promise<void> {
    clearInterval(this.#news);
    while (this.#threads?.links.pending() === true) await turn();
    await this.#own.close();
  }
}
