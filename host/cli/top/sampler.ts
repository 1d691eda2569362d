import { systemClock } from '../../clock.ts';
import type { AgentSummary, ServingStatus } from '../../host/serving.ts';
import type { Connection } from '../client/connection.ts';
import { listIn, tableIn, type Wire } from '../client/wire.ts';

/** Something that counts, and how fast it counts. */
export interface Rates {
  readonly handledPerSecond: number;
  readonly fuelPerSecond: number;
}

export type ThreadSample = Wire<ServingStatus>['threads'][number] &
  Rates & {
    readonly slicesPerSecond: number;
    readonly preemptionsPerSecond: number;
  };
export type AgentSample = Wire<AgentSummary> & Rates;

export interface Sample {
  readonly status: Wire<ServingStatus>;
  readonly nowMs: number;
  readonly threads: readonly ThreadSample[];
  /** Busiest first. */
  readonly agents: readonly AgentSample[];
  /** Whether there are more of them than were asked for. */
  readonly isPart: boolean;
}

type Counts = Readonly<Record<string, number>>;

/** More fit on no screen; those of a host with more are told apart by `--prefix`. */
export const agentsMax = 1000;

/** Asks a host how it is, again and again, and makes rates of its counts. */
export class Sampler {
  readonly #connection: Connection;
  readonly #prefix: string;
  #before: { readonly atMs: number; readonly counts: ReadonlyMap<string, Counts> } | undefined;

  constructor(connection: Connection, prefix: string) {
    this.#connection = connection;
    this.#prefix = prefix;
  }

  /** @throws HostError as `Connection.json` */
  async next(): Promise<Sample> {
    const query = new URLSearchParams({ limit: String(agentsMax) });
    if (this.#prefix !== '') query.set('prefix', this.#prefix);
    const [status, page] = await Promise.all([
      this.#connection.json('GET', '/v1/status'),
      this.#connection.json('GET', `/v1/agents?${query}`),
    ]);
    listIn(status, 'threads');
    return this.#sampleOf(status as Wire<ServingStatus>, tableIn(page));
  }

  #sampleOf(status: Wire<ServingStatus>, page: Readonly<Record<string, unknown>>): Sample {
    const atMs = systemClock.monotonicMs();
    const nowMs = Number(systemClock.wallNs() / 1_000_000n);
    const secondsUp = Math.max(1, (nowMs - status.startedAtMs) / 1000);
    const seconds =
      this.#before === undefined ? secondsUp : Math.max(0.001, (atMs - this.#before.atMs) / 1000);
    const counts = new Map<string, Counts>();
    const perSecond = (key: string, now: Counts): ((name: string) => number) => {
      const before = this.#before?.counts.get(key) ?? {};
      counts.set(key, now);
      return (name) => Math.max(0, (now[name] ?? 0) - (before[name] ?? 0)) / seconds;
    };
    const rated = <T extends { readonly handled: number; readonly fuel: string | number }>(
      key: string,
      each: T,
    ): T & Rates => {
      const rate = perSecond(key, { handled: each.handled, fuel: Number(each.fuel) });
      return { ...each, handledPerSecond: rate('handled'), fuelPerSecond: rate('fuel') };
    };
    const threads = status.threads.map((thread): ThreadSample => {
      const { slices, preemptions } = thread.scheduling;
      const rate = perSecond(`turns ${thread.thread}`, { slices, preemptions });
      return {
        ...rated(`thread ${thread.thread}`, thread),
        slicesPerSecond: rate('slices'),
        preemptionsPerSecond: rate('preemptions'),
      };
    });
    const agents = listIn<Wire<AgentSummary>>(page, 'agents').map((agent) =>
      rated(`agent ${agent.name}`, agent),
    );
    this.#before = { atMs, counts };
    return { status, nowMs, threads, agents: agents.sort(busiestFirst), isPart: page.next !== undefined };
  }
}

function busiestFirst(a: AgentSample, b: AgentSample): number {
  return (
    b.fuelPerSecond - a.fuelPerSecond ||
    b.mailboxDepth - a.mailboxDepth ||
    b.handled - a.handled ||
    (a.name < b.name ? -1 : 1)
  );
}
