import type * as http from 'node:http';
import { join } from 'node:path';
import { SpecMaker } from '../agent/spec-maker.ts';
import type { Triggers } from '../agent/triggers/triggers.ts';
import { Bus, numberOf } from '../bus/bus.ts';
import { Directory } from '../bus/directory.ts';
import type { Payload } from '../bus/message.ts';
import { Secrets } from '../capability/secrets.ts';
import { timeoutDriver, Wheel } from '../clock/wheel.ts';
import { createEngine, type Engine, type Program } from '../engine/engine.ts';
import {
  defaultMemoryBytesMax,
  exchangesMaxOf,
  newResidence,
  readMappingsMax,
  settleBounds,
} from '../engine/residence.ts';
import type { HostError } from '../errors.ts';
import type { SupervisorTree } from '../manifest.ts';
import { Placement } from '../scheduler/placement.ts';
import { StealBoard } from '../scheduler/steal-board.ts';
import { newWorkload, Workload } from '../scheduler/workload.ts';
import type { LogEntry } from '../telemetry/log-entry.ts';
import type { LogFilter } from '../telemetry/log-hub.ts';
import type { MetricsSnapshot } from '../telemetry/metrics-snapshot.ts';
import { FrontDesk } from './front-desk.ts';
import { Handle } from './handle.ts';
import { HookCalls } from './host-hooks.ts';
import { Installation } from './installation.ts';
import type { LocalAgent, LocalServing, ServeOptions } from './local-serving.ts';
import { Mail } from './mail.ts';
import { noApproval, noPolicy, Policing } from './policy/policing.ts';
import { HostAudit } from './record/host-audit.ts';
import { ChainRecord, type ChainRecordOptions } from './record/serving-record.ts';
import { HostNews } from './report/host-news.ts';
import { Metering } from './report/metering.ts';
import { tellPressure } from './report/pressure-news.ts';
import { Roster } from './report/roster.ts';
import { type HostView, statusOf } from './report/status.ts';
import { Totals } from './report/totals.ts';
import { loadPolicyProgram } from './scheduling/policy-component.ts';
import type {
  Accepted,
  AgentDetail,
  AgentHandle,
  AgentSummary,
  Approval,
  DeadLetter,
  Installed,
  InstallRequest,
  InvokeOptions,
  Metric,
  Principal,
  PublishOptions,
  Readiness,
  Reply,
  Serving,
  ServingStatus,
  SupervisorStatus,
  ThreadDoors,
} from './serving.ts';
import { SharedNames } from './shared-names.ts';
import { Sites } from './sites.ts';
import { RunFolder } from './state/run-folder.ts';
import { openState, type StateFolder } from './state/state-folder.ts';
import { AgentTies } from './supervision/agent-ties.ts';
import { type Renewed, Supervision } from './supervision/supervision.ts';
import { SupervisorNews } from './supervision/supervisor-news.ts';
import { TieDesk } from './supervision/tie-desk.ts';
import { Absences } from './thread/absences.ts';
import { Doors } from './thread/doors.ts';
import { AgentNursery } from './thread/nursery.ts';
import { ThreadPlaces } from './thread/places.ts';
import { Tenancy } from './thread/tenancy.ts';
import { type AgentThreadHandle, Threads } from './thread/threads.ts';
import { openTriggers } from './triggering.ts';
import { HostKeys } from './trust/host-keys.ts';
import { SupplyChain } from './trust/supply-chain.ts';
import { recordRefusal, refusalText, Trust } from './trust/trust.ts';
import { lengthOf, visitor } from './visitor.ts';

// Who starts a host finds what it is given beside it.
export type { LocalAgent, LocalServing, ServeOptions, TrustSettings } from './local-serving.ts';

const hostVersion = '0.1.0';

const agentsMax = 1_048_576;
const closeMsMax = 2_000;
/** Milliseconds between two looks at a disk that took no records. */
const recordsAgainMs = 1_000;

/**
 * Starts a host that keeps agents alive.
 * @throws HostError for agents that cannot be installed, a state folder that another host has
 */
