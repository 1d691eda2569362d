import type { Bus, KeptSubscription } from '../bus/bus.ts';
import type { Delivery, Lodgers, ReceiverTerms } from '../bus/delivery.ts';
import type { TooLate } from '../bus/message.ts';
import { Capabilities } from '../capability/capabilities.ts';
import { HostError } from '../errors.ts';
import type { Manifest } from '../manifest.ts';
import type { Outcome } from '../outcome.ts';
import { rankOfLevel, termsOfManifest } from '../scheduler/level.ts';
import type { Profile } from '../scheduler/profile.ts';
import type { Terms } from '../scheduler/standings.ts';
import { Agent, type AgentPhase, type Surroundings } from './agent.ts';
import { isLimited } from './allowances.ts';
import type { ColdStates } from './cold-states.ts';
import { Completion } from './completion.ts';
import { type AgentExit, Custody } from './custody.ts';
import type { Dispatcher } from './dispatcher.ts';
import { unavailable } from './ending.ts';
import type { FailurePlace } from './error-strategy.ts';
import type { Halt } from './halt.ts';
import { Keeper } from './keeper.ts';
import type { LifeRecord } from './life-record.ts';
import { illegal, type LifecycleState } from './lifecycle.ts';
import type { Luggage } from './luggage.ts';
import { groupOf, isParallel } from './parallel.ts';
import { Recovery } from './recovery.ts';
import { type Rein, Reins } from './reins.ts';
import { Roll, type Tally } from './roll.ts';
import type { Spec } from './spec.ts';
import { termsOf } from './terms.ts';
import { Wellbeing, type WellbeingReport } from './wellbeing.ts';

/** What the agents of one thread live on. */
export interface PopulationRooms {
  readonly bus: Bus;
  readonly dispatcher: Dispatcher;
  readonly around: Surroundings;
  readonly cold: ColdStates;
  /** An agent's own subscriptions are others now. */
  readonly subscribed: (agent: number) => void;
  /** What policies say of messages and subscriptions; undefined where there are none. */
  readonly inspection?: Inspection | undefined;
  /** An agent handles nothing until a person says so, or does so again. */
  readonly halted: (agent: string, halt: Halt | undefined) => void;
  /** One is not begun again after its end, as its `[restart]` says (why it ended), or is (undefined). */
  readonly ended?: (agent: string, why: string | undefined) => void;
  /** One that a supervisor looks after ended by itself. */
  readonly exited: (exit: AgentExit) => void;
  /** Calls `custody.waited` with an id after so many milliseconds. False: it cannot now. */
  readonly later: (id: number, delayMs: number) => boolean;
  /** One that a supervisor looks after is to be restarted. */
  readonly unwell: (agent: string, why: string) => void;
  /** Where it is put on record what agents do; none: nowhere. */
  readonly record?: LifeRecord | undefined;
  /** What agents owe because they used more than their share; none: nothing. */
  readonly shares?: Shares;
}

/** Who used more than its share begins nothing until that is made up for. */
export interface Shares {
  owedMs(id: number): number;
  /** One that stood still goes on: how long it wanted too much is counted anew. */
  beginAnew(id: number): void;
  /** Calls `Population.paid` then. */
  later(id: number, ms: number): void;
}

/** Decides about messages as they are delivered, and about what manifests subscribe to; it tells the operator itself. */
export interface Inspection {
  admits(agent: Agent, delivery: Delivery): boolean;
  /** Whether something is kept in mind of an agent that only this thread knows. */
  remembers(agent: Agent): boolean;
  /** What whoever asked is told. */
  answer(
    agent: Agent,
    delivery: Delivery,
    outcome: Outcome<Uint8Array | undefined>,
  ): Outcome<Uint8Array | undefined>;
  /** Calls `subscribe` when that is permitted. */
  subscribe(agent: string, pattern: string, subscribe: () => void): void;
}

/** An agent that comes to a thread, with what it subscribed to itself in an earlier run, and how that run left it. */
export type Newcomer = readonly [
  id: number,
  name: string,
  kept?: readonly KeptSubscription[] | undefined,
  halt?: Halt | undefined,
];

