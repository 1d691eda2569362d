import { type Difference, differenceOf } from '../../agent/difference.ts';
import type { Halt } from '../../agent/halt.ts';
import { illegal } from '../../agent/lifecycle.ts';
import type { Newcomer } from '../../agent/population.ts';
import { type AgentRecord, type Origin, Registry } from '../../agent/registry.ts';
import type { Spec } from '../../agent/spec.ts';
import type { Bus, KeptSubscription } from '../../bus/bus.ts';
import type { Directory } from '../../bus/directory.ts';
import { HostError } from '../../errors.ts';
import type { Placement } from '../../scheduler/placement.ts';
import type { StealBoard } from '../../scheduler/steal-board.ts';
import type { AskedAgents, Released } from './control.ts';
import { type MoveCounts, Moves, type Station } from './moves.ts';
import { unknownAgent } from './serving.ts';
import type { AgentThreadHandle, Threads } from './threads.ts';

export interface TenancyOptions {
  readonly bus: Bus;
  readonly directory: Directory;
  readonly threads: Threads;
  /** What agents subscribed to themselves in earlier runs. */
  readonly kept: Map<string, readonly KeptSubscription[]>;
  /** Agents that handle nothing until a person says so; the tenancy keeps them up to date. */
  readonly halts: Map<string, Halt>;
  /** An agent came, has another version, or (undefined) is no more. */
  readonly changed: (name: string, spec: Spec | undefined) => void;
  /** Which thread new agents go to. */
  readonly placement?: Placement;
  /** No agent has its state on disk. */
  readonly isFresh: boolean;
  readonly stealBoard: StealBoard;
}

/** Agents that are told to a thread in one go. */
const agentsPerCall = 4096;

