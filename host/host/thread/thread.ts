import { setImmediate as turn } from 'node:timers/promises';
import type { Agent } from '../../agent/agent.ts';
import { Allowances } from '../../agent/allowances.ts';
import { ColdStates } from '../../agent/cold-states.ts';
import { Dispatcher } from '../../agent/dispatcher.ts';
import type { FailurePlace } from '../../agent/error-strategy.ts';
import { Gate } from '../../agent/gate.ts';
import { Launcher } from '../../agent/launcher.ts';
import type { LifecycleState } from '../../agent/lifecycle.ts';
import type { Luggage } from '../../agent/luggage.ts';
import { MemoryRoom, type Neighbours } from '../../agent/memory-room.ts';
import { Passage } from '../../agent/passage.ts';
import { type AgentReport, type Newcomer, Population } from '../../agent/population.ts';
import type { AgentNote, Surroundings } from '../../agent/surroundings.ts';
import { Bus } from '../../bus/bus.ts';
import type { Delivery } from '../../bus/delivery.ts';
import { Directory } from '../../bus/directory.ts';
import type { SettledId } from '../../bus/journal/journal.ts';
import { type LinkEnd, Links } from '../../bus/links.ts';
import { timeoutDriver, Wheel } from '../../clock/wheel.ts';
import { type Clock, type Random, systemClock, systemRandom } from '../../clock.ts';
import type { Budget } from '../../engine/budget.ts';
import type { ColdStore } from '../../engine/cold-store/cold-store.ts';
import { SegmentStore } from '../../engine/cold-store/segment-store.ts';
import { createEngine, type Engine } from '../../engine/engine.ts';
import { InstancePools } from '../../engine/hibernation/instance-pools.ts';
import type { Linker } from '../../engine/linker.ts';
import { Residence } from '../../engine/residence.ts';
import type { WasiGrants } from '../../engine/wasi/grants.ts';
import { HostError } from '../../errors.ts';
import type { HistoryWriter } from '../../history/history-writer.ts';
import { Recorder } from '../../history/recorder.ts';
import type { Outcome } from '../../outcome.ts';
import { MeteredTurn } from '../../scheduler/metered-turn.ts';
import { Profiles } from '../../scheduler/profile.ts';
import { StealBoard } from '../../scheduler/steal-board.ts';
import { Thief } from '../../scheduler/thief.ts';
import { LogOutbox } from '../../telemetry/log-outbox.ts';
import { Exchanges } from '../exchanges.ts';
import type { Clearance } from '../policy/clearance.ts';
import { OwnHooks } from '../policy/own-hooks.ts';
import { Violations } from '../policy/violations.ts';
import { backlogOf } from '../record/audit-metrics.ts';
import type { MessageProofs } from '../record/message-proofs.ts';
import { AgentNews } from '../report/agent-news.ts';
import { AllocationMeter } from '../report/allocation-meter.ts';
import { DeadLetterLog } from '../report/dead-letter-log.ts';
import { Inspection } from '../report/inspection.ts';
import { LifeNews } from '../report/life-news.ts';
import { Rhythm } from '../rhythm.ts';
import { type Chooser, openChooser } from '../scheduling/policy-component.ts';
import { PolicyNews } from '../scheduling/policy-news.ts';
import {
  envelopesOf,
  proofsOf,
  recordRefusal,
  refusalText,
  storeSealOf,
  ThreadTrust,
} from '../trust/trust.ts';
import { ThreadAudit } from './audit.ts';
import type {
  AskedAgents,
  CutOff,
  OwnerCalls,
  Released,
  Subscriptions,
  ThreadPlace,
  ThreadReport,
  ThreadSettings,
} from './control.ts';
import { ThreadDoor } from './door.ts';
import { ExchangeServer } from './exchange-server.ts';
import { GuestRooms } from './guest-rooms.ts';
import { openHistory } from './history.ts';
import { damageText, ThreadMail } from './mail.ts';
import { type NamesOwner, ThreadNames } from './names.ts';
import { clearanceOf, entranceOf, type PolicyOwner } from './policy.ts';
import { ThreadServing } from './serving.ts';
import { spinningOf } from './spinning.ts';

