import { type Answer, done, refused } from './asked.ts';
import { Topology, type TopologyKind } from './topology.ts';

/** The groups of a host: who belongs to which, and who is next to whom there. */
export class Groups {
  readonly #groupsMax: number;
  readonly #membersMax: number;
  readonly #groups = new Map<string, Topology>();
  readonly #of = new Map<string, Set<string>>();

  /** `membersMax`: of one group. */
  constructor(groupsMax = 10_000, membersMax = 4096) {
    this.#groupsMax = groupsMax;
    this.#membersMax = membersMax;
  }

  get size(): number {
    return this.#groups.size;
  }

  join(name: string, agent: string, kind: TopologyKind): Answer {
    let group = this.#groups.get(name);
    if (group === undefined) {
      if (this.#groups.size >= this.#groupsMax) return refused('full');
      group = new Topology(kind);
      this.#groups.set(name, group);
    }
    if (group.has(agent)) return done;
    if (group.size >= this.#membersMax) return refused('full');
    group.add(agent);
    const own = this.#of.get(agent) ?? new Set();
    this.#of.set(agent, own.add(name));
    return done;
  }

  leave(name: string, agent: string): void {
    const group = this.#groups.get(name);
    if (group?.remove(agent) !== true) return;
    if (group.size === 0) this.#groups.delete(name);
    const own = this.#of.get(agent);
    own?.delete(name);
    if (own?.size === 0) this.#of.delete(agent);
  }

  /** As one agent sees it; a group nobody joined has no members. */
  view(name: string, agent: string): Answer {
    const group = this.#groups.get(name);
    const view =
      group === undefined
        ? { topology: 'mesh' as const, members: [], neighbours: [] }
        : { topology: group.kind, members: group.members, neighbours: group.neighbours(agent) };
    return { kind: 'group', group: view };
  }

  /** The agent is no more. */
  endOf(agent: string): void {
    for (const name of [...(this.#of.get(agent) ?? [])]) this.leave(name, agent);
  }
}
