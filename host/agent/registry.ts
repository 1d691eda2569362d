import { Placement } from '../scheduler/placement.ts';
import { demandOf, noRoom } from './demand.ts';
import { newInts, newObjects } from './paged.ts';
import type { Spec } from './spec.ts';

/** One agent as the main thread knows it, at the moment it was asked for. */
export interface AgentRecord {
  readonly id: number;
  readonly name: string;
  readonly spec: Spec;
  /** The thread that owns it. */
  readonly thread: number;
  /** How it came here. */
  readonly origin: Origin;
  /** Digests of the versions before, newest first. */
  readonly earlier: readonly string[];
}

/** Where an agent was installed from; one object for all that came together. */
export interface Origin {
  /** Undefined: over HTTP, or spawned by host code. */
  readonly manifestPath: string | undefined;
  readonly manifestText: string;
  readonly installedAtMs: number;
  /** Who signed its component: `ed25519:…`; undefined: nobody. */
  readonly signedBy?: string | undefined;
}

/** Names and their ids: the bus's directory. */
export interface Ids {
  /** 0: there is none. */
  find(name: string): number;
  /** A small integer for an id, unique among the agents there are. */
  indexOf(id: number): number;
}

/** What agents that came together have in common. */
interface Kin {
  readonly spec: Spec;
  readonly origin: Origin;
  readonly earlier: readonly string[];
}

const earlierMax = 10;
const none: readonly string[] = [];

/**
 * All agents of a host by name, and which thread has them. There may be a million: of each there is its name, and
 * a few numbers outside the heap.
 */
export class Registry {
  readonly #directory: Ids;
  readonly #ids = newInts();
  readonly #threads = newInts();
  readonly #names = newObjects<string>();
  readonly #kin = newObjects<Kin>();
  /** The latest, for the next agents of the same spec. */
  #lastKin: Kin | undefined;
  #size = 0;
  /** All instances of agents that have several, by the id of the first. */
  readonly #members = new Map<number, readonly number[]>();
  /** The first instance of each of the others. */
  readonly #firsts = new Map<number, number>();
  /** How many agents were installed at each moment: those that came together share one. */
  readonly #installed = new Map<number, number>();
  /** Names in order, made when a list is asked for, until the next change. */
  #sorted: string[] | undefined;
  readonly #placement: Placement;

  constructor(directory: Ids, placement: Placement = new Placement()) {
    this.#directory = directory;
    this.#placement = placement;
  }

  /** Agents there are. */
  get size(): number {
    return this.#size - this.#firsts.size;
  }

  /** Of those that are parallel, each counts. */
  get instances(): number {
    return this.#size;
  }

