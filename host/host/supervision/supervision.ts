import type { AgentExit } from '../../agent/custody.ts';
import type { AgentRecord } from '../../agent/registry.ts';
import { backoffOf } from '../../agent/restart-delay.ts';
import type { Clock, Random } from '../../clock.ts';
import { HostError } from '../../errors.ts';
import { agentsOf, defaultRestart, type Restart, type SupervisorTree } from '../../manifest.ts';
import type { ChildSpec, RestartClass } from '../../supervisor/child-spec.ts';
import type { ChildState } from '../../supervisor/slot.ts';
import { subtree } from '../../supervisor/subtree.ts';
import { Supervisor, type SupervisorRooms, type SupervisorSpec } from '../../supervisor/supervisor.ts';
import type { SupervisorNote } from '../../supervisor/supervisor-note.ts';
import type { SupervisorStatus } from '../serving.ts';
import type { Tenancy } from '../thread/tenancy.ts';
import type { AgentThreadHandle, Threads } from '../thread/threads.ts';
import { AgentChild } from './agent-child.ts';

export interface SupervisionRooms {
  readonly tenancy: Tenancy;
  readonly threads: Threads;
  readonly clock: Clock;
  readonly random: Random;
  /** What a supervisor did. */
  readonly told: (supervisor: string, note: SupervisorNote) => void;
}

/** What a renewal changed: names of roots. */
export interface Renewed {
  readonly began: readonly string[];
  readonly ended: readonly string[];
}

/** One tree, and its supervisors as they are now, by name. */
interface Grown {
  readonly tree: SupervisorTree;
  readonly supervisors: Map<string, Supervisor>;
}

const classes: Readonly<Record<Restart['policy'], RestartClass>> = {
  always: 'permanent',
  'on-failure': 'transient',
  never: 'temporary',
};

/** Milliseconds for trees to stop when the host ends. */
const closeMsMax = 2_000;

/** Supervision trees over the agents of all threads. */
export class Supervision {
  readonly #rooms: SupervisionRooms;
  #grown: Grown[] = [];
  #last: Promise<unknown> = Promise.resolve();
  /** Agents that are stopped go on with what they had, the host's end aside. */
  #isRenewing = false;
  readonly #children = new Map<string, AgentChild>();
  readonly #members = new Set<string>();
  /** Threads that were lost, until their agents are there again. */
  readonly #awaited = new Map<number, PromiseWithResolvers<void>>();
  #escalations = 0;
  #isClosing = false;

  constructor(rooms: SupervisionRooms) {
    this.#rooms = rooms;
  }

  /**
   * Starts trees, one after the other; one that cannot be started is told and its agents stay stopped.
   * @throws HostError `HOST_ERR_CONFIG_INVALID` for an agent that is not there, or is in two trees
   */
  async start(trees: readonly SupervisorTree[]): Promise<void> {
    this.#check(trees);
    const names = trees.flatMap(agentsOf);
    for (const name of names) this.#members.add(name);
    await this.#takeCare(names);
    for (const tree of trees) {
      const grown = { tree, supervisors: new Map<string, Supervisor>() };
      this.#grown.push(grown);
      await this.#grow(grown);
    }
  }

  /**
   * Other trees from now on, one renewal at a time. One that is as it was is left alone; the others are stopped, and the
   * new ones started, whose agents go on with what they had. Nothing is changed if these cannot be.
   * @returns names of trees that began and that ended
   * @throws HostError as `start`
   */
  renew(trees: readonly SupervisorTree[]): Promise<Renewed> {
    const done = this.#last.then(() => this.#renew(trees));
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #renew(trees: readonly SupervisorTree[]): Promise<Renewed> {
    this.#check(trees);
    const present = new Map(this.#grown.map((grown) => [JSON.stringify(grown.tree), grown]));
    const wanted = new Set(trees.map((tree) => JSON.stringify(tree)));
    const ending = this.#grown.filter(({ tree }) => !wanted.has(JSON.stringify(tree)));
    const coming = trees.filter((tree) => !present.has(JSON.stringify(tree)));
    this.#isRenewing = true;
    try {
      await this.#end(ending, new Set(coming.flatMap(agentsOf)));
      await this.#adopt(coming.flatMap(agentsOf));
    } finally {
      this.#isRenewing = false;
    }
    this.#grown = trees.map(
      (tree) => present.get(JSON.stringify(tree)) ?? { tree, supervisors: new Map<string, Supervisor>() },
    );
    for (const grown of this.#grown) if (coming.includes(grown.tree)) await this.#grow(grown);
    return { began: coming.map(({ name }) => name), ended: ending.map(({ tree }) => tree.name) };
  }

  /** Stops trees, the last one first; agents that nobody takes over are their own again. */
  async #end(ending: readonly Grown[], stays: ReadonlySet<string>): Promise<void> {
    this.#grown = this.#grown.filter((grown) => !ending.includes(grown));
    for (const { tree, supervisors } of ending.toReversed()) {
      const root = supervisors.get(tree.name);
      root?.stop();
      await root?.ended;
    }
    for (const name of ending.flatMap(({ tree }) => agentsOf(tree)).filter((one) => !stays.has(one))) {
      this.#members.delete(name);
      this.#children.delete(name);
      const record = this.#rooms.tenancy.registry.get(name);
      if (record !== undefined)
        await this.#rooms.threads.handle(record.thread)?.call('releaseCare', record.id);
    }
  }