/** Milliseconds of starting calls after which the event loop has its turn. */
const turnMsMax = 1;
/** Milliseconds that a guest computes before it gives way to others that compute: a change may cost tens of µs. */
const quantumMs = 0.45;
/** Milliseconds until the next look at who has been idle for long enough, after one that did not get to the end of them. */
const sweepAgainMs = 5;
/** Instances that were dropped and are not collected yet, and milliseconds without work, until a thread collects them. */
const tidyDroppedMin = 64;
const tidyQuietMs = 1_000;
/** Instances that a thread without work keeps for the next agents; it drops those beyond. */
const tidyPooledMax = 256;
/** Messages, and milliseconds without work, after which it collects what they left, once: its heap keeps room for as many more. */
const tidyDeliveredMin = 5_000;
const tidyRestMs = 3_000;
/** Milliseconds for which an agent that came from another thread stays. */
const stealRestMsDefault = 1_000;
/** Milliseconds between two looks at whether everything under way has ended. */
const quietEveryMs = 5;
/** Bytes of what an agent is told in one turn, beyond which its history has a gap. */
const turnBytesMax = 64 * 1024 * 1024;
/** Milliseconds for calls that were told to end. */
const endMsMax = 3_000;

/** How the main thread is told. */
export interface Owner
  extends Pick<OwnerCalls, 'logs' | 'journal' | 'subscriptions' | 'halted' | 'ended' | 'exited' | 'unwell'>,
    PolicyOwner,
    NamesOwner {
  /** Resolves with how many agents of another thread came. */
  steal(asked: AskedAgents): Promise<number>;
}

/** One thread of a serving host: its part of the bus, its agents, and what they live on. */
export class AgentThread {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #owner: Owner;
  readonly #engine: Engine;
  readonly #pools: InstancePools;
  readonly #residence: Residence;
  readonly #wheel: Wheel;
  readonly #links: Links;
  readonly #history: HistoryWriter;
  readonly #log: LogOutbox;
  readonly #trust: ThreadTrust;
  /** Undefined: the host keeps no audit chain. */
  readonly #audit: ThreadAudit | undefined;
  readonly #deadLetterLog: DeadLetterLog;
  readonly bus: Bus;
  readonly proofs: MessageProofs;
  readonly mail: ThreadMail;
  readonly #self: number;
  readonly #cold: ColdStates;
  readonly #dispatcher: Dispatcher;
  readonly #policyNews: PolicyNews;
  readonly profiles: Profiles;
  readonly #turns: MeteredTurn;
  readonly #allowances: Allowances;
  readonly #gate: Gate;
  readonly lives: LifeNews;
  readonly #hooks: OwnHooks;
  readonly #room: MemoryRoom;
  readonly #rooms: GuestRooms;
  readonly #names: ThreadNames;
  readonly #clearance: Clearance | undefined;
  readonly #launcher: Launcher;
  readonly #allocations: AllocationMeter;
  readonly population: Population;
  readonly passage: Passage;
  /** None: this host moves no agents. */
  readonly #thief: Thief | undefined;
  readonly #overdueKind: number;
  readonly #waitedKind: number;
  readonly #paidKind: number;
  readonly #news: AgentNews;
  readonly #exchanges: Exchanges;
  readonly door: ThreadDoor;
  #server: ExchangeServer | undefined;
  readonly #rhythm: Rhythm;
  #quietFromMs = 0;
  /** Messages delivered at the last look. */
  #tidyDelivered = 0;
  /** The same when it was collected for the last time. */
  #collectedDelivered = 0;
  /** Agents whose own subscriptions are others since the owner was told. */
  readonly #subscribed = new Set<number>();
  #again: NodeJS.Timeout | undefined;