export async function serve(options: ServeOptions): Promise<LocalServing> {
  const host = await ServingHost.start(options);
  try {
    for (const agent of options.agents) await host.begin(agent);
    await host.restore();
    await host.supervise(options.supervisors ?? []);
    await host.becomeReady();
  } catch (thrown) {
    await host.close(0);
    throw thrown;
  }
  return host;
}

class ServingHost implements LocalServing {
  readonly #options: ServeOptions;
  readonly #engine: Engine;
  readonly #directory: Directory;
  readonly #threads: Threads;
  readonly #bus: Bus;
  readonly #tenancy: Tenancy;
  readonly #installation: Installation;
  readonly #nursery: AgentNursery;
  readonly #names: SharedNames;
  readonly #news: HostNews;
  readonly #sites: Sites;
  readonly #runFolder = new RunFolder();
  readonly #startedAtMs: number;
  readonly #places: ThreadPlaces;
  readonly #residence;
  readonly #say: HostNews['say'];
  readonly #state: StateFolder;
  readonly #trust: Trust;
  readonly #policing: Policing | undefined;
  readonly #audit: HostAudit;
  readonly record: ChainRecord | undefined;
  readonly keys: HostKeys;
  readonly #mail: Mail;
  readonly #doors: Doors;
  readonly #totals = new Totals();
  readonly #metering: Metering;
  readonly #triggers: Triggers;
  readonly #supervision: Supervision;
  readonly #ties: AgentTies;
  readonly #tieDesk: TieDesk;
  readonly #supervisorNews: SupervisorNews;
  readonly #desk: FrontDesk;
  readonly #roster: Roster;
  readonly #hooks: HookCalls;
  readonly #absences: Absences;
  readonly #workload: Workload;
  #recordsTriedMs = Number.NEGATIVE_INFINITY;
  #isReady = false;