/** `held`, `paused`: it waits for a person, wherever its state is; `down`: for its supervisor. */
export type ReportedPhase = AgentPhase | 'held' | 'paused' | 'down';

/** What is known of one agent. */
export interface AgentReport extends Tally, WellbeingReport {
  /** Instances it lost since it came. */
  readonly losses: number;
  readonly phase: ReportedPhase;
  readonly lifecycle: LifecycleState;
  /** In a call, and waiting for something outside. */
  readonly mailboxDepth: number;
  /** Milliseconds since its message under way began; undefined: there is none. */
  readonly underWayMs: number | undefined;
  readonly lastError: string | undefined;
  readonly subscriptions: readonly { readonly pattern: string; readonly group: string | undefined }[];
  /** How it works, as its messages have shown. */
  readonly profile?: Profile;
  /** Turns it had: messages, and slices of them. */
  readonly turns?: number;
  /** Milliseconds it waited for its turns, on average as of late; undefined: none was looked at. */
  readonly waitMs?: number | undefined;
}

export interface PopulationReport {
  readonly agents: number;
  readonly phases: Readonly<Partial<Record<ReportedPhase, number>>>;
  readonly lives: Readonly<Partial<Record<LifecycleState, number>>>;
  readonly handled: number;
  readonly failed: number;
  readonly fuel: bigint;
  /** Instances that were lost, as far as their agents are remembered. */
  readonly losses: number;
  /** Agents whose circuits are not closed, and those that are not ready. */
  readonly circuitsOpen: number;
  readonly unready: number;
}

/**
 * The agents of one thread: who they are, and their way from a message in the mailbox to its outcome. Whoever never
 * had a message, or whose state lies on disk, is a line in the roll; the others are objects.
 */
export class Population implements Lodgers {
  readonly #rooms: PopulationRooms;
  readonly #specs = new Map<number, Spec>();
  readonly #roll: Roll;
  readonly #recovery: Recovery;
  /** Those that a supervisor looks after. */
  readonly custody: Custody;
  readonly wellbeing: Wellbeing;
  readonly #reins: Reins;
  /** Of those for which no time comes any more. */
  readonly completion: Completion;
  /** Of those that are persistent. */
  readonly keeper: Keeper;
  readonly #agents = new Map<number, Agent>();
  /** Of those that have no object, whose state lies on disk. */
  #cold = 0;
  /** Of those that have no object, and of those that are gone. */
  #handled = 0;
  #underWay = 0;
  #failed = 0;
  #fuel = 0n;
  readonly #heldBack = new Set<number>();
  readonly #owing = new Set<number>();
  /** Those that take another version. */
  readonly #replacing = new Set<number>();