  /** Has agents wait for their supervisors that were their own so far. */
  async #adopt(names: readonly string[]): Promise<void> {
    const own = names.filter((name) => !this.#members.has(name));
    for (const name of own) this.#members.add(name);
    await this.#takeCare(own);
    for (const name of own) {
      const { id, thread } = this.#rooms.tenancy.require(name);
      await this.#rooms.threads.handle(thread)?.call('rest', { id, reason: 'shutdown' });
    }
  }

  #check(trees: readonly SupervisorTree[]): void {
    const seen = new Set<string>();
    for (const tree of trees) this.#checkOne(tree, seen);
  }

  #checkOne(tree: SupervisorTree, seen: Set<string>): void {
    for (const name of agentsOf(tree)) {
      const record = this.#rooms.tenancy.registry.get(name);
      const isParallel = record?.spec.manifest.execution.mode === 'parallel';
      if (record !== undefined && !isParallel && !seen.has(name)) {
        seen.add(name);
        continue;
      }
      const why =
        record === undefined
          ? 'and there is no such agent here'
          : isParallel
            ? 'whose instances are begun again one by one, as its own [restart] says: leave it out of the tree'
            : 'which another one has already';
      throw new HostError(
        'HOST_ERR_CONFIG_INVALID',
        `the supervisor '${tree.name}' has the child '${name}', ${why}`,
        { supervisor: tree.name, child: name },
      );
    }
  }

  /** From now on these wait until they are begun. */
  async #takeCare(names: readonly string[]): Promise<void> {
    const { tenancy, threads } = this.#rooms;
    const byThread = Map.groupBy(
      names.map((name) => tenancy.require(name)),
      ({ thread }) => thread,
    );
    await Promise.all(
      [...byThread].map(([thread, records]) =>
        threads.handle(thread)?.call(
          'takeCare',
          records.map(({ id }) => id),
        ),
      ),
    );
  }

  /** Resolves when it has started, or could not. */
  async #grow({ tree, supervisors }: Grown): Promise<void> {
    supervisors.clear();
    const root = new Supervisor(this.#specOf(tree, supervisors), this.#roomsOf(tree.name));
    supervisors.set(tree.name, root);
    await root.start().catch((thrown: unknown) => {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      this.#told(tree.name, { kind: 'escalated', why });
    });
  }

  #roomsOf(name: string): SupervisorRooms {
    const { clock, random } = this.#rooms;
    return { clock, random, note: (note) => this.#told(name, note) };
  }

  #told(name: string, note: SupervisorNote): void {
    if (note.kind === 'escalated') this.#escalations += 1;
    this.#rooms.told(name, note);
  }

  #specOf(tree: SupervisorTree, supervisors: Map<string, Supervisor>): SupervisorSpec {
    const { name, strategy, restartsMax, periodMs } = tree;
    const children = tree.children.map((child) =>
      typeof child === 'string'
        ? this.#agentSpec(child)
        : subtree(
            {
              ...this.#specOf(child, supervisors),
              restart: classes[child.restart.policy],
              backoff: { ...backoffOf({ ...defaultRestart, ...child.restart }), free: 0 },
            },
            this.#roomsOf(child.name),
            (begun) => supervisors.set(child.name, begun),
          ),
    );
    return { name, strategy, intensity: { restartsMax, periodMs }, children };
  }

  /** As of its manifest when its supervisor was started. */
  #agentSpec(name: string): ChildSpec {
    const { manifest, limits } = this.#rooms.tenancy.require(name).spec;
    return {
      id: name,
      restart: classes[manifest.restart.policy],
      backoff: backoffOf(manifest.restart),
      shutdownMs: manifest.supervision.shutdownMs,
      startMsMax: limits.deadlineMs,
      start: () => this.#startAgent(name),
    };
  }

  async #startAgent(name: string): Promise<AgentChild> {
    const record = this.#rooms.tenancy.require(name);
    await this.#awaited.get(record.thread)?.promise;
    const child = new AgentChild(
      async () => this.#handleOf(await this.#rooms.tenancy.located(name)),
      record.id,
      () => (this.#isClosing || this.#isRenewing ? 'shutdown' : 'restarting'),
    );
    this.#children.set(name, child);
    await child.begin();
    return child;
  }

  #handleOf({ thread }: AgentRecord): AgentThreadHandle {
    const handle = this.#rooms.threads.handle(thread);
    if (handle !== undefined) return handle;
    throw new HostError('HOST_ERR_THREAD_LOST', 'its thread was lost and its successor is starting');
  }

  /** A thread says that one of its agents ended by itself. */
  exited({ agent, why }: AgentExit): void {
    this.#children.get(agent)?.end(why === undefined ? { kind: 'normal' } : { kind: 'failed', why });
  }

  /** Has its supervisor restart an agent, as if it had failed. False: none has it, or it is not up. */
  async fail(agent: string, why: string): Promise<boolean> {
    for (const { supervisors } of this.#grown)
      for (const supervisor of supervisors.values()) if (await supervisor.fail(agent, why)) return true;
    return false;
  }

  has(agent: string): boolean {
    return this.#members.has(agent);
  }

  /** An agent is no more. */
  async removed(agent: string): Promise<void> {
    if (!this.#members.delete(agent)) return;
    this.#children.get(agent)?.end({ kind: 'shutdown' });
    this.#children.delete(agent);
    for (const { supervisors } of this.#grown)
      for (const supervisor of supervisors.values()) await supervisor.remove(agent);
  }

  /** A thread is gone: nobody of it is begun before its agents are there again. */
  lost(thread: number): void {
    if (!this.#awaited.has(thread)) this.#awaited.set(thread, Promise.withResolvers<void>());
  }

  /** They are there again, and wait: each of them has failed. */
  async returned(thread: number): Promise<void> {
    const { registry } = this.#rooms.tenancy;
    const names = [...this.#members].filter((name) => registry.get(name)?.thread === thread);
    await this.#takeCare(names);
    this.#awaited.get(thread)?.resolve();
    this.#awaited.delete(thread);
    for (const name of names) this.#children.get(name)?.end({ kind: 'failed', why: 'its thread was lost' });
  }

  /** Starts a tree anew that gave up, by the name of its root. @throws HostError `HOST_ERR_SUPERVISOR_UNKNOWN` */
  async restart(name: string): Promise<void> {
    const grown = this.#grown.find(({ tree }) => tree.name === name);
    if (grown === undefined)
      throw new HostError(
        'HOST_ERR_SUPERVISOR_UNKNOWN',
        `no supervision tree '${name}' here; host supervisors lists those there are`,
        { name },
      );
    const root = grown.supervisors.get(name);
    root?.stop();
    await root?.ended;
    await this.#grow(grown);
  }

  /** Every supervisor, parents before those under them. */
  status(): readonly SupervisorStatus[] {
    return this.#grown.flatMap(({ tree, supervisors }) => statusesOf(tree, supervisors, undefined));
  }

  /** Trees that gave up, ever. */
  get escalations(): number {
    return this.#escalations;
  }

  /** The host ends: every tree is stopped, the last one first; who does not end by then ends with its thread. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const late = new AbortController();
    const isLate = this.#rooms.clock.sleep(closeMsMax, late.signal).catch(() => undefined);
    await Promise.race([this.#stopAll(), isLate]);
    late.abort();
    for (const grown of this.#grown)
      for (const supervisor of grown.supervisors.values()) supervisor.abandon();
  }

  async #stopAll(): Promise<void> {
    for (const { tree, supervisors } of this.#grown.toReversed()) {
      const root = supervisors.get(tree.name);
      root?.stop();
      await root?.ended;
    }
  }
}

function statusesOf(
  tree: SupervisorTree,
  supervisors: ReadonlyMap<string, Supervisor>,
  parent: string | undefined,
): readonly SupervisorStatus[] {
  const { name, strategy, restartsMax, periodMs } = tree;
  const supervisor = supervisors.get(name);
  const isUp = supervisor?.isUp === true;
  const children = (supervisor?.children ?? []).map(({ id, state, restarts, lastExit, restartsInMs }) => ({
    name: id,
    kind: tree.children.includes(id) ? ('agent' as const) : ('supervisor' as const),
    state: state satisfies ChildState,
    restarts,
    lastExit,
    restartsInMs,
  }));
  const restartsNow = supervisor?.restartsNow ?? 0;
  const state = isUp ? 'up' : 'ended';
  return [
    { name, parent, strategy, restartsMax, periodMs, restartsNow, state, children },
    ...tree.children.flatMap((child) =>
      typeof child === 'string' ? [] : statusesOf(child, supervisors, name),
    ),
  ];
}
