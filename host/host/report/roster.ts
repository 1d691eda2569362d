import type { AgentReport } from '../../agent/population.ts';
import type { AgentRecord } from '../../agent/registry.ts';
import type { Triggers } from '../../agent/triggers/triggers.ts';
import { sumOf } from '../agent-sum.ts';
import { detailOf, type Members, summaryOf } from '../agent-view.ts';
import type { AgentDetail, AgentSummary } from '../serving.ts';
import type { AgentNursery } from '../thread/nursery.ts';
import type { Tenancy } from '../thread/tenancy.ts';
import type { Threads } from '../thread/threads.ts';

/** What is known of the agents of all threads, as people are shown it. */
export class Roster {
  readonly #tenancy: Tenancy;
  readonly #threads: Threads;
  readonly #triggers: Triggers;
  readonly #families: Pick<AgentNursery, 'parentOf' | 'childrenOf'>;

  constructor(
    tenancy: Tenancy,
    threads: Threads,
    triggers: Triggers,
    families: Pick<AgentNursery, 'parentOf' | 'childrenOf'>,
  ) {
    this.#families = families;
    this.#tenancy = tenancy;
    this.#threads = threads;
    this.#triggers = triggers;
  }

  async agents(after: string | undefined, max: number, prefix?: string): Promise<readonly AgentSummary[]> {
    // Nobody is asked of a thread that is just being left.
    await this.#tenancy.moved();
    const records = this.#tenancy.registry.list(after, max, prefix);
    const all = records.map((record) => this.#membersOf(record));
    const byThread = Map.groupBy(all.flat(), ({ thread }) => thread);
    const reports = new Map<number, AgentReport | undefined>();
    await Promise.all(
      [...byThread].map(async ([thread, some]) => {
        const ids = some.map(({ id }) => id);
        const found = (await this.#threads.handle(thread)?.call('report', ids)) ?? [];
        for (const [index, id] of ids.entries()) reports.set(id, found[index]);
      }),
    );
    return all.map((members) => {
      const report = sumOf(members.map(({ id }) => reports.get(id)));
      return summaryOf(members, report, this.#families.parentOf(members[0].name));
    });
  }

  async agent(name: string): Promise<AgentDetail> {
    const members = this.#membersOf(await this.#tenancy.located(name));
    const reports = members.map(async ({ id, thread }) => {
      const [report] = (await this.#threads.handle(thread)?.call('report', [id])) ?? [];
      return report;
    });
    const family = {
      parent: this.#families.parentOf(name),
      children: [...this.#families.childrenOf(name)].sort(),
    };
    return detailOf(members, sumOf(await Promise.all(reports)), this.#triggers.of(name), family);
  }

  #membersOf(record: AgentRecord): Members {
    return [record, ...this.#tenancy.membersOf(record).slice(1)];
  }
}
