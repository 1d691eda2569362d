import type { AgentExit } from '../../agent/custody.ts';
import { type LinkEnd, type LinkEnds, Links, portsOf, rewire, wire } from '../../bus/links.ts';
import type { Clock } from '../../clock.ts';
import { Pool } from '../../engine/pool.ts';
import { Residence, type ResidenceShare } from '../../engine/residence.ts';
import type { Thread } from '../../engine/worker/client.ts';
import type { LogEntry } from '../../telemetry/log-entry.ts';
import type { SharedNames } from '../shared-names.ts';
import { portsOfTrust } from '../trust/trust.ts';
import type {
  AskedAgents,
  Ended,
  Halted,
  OwnerCalls,
  Subscriptions,
  ThreadCalls,
  ThreadPlace,
  ThreadSettings,
} from './control.ts';
import type { PolicyOwner } from './policy.ts';

export type AgentThreadHandle = Thread<OwnerCalls, ThreadCalls>;

export interface ThreadsOptions {
  /** Threads that have agents; thread 0 is this one. */
  readonly threads: number;
  readonly settings: ThreadSettings;
  readonly clock: Clock;
  readonly residence: ResidenceShare;
  readonly placeOf: (thread: number) => Omit<ThreadPlace, 'links' | 'predecessors'>;
  readonly onLogs: (entries: readonly LogEntry[]) => void;
  readonly onJournal: (thread: number, isTaking: boolean) => void;
  readonly onSubscriptions: (changed: readonly Subscriptions[]) => void;
  readonly onHalted: (change: Halted) => void;
  readonly onEnded: (change: Ended) => void;
  readonly onExited: (exit: AgentExit) => void;
  readonly onUnwell: (agent: string, why: string) => void;
  readonly onOutput: (text: string) => void;
  /** A thread would have agents of another one. */
  readonly onSteal: (thief: number, asked: AskedAgents) => Promise<number>;
  /** What agents share. */
  readonly names: Pick<SharedNames, 'ask' | 'unwanted'>;
  /** What threads ask where policies decide. */
  readonly policy: PolicyOwner;
  /** A thread is gone; everybody who is left knows it, and another will be in its place. */
  readonly onLost: (thread: number, reason: string) => void;
  /** A thread took the place of a lost one: its agents are to be installed. */
  readonly onReplaced: (thread: number, handle: AgentThreadHandle) => void;
  /** The one that was to take the place of a lost one cannot. */
  readonly onVacant: (thread: number, error: unknown) => void;
}

const entry = new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './agent-thread.js', import.meta.url);
const heapMiBMax = 4096;

/** The threads of a serving host, numbered from 1, and the links among them and to this one, which is 0. */
export class Threads {
  readonly #options: ThreadsOptions;
  readonly #doors: SharedArrayBuffer[];
  readonly #ends: LinkEnds[];
  readonly #losses: number[];
  readonly #placing: Promise<void>[] = [];
  readonly links: Links;
  #pool: Pool<OwnerCalls, ThreadCalls> | undefined;