  /** How long the agents have been here on average; those of an earlier run since this one began, at `sinceMs`. */
  averageAgeMs(nowMs: number, sinceMs: number): number {
    if (this.#size === 0) return 0;
    let agesMs = 0;
    for (const [atMs, count] of this.#installed)
      agesMs += count * Math.max(0, nowMs - Math.max(atMs, sinceMs));
    return agesMs / this.#size;
  }

  get(name: string): AgentRecord | undefined {
    const id = this.#directory.find(name);
    if (id === 0) return undefined;
    const record = this.#at(this.#directory.indexOf(id));
    return record?.id === id && record.name === name ? record : undefined;
  }

  /** Every instance of every agent: of a parallel one there are several of one name. */
  *records(): Generator<AgentRecord> {
    for (let index = 0; index < this.#ids.end; index += 1) {
      const record = this.#at(index);
      if (record !== undefined) yield record;
    }
  }

  /** Those of these ids that are agents still. */
  *recordsOf(ids: Iterable<number>): Generator<AgentRecord> {
    for (const id of ids) {
      const record = this.#at(this.#directory.indexOf(id));
      if (record?.id === id) yield record;
    }
  }

  /** Another thread has it from now on. */
  move({ id, thread, spec }: AgentRecord, to: number): void {
    const demand = demandOf(spec);
    this.#placement.went(thread, demand);
    this.#placement.came(to, demand);
    this.#threads.set(this.#directory.indexOf(id), to);
  }

  #at(index: number): AgentRecord | undefined {
    const id = this.#ids.get(index) ?? 0;
    const kin = this.#kin.get(index);
    if (id === 0 || kin === undefined) return undefined;
    const { spec, origin, earlier } = kin;
    const name = this.#names.get(index) as string;
    return { id, name, spec, thread: this.#threads.get(index) as number, origin, earlier };
  }

  /**
   * Gives a new agent a thread: `home` where its state lies already, else the one of `threads` that the placement chooses.
   * @throws HostError `HOST_ERR_BUDGET_EXHAUSTED` when no thread has as much left as it reserves
   */
  add(
    id: number,
    name: string,
    spec: Spec,
    origin: Origin,
    threads: readonly number[],
    home?: number,
  ): AgentRecord {
    const index = this.#directory.indexOf(id);
    if ((this.#ids.get(index) ?? 0) !== 0) throw new Error(`bug: an agent '${name}' is there already`);
    const demand = demandOf(spec);
    const thread = home ?? this.#placement.choose(threads, demand);
    if (thread === undefined) throw noRoom(spec, demand);
    this.#ids.set(index, id);
    this.#threads.set(index, thread);
    this.#names.set(index, name);
    this.#kin.set(index, this.#kinOf(spec, origin));
    this.#size += 1;
    this.#countInstalled(origin, 1);
    this.#placement.came(thread, demand);
    this.#sorted = undefined;
    return { id, name, spec, thread, origin, earlier: none };
  }

  /**
   * Gives another instance of an agent a thread, of those where it has the fewest.
   * @throws HostError as `add`
   */
  addMember(id: number, first: AgentRecord, threads: readonly number[]): AgentRecord {
    const { name, spec, origin } = first;
    const own = this.membersOf(first);
    const count = (thread: number): number => own.filter((one) => one.thread === thread).length;
    const fewest = Math.min(...threads.map(count));
    const record = this.add(
      id,
      name,
      spec,
      origin,
      threads.filter((thread) => count(thread) === fewest),
    );
    this.#members.set(first.id, [...own.map((one) => one.id), id]);
    this.#firsts.set(id, first.id);
    return record;
  }

  /** All instances of an agent, the first one first. */
  membersOf(record: AgentRecord): readonly AgentRecord[] {
    const ids = this.#members.get(record.id);
    if (ids === undefined) return [record];
    return ids.map((id) => this.#at(this.#directory.indexOf(id)) as AgentRecord);
  }

  #countInstalled({ installedAtMs }: Origin, by: 1 | -1): void {
    const count = (this.#installed.get(installedAtMs) ?? 0) + by;
    if (count === 0) this.#installed.delete(installedAtMs);
    else this.#installed.set(installedAtMs, count);
  }

  #kinOf(spec: Spec, origin: Origin): Kin {
    if (this.#lastKin?.spec !== spec || this.#lastKin.origin !== origin)
      this.#lastKin = { spec, origin, earlier: none };
    return this.#lastKin;
  }

  agentsOf(thread: number): number {
    return this.#placement.agentsOf(thread);
  }

  /** Whether the agent of a record is still there. */
  isCurrent({ id }: AgentRecord): boolean {
    return this.#ids.get(this.#directory.indexOf(id)) === id;
  }

  replace({ id, thread, spec: before, earlier }: AgentRecord, spec: Spec, origin: Origin): void {
    this.#placement.went(thread, demandOf(before));
    this.#placement.came(thread, demandOf(spec));
    const { digest } = before.program.facts;
    const isSame = digest === spec.program.facts.digest;
    const versions = isSame ? earlier : [digest, ...earlier].slice(0, earlierMax);
    const index = this.#directory.indexOf(id);
    const kin = this.#kin.get(index);
    if (kin !== undefined) this.#countInstalled(kin.origin, -1);
    this.#countInstalled(origin, 1);
    this.#kin.set(index, { spec, origin, earlier: versions });
  }

  remove({ id, thread }: AgentRecord): void {
    const index = this.#directory.indexOf(id);
    const { spec } = this.#kin.get(index) as Kin;
    const kin = this.#kin.get(index);
    if (kin !== undefined) this.#countInstalled(kin.origin, -1);
    this.#ids.set(index, 0);
    this.#names.set(index, undefined);
    this.#kin.set(index, undefined);
    this.#size -= 1;
    this.#placement.went(thread, demandOf(spec));
    this.#sorted = undefined;
    this.#removeMember(id);
  }

  #removeMember(id: number): void {
    const first = this.#firsts.get(id);
    this.#members.delete(id);
    this.#firsts.delete(id);
    if (first === undefined) return;
    const left = (this.#members.get(first) ?? []).filter((one) => one !== id);
    if (left.length > 1) this.#members.set(first, left);
    else this.#members.delete(first);
  }

  /** At most `max` agents in the order of their names, after one name. */
  list(after: string | undefined, max: number, prefix = ''): readonly AgentRecord[] {
    this.#sorted ??= [...this.records()]
      .filter(({ id }) => !this.#firsts.has(id))
      .map(({ name }) => name)
      .sort();
    const names = this.#sorted;
    const found: AgentRecord[] = [];
    const from = after !== undefined && after >= prefix ? after : prefix;
    for (let at = firstFrom(names, from); at < names.length && found.length < max; at += 1) {
      const name = names[at] as string;
      if (!name.startsWith(prefix)) break;
      if (name === after) continue;
      found.push(this.get(name) as AgentRecord);
    }
    return found;
  }
}

/** Index of the first name that is not before `from`. */
function firstFrom(names: readonly string[], from: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] as string) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}