  private constructor(
    options: ServeOptions,
    secrets: Secrets,
    state: StateFolder,
    trust: Trust,
    policyProgram: Program | undefined,
  ) {
    const { clock, random, threads } = options;
    this.#options = options;
    this.#news = new HostNews(options.log, () => this.#nowMs());
    this.#say = this.#news.say.bind(this.#news);
    this.#state = state;
    this.#trust = trust;
    const { stateFolder } = options;
    this.#policing = Policing.of({ trust, stateFolder, clock, say: this.#say, bus: () => this.#bus });
    this.#audit = new HostAudit(trust);
    const threadsRecorded = (): Promise<unknown> =>
      this.#threads.everywhere((handle) => handle.call('recorded', undefined));
    this.record = recordOf(trust, { folder: join(options.stateFolder, 'audit'), clock, threadsRecorded });
    this.keys = new HostKeys({
      trust,
      stateFolder: options.stateFolder,
      changed: (generations) => this.#threads.everywhere((handle) => handle.call('rotated', generations)),
    });
    this.#mail = this.#openMail();
    this.#startedAtMs = this.#nowMs();
    this.#metering = new Metering({
      ...{ clock, random, version: hostVersion, agentsMax, startedAtMs: this.#startedAtMs },
      view: () => this.#recordedView(),
      fullest: () => this.#directory.fullest(),
      residence: () => this.#residence,
      pressed: (change) => {
        this.#audit.pressed(change);
        tellPressure(change, this.#bus, this.#nowMs(), this.#say);
      },
      say: this.#say.bind(this),
    });
    const kept = state.agents.subscriptions();
    const subscriptionsFrom = [...kept.values()]
      .flat()
      .reduce((most, one) => Math.max(most, numberOf(one)), 0);
    this.#engine = createEngine({
      cacheFolder: options.cacheFolder,
      scratchFolder: this.#runFolder.path,
      clock,
      preparation: 'pool',
    });
    this.#directory = Directory.create(agentsMax, random);
    // One more for a spare, which may begin before the lost one is gone.
    const { bounds = settleBounds(readMappingsMax(), threads + 2) } = options;
    const { memoryBytesMax = bounds.memoryBytesMax ?? defaultMemoryBytesMax() } = options;
    this.#residence = newResidence(threads + 2, { ...bounds, memoryBytesMax });
    this.#sites = new Sites(exchangesMaxOf(this.#residence.bounds));
    const wheel = new Wheel({ nowMs: () => clock.monotonicMs(), driver: timeoutDriver });
    this.#names = new SharedNames({
      stateFolder: state.folder,
      clock,
      wheel,
      bus: () => this.#bus,
      nursery: () => this.#nursery,
      ties: () => this.#tieDesk,
      limitsOf: (name) => this.#tenancy.registry.get(name)?.spec.manifest.sharing,
      say: this.#say.bind(this),
    });
    const stealBoard = StealBoard.create(threads);
    const workload = newWorkload(threads);
    this.#workload = new Workload(workload, () => clock.monotonicMs());
    this.#places = new ThreadPlaces({
      options,
      workload,
      directory: this.#directory,
      residence: this.#residence,
      state,
      trust,
      runFolder: this.#runFolder,
      startedAtMs: this.#startedAtMs,
      subscriptionsFrom,
      stealBoard,
      policyProgram,
    });
    this.#threads = new Threads({
      names: this.#names,
      threads,
      settings: this.#places.settings,
      clock,
      residence: this.#residence,
      placeOf: (thread) => this.#places.placeOf(thread),
      onLogs: (entries) => {
        for (const entry of entries) this.#news.log(entry);
      },
      onSubscriptions: (changed) => {
        for (const [agent, own] of changed) state.agents.putSubscriptions(agent, own);
      },
      onHalted: ([agent, halt]) => {
        state.agents.putHalt(agent, this.#tenancy.noteHalt(agent, halt));
        if (halt?.kind !== 'terminated') return;
        this.#ties.terminated(agent, halt);
        void this.#ended(agent, false);
      },
      onEnded: (change) => this.#tenancy.noteEnd(...change),
      onExited: (exit) => {
        this.#supervision.exited(exit);
        this.#ties.exited(exit);
      },
      onUnwell: (agent, why) => void this.#supervision.fail(agent, why),
      onJournal: (thread, isTaking) => this.#news.journalTurned(thread, isTaking),
      onOutput: (text) => this.#say('warn', text.trimEnd()),
      onSteal: async (thief, asked) =>
        this.#isReady && !this.#desk.isClosed ? this.#tenancy.steal(thief, asked) : 0,
      policy: this.#policing ?? noPolicy,
      onLost: (thread, reason) => this.#lost(thread, reason),
      onReplaced: (thread, handle) => void this.#replaced(thread, handle),
      onVacant: (thread, error) => {
        this.#news.health.set(`thread ${thread}`, 'nobody takes its place; the log says why');
        this.#say('error', `nobody takes the place of thread ${thread}: ${reasonOf(error)}`);
      },
    });
    this.#doors = new Doors(this.#threads, this.#places.socketPathOf(0));
    this.#bus = new Bus({
      links: this.#threads.links,
      directory: this.#directory,
      clock,
      random,
      wheel,
      journal: this.#mail.journal,
      seal: trust.envelopes(clock),
      onRefused: (refused) => {
        this.#say('warn', refusalText(refused), refused.receiver);
        recordRefusal(trust.pen, refused);
      },
      onDeadLetter: (letter) => {
        this.#mail.deadLetterLog.note(letter);
        this.#audit.messages?.died(letter);
      },
      record: this.#audit.messages,
    });
    this.#mail.join(this.#bus, this.#threads);
    this.#ties = new AgentTies({
      bus: this.#bus,
      tenancy: () => this.#tenancy,
      threads: this.#threads,
      supervision: () => this.#supervision,
      audit: this.#audit,
      say: this.#say,
    });
    this.#tieDesk = new TieDesk({
      ties: this.#ties,
      require: (agent) => this.#tenancy.require(agent),
      audit: this.#audit,
      say: this.#say,
      assertOpen: () => this.#assertOpen(),
    });
    this.#tenancy = new Tenancy({
      bus: this.#bus,
      placement: new Placement({
        name: options.scheduler?.placement,
        weightMax: options.scheduler?.threadWeightMax,
        memoryBytesMax: memoryBytesMax / threads,
        busyOf: (thread) => this.#workload.busyOf(thread),
      }),
      directory: this.#directory,
      threads: this.#threads,
      kept,
      halts: state.agents.halts(),
      changed: (name, spec) => this.#ties.changed(name, spec),
      isFresh: state.coldLeft.length === 0,
      stealBoard,
    });
    this.#supervision = new Supervision({
      tenancy: this.#tenancy,
      threads: this.#threads,
      clock,
      random,
      told: (supervisor, note) => this.#supervisorNews.told(supervisor, note),
    });
    this.#supervisorNews = new SupervisorNews(this.#bus, this.#audit, this.#news, () => this.#nowMs());
    this.#triggers = openTriggers(
      this.#bus,
      state.agents,
      clock,
      random,
      (agent, trigger, why) => this.#say('warn', `trigger ${trigger} was not delivered: ${why}`, agent),
      this.#policing,
      (agent) => this.#finish(agent),
    );
    this.#absences = new Absences(this.#bus, this.#tenancy.registry, () => this.#nowMs());
    const specs = new SpecMaker({
      prepare: (component) => this.#engine.prepare(component),
      limits: options.limits,
      priorityMax: options.scheduler?.priorityMax,
      secret: (handle, path) => secrets.value(handle, path),
    });
    const admission = this.#policing?.admission;
    this.#nursery = new AgentNursery({
      tenancy: this.#tenancy,
      specs,
      admission,
      audit: this.#audit,
      remove: (name, by) => this.#installation.remove(name, by),
      say: this.#say.bind(this),
    });
    this.#hooks = new HookCalls(options.hooks ?? {}, {
      bus: this.#bus,
      say: (text, agent) => this.#say('warn', text, agent),
    });
    this.#roster = new Roster(this.#tenancy, this.#threads, this.#triggers, this.#nursery);
    this.#desk = new FrontDesk({
      bus: this.#bus,
      tenancy: this.#tenancy,
      policing: this.#policing,
      audit: this.#audit,
      random,
    });
    this.#installation = new Installation({
      state,
      tenancy: this.#tenancy,
      specs,
      triggers: this.#triggers,
      admission,
      removed: async (name) => {
        await this.#ended(name, true);
      },
      detail: (name) => this.#roster.agent(name),
      audit: this.#audit,
      supply: new SupplyChain({
        trusted: trust.trusted,
        requireSigned: options.trust?.requireSigned === true,
        nowMs: () => this.#nowMs(),
        say: this.#say,
        onRefused: (agent, digest, why) => this.#audit.installRefused(agent, digest, why),
      }),
      nowMs: () => this.#nowMs(),
      say: this.#say,
    });
  }

  static async start(options: ServeOptions): Promise<ServingHost> {
    const secrets = await Secrets.open({ file: options.secretsFile, env: process.env });
    const state = openState(options.stateFolder);
    const told: Telling = {};
    let trust: Trust | undefined;
    let host: ServingHost;
    try {
      trust = await openTrust(options, told);
      const { scheduler = {}, cacheFolder, clock } = options;
      const policyProgram = await loadPolicyProgram(scheduler, cacheFolder, clock);
      host = new ServingHost(options, secrets, state, trust, policyProgram);
    } catch (thrown) {
      await trust?.close('it could not start');
      state.close();
      throw thrown;
    }
    told.audit = (trouble) => host.#news.auditTurned(trouble);
    told.anchor = (trouble) => host.#news.anchorTurned(trouble);
    told.policies = (result) => {
      if (typeof result === 'number') host.#audit.policiesChanged(result);
      host.#news.policiesTurned(result);
    };
    try {
      host.#threads.links.start({
        accept: (frame, from) => host.#bus.accept(frame, from),
        onLost: (thread) => host.#bus.forgetThread(thread),
      });
      await host.#threads.start();
    } catch (thrown) {
      await host.close(0);
      throw thrown;
    }
    return host;
  }

  /** Linux deals connections to one address out among its listeners. */
  get doors(): ThreadDoors | undefined {
    return process.platform === 'linux' ? this.#doors : undefined;
  }

  #openMail(): Mail {
    const { clock, random, threads, repairJournal = false } = this.#options;
    const say = this.#say;
    const log = this.#news.log.bind(this.#news);
    const onJournal = (isTaking: boolean): void => this.#news.journalTurned(0, isTaking);
    return new Mail({
      state: this.#state,
      threads,
      sealOf: (thread) => this.#trust.storeSeal(`journal/${thread}`),
      clock,
      random,
      repair: repairJournal,
      say,
      log,
      onJournal,
    });
  }

  /** Everybody is installed: what an earlier run was given and did not deal with is delivered. */
  async becomeReady(): Promise<void> {
    this.#state.begin();
    await this.#mail.deliver();
    this.#metering.watch();
    if (this.#options.metrics !== undefined) await this.#metering.export(this.#options.metrics);
    this.#isReady = true;
  }

  /** A scheduled agent has no times any more: there is no other reason for it to be there. */
  #finish(name: string): void {
    const record = this.#tenancy.registry.get(name);
    if (record?.spec.manifest.execution.mode !== 'scheduled') return;
    this.#threads.handle(record.thread)?.post('finish', record.id);
  }

  /** What an agent shares is free, and those that end with it end. */
  async #ended(name: string, isGone: boolean): Promise<void> {
    this.#names.home.endOf(name);
    await this.#nursery.endOf(name, isGone);
  }

  #lost(thread: number, reason: string): void {
    this.#audit.threadLost(thread, reason);
    this.#news.journalTurned(thread, true);
    this.#names.lost(thread);
    this.#sites.drop(this.#places.socketPathOf(thread));
    this.#tenancy.suspend(thread);
    this.#absences.lost(thread, reason);
    this.#supervision.lost(thread);
    this.#say('error', `a thread was lost (${reason}); its agents begin anew on another`);
  }

  async #replaced(thread: number, handle: AgentThreadHandle): Promise<void> {
    try {
      const count = await this.#tenancy.reinstall(thread, handle);
      await this.#supervision.returned(thread);
      this.#ties.returned(thread);
      await this.#mail.returned(thread, handle);
      await this.#doors.reopen(handle);
      await this.#absences.returned(thread, handle);
      this.#tenancy.returned(thread);
      for (const name of this.#triggers.finishedAgents()) this.#finish(name);
      this.#say('info', `${count} agents of the lost thread are there again`);
    } catch (thrown) {
      this.#say('error', `agents of the lost thread are not there: ${reasonOf(thrown)}`);
    }
  }

  #nowMs(): number {
    return Number(this.#options.clock.wallNs() / 1_000_000n);
  }

  readiness(): Readiness {
    if (this.#desk.isClosed) return { ready: false, waitingFor: ['the host ends'] };
    if (!this.#isReady) return { ready: false, waitingFor: ['agents to be installed'] };
    this.#lookAtRecords();
    const waitingFor = this.#news.health.lines;
    return waitingFor.length === 0 ? { ready: true } : { ready: false, waitingFor };
  }

  /** A disk that took nothing is tried again now and then: it may be well, and nobody installs anything. */
  #lookAtRecords(): void {
    const { agents } = this.#state;
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs < this.#recordsTriedMs + recordsAgainMs) return;
    this.#recordsTriedMs = nowMs;
    agents.tryAgain();
    this.#news.health.set(
      'records of agents',
      agents.trouble && 'what is installed does not go to disk; make room there',
    );
  }

  status(): Promise<ServingStatus> {
    return statusOf(this.#view());
  }

  metrics(): Promise<readonly Metric[]> {
    return this.#metering.metrics();
  }

  snapshot(): Promise<MetricsSnapshot> {
    return this.#metering.snapshot();
  }

  async #recordedView(): Promise<HostView> {
    const head = await this.record?.head();
    return { ...this.#view(), audit: { pen: this.#trust.pen, events: head?.events ?? 0 } };
  }

  #view(): HostView {
    return {
      threads: this.#threads,
      registry: this.#tenancy.registry,
      residence: this.#residence,
      bus: this.#bus,
      journalCounts: this.#mail.counts(),
      startedAtMs: this.#startedAtMs,
      supervisors: this.#supervision.status(),
      escalations: this.#supervision.escalations,
      audit: { pen: this.#trust.pen, events: 0 },
      totals: this.#totals,
      moves: this.#tenancy.moveCounts,
    };
  }

  agents(after: string | undefined, max: number, prefix?: string): Promise<readonly AgentSummary[]> {
    return this.#roster.agents(after, max, prefix);
  }

  agent(name: string): Promise<AgentDetail> {
    return this.#roster.agent(name);
  }

  async install(request: InstallRequest): Promise<Installed> {
    this.#desk.requireOpen();
    return this.#installation.install(request);
  }

  /** As `upgrade`, at the start: one that a person has to approve first comes when that is done. */
  async begin({ manifestPath, manifest, component, text, signature }: LocalAgent): Promise<void> {
    const waits = Promise.withResolvers<void>();
    const coming = this.#installation.upgrade(manifestPath, manifest, component, text, signature, () => {
      this.#say('warn', 'it comes when it is approved: host approvals', manifest.name);
      waits.resolve();
    });
    waits.promise.then(() => coming).catch((thrown) => this.#say('error', reasonOf(thrown), manifest.name));
    await Promise.race([coming, waits.promise]);
  }

  /** Starts the trees of supervisors. @throws HostError `HOST_ERR_CONFIG_INVALID` */
  supervise(trees: readonly SupervisorTree[]): Promise<void> {
    return this.#supervision.start(trees);
  }

  supervisors(): readonly SupervisorStatus[] {
    return this.#supervision.status();
  }

  renewSupervisors(trees: readonly SupervisorTree[]): Promise<Renewed> {
    this.#assertOpen();
    return this.#supervision.renew(trees);
  }

  async restartSupervisor(name: string, principal?: Principal): Promise<void> {
    this.#desk.requireOpen();
    this.#audit.assertRoom();
    await this.#supervision.restart(name);
    this.#audit.supervised(name, 'restarted', '', '', principal?.name ?? 'local');
  }

  /** Installs what an earlier run was given over HTTP. */
  restore(): Promise<void> {
    return this.#installation.restore();
  }

  upgrade(...agent: Parameters<LocalServing['upgrade']>): ReturnType<LocalServing['upgrade']> {
    return this.#installation.upgrade(...agent);
  }

  spawn(like: string, names: readonly string[]): Promise<void> {
    return this.#installation.spawn(like, names);
  }

  async remove(name: string, principal?: Principal): Promise<void> {
    await this.#installation.remove(name, principal?.name);
    await this.#supervision.removed(name);
  }

  async resume(name: string, isDropped: boolean, principal?: Principal): Promise<boolean> {
    this.#desk.requireOpen();
    this.#audit.assertRoom();
    const isResumed = await this.#tenancy.resume(this.#tenancy.require(name), isDropped);
    if (isResumed) this.#audit.resumed(name, principal?.name ?? 'local', isDropped ? 'drop' : 'retry');
    return isResumed;
  }

  invoke(name: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    return this.#desk.invoke(name, payload, options);
  }

  request(subject: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    return this.#desk.request(subject, payload, options);
  }

  send(name: string, payload: Payload, options: PublishOptions): Promise<Accepted> {
    return this.#desk.send(name, payload, options);
  }

  publish(subject: string, payload: Payload, options: PublishOptions): Promise<Accepted> {
    return this.#desk.publish(subject, payload, options);
  }

  subscribe(...asked: Parameters<Serving['subscribe']>): () => void {
    return this.#desk.subscribe(...asked);
  }

  approvals(): readonly Approval[] {
    return this.#policing?.approvals ?? [];
  }

  answerApproval(id: string, isApproved: boolean, { name }: Principal, reason: string): void {
    if (this.#policing === undefined) noApproval(id);
    this.#policing.answer(id, isApproved, name, reason);
  }

  recentLogs(filter: LogFilter, max: number): readonly LogEntry[] {
    return this.#news.recent(filter, max);
  }

  followLogs(filter: LogFilter, listener: (entry: LogEntry) => void): () => void {
    return this.#news.follow(filter, listener);
  }

  deadLetters(max: number): Promise<readonly DeadLetter[]> {
    return this.#mail.deadLetters(max);
  }

  messageProof(id: string): Promise<string | undefined> {
    return this.#mail.proof(id);
  }

  retryDeadLetter(id: string): Promise<boolean> {
    return this.#mail.retry(id);
  }

  dropDeadLetter(id: string): Promise<boolean> {
    return this.#mail.drop(id);
  }

  routeOf(path: string): string | undefined {
    return this.#tenancy.routeOf(path);
  }

  async exchange(name: string, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    await this.#policing?.entrance.visit(name, visitor, lengthOf(request));
    const { id, thread } = this.#tenancy.require(name);
    this.#audit.assertRoom();
    return this.#sites.pass(
      { agent: name, id, socketPath: this.#places.socketPathOf(thread) },
      request,
      response,
    );
  }

  handle(name: string, principal?: Principal): AgentHandle {
    return new Handle(name, principal?.name ?? 'local', {
      clock: this.#options.clock,
      records: async (known) => this.#tenancy.membersOf(await this.#tenancy.located(known)),
      thread: (number) => this.#threads.handle(number),
      metrics: (known) => this.#roster.agent(known),
      resume: (known, by) => this.resume(known, false, { name: by }),
      ties: this.#tieDesk,
      assertOpen: () => this.#assertOpen(),
    });
  }

  #assertOpen(): void {
    this.#desk.requireOpen();
    this.#audit.assertRoom();
  }

  async endThread(thread: number): Promise<void> {
    await this.#threads.end(thread, 'the operator ended it');
  }

  async close(drainMs: number): Promise<void> {
    this.#desk.close();
    await this.#tenancy.settled();
    this.#policing?.close();
    this.#triggers.stop();
    await this.#drain(drainMs);
    await this.#supervision.close();
    await this.#metering.close();
    await this.#threads.everywhere((handle) => handle.call('save', undefined));
    await this.#threads.close(closeMsMax);
    await this.#mail
      .close()
      .catch((thrown: unknown) => this.#say('error', `the journal was not closed: ${reasonOf(thrown)}`));
    this.#hooks.close();
    this.#threads.closeLinks();
    this.#sites.close();
    this.#names.close();
    await this.#engine.close();
    this.#runFolder.remove();
    await this.#trust.close('in good order');
    this.#state.close();
  }

  /** Until nothing is under way on any thread: one that was quiet may have been asked by another since. */
  async #drain(drainMs: number): Promise<void> {
    this.#bus.drain();
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + drainMs;
    let before = -1;
    for (;;) {
      const leftMs = Math.max(0, untilMs - clock.monotonicMs());
      const delivered = await this.#threads.everywhere((handle) => handle.call('drain', leftMs));
      const now = delivered.reduce((sum, count) => sum + count, 0);
      if (now === before || leftMs === 0) return;
      before = now;
    }
  }
}

/** Who is told of chain and policies, once there is a host. */
interface Telling {
  audit?: (trouble: string | undefined) => void;
  anchor?: (trouble: string | undefined) => void;
  policies?: (result: number | HostError) => void;
}

function openTrust({ stateFolder, clock, random, trust = {} }: ServeOptions, told: Telling): Promise<Trust> {
  return Trust.open({
    ...trust,
    stateFolder,
    clock,
    random,
    version: hostVersion,
    onAudit: (trouble) => told.audit?.(trouble),
    onAnchor: (trouble) => told.anchor?.(trouble),
    onPolicies: (result) => told.policies?.(result),
  });
}

function recordOf(
  { audit, pen }: Trust,
  place: Omit<ChainRecordOptions, 'audit' | 'pen'>,
): ChainRecord | undefined {
  return audit && pen && new ChainRecord({ audit, pen, ...place });
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