  constructor(options: ThreadsOptions) {
    this.#options = options;
    this.#ends = wire(options.threads + 1);
    this.#losses = this.#ends.map(() => 0);
    this.#doors = this.#ends.map(({ door }) => door);
    this.links = new Links(this.#ends[0] as LinkEnds, { clock: options.clock });
  }

  /** @throws HostError `HOST_ERR_THREAD_LOST` when a thread does not start, `HOST_ERR_JOURNAL_CORRUPT` */
  async start(): Promise<void> {
    const {
      threads,
      settings,
      clock,
      onLogs,
      onJournal,
      onSubscriptions,
      onHalted,
      onEnded,
      onExited,
      onUnwell,
      onOutput,
      onSteal,
      policy,
      names,
    } = this.#options;
    this.#pool = await Pool.start<OwnerCalls, ThreadCalls>({
      entry,
      threads,
      start: settings,
      clock,
      heapMiBMax,
      answers: (thread) => ({
        logs: onLogs,
        subscriptions: onSubscriptions,
        approve: (asked) => policy.approve(asked),
        settle: (asked) => policy.settle(asked),
        halted: onHalted,
        ended: onEnded,
        exited: onExited,
        unwell: ({ agent, why }) => onUnwell(agent, why),
        orchestrate: (asked) => names.ask(this.#numberOf(thread()) ?? 0, asked),
        steal: async (asked) => {
          const number = this.#numberOf(thread());
          return number === undefined ? 0 : onSteal(number, asked);
        },
        unwanted: (call) => names.unwanted(this.#numberOf(thread()) ?? 0, call),
        journal: (isTaking) => {
          const number = this.#numberOf(thread());
          if (number !== undefined) onJournal(number, isTaking);
        },
      }),
      onOutput: (_place, _stream, text) => onOutput(text),
      onPlaced: (place, thread, lost) => this.#placed(place + 1, thread, lost),
      onLost: (place, reason) => this.#lost(place + 1, reason),
    });
    await Promise.all(this.#placing);
  }

  #placed(number: number, thread: AgentThreadHandle, lost: string | undefined): void {
    const { placeOf, onReplaced, onVacant } = this.#options;
    const links = this.#ends[number] as LinkEnds;
    const predecessors = this.#losses[number] ?? 0;
    const place = placeOf(number);
    const ports = [...portsOf(links), ...portsOfTrust(place.trust)];
    const placing = thread.call('place', { ...place, links, predecessors }, ports);
    if (lost === undefined) this.#placing.push(placing);
    else
      placing.then(
        () => onReplaced(number, thread),
        (error: unknown) => onVacant(number, error),
      );
  }

  /** What the lost thread held of the process is free again, and everybody learns the way to its successor. */
  #lost(lost: number, reason: string): void {
    Residence.retire(this.#options.residence, lost);
    this.#losses[lost] = (this.#losses[lost] ?? 0) + 1;
    this.#options.onLost(lost, reason);
    const { own, others } = rewire(lost, this.#doors);
    this.#doors[lost] = own.door;
    this.#ends[lost] = own;
    for (const [number, end] of others) this.#tell(number, end);
  }

  /** Ends a thread at once, as a loss would; its successor takes its place. */
  async end(number: number, reason: string): Promise<void> {
    await this.handle(number)?.terminate(reason);
  }

  #tell(number: number, end: LinkEnd): void {
    const handle = this.handle(number);
    if (number === 0) this.links.relink(end);
    else if (handle !== undefined) handle.post('relink', end, [end.port]);
    else this.#keepFor(number, end);
  }

  /** For the next thread in a place where none is now. */
  #keepFor(number: number, end: LinkEnd): void {
    const { ends, ...rest } = this.#ends[number] as LinkEnds;
    this.#ends[number] = { ...rest, ends: ends.map((one) => (one.thread === end.thread ? end : one)) };
  }

  /** Undefined for the moment between a loss and the successor. */
  handle(number: number): AgentThreadHandle | undefined {
    return this.#pool?.thread(number - 1);
  }

  #numberOf(thread: AgentThreadHandle): number | undefined {
    return this.numbers.find((number) => this.handle(number) === thread);
  }

  /** The numbers of all threads that have agents. */
  get numbers(): readonly number[] {
    return Array.from({ length: this.#options.threads }, (_, index) => index + 1);
  }

  /** What the threads that are there answer. */
  async everywhere<T>(ask: (handle: AgentThreadHandle) => Promise<T>): Promise<readonly T[]> {
    const handles = this.numbers.map((number) => this.handle(number));
    const asked = await Promise.allSettled(handles.filter((handle) => handle !== undefined).map(ask));
    return asked.filter((one) => one.status === 'fulfilled').map(({ value }) => value);
  }

  async close(deadlineMs: number): Promise<void> {
    await this.#pool?.close(deadlineMs);
  }

  /** After `close`, and after the last that the threads said was read. */
  closeLinks(): void {
    this.links.close();
  }
}
