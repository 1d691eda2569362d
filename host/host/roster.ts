import type { AgentReport } from '../agent/population.ts';
import type { Triggers } from '../agent/triggers/triggers.ts';
import { detailOf, summaryOf } from './agent-view.ts';
import type { AgentDetail, AgentSummary } from './serving.ts';
import type { Tenancy } from './tenancy.ts';
import type { Threads } from './threads.ts';

/** What is known of the agents of all threads, as people are shown it. */
export class Roster {
  readonly #tenancy: Tenancy;
  readonly #threads: Threads;
  readonly #triggers: Triggers;

  constructor(tenancy: Tenancy, threads: Threads, triggers: Triggers) {
    this.#tenancy = tenancy;
    this.#threads = threads;
    this.#triggers = triggers;
  }

  async agents(after: string | undefined, max: number, prefix?: string): Promise<readonly AgentSummary[]> {
    // Nobody is asked of a thread that is just being left.
    await this.#tenancy.moved();
    const records = this.#tenancy.registry.list(after, max, prefix);
    const byThread = Map.groupBy(records, ({ thread }) => thread);
    const reports = new Map<number, AgentReport | undefined>();
    await Promise.all(
      [...byThread].map(async ([thread, some]) => {
        const ids = some.map(({ id }) => id);
        const found = (await this.#threads.handle(thread)?.call('report', ids)) ?? [];
        for (const [index, id] of ids.entries()) reports.set(id, found[index]);
      }),
    );
    return records.map((record) => summaryOf(record, reports.get(record.id)));
  }

  async agent(name: string): Promise<AgentDetail> {
    const record = await this.#tenancy.located(name);
    const [report] = (await this.#threads.handle(record.thread)?.call('report', [record.id])) ?? [];
    return detailOf(record, report, this.#triggers.of(name));
  }
}