/** Which agents there are, and that their threads know of them. All changes are made one after the other. */
export class Tenancy {
  readonly #options: TenancyOptions;
  readonly registry: Registry;
  /** Who knows which spec: threads by the spec's number. */
  readonly #learnt = new Map<
    number,
    { readonly spec: Spec; readonly threads: Set<number>; agents: number }
  >();
  readonly #routes = new Map<string, string>();
  readonly #isFresh: boolean;
  readonly #moves: Moves;
  /** Threads that were lost, whose agents and messages are not there again. */
  readonly #lost = new Set<number>();
  /** Agents that are not begun again after their end, and why they ended. */
  readonly #ended = new Map<string, string>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: TenancyOptions) {
    this.#options = options;
    this.#isFresh = options.isFresh;
    this.registry = new Registry(options.directory, options.placement);
    this.#moves = new Moves({
      station: (thread) => this.#stationOf(thread),
      directory: options.directory,
      registry: this.registry,
      released: (agents) => this.#released(agents),
    });
  }

  /** @throws HostError `HOST_ERR_AGENT_UNKNOWN` */
  require(name: string): AgentRecord {
    const record = this.registry.get(name);
    if (record === undefined) throw unknownAgent(name);
    return record;
  }

  /** As `require`, once it is where its record says: whoever tells its thread something next is heard there. */
  async located(name: string): Promise<AgentRecord> {
    const record = this.require(name);
    await this.#moves.settled(record.id);
    return this.require(name);
  }

  /** Whether an agent is on its way to another thread. */
  isMoving({ id }: AgentRecord): boolean {
    return this.#moves.isMoving(id);
  }

  /** Resolves when nobody is on the way from thread to thread; at once, if nobody is. Never rejects. */
  moved(): Promise<void> {
    return this.#moves.done();
  }

  /** Resolves when all changes that were asked for are made. Never rejects. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /** The agent whose route a path lies under: the longest route wins. */
  routeOf(path: string): string | undefined {
    const [bare = ''] = path.split('?', 1);
    for (let end = bare.length; end > 0; end = bare.lastIndexOf('/', end - 1)) {
      const found = this.#routes.get(bare.slice(0, end));
      if (found !== undefined) return found;
    }
    return this.#routes.get('/');
  }

  /** Makes agents of one spec, addressable when this resolves. @throws HostError `HOST_ERR_AGENT_DUPLICATE` */
  add(names: readonly string[], spec: Spec, origin: Origin): Promise<readonly AgentRecord[]> {
    return this.#inTurn(() => this.#add(names, spec, origin));
  }

  /** As `add`, for one that has nothing to do with what an agent of its name was in an earlier run. */
  addNew(name: string, spec: Spec, origin: Origin): Promise<void> {
    return this.#inTurn(async () => {
      const { kept, halts } = this.#options;
      kept.delete(name);
      halts.delete(name);
      const hadState = (await this.#homesOf([name])).size > 0;
      const [record] = await this.#add([name], spec, origin);
      if (!hadState || record === undefined) return;
      // Removing an agent removes its state.
      await this.#removeAll(record);
      await this.#add([name], spec, origin);
    });
  }

  async #add(names: readonly string[], spec: Spec, origin: Origin): Promise<readonly AgentRecord[]> {
    this.#claimRoute(names[0] ?? '', spec);
    const { directory, threads } = this.#options;
    const { mailbox, delivery, messages } = spec.manifest;
    const homes = await this.#homesOf(names);
    const records: AgentRecord[] = [];
    try {
      for (const name of names) {
        const id = directory.add(name, mailbox, delivery.guarantee, messages.seal, messages.sign);
        directory.notePaused(id, this.haltOf(name)?.kind === 'paused');
        const first = this.#placed(id, name, spec, origin, homes.get(name));
        records.push(first);
        this.#multiply(first, spec);
      }
    } catch (thrown) {
      for (const record of records) this.#forget(record);
      throw thrown;
    }
    const all = records.flatMap((record) => this.registry.membersOf(record));
    await Promise.all(threads.numbers.map((number) => this.#settle(number, spec, all)));
    for (const { name } of records) this.#options.changed(name, spec);
    return records;
  }

  /** As many instances as its spec says; those that are new. */
  #multiply(first: AgentRecord, { manifest }: Spec): readonly AgentRecord[] {
    const { directory, threads } = this.#options;
    const { mailbox, delivery, messages, execution } = manifest;
    const added: AgentRecord[] = [];
    for (let count = this.membersOf(first).length; count < execution.instances; count += 1) {
      const id = directory.addMember(first.id, mailbox, delivery.guarantee, messages.seal, messages.sign);
      try {
        added.push(this.registry.addMember(id, first, threads.numbers));
      } catch (thrown) {
        directory.removeMember(first.id, id);
        throw thrown;
      }
    }
    return added;
  }

  /** All instances of an agent, the first one first. */
  membersOf(record: AgentRecord): readonly AgentRecord[] {
    return this.registry.membersOf(record);
  }

  #placed(id: number, name: string, spec: Spec, origin: Origin, home: number | undefined): AgentRecord {
    const { directory, threads } = this.#options;
    try {
      return this.registry.add(id, name, spec, origin, threads.numbers, home);
    } catch (thrown) {
      directory.remove(name);
      throw thrown;
    }
  }

  /** The threads on whose disk agents have their states from an earlier run. */
  async #homesOf(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const homes = new Map<string, number>();
    const ask = async (number: number): Promise<void> => {
      const held = await this.#handle(number).call('holds', names);
      for (const [index, name] of names.entries()) if (held[index] === true) homes.set(name, number);
    };
    if (!this.#isFresh) await Promise.all(this.#options.threads.numbers.map(ask));
    return homes;
  }

  async #settle(number: number, spec: Spec, records: readonly AgentRecord[]): Promise<void> {
    const own = records.filter(({ thread }) => thread === number);
    if (own.length === 0) return;
    await this.#install(this.#handle(number), number, spec, own, false);
  }

  async #install(
    handle: AgentThreadHandle,
    number: number,
    spec: Spec,
    records: readonly AgentRecord[],
    isAgain: boolean,
  ): Promise<void> {
    await this.#teach(handle, number, spec);
    for (let at = 0; at < records.length; at += agentsPerCall) {
      const some = records.slice(at, at + agentsPerCall);
      await handle.call('add', {
        spec: spec.number,
        agents: some.map((record) => this.#newcomer(record)),
        isAgain,
      });
      // What they are subscribed to was shown before the answer, and is known here before anybody publishes.
      this.#options.threads.links.catchUp();
      for (const { id } of some) {
        if (isAgain) this.#options.directory.forget(id);
        this.#options.directory.place(id, number);
      }
    }
  }

  #newcomer({ id, name, spec }: AgentRecord): Newcomer {
    const { kept, halts } = this.#options;
    // What one of several instances subscribed to is not known to be of which.
    const own = spec.manifest.execution.instances > 1 ? undefined : kept.get(name);
    const halt = halts.get(name);
    if (own === undefined && halt === undefined) return [id, name];
    kept.delete(name);
    return [id, name, own, halt];
  }

  async #teach(handle: AgentThreadHandle, number: number, spec: Spec): Promise<void> {
    let learnt = this.#learnt.get(spec.number);
    if (learnt === undefined) {
      learnt = { spec, threads: new Set(), agents: 0 };
      this.#learnt.set(spec.number, learnt);
    }
    if (learnt.threads.has(number)) return;
    await handle.call('learn', spec);
    learnt.threads.add(number);
  }

  /** Takes another version; messages wait meanwhile and none is lost. */
  replace(asked: AgentRecord, spec: Spec, origin: Origin): Promise<Difference> {
    return this.#inTurn(async () => {
      const record = this.#present(asked);
      const difference = differenceOf(record.spec, spec);
      this.#claimRoute(record.name, spec);
      const surplus = this.membersOf(record).slice(spec.manifest.execution.instances);
      for (const one of surplus.toReversed()) await this.#removeOne(one);
      await Promise.all(this.membersOf(record).map((one) => this.#replaceOne(one, spec, origin)));
      const added = this.#multiply(this.require(record.name), spec);
      await Promise.all(this.#options.threads.numbers.map((number) => this.#settle(number, spec, added)));
      this.#options.changed(record.name, spec);
      return difference;
    });
  }

  async #replaceOne(record: AgentRecord, spec: Spec, origin: Origin): Promise<void> {
    const handle = this.#handle(record.thread);
    await this.#teach(handle, record.thread, spec);
    await handle.call('replace', { id: record.id, spec: spec.number });
    const { mailbox, delivery, messages } = spec.manifest;
    this.#options.directory.limit(record.id, mailbox, delivery.guarantee, messages.seal, messages.sign);
    this.registry.replace(record, spec, origin);
  }

  remove(asked: AgentRecord): Promise<void> {
    return this.#inTurn(async () => {
      const record = this.#present(asked);
      await this.#removeAll(record);
      this.#options.changed(record.name, undefined);
      const { route } = record.spec.manifest;
      if (route !== undefined) this.#routes.delete(route);
    });
  }

  async #removeAll(record: AgentRecord): Promise<void> {
    const [, ...others] = this.membersOf(record);
    for (const one of others.toReversed()) await this.#removeOne(one);
    await this.#handle(record.thread).call('remove', record.id);
    this.#forget(record);
  }

  /** An instance that is not its agent's first. */
  async #removeOne(record: AgentRecord): Promise<void> {
    await this.#handle(record.thread).call('remove', record.id);
    this.#forgetMember(record);
  }

  #forgetMember(record: AgentRecord): void {
    const first = this.require(record.name);
    this.#options.directory.removeMember(first.id, record.id);
    this.registry.remove(record);
  }

  /** What a thread says of one of its agents. @returns what counts for the agent, all its instances taken together */
  noteHalt(name: string, halt: Halt | undefined): Halt | undefined {
    const { halts, directory } = this.#options;
    const before = halts.get(name);
    const record = this.registry.get(name);
    const members = record === undefined ? [] : this.membersOf(record);
    // The others stand still because one is held, with what it failed at.
    if (members.length > 1 && before?.kind === 'held' && halt?.kind === 'paused') return before;
    if (halt === undefined) halts.delete(name);
    else halts.set(name, halt);
    for (const { id } of members) directory.notePaused(id, halt?.kind === 'paused');
    if (members.length > 1 && halt !== undefined && halt.kind !== 'paused' && before?.kind !== halt.kind)
      this.#haltOthers(members, halt);
    return halt;
  }

  /** What one instance of an agent failed at for good is no work for the others: they stop where that one did. */
  #haltOthers(members: readonly AgentRecord[], { kind, why }: Halt): void {
    const rein = kind === 'held' ? 'pause' : 'stop';
    for (const { id, thread } of members) {
      const pulled = this.#options.threads.handle(thread)?.call('pull', { id, rein, by: why });
      // The one that told of it is halted already, and so may others be.
      pulled?.catch(() => undefined);
    }
  }

  /** What a thread says of one of its agents: it is not begun again after its end, or (undefined) it is. */
  noteEnd(name: string, why: string | undefined): void {
    if (why === undefined || this.registry.get(name) === undefined) this.#ended.delete(name);
    else this.#ended.set(name, why);
  }

  /** @throws HostError `HOST_ERR_LIFECYCLE_ILLEGAL` for an agent that ended and, as its `[restart]` says, is not begun again */
  requireBeginnable({ name, spec }: AgentRecord): void {
    const why = this.#ended.get(name);
    if (why === undefined) return;
    const { policy } = spec.manifest.restart;
    throw illegal(
      name,
      policy === 'on-failure' ? 'completed' : 'failed',
      'running',
      `it ended (${why}), and is not begun again, as its [restart] policy = "${policy}" says; host agents resume ${name} begins it anew`,
    );
  }

  /** Why an agent handles nothing, as far as its thread has said so. */
  haltOf(name: string): Halt | undefined {
    return this.#options.halts.get(name);
  }

  /** A person says that an agent goes on. False: nothing keeps it from doing so. */
  resume(record: AgentRecord, isDropped: boolean): Promise<boolean> {
    return this.#inTurn(async () => {
      const resumed = await Promise.all(
        this.membersOf(this.#present(record)).map(({ id, thread }) =>
          this.#handle(thread).call('resume', { id, isDropped }),
        ),
      );
      return resumed.includes(true);
    });
  }

  #forget(record: AgentRecord): void {
    for (const one of this.membersOf(record).slice(1)) this.#forgetMember(one);
    this.#options.halts.delete(record.name);
    this.#ended.delete(record.name);
    this.#options.directory.remove(record.name);
    this.registry.remove(record);
  }

  /** A thread was lost: its agents will be there again, on the one that takes its place. */
  suspend(number: number): void {
    this.#lost.add(number);
    this.#options.stealBoard.forget(number);
    for (const { id, name, thread } of this.registry.records()) {
      if (thread !== number) continue;
      this.#options.directory.suspend(id, number);
      // It begins anew, whatever it was.
      this.#ended.delete(name);
    }
  }

  /** A thread took the place of a lost one: all its agents begin anew there, or where their states on disk are. */
  reinstall(number: number, handle: AgentThreadHandle): Promise<number> {
    return this.#inTurn(() => this.#reinstall(number, handle));
  }

  /** All that a lost thread had is there again. */
  returned(number: number): void {
    this.#lost.delete(number);
  }

  /** A thread would have agents of another one. @returns how many came */
  steal(thief: number, { victim, max }: AskedAgents): Promise<number> {
    return this.#inTurn(async () => (this.#lost.size > 0 ? 0 : this.#moves.steal(thief, victim, max)));
  }

  #stationOf(number: number): Station | undefined {
    const { threads } = this.#options;
    const handle = threads.handle(number);
    if (handle === undefined) return undefined;
    return {
      number,
      get isHere() {
        return threads.handle(number) === handle;
      },
      candidates: (max) => handle.call('candidates', max),
      leave: (ids) => handle.call('leave', ids),
      arrive: async (spec, luggage) => {
        await this.#teach(handle, number, spec);
        await handle.call('arrive', { spec: spec.number, luggage });
      },
    };
  }

  #released(agents: readonly Released[]): void {
    const { threads, bus } = this.#options;
    for (const { id, name } of agents) bus.release(id, name);
    for (const number of threads.numbers) threads.handle(number)?.post('released', agents);
  }

  /** What became of moves. */
  get moveCounts(): MoveCounts {
    return this.#moves.counts;
  }

  /** Where an agent is now: it may have moved since it was looked up. */
  #present(record: AgentRecord): AgentRecord {
    const present = this.registry.get(record.name);
    if (present?.id !== record.id) throw unknownAgent(record.name);
    return present;
  }

  async #reinstall(number: number, handle: AgentThreadHandle): Promise<number> {
    for (const { threads } of this.#learnt.values()) threads.delete(number);
    this.#options.bus.introduce(number);
    const bySpec = Map.groupBy(
      [...this.registry.records()].filter(({ thread }) => thread === number),
      ({ spec }) => spec,
    );
    let count = 0;
    for (const [spec, records] of bySpec) {
      await this.#install(handle, number, spec, records, true);
      count += records.length;
    }
    return count;
  }

  /** @throws HostError `HOST_ERR_CONFIG_INVALID` when another agent has the route */
  #claimRoute(name: string, { manifest: { route }, manifestPath }: Spec): void {
    if (route === undefined) return;
    const holder = this.#routes.get(route);
    if (holder !== undefined && holder !== name)
      throw new HostError(
        'HOST_ERR_CONFIG_INVALID',
        `${manifestPath}: http.route '${route}' is that of the agent '${holder}'; take another`,
        { path: manifestPath, key: 'http.route' },
      );
    for (const [other, owner] of this.#routes) if (owner === name) this.#routes.delete(other);
    this.#routes.set(route, name);
  }

  #handle(number: number): AgentThreadHandle {
    const handle = this.#options.threads.handle(number);
    if (handle === undefined)
      throw new HostError(
        'HOST_ERR_THREAD_LOST',
        'a thread was lost and its successor is starting; try again',
      );
    return handle;
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#last.then(act);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
