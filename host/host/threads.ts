import { type LinkEnd, type LinkEnds, Links, portsOf, rewire, wire } from '../bus/links.ts';
import type { Clock } from '../clock.ts';
import { Pool } from '../engine/pool.ts';
import { Residence, type ResidenceShare } from '../engine/residence.ts';
import type { Thread } from '../engine/worker/client.ts';
import type { LogEntry } from '../telemetry/log-entry.ts';
import type { OwnerCalls, ThreadCalls, ThreadPlace, ThreadSettings } from './control.ts';

export type AgentThreadHandle = Thread<OwnerCalls, ThreadCalls>;

export interface ThreadsOptions {
  /** Threads that have agents; thread 0 is this one. */
  readonly threads: number;
  readonly settings: ThreadSettings;
  readonly clock: Clock;
  readonly residence: ResidenceShare;
  readonly placeOf: (thread: number) => Omit<ThreadPlace, 'links'>;
  readonly onLogs: (entries: readonly LogEntry[]) => void;
  readonly onOutput: (text: string) => void;
  /** A thread took its place, at the start or after another was lost: its agents are to be installed. */
  readonly onPlaced: (thread: number, handle: AgentThreadHandle, lost: string | undefined) => void;
}

const entry = new URL(
  import.meta.url.endsWith('.ts') ? './thread-main.ts' : './agent-thread.js',
  import.meta.url,
);
const heapMiBMax = 4096;

/** The threads of a serving host, numbered from 1, and the links among them and to this one, which is 0. */
export class Threads {
  readonly #options: ThreadsOptions;
  readonly #doors: SharedArrayBuffer[];
  readonly #ends: LinkEnds[];
  readonly links: Links;
  #pool: Pool<OwnerCalls, ThreadCalls> | undefined;

  constructor(options: ThreadsOptions) {
    this.#options = options;
    this.#ends = wire(options.threads + 1);
    this.#doors = this.#ends.map(({ door }) => door);
    this.links = new Links(this.#ends[0] as LinkEnds, { clock: options.clock });
  }

  /** @throws HostError `HOST_ERR_THREAD_LOST` when a thread does not start */
  async start(): Promise<void> {
    const { threads, settings, clock, onLogs, onOutput } = this.#options;
    this.#pool = await Pool.start<OwnerCalls, ThreadCalls>({
      entry,
      threads,
      start: settings,
      clock,
      heapMiBMax,
      answers: () => ({ logs: onLogs }),
      onOutput: (_place, _stream, text) => onOutput(text),
      onPlaced: (place, thread, lost) => this.#placed(place + 1, thread, lost),
    });
  }

  #placed(number: number, thread: AgentThreadHandle, lost: string | undefined): void {
    const links = lost === undefined ? (this.#ends[number] as LinkEnds) : this.#relink(number);
    thread.post('place', { ...this.#options.placeOf(number), links }, portsOf(links));
    this.#options.onPlaced(number, thread, lost);
  }

  /** What the lost thread held of the process is free again, and everybody learns the way to its successor. */
  #relink(lost: number): LinkEnds {
    Residence.retire(this.#options.residence, lost);
    const { own, others } = rewire(lost, this.#doors);
    this.#doors[lost] = own.door;
    for (const [number, end] of others) this.#tell(number, end);
    return own;
  }

  #tell(number: number, end: LinkEnd): void {
    if (number === 0) this.links.relink(end);
    else this.handle(number)?.post('relink', end, [end.port]);
  }

  /** Undefined for the moment between a loss and the successor. */
  handle(number: number): AgentThreadHandle | undefined {
    return this.#pool?.thread(number - 1);
  }

  /** The numbers of all threads that have agents. */
  get numbers(): readonly number[] {
    return Array.from({ length: this.#options.threads }, (_, index) => index + 1);
  }

  async close(deadlineMs: number): Promise<void> {
    await this.#pool?.close(deadlineMs);
    this.links.close();
  }
}