  private constructor(
    settings: ThreadSettings,
    { links, predecessors, subscriptionsFrom, historyFolder, trust }: ThreadPlace,
    store: ColdStore,
    mail: ThreadMail,
    owner: Owner,
    clock: Clock,
    random: Random,
    chooser: Chooser,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#allocations = new AllocationMeter(clock);
    this.#trust = new ThreadTrust(trust, clock);
    this.#clearance = clearanceOf(this.#trust, owner, clock);
    this.#audit = this.#openAudit();
    this.#self = links.self;
    this.profiles = new Profiles(settings.workload, links.self);
    this.mail = mail;
    this.#owner = owner;
    this.#history = openHistory({
      folder: historyFolder,
      thread: links.self,
      pen: this.#trust.pen,
      seal: storeSealOf(trust, random, 'history'),
      settings,
      wallMs: () => this.#wallMs(),
      say: (level, text) => this.#news.say(level, text),
    });
    this.#residence = new Residence(settings.residence, links.self);
    this.#pools = new InstancePools({ residence: this.#residence });
    this.#engine = createEngine({ cacheFolder: settings.cacheFolder, clock, pools: this.#pools });
    this.#wheel = new Wheel({ nowMs: () => clock.monotonicMs(), driver: timeoutDriver });
    this.#overdueKind = this.#wheel.kind((id) => this.#overdue(id));
    this.#waitedKind = this.#wheel.kind((id) => this.population.custody.waited(id));
    this.#paidKind = this.#wheel.kind((id) => this.population.paid(id));
    this.#log = new LogOutbox(owner.logs, () => this.#wallMs());
    this.#deadLetterLog = new DeadLetterLog(
      (entry) => this.#log.write(entry),
      () => this.#wallMs(),
    );
    this.door = new ThreadDoor(() => {
      const entrance = entranceOf(this.#clearance, owner, (text) => this.#news.say('warn', text));
      return new ThreadServing(this.bus, systemRandom, this.#trust.pen, entrance);
    });
    this.#cold = new ColdStates(store, (error, agent) => this.#news.say('error', error.message, agent));
    this.#links = new Links(links, {
      clock,
      ...spinningOf(settings.scheduler),
      isBusy: () => this.#dispatcher.queued > 0,
      onRoused: () => this.#rhythm.stir(),
    });
    this.#rhythm = new Rhythm({
      look: () => this.#sweep(),
      isStill: () => this.#isQuiet() && this.#residence.dropped < tidyDroppedMin,
      dueInMs: () => this.#room.dueInMs,
    });
    this.proofs = proofsOf(trust, clock);
    this.bus = new Bus({
      links: this.#links,
      directory: new Directory(settings.directory),
      clock,
      random,
      wheel: this.#wheel,
      journal: mail.journal,
      seal: envelopesOf(trust, clock, random),
      signer: this.proofs,
      onRefused: (refused) => {
        this.#news.say('warn', refusalText(refused), refused.receiver);
        recordRefusal(this.#trust.pen, refused);
      },
      onDeadLetter: (letter) => {
        this.#deadLetterLog.note(letter);
        this.#audit?.messages.died(letter);
      },
      record: this.#audit?.messages,
      predecessors,
      subscriptionsFrom,
    });
    this.#news = new AgentNews({
      bus: this.bus,
      log: this.#log,
      logLevelMin: settings.logLevelMin,
      wallMs: () => this.#wallMs(),
    });
    this.#room = new MemoryRoom({
      clock,
      warmBytesMax: settings.warmBytesMax,
      pooled: () => this.#pools.idle,
      spare: () => this.#pools.idle + this.#residence.dropped,
      reclaim: async (instances) => {
        this.#pools.shrink(instances);
        await this.#residence.collect();
      },
      neighbours: this.#neighbours(),
      cool: (agent, snapshot) => {
        // What led to a state is on disk before the state is.
        this.#history.flush();
        return this.#cold.put(agent.name, snapshot);
      },
      uncool: (agent) => this.#cold.drop(agent.name),
      cooled: (agent) => this.population.rest(agent),
    });
    this.#dispatcher = new Dispatcher({
      run: (id) => {
        this.#rhythm.stir();
        this.population.run(id);
      },
      activeMax: this.#residence.bounds.stacksPerThreadMax,
      turnMsMax,
      quantumMs,
      nowMs: () => clock.monotonicMs(),
      isPending: () => this.#isMailWaiting(),
      termsOf: (id) => this.population.schedulingOf(id),
      begins: (id) => this.population.begins(id),
      forecast: {
        executionMsOf: (id) => this.profiles.executionMsOf(this.bus.directory.indexOf(id)),
        wallMsOf: (id) => this.profiles.wallMsOf(this.bus.directory.indexOf(id)),
        isKnown: (id, nowMs) => this.profiles.isKnown(this.bus.directory.indexOf(id), nowMs),
      },
      admission: settings.scheduler.admission,
      queue: {
        ...settings.scheduler,
        ...chooser,
        onFault: (fault) => this.#policyNews.failed(fault),
      },
    });
    this.#policyNews = new PolicyNews({
      bus: this.bus,
      thread: links.self,
      standing: () => this.#dispatcher.report().policy,
      wallMs: () => this.#wallMs(),
      say: (text) => this.#news.say('error', text),
    });
    this.#hooks = new OwnHooks({
      bus: this.bus,
      clearance: this.#clearance,
      wallMs: () => this.#wallMs(),
      say: (text, agent) => this.#news.say('warn', text, agent),
    });
    this.#gate = new Gate(this.#dispatcher);
    const violations = new Violations({
      bus: () => this.bus,
      pen: this.#trust.pen,
      wallMs: () => this.#wallMs(),
      say: (level, text, agent) => this.#news.say(level, text, agent),
      suspend: (id) => this.#suspend(id),
    });
    this.#allowances = new Allowances(clock, (violation) => violations.take(violation));
    this.#turns = new MeteredTurn({
      turn: this.#gate,
      profiles: this.profiles,
      indexOf: (id) => this.bus.directory.indexOf(id),
      shares: this.#allowances,
      clock,
    });
    this.lives = new LifeNews({
      bus: this.bus,
      clock,
      wallMs: () => this.#wallMs(),
      record: this.#audit,
    });
    this.population = new Population({
      bus: this.bus,
      dispatcher: this.#dispatcher,
      around: this.#surroundings(),
      cold: this.#cold,
      subscribed: (id) => void this.#subscribed.add(id),
      inspection: this.#inspection(),
      halted: (agent, halt) => owner.halted([agent, halt]),
      ended: (agent, why) => owner.ended([agent, why]),
      exited: (exit) => owner.exited(exit),
      later: (id, delayMs) => this.#wheel.after(this.#waitedKind, id, delayMs) !== 0,
      unwell: (agent, why) => owner.unwell({ agent, why }),
      record: this.#audit,
      shares: {
        owedMs: (id) => this.#allowances.owedMs(id),
        beginAnew: (id) => this.#allowances.beginAnew(id),
        later: (id, ms) => void this.#wheel.arm(this.#paidKind, id, clock.monotonicMs() + ms),
      },
    });
    this.passage = new Passage({
      bus: this.bus,
      clock,
      population: this.population,
      dispatcher: this.#dispatcher,
      cold: this.#cold,
      profiles: this.profiles,
      isAwaited: (id) => this.lives.isAwaited(id),
      restMs: settings.scheduler.stealRestMs ?? stealRestMsDefault,
    });
    const isAlone = settings.threads === 1 || settings.scheduler.stealing === false;
    this.#thief = isAlone
      ? undefined
      : new Thief({
          self: links.self,
          board: new StealBoard(settings.stealBoard),
          random,
          nowMs: () => clock.monotonicMs(),
          steal: (asked) => owner.steal(asked),
        });
    this.#names = new ThreadNames({ owner, clock, random });
    this.#rooms = new GuestRooms({
      names: this.#names,
      bus: this.bus,
      clock,
      random,
      logLevelMin: settings.logLevelMin,
      log: (entry) => this.#log.write(entry),
      subscribed: (id) => void this.#subscribed.add(id),
      clearance: this.#clearance,
      flows: (agent) => this.#allowances.of(agent),
    });
    this.#launcher = new Launcher({
      engine: this.#engine,
      room: this.#room,
      cold: this.#cold,
      link: (agent, budget) => this.#link(agent, budget),
      wasi: (agent, budget) => this.#wasi(agent, budget),
      account: (agent) => void this.#allowances.of(agent),
      wallMs: () => this.#wallMs(),
      onLost: (agent, error) => this.#news.say('error', error.message, agent.name),
    });
    this.#exchanges = new Exchanges({
      allocations: this.#allocations,
      engine: this.#engine,
      room: this.#room,
      clock,
      turn: this.#turns,
      agent: (id) => this.population.actor(id),
      link: (agent, budget) => this.#link(agent, budget),
      wasi: (agent, budget) => this.#wasi(agent, budget),
      ended: (id) => {
        if (this.population.nameOf(id) === undefined) this.#dispatcher.rest(id);
      },
      audit: this.#audit,
    });
  }

  /** Never throws: one that is paused, or is being ended, is so already. */
  #suspend(id: number): void {
    try {
      this.population.pull(id, 'pause', 'its [resources]');
    } catch (thrown) {
      if (!(thrown instanceof HostError)) throw thrown;
    }
  }

  /** Those that have nothing to do hear at once that this one waits for room. */
  #neighbours(): Neighbours {
    const residence = this.#residence;
    return {
      await: (by) => {
        residence.await(by);
        if (by > 0) this.#links.nudge();
      },
      get areWaiting() {
        return residence.areWaiting;
      },
    };
  }

  #inspection(): Inspection | undefined {
    const clearance = this.#clearance;
    if (clearance === undefined) return undefined;
    return new Inspection({
      clearance,
      bus: this.bus,
      clock: this.#clock,
      agents: () => this.population.agents(),
      raise: (agent, level) => this.#audit?.raise(agent, level),
      say: (text, agent) => this.#news.say('warn', text, agent),
      subscribed: (id) => void this.#subscribed.add(id),
    });
  }

  readonly recorded = async (): Promise<void> => this.#trust.pen?.flushed().catch(() => {});

  #openAudit(): ThreadAudit | undefined {
    const { pen, auditLevel, needs } = this.#trust;
    if (pen === undefined) return undefined;
    return new ThreadAudit({ pen, level: auditLevel, needs, agent: (id) => this.population.agent(id) });
  }

  #wasi(agent: Agent, budget: Budget): WasiGrants {
    const wasi = this.#rooms.wasi(agent, budget);
    return this.#audit?.reachOf(agent, wasi) ?? wasi;
  }

  #link(agent: Agent, budget: Budget): Linker {
    const linker = this.#rooms.link(agent, budget);
    return this.#audit?.linkerOf(agent, linker) ?? linker;
  }

  /**
   * Asked between the fuel slices of a guest that computes: what it has sent so far must not wait for its end. What it
   * had recorded goes to disk when it gives way, which it does within a millisecond in any case.
   */
  #isMailWaiting(): boolean {
    this.bus.acknowledge();
    this.#links.show();
    return this.#links.pending() || this.mail.journal.isFull;
  }

  /**
   * Takes a thread's place: opens what it has on disk, and begins to take messages and HTTP requests.
   * @throws HostError `HOST_ERR_JOURNAL_CORRUPT`, `HOST_ERR_STATE_UNWRITABLE`, `HOST_ERR_CONFIG_INVALID`
   */
  static async start(
    settings: ThreadSettings,
    place: ThreadPlace,
    owner: Owner,
    clock: Clock = systemClock,
    random: Random = systemRandom,
  ): Promise<AgentThread> {
    const { coldFolder, adoptCold, journalFolder, repairJournal } = place;
    const journalSeal = storeSealOf(place.trust, random, `journal/${place.links.self}`);
    const mail = new ThreadMail({
      folder: journalFolder,
      seal: journalSeal,
      clock,
      random,
      repair: repairJournal,
    });
    const seal = storeSealOf(place.trust, random, 'cold');
    const store = await SegmentStore.open({ folder: coldFolder, seal, clock, adopt: adoptCold });
    const chooser = await openChooser(settings, clock);
    const thread = new AgentThread(settings, place, store, mail, owner, clock, random, chooser);
    await thread.#open(place.socketPath);
    return thread;
  }

  async #open(socketPath: string): Promise<void> {
    this.#server = await ExchangeServer.listen(socketPath, (id, request, response) =>
      this.#exchanges.serve(id, request, response),
    );
    this.#links.start({
      accept: (frame, from) => this.bus.accept(frame, from),
      onLost: (thread) => this.bus.forgetThread(thread),
    });
    this.#rhythm.start();
    for (const damage of this.mail.damage)
      this.#news.say(damage.kind === 'torn' ? 'info' : 'warn', damageText(damage));
  }

  #sweepRoom(): void {
    clearTimeout(this.#again);
    this.#room.sweep().then(
      (isDone) => {
        if (!isDone) this.#again = setTimeout(() => this.#sweepRoom(), sweepAgainMs);
      },
      (thrown: unknown) => this.#news.say('error', String(thrown)),
    );
  }

  #sweep(): void {
    this.#lookAround();
    this.population.goOn();
    this.#sweepRoom();
    this.#tidy();
    this.#deadLetterLog.look();
    this.#tellSubscriptions();
    const news = this.mail.news();
    if (news === undefined) return;
    this.#news.say(news.level, news.text);
    this.#owner.journal(news.isTaking);
  }

  /** Whether there is more to do here than elsewhere, or nothing at all. */
  #lookAround(): void {
    const backlog = this.#dispatcher.queued;
    // Those that have nothing to do look seldom: they could take some, or send agents away that are idle.
    if (backlog > 0 || (this.#dispatcher.active > 0 && this.#residence.areWaiting)) this.#links.nudge();
    if (this.#thief === undefined) return;
    void this.#thief.look({ isIdle: backlog === 0 && !this.#links.pending(), backlog });
  }

  /** A memory that was dropped is held until the next collection, which comes late where nothing is done. */
  #tidy(): void {
    const { delivered } = this.bus.counts;
    // One with a message now and then has nothing to do at most looks, and would still notice.
    const isIdle = delivered === this.#tidyDelivered && this.#isQuiet();
    this.#tidyDelivered = delivered;
    const spare = Math.max(0, this.#pools.idle - tidyPooledMax);
    const isFull = this.#residence.dropped + spare >= tidyDroppedMin;
    const isUsed = delivered - this.#collectedDelivered >= tidyDeliveredMin;
    const nowMs = this.#clock.monotonicMs();
    if (!isIdle || !(isFull || isUsed)) this.#quietFromMs = nowMs;
    if (nowMs - this.#quietFromMs < (isFull ? tidyQuietMs : tidyRestMs)) return;
    this.#quietFromMs = nowMs;
    this.#pools.shrink(spare);
    this.#collectedDelivered = delivered;
    void this.#residence.collect();
  }

  #tellSubscriptions(): void {
    if (this.#subscribed.size === 0) return;
    const changed: Subscriptions[] = [];
    for (const id of this.#subscribed) {
      const name = this.population.nameOf(id);
      if (name !== undefined) changed.push([name, this.population.ownSubscriptionsOf(id)]);
    }
    this.#subscribed.clear();
    this.#owner.subscriptions(changed);
  }

  #wallMs(): number {
    return Number(this.#clock.wallNs() / 1_000_000n);
  }

  #surroundings(): Surroundings {
    return {
      clock: this.#clock,
      random: this.#random,
      turn: this.#turns,
      hold: (agent) => this.#gate.hold(agent.id),
      release: (agent) => this.#gate.release(agent.id),
      turned: (agent, from, to, why) => this.lives.turned(agent, from, to, why),
      launch: (agent, saved, budget, deadlineMs) =>
        this.#allocations.launch(() => this.#launcher.launch(agent, saved, budget, deadlineMs)),
      idle: (agent) => this.#room.idle(agent),
      busy: (agent) => this.#room.busy(agent),
      kept: (agent, saved) => this.#room.kept(agent, saved),
      released: (agent, saved) => this.#room.released(agent, saved),
      arm: (agent, atMs) => this.#wheel.arm(this.#overdueKind, agent.id, atMs),
      disarm: (timer) => void this.#wheel.cancel(timer),
      ready: (agent) => this.#dispatcher.wake(agent.id, undefined, agent.urgency),
      hasWork: (agent) => this.bus.directory.depthOf(agent.id) > 0,
      rested: () => this.#dispatcher.ended(),
      discard: (agent) => this.#discard(agent),
      stopped: (agent) => {
        this.bus.endOf(agent.id);
        this.#names.endOf(agent.id);
      },
      handled: (agent, delivery, outcome, place) => this.#handled(agent, delivery, outcome, place),
      record: (agent) => new Recorder({ agent: agent.name, sink: this.#history, turnBytesMax }),
      note: (agent, what) => this.#note(agent, what),
    };
  }

  #discard(agent: Agent): void {
    if (agent.saved?.kind === 'cold') void this.#cold.drop(agent.name);
  }

  #overdue(id: number): void {
    this.population.agent(id)?.overdue();
  }

  /** Resolves with the state of an agent once it is one of these; undefined: it was not within the time. */
  until(
    id: number,
    states: readonly LifecycleState[],
    timeoutMs: number,
  ): Promise<LifecycleState | undefined> {
    return this.lives.until(id, this.population.lifecycleOf(id), states, timeoutMs);
  }

  /** As `Population.add`. */
  add(spec: number, agents: readonly Newcomer[], isAgain: boolean): void {
    if (isAgain) this.lives.returning(() => this.population.add(spec, agents, true));
    else this.population.add(spec, agents, false);
    this.#links.flush();
  }

  async remove(id: number): Promise<void> {
    await this.population.remove(id);
    this.lives.removed(id);
    this.profiles.forget(this.bus.directory.indexOf(id));
    this.#allowances.forget(id);
  }

  /** As `Passage.leave`. */
  async leave(ids: readonly number[]): Promise<readonly (Luggage | undefined)[]> {
    this.#tellSubscriptions();
    const left = await this.passage.leave(ids);
    for (const one of left) if (one !== undefined) this.#allowances.forget(one.id);
    return left;
  }

  /** What was held back for agents on their way goes to where they are. */
  released(agents: readonly Released[]): void {
    for (const { id, name } of agents) this.bus.release(id, name);
    this.#links.flush();
  }

  /** Which of these agents have their state on disk here. */
  holds(names: readonly string[]): readonly boolean[] {
    return names.map((name) => this.#cold.has(name));
  }

  /** What agents of this thread dealt with before. */
  remember(ids: readonly SettledId[]): void {
    for (const { receiver, origin, id } of ids) this.bus.rememberId(receiver, origin, id);
  }

  /** Delivers what was found in the journal, its agents being there. */
  async deliver(cutOff: CutOff): Promise<void> {
    const { directory } = this.bus;
    const isOwn = (receiver: string): boolean => directory.ownerOf(directory.find(receiver)) === this.#self;
    await this.mail.deliver(this.bus, cutOff === 'own' ? isOwn : () => cutOff === 'all');
  }

  /** @throws HostError `HOST_ERR_STATE_UNWRITABLE` */
  async retryDeadLetter(id: string): Promise<boolean> {
    const isHere = this.bus.retryDeadLetter(id);
    if (isHere) await this.mail.journal.flushed();
    return isHere;
  }

  /** @throws HostError `HOST_ERR_STATE_UNWRITABLE` */
  async dropDeadLetter(id: string): Promise<boolean> {
    const isHere = this.bus.dropDeadLetter(id);
    if (isHere) await this.mail.journal.flushed();
    return isHere;
  }

  #handled(
    agent: Agent,
    delivery: Delivery,
    outcome: Outcome<Uint8Array | undefined>,
    place: FailurePlace,
  ): void {
    this.#audit?.handled(agent, delivery, outcome);
    this.profiles.ended(
      this.bus.directory.indexOf(agent.id),
      outcome.usage.wallMs,
      outcome.usage.memoryBytes,
      // The end of a call that went well was looked at just now.
      outcome.kind === 'ok' ? agent.lastUsedMs : this.#clock.monotonicMs(),
    );
    // Whoever asked hears of it; of a message that nobody waits for only the operator can.
    if (delivery.request === 0 && outcome.kind === 'error')
      this.#news.unhandled(agent, delivery, outcome.failure);
    this.population.handled(agent, delivery, outcome, place);
    this.#hooks.handled(agent, delivery, outcome);
  }

  #note(agent: Agent, what: AgentNote): void {
    this.#audit?.told(agent, what);
    if (what.kind === 'ended' && what.outcome !== undefined)
      this.population.custody.lost(agent, what.outcome);
    this.#news.note(agent, what);
    this.#hooks.told(agent, what);
  }

  reportOf(id: number): AgentReport | undefined {
    const report = this.population.reportOf(id);
    const key = this.bus.directory.indexOf(id);
    return (
      report && {
        ...report,
        profile: this.profiles.of(key, this.#clock.monotonicMs()),
        turns: this.profiles.turnsOf(key),
        waitMs: this.#dispatcher.waitMsOf(id),
      }
    );
  }

  status(): ThreadReport {
    return {
      ...this.population.report(),
      active: this.#dispatcher.active,
      queued: this.#dispatcher.queued,
      scheduler: this.#dispatcher.report(),
      warmBytes: this.#room.warmBytes,
      allocations: this.#allocations.report,
      audit: backlogOf(this.#trust.pen),
      violations: this.#allowances.violations,
      counts: { ...this.bus.counts, ...this.mail.counts() },
    };
  }

  /**
   * Agents begin nothing any more that a journal has; what is under way, and what only memory has, ends within `drainMs`.
   * @returns messages delivered since the start
   */
  async drain(drainMs: number): Promise<number> {
    this.bus.drain();
    const untilMs = this.#clock.monotonicMs() + drainMs;
    while (!this.#isQuiet() && this.#clock.monotonicMs() < untilMs) await this.#clock.sleep(quietEveryMs);
    return this.bus.counts.delivered;
  }

  /** Ends what is still under way, and puts everybody's state on disk. */
  async save(): Promise<void> {
    this.#rhythm.stop();
    clearTimeout(this.#again);
    this.population.wellbeing.close();
    this.population.keeper.close();
    await this.#server?.close();
    for (const agent of this.population.agents()) agent.stop({ kind: 'cancelled', reason: 'the host ends' });
    const settled = Promise.all(Array.from(this.population.agents(), (agent) => agent.settled()));
    const late = new AbortController();
    await Promise.race([settled, this.#clock.sleep(endMsMax, late.signal).catch(() => {})]);
    late.abort();
    await this.#room.empty();
    for (const agent of this.population.agents()) if (agent.isIdle) await agent.end('shutdown');
    this.#tellSubscriptions();
    // What was held back for it goes out with it; a disk that takes nothing has been told.
    await this.mail.journal.flushed().catch(() => {});
  }

  #isQuiet(): boolean {
    return (
      this.population.underWay === 0 &&
      this.population.heldBack === 0 &&
      this.#dispatcher.queued === 0 &&
      !this.#links.pending()
    );
  }

  /** Another thread was lost; `end` leads to the one in its place. */
  relink(end: LinkEnd): void {
    this.#links.relink(end);
  }

  async close(): Promise<void> {
    this.#rhythm.stop();
    clearTimeout(this.#again);
    // Whoever waits still is told so before the thread is gone.
    await this.door.close(0);
    await this.#cold.close();
    // The last that other threads said of its messages.
    while (this.#links.pending()) await turn();
    await this.mail.close().catch((thrown: unknown) => this.#news.say('error', String(thrown)));
    this.#history.close();
    this.#links.close();
    await this.#engine.close();
    await this.#trust.close();
  }
}
