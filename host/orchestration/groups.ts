import { type Answer, done, refused } from './asked.ts';
import { Shares } from './shares.ts';
import { Topology, type TopologyKind } from './topology.ts';

/** The groups of a host: who belongs to which, and who is next to whom there. */
export class Groups {
  readonly #groupsMax: number;
  readonly #membersMax: number;
  readonly #shares: Shares;
  readonly #groups = new Map<string, Topology>();
  readonly #of = new Map<string, Set<string>>();

  /** `membersMax`: of one group. */
  constructor(groupsMax = 10_000, membersMax = 4096, shares: Shares = new Shares()) {
    this.#groupsMax = groupsMax;
    this.#membersMax = membersMax;
    this.#shares = shares;
  }

  get size(): number {
    return this.#groups.size;
  }

  join(name: string, agent: string, kind: TopologyKind): Answer {
    const present = this.#groups.get(name);
    if (present?.has(agent) === true) return done;
    const own = this.#of.get(agent) ?? new Set();
    if (!this.#shares.allows(agent, 'groupsMax', own.size + 1)) return refused('full');
    if (present === undefined ? this.#groups.size >= this.#groupsMax : present.size >= this.#membersMax)
      return refused('full');
    const group = present ?? new Topology(kind);
    group.add(agent);
    this.#groups.set(name, group);
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