  constructor(rooms: PopulationRooms) {
    this.#rooms = rooms;
    const { bus, around, halted } = rooms;
    this.#roll = new Roll((id) => bus.directory.indexOf(id));
    const note = around.note.bind(around);
    this.#recovery = new Recovery({ bus, clock: around.clock, note, halted });
    this.keeper = new Keeper({ bus, clock: around.clock, rouse: (id) => this.#rouse(id) });
    this.custody = new Custody({
      bus,
      rouse: (id) => this.#rouse(id),
      exited: rooms.exited,
      nowMs: () => around.clock.monotonicMs(),
      later: rooms.later,
    });
    this.#reins = new Reins(bus, this.#recovery);
    this.completion = new Completion({ bus, rouse: (id) => this.#rouse(id) });
    this.wellbeing = new Wellbeing({
      bus,
      clock: around.clock,
      random: around.random,
      custody: this.custody,
      rouse: (id) => this.#rouse(id),
      note,
      unwell: rooms.unwell,
    });
    bus.lodge(this);
  }

  /** Makes a spec known, once, before agents of it come. */
  learn(spec: Spec): void {
    this.#rooms.record?.learnt(spec);
    this.#specs.set(spec.number, spec);
  }

  forget(spec: number): void {
    this.#specs.delete(spec);
  }

  /** `isAgain`: their subscriptions outlived the thread they were on. */
  add(spec: number, agents: readonly Newcomer[], isAgain: boolean): void {
    const known = this.#spec(spec);
    const { cold } = this.#rooms;
    for (const [id, name, kept, halt] of agents) {
      // What a version before it left is of no use to any of its instances.
      if (isParallel(known) && cold.has(name)) void cold.drop(name);
      this.#roll.add(id, name, spec);
      this.wellbeing.watch(id, known);
      if (cold.size > 0 && cold.has(name)) this.#cold += 1;
      if (!isAgain) this.#subscribe(id, name, known);
      if (kept !== undefined) this.#resubscribe(id, name, known, kept);
      if (halt !== undefined) this.#recovery.restore(this.#rouse(id) as Agent, halt);
      if (known.manifest.execution.mode === 'persistent') void this.keeper.begin(id);
    }
  }

  #spec(number: number): Spec {
    const spec = this.#specs.get(number);
    if (spec === undefined) throw new Error(`bug: spec ${number} was never learnt`);
    return spec;
  }

  /** What the manifest subscribes it to. */
  #subscribe(id: number, name: string, spec: Spec): void {
    for (const { pattern, group } of spec.manifest.subscriptions)
      this.#whenPermitted(id, name, pattern, spec, () =>
        this.#rooms.bus.subscribe(id, pattern, group ?? groupOf(name, spec)),
      );
  }

  #whenPermitted(id: number, name: string, pattern: string, spec: Spec, act: () => void): void {
    const { inspection } = this.#rooms;
    if (inspection === undefined) act();
    else
      inspection.subscribe(name, pattern, () => {
        // It may have taken long.
        if (this.#roll.nameOf(id) === name && this.#roll.specOf(id) === spec.number) act();
      });
  }

  /** As far as its manifest still grants it. */
  #resubscribe(id: number, name: string, spec: Spec, kept: readonly KeptSubscription[]): void {
    const rights = Capabilities.of(spec.manifest.grants, spec.manifestPath);
    for (const one of kept)
      if (rights.maySubscribe(one.pattern))
        this.#whenPermitted(id, name, one.pattern, spec, () => this.#rooms.bus.resubscribe(id, one));
  }

  /** What an agent subscribed to itself. */
  ownSubscriptionsOf(id: number): readonly KeptSubscription[] {
    const { manifest } = this.#spec(this.#roll.specOf(id));
    const ours = groupOf(this.#roll.nameOf(id) ?? '', this.#spec(this.#roll.specOf(id)));
    const own = this.#rooms.bus.subscriptionsOf(id).filter((one) => !isOfManifest(one, manifest, ours));
    return own.map(({ id: number, pattern, group }) => ({ id: number, pattern, group }));
  }

  /** The object of an agent, made now if there is none. */
  #rouse(id: number): Agent | undefined {
    const present = this.#agents.get(id);
    if (present !== undefined) return present;
    const name = this.#roll.nameOf(id);
    if (name === undefined) return undefined;
    const agent = new Agent(id, name, this.#spec(this.#roll.specOf(id)), this.#rooms.around);
    if (this.#cold > 0 && this.#rooms.cold.has(name)) {
      agent.cool();
      this.#cold -= 1;
    }
    agent.isSupervised = this.custody.has(id);
    const tally = this.#roll.tallyOf(id);
    agent.countOn(tally);
    this.#count(tally, -1);
    this.#agents.set(id, agent);
    return agent;
  }

  #count({ handled, failed, fuel }: Tally, by: 1 | -1): void {
    this.#handled += by * handled;
    this.#failed += by * failed;
    this.#fuel += BigInt(by) * fuel;
  }

  /** Lets go of the object of an agent, if nothing is to be remembered but what the roll can. */
  rest(agent: Agent): void {
    const { id } = agent;
    if (!agent.isForgettable || this.#agents.get(id) !== agent) return;
    this.#agents.delete(id);
    this.#roll.keepTally(id, agent);
    this.#count(this.#roll.tallyOf(id), 1);
    if (agent.phase === 'cold') this.#cold += 1;
    this.#rooms.bus.rest(id);
    this.#rooms.dispatcher.rest(id);
  }

  /** Another version of an agent: messages wait until the one under way is done and the old instance has ended. */
  async replace(id: number, number: number): Promise<void> {
    const { bus } = this.#rooms;
    const agent = this.#rouse(id);
    if (agent === undefined) return;
    const spec = this.#spec(number);
    if (agent.halt?.kind === 'paused' && agent.delivery !== undefined)
      throw illegal(
        agent.name,
        'suspended',
        'created',
        'it is paused in the middle of a message; resume it, or stop it',
      );
    this.#replacing.add(id);
    this.completion.forget(id);
    bus.pause(id);
    try {
      await agent.settled();
      await this.#recovery.ended(agent);
      await agent.end('replaced');
      await this.#rooms.cold.drop(agent.name);
      this.#unsubscribe(id, agent.spec);
      agent.replace(spec);
      if (agent.halt?.kind === 'terminated') this.#recovery.forgive(agent);
      this.#roll.setSpec(id, number);
      this.wellbeing.watch(id, spec);
      this.#rooms.dispatcher.changed(id);
      this.#subscribe(id, agent.name, spec);
      this.#endUngranted(id, agent);
    } finally {
      this.#replacing.delete(id);
      this.#rooms.ended?.(agent.name, undefined);
      if (agent.halt === undefined || agent.halt.kind === 'terminated') bus.resume(id);
      this.custody.waited(id);
      void this.keeper.begin(id);
    }
  }

  #unsubscribe(id: number, spec: Spec): void {
    const { manifest } = spec;
    const ours = groupOf(this.#roll.nameOf(id) ?? '', spec);
    for (const own of [...this.#rooms.bus.subscriptionsOf(id)])
      if (isOfManifest(own, manifest, ours)) this.#rooms.bus.unsubscribe(id, own.id);
  }

  /** Ends what the agent subscribed to itself and may not any more. */
  #endUngranted(id: number, { capabilities }: Agent): void {
    for (const own of this.ownSubscriptionsOf(id))
      if (!capabilities.maySubscribe(own.pattern)) this.#rooms.bus.unsubscribe(id, own.id);
    this.#rooms.subscribed(id);
  }

  /** The agent is no more; the message under way is ended, what waits goes to the dead letters. */
  async remove(id: number): Promise<void> {
    const agent = this.#rouse(id);
    if (agent === undefined) return;
    // First, so that nobody finds it there again.
    this.#roll.delete(id);
    this.custody.forget(id);
    this.wellbeing.forget(id);
    this.completion.forget(id);
    this.#recovery.forget(id);
    this.#rooms.bus.remove(id);
    agent.stop({ kind: 'cancelled', reason: 'the agent was removed' });
    await agent.settled();
    await this.#recovery.ended(agent);
    await agent.end('requested');
    await this.#rooms.cold.drop(agent.name);
    this.#agents.delete(id);
    this.#count(agent, 1);
    this.#rooms.dispatcher.forget(id);
  }

  /** An agent that may go to another thread, once no message is under way; undefined: it is not here, or may not. */
  movable(id: number): Agent | undefined {
    const name = this.#roll.nameOf(id);
    if (name === undefined) return undefined;
    const spec = this.#spec(this.#roll.specOf(id));
    const { manifest, program } = spec;
    // Instances that share their messages are on several threads already.
    if (isParallel(spec)) return undefined;
    if (manifest.history.record || isLimited(manifest.resources) || program.facts.main.kind !== 'handler')
      return undefined;
    const isHere = this.custody.isBusyWith(id) || this.wellbeing.has(id) || this.#replacing.has(id);
    // What another agent was asked instead may come back to it.
    if (isHere || this.#owing.has(id) || this.#recovery.standIns > 0) return undefined;
    const agent = this.#rouse(id);
    if (agent === undefined || this.#rooms.inspection?.remembers(agent) === true) return undefined;
    return agent.delivery !== undefined || agent.mayBePacked ? agent : undefined;
  }

  /** The agent goes on elsewhere, and is nobody here any more. */
  depart(agent: Agent): void {
    const { id } = agent;
    this.#roll.delete(id);
    this.custody.forget(id);
    this.#recovery.forget(id);
    this.#heldBack.delete(id);
    this.#agents.delete(id);
    // What it did here stays counted here.
    this.#count(agent, 1);
    this.#rooms.dispatcher.forget(id);
  }

  /** An agent of a known spec comes from another thread; its subscriptions are known to everybody. */
  arrive(spec: number, { id, name, agent: luggage, bonds }: Luggage): void {
    this.custody.bind(id, bonds);
    this.add(spec, [[id, name]], true);
    this.#count(luggage, -1);
    this.#rouse(id)?.unpack(luggage);
  }

  /** Undefined also for one that has not done anything lately. */
  agent(id: number): Agent | undefined {
    return this.#agents.get(id);
  }

  /** The object of an agent that is about to do something. */
  actor(id: number): Agent | undefined {
    return this.#rouse(id);
  }

  /** Those that did something lately. */
  agents(): IterableIterator<Agent> {
    return this.#agents.values();
  }

  get receiver(): this {
    return this;
  }

  /** The bus: who lives here. */
  nameOf(id: number): string | undefined {
    return this.#roll.nameOf(id);
  }

  termsOf(id: number): ReceiverTerms {
    return termsOf(this.#spec(this.#roll.specOf(id)));
  }

  /** The bus: a request has come to one that may be held, or keep failing. */
  refusal(id: number): Outcome<Uint8Array | undefined> | undefined {
    return this.wellbeing.refusalOf(id) ?? this.#recovery.refusalOf(id);
  }

  /** The bus: a request has come, before which so many wait. */
  lateness(id: number, { untilMs, message }: Delivery, ahead: number): TooLate | undefined {
    const { dispatcher, around } = this.#rooms;
    if (!dispatcher.isPredictive) return undefined;
    const nowMs = around.clock.monotonicMs();
    const own = this.schedulingOf(id)?.level ?? 0;
    const level = message.priority === undefined ? own : Math.min(own, rankOfLevel(message.priority));
    const underWayMs = this.#agents.get(id)?.underWayMs(nowMs);
    const deadlineMs = untilMs - nowMs;
    const forecastMs = dispatcher.lateMs({ key: id, ahead, underWayMs, leftMs: deadlineMs }, level);
    return forecastMs === undefined ? undefined : { forecastMs, deadlineMs };
  }

  /** What the scheduler goes by; undefined: nobody of that id lives here. */
  schedulingOf(id: number): Terms | undefined {
    if (this.#roll.nameOf(id) === undefined) return undefined;
    return termsOfManifest(this.#spec(this.#roll.specOf(id)).manifest.scheduling);
  }

  /** The bus: its mailbox is no longer empty. */
  wake(id: number, level?: number): void {
    // While it handles one, the next has to wait: `handled` looks whether there is one.
    if (this.#agents.get(id)?.delivery === undefined) this.#wake(id, level);
  }

  /** `level`: the place of a better one than its own. */
  #wake(id: number, level: number | undefined): void {
    const { bus, dispatcher } = this.#rooms;
    if (dispatcher.looksAtDue) dispatcher.wake(id, bus.dueOf(id), level);
    else dispatcher.wake(id, undefined, level);
  }

  /** The dispatcher: whether nothing is there of an agent but its mail. */
  begins(id: number): boolean {
    const agent = this.#agents.get(id);
    return agent === undefined || agent.phase === 'absent';
  }

  /** It has mail still. */
  #wakeAgain(id: number): void {
    const { bus } = this.#rooms;
    if (bus.hasMail(id)) this.#wake(id, bus.urgencyOf(id));
  }

  /** The bus: nobody waits for the outcome of what it handles any more. */
  cancel(id: number, delivery: Delivery): void {
    const agent = this.#agents.get(id);
    if (agent?.delivery === delivery) agent.stop({ kind: 'cancelled', reason: 'the asker gave up' });
  }

  /** Messages that agents deal with, those that wait for something included. */
  get underWay(): number {
    return this.#underWay + this.#recovery.standIns;
  }

  /** The dispatcher: one message of one agent, or the next part of one. */
  run(id: number): void {
    const { bus, dispatcher, record } = this.#rooms;
    const agent = this.#rouse(id);
    if (agent?.isReady === true) {
      void agent.goOn();
      return;
    }
    if (record?.isFull === true) {
      this.#heldBack.add(id);
      dispatcher.ended();
      return;
    }
    if (agent !== undefined && this.#owes(id)) {
      dispatcher.ended();
      return;
    }
    const delivery = agent === undefined ? undefined : bus.take(id);
    const { inspection } = this.#rooms;
    if (agent === undefined || delivery === undefined) dispatcher.ended();
    else if (inspection !== undefined && !inspection.admits(agent, delivery))
      this.#turnAway(id, delivery, turnedAway);
    else if (!this.wellbeing.begins(id, delivery))
      this.#turnAway(id, delivery, (delivery.from === 0 && this.wellbeing.refusalOf(id)) || circuitOpen);
    else {
      this.#underWay += 1;
      if (record?.hasMessages === true) record.begun(agent, delivery);
      agent.handle(delivery);
    }
  }

  #owes(id: number): boolean {
    const { shares } = this.#rooms;
    const owedMs = shares?.owedMs(id) ?? 0;
    if (owedMs === 0) return false;
    if (!this.#owing.has(id)) shares?.later(id, owedMs);
    this.#owing.add(id);
    return true;
  }

  /** What an agent owed is made up for. */
  paid(id: number): void {
    this.#owing.delete(id);
    this.#wakeAgain(id);
  }

  #turnAway(id: number, delivery: Delivery, outcome: Outcome<Uint8Array | undefined>): void {
    const { bus, dispatcher } = this.#rooms;
    bus.settle(delivery, outcome);
    this.#wakeAgain(id);
    dispatcher.ended();
  }

  /** Agents whose messages wait until they can be recorded again, or until the agent has a share again. */
  get heldBack(): number {
    return this.#heldBack.size + this.#owing.size;
  }

  /** Goes on with those that were held back, once there is room on the record. */
  goOn(): void {
    const { dispatcher, record } = this.#rooms;
    if (this.#heldBack.size === 0 || record?.isFull === true) return;
    const held = [...this.#heldBack];
    this.#heldBack.clear();
    for (const id of held) dispatcher.wake(id, undefined, this.#rooms.bus.urgencyOf(id));
  }

  /** The agent: what came of a message. */
  handled(
    agent: Agent,
    delivery: Delivery,
    outcome: Outcome<Uint8Array | undefined>,
    place: FailurePlace,
  ): void {
    const { bus, dispatcher } = this.#rooms;
    dispatcher.returned(agent.id);
    this.#underWay -= 1;
    this.wellbeing.ended(agent.id, delivery, outcome, place);
    const { inspection } = this.#rooms;
    const told = inspection === undefined ? outcome : inspection.answer(agent, delivery, outcome);
    if (told.kind === 'ok') bus.settle(delivery, told);
    else this.#recovery.settle(agent, delivery, told, place);
    if (agent.phase === 'absent') this.keeper.handled(agent);
    if (agent.phase === 'stopped' && agent.halt === undefined)
      this.#rooms.ended?.(agent.name, agent.lastError ?? '');
    this.completion.handled(agent.id);
    this.#wakeAgain(agent.id);
    if (agent.leaveTurn()) dispatcher.ended();
  }

  /** A person pauses, stops or kills an agent. @throws HostError `HOST_ERR_LIFECYCLE_ILLEGAL`, `HOST_ERR_AGENT_UNKNOWN` */
  pull(id: number, rein: Rein, by: string): void {
    const agent = this.#rouse(id);
    if (agent === undefined) throw new HostError('HOST_ERR_AGENT_UNKNOWN', 'the agent was removed meanwhile');
    if (this.#replacing.has(id))
      throw illegal(
        agent.name,
        agent.lifecycle.state,
        'suspended',
        'another version takes its place; ask again',
      );
    this.#reins.pull(agent, rein, by);
  }

  /** Undefined: there is no such agent. */
  lifecycleOf(id: number): LifecycleState | undefined {
    const name = this.#roll.nameOf(id);
    if (name === undefined) return undefined;
    return this.#agents.get(id)?.lifecycle.state ?? (this.#rooms.cold.has(name) ? 'ready' : 'created');
  }

  /** A person says that an agent goes on; false: nothing keeps it from doing so. */
  async resume(id: number, isDropped: boolean): Promise<boolean> {
    const agent = this.#agents.get(id);
    if (agent === undefined) return false;
    this.#rooms.shares?.beginAnew(id);
    if (!(await this.#recovery.resume(agent, isDropped))) return false;
    this.#rooms.ended?.(agent.name, undefined);
    this.custody.waited(id);
    void this.keeper.begin(id);
    return true;
  }

  reportOf(id: number): AgentReport | undefined {
    const name = this.#roll.nameOf(id);
    if (name === undefined) return undefined;
    const agent = this.#agents.get(id);
    const { bus, cold } = this.#rooms;
    const ours = groupOf(name, this.#spec(this.#roll.specOf(id)));
    const subscriptions = bus
      .subscriptionsOf(id)
      .map(({ pattern, group }) => ({ pattern, group: group === ours ? undefined : group }));
    const mailboxDepth = bus.directory.depthOf(id);
    const { handled, failed, memoryBytes, fuel: spent } = agent ?? this.#roll.tallyOf(id);
    const fuel = spent + (agent?.fuelUnderWay ?? 0n);
    const phase = agent === undefined ? (cold.has(name) ? 'cold' : 'absent') : this.#phaseOf(agent);
    const lastError = agent?.halt?.why ?? agent?.lastError;
    const lifecycle = this.lifecycleOf(id) ?? 'created';
    return {
      ...{ phase, lifecycle, mailboxDepth, handled, failed, fuel, memoryBytes, lastError, subscriptions },
      ...this.wellbeing.reportOf(id),
      losses: agent?.losses ?? 0,
      underWayMs: agent?.underWayMs(this.#rooms.around.clock.monotonicMs()),
    };
  }

  #phaseOf({ id, halt, phase }: Agent): ReportedPhase {
    if (halt !== undefined && halt.kind !== 'terminated') return halt.kind;
    return this.custody.isDown(id) ? 'down' : phase;
  }

  report(): PopulationReport {
    const resting = this.#roll.size - this.#agents.size;
    const phases: Partial<Record<ReportedPhase, number>> = {};
    if (this.#cold > 0) phases.cold = this.#cold;
    if (resting > this.#cold) phases.absent = resting - this.#cold;
    const lives: Partial<Record<LifecycleState, number>> = {};
    if (this.#cold > 0) lives.ready = this.#cold;
    if (resting > this.#cold) lives.created = resting - this.#cold;
    let [handled, failed, fuel, losses] = [this.#handled, this.#failed, this.#fuel, 0];
    for (const agent of this.#agents.values()) {
      const phase = this.#phaseOf(agent);
      phases[phase] = (phases[phase] ?? 0) + 1;
      const { state } = agent.lifecycle;
      lives[state] = (lives[state] ?? 0) + 1;
      handled += agent.handled;
      failed += agent.failed;
      losses += agent.losses;
      fuel += agent.fuel + agent.fuelUnderWay;
    }
    return {
      agents: this.#roll.size,
      phases,
      lives,
      handled,
      failed,
      fuel,
      losses,
      ...this.wellbeing.counts,
    };
  }
}

const circuitOpen: Outcome<Uint8Array | undefined> = unavailable(
  'it keeps failing, and is given time; try again later',
);
const turnedAway: Outcome<undefined> = {
  kind: 'denied',
  reason: 'the policies of the host do not permit it',
  usage: { fuel: 0n, memoryBytes: 0, wallMs: 0, outputBytes: 0 },
};

function isOfManifest(
  one: Pick<KeptSubscription, 'pattern' | 'group'>,
  { subscriptions }: Manifest,
  ours: string | undefined,
): boolean {
  return subscriptions.some(({ pattern, group }) => one.pattern === pattern && one.group === (group ?? ours));
}
