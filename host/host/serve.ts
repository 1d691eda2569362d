import type * as http from 'node:http';
import { join } from 'node:path';
import type { Difference } from '../agent/difference.ts';
import type { AgentReport } from '../agent/population.ts';
import type { AgentRecord } from '../agent/registry.ts';
import { SpecMaker } from '../agent/spec-maker.ts';
import type { Triggers } from '../agent/triggers/triggers.ts';
import { Bus, numberOf } from '../bus/bus.ts';
import { Directory } from '../bus/directory.ts';
import type { Message, Payload } from '../bus/message.ts';
import { Secrets } from '../capability/secrets.ts';
import { timeoutDriver, Wheel } from '../clock/wheel.ts';
import type { Clock, Random } from '../clock.ts';
import type { MetricsSettings } from '../config/metrics.ts';
import { createEngine, type Engine } from '../engine/engine.ts';
import {
  defaultMemoryBytesMax,
  exchangesMaxOf,
  newResidence,
  type ResidenceBounds,
  readMappingsMax,
  settleBounds,
} from '../engine/residence.ts';
import { HostError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { Manifest } from '../manifest.ts';
import { agentSubject, patternFault } from '../subject.ts';
import type { LogEntry } from '../telemetry/log-entry.ts';
import { type LogFilter, LogHub } from '../telemetry/log-hub.ts';
import type { MetricsSnapshot } from '../telemetry/metrics-snapshot.ts';
import { detailOf, summaryOf } from './agent-view.ts';
import type { ThreadPlace, ThreadSettings } from './control.ts';
import { Health } from './health.ts';
import { HostAudit } from './host-audit.ts';
import { Installation } from './installation.ts';
import { Mail } from './mail.ts';
import { MessageIds } from './message-ids.ts';
import { Metering } from './metering.ts';
import { noApproval, noPolicy, Policing } from './policing.ts';
import { acceptedOf, askOutside, senderOf } from './reply.ts';
import { RunFolder } from './run-folder.ts';
import type {
  Accepted,
  AgentDetail,
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
  SubscribeOptions,
  ThreadDoors,
} from './serving.ts';
import { ChainRecord } from './serving-record.ts';
import { Sites } from './sites.ts';
import { openState, type StateFolder } from './state-folder.ts';
import { type HostView, statusOf } from './status.ts';
import { SupplyChain } from './supply-chain.ts';
import { Tenancy } from './tenancy.ts';
import { type AgentThreadHandle, Threads } from './threads.ts';
import { Totals } from './totals.ts';
import { openTriggers } from './triggering.ts';
import { recordRefusal, refusalText, Trust, type TrustOptions } from './trust.ts';

/** What the operator may say of keys, audit chain and policies. */
export type TrustSettings = Pick<
  TrustOptions,
  'passphrase' | 'takesUnsealed' | 'requireSigned' | 'auditLevel' | 'acceptAuditLoss' | 'policyFolder'
>;

const hostVersion = '0.1.0';

/** An agent as it lies on disk. */
export interface LocalAgent {
  readonly manifestPath: string;
  readonly manifest: Manifest;
  readonly component: Uint8Array<ArrayBuffer>;
  /** The manifest as written. */
  readonly text?: string;
  /** Content of the `.sig` file beside its component. */
  readonly signature?: Uint8Array | undefined;
}

export interface ServeOptions {
  readonly agents: readonly LocalAgent[];
  readonly stateFolder: string;
  readonly cacheFolder: string | undefined;
  /** Threads that have agents, besides the main one. */
  readonly threads: number;
  /** What the host allows at most; manifests narrow it. */
  readonly limits: Partial<Limits>;
  readonly secretsFile?: string;
  /** Memories and stacks there may be at most; default what the process can have. */
  readonly bounds?: ResidenceBounds;
  /** Bytes of all agents' memories together; default three quarters of what the process may have. */
  readonly memoryBytesMax?: number;
  /** Bytes of sleeping agents' states in the heap; beyond, they go to disk. Default 256 MiB. */
  readonly warmBytesMax?: number;
  /** Bytes of all histories; beyond, the oldest go. Default 1 GiB. */
  readonly historyBytesMax?: number;
  /** Go on with what is readable of damaged journals; default: refuse to start. */
  readonly repairJournal?: boolean;
  /** Keys, audit chain, policies. */
  readonly trust?: TrustSettings;
  /** Where metrics are exported to besides `/metrics`; default nowhere. */
  readonly metrics?: MetricsSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: (entry: LogEntry) => void;
}

/** A serving host in the operator's own hands. */
export interface LocalServing extends Serving {
  /**
   * More agents like one that is there: its program, its manifest but for the name. They begin with their first message.
   * @throws HostError `HOST_ERR_AGENT_UNKNOWN`, `HOST_ERR_AGENT_DUPLICATE`, `HOST_ERR_CONFIG_INVALID` for a bad name
   */
  spawn(like: string, names: readonly string[]): Promise<void>;
  /** A new version of what the operator wrote: applied also when it wants more, which `difference` then says. */
  upgrade(
    manifestPath: string,
    manifest: Manifest,
    component: Uint8Array<ArrayBuffer>,
    text?: string,
    signature?: Uint8Array,
  ): Promise<Installed & { readonly difference?: Difference }>;
  /** Ends a thread at once, whatever it does, as if it had been lost: another takes its place. */
  endThread(thread: number): Promise<void>;
}

const agentsMax = 1_048_576;
const logEntriesMax = 10_000;
const logCharsMax = 32 * 1024 * 1024;
const warmBytesDefault = 256 * 1024 * 1024;
const historyBytesDefault = 1024 * 1024 * 1024;
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
  readonly #hub = new LogHub(logEntriesMax, logCharsMax);
  readonly #sites: Sites;
  readonly #runFolder = new RunFolder();
  readonly #startedAtMs: number;
  readonly #subscriptionsFrom: number;
  readonly #residence;
  readonly #state: StateFolder;
  readonly #trust: Trust;
  readonly #policing: Policing | undefined;
  readonly #audit: HostAudit;
  readonly record: ChainRecord | undefined;
  readonly #mail: Mail;
  readonly #health = new Health();
  readonly #totals = new Totals();
  readonly #metering: Metering;
  readonly #triggers: Triggers;
  readonly #ids: MessageIds;
  /** How the front door is opened in each thread, once it is. */
  #door: { readonly module: string; readonly settings: unknown } | undefined;
  #recordsTriedMs = Number.NEGATIVE_INFINITY;
  #isReady = false;
  #isClosing = false;

  private constructor(options: ServeOptions, secrets: Secrets, state: StateFolder, trust: Trust) {
    const { clock, random, threads } = options;
    this.#options = options;
    this.#ids = new MessageIds(random);
    this.#state = state;
    this.#trust = trust;
    this.#policing = Policing.of({ trust, clock, say: this.#say.bind(this), bus: () => this.#bus });
    this.#audit = new HostAudit(trust);
    this.record = recordOf(trust, options.stateFolder);
    this.#mail = this.#openMail();
    this.#startedAtMs = this.#nowMs();
    this.#metering = new Metering({
      ...{ clock, random, version: hostVersion, agentsMax, startedAtMs: this.#startedAtMs },
      view: () => this.#recordedView(),
      say: this.#say.bind(this),
    });
    const kept = state.agents.subscriptions();
    this.#subscriptionsFrom = [...kept.values()]
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
    this.#threads = new Threads({
      threads,
      settings: this.#settings(),
      clock,
      residence: this.#residence,
      placeOf: (thread) => this.#placeOf(thread),
      onLogs: (entries) => {
        for (const entry of entries) this.#log(entry);
      },
      onSubscriptions: (changed) => {
        for (const [agent, own] of changed) state.agents.putSubscriptions(agent, own);
      },
      onHalted: ([agent, halt]) => {
        state.agents.putHalt(agent, halt);
        this.#tenancy.noteHalt(agent, halt);
      },
      onJournal: (thread, isTaking) => this.#journalTurned(thread, isTaking),
      onOutput: (text) => this.#say('warn', text.trimEnd()),
      policy: this.#policing ?? noPolicy,
      onLost: (thread, reason) => this.#lost(thread, reason),
      onReplaced: (thread, handle) => void this.#replaced(thread, handle),
      onVacant: (thread, error) => {
        this.#health.set(`thread ${thread}`, 'nobody takes its place; the log says why');
        this.#say('error', `nobody takes the place of thread ${thread}: ${reasonOf(error)}`);
      },
    });
    this.#bus = new Bus({
      links: this.#threads.links,
      directory: this.#directory,
      clock,
      random,
      wheel: new Wheel({ nowMs: () => clock.monotonicMs(), driver: timeoutDriver }),
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
    this.#tenancy = new Tenancy({
      bus: this.#bus,
      directory: this.#directory,
      threads: this.#threads,
      kept,
      halts: state.agents.halts(),
      isFresh: state.coldLeft.length === 0,
    });
    this.#triggers = openTriggers(
      this.#bus,
      state.agents,
      clock,
      (agent, trigger, why) => this.#say('warn', `trigger ${trigger} was not delivered: ${why}`, agent),
      this.#policing,
    );
    this.#installation = new Installation({
      state,
      tenancy: this.#tenancy,
      specs: new SpecMaker({
        prepare: (component) => this.#engine.prepare(component),
        limits: options.limits,
        secret: (handle, path) => secrets.value(handle, path),
      }),
      triggers: this.#triggers,
      admission: this.#policing?.admission,
      detail: (name) => this.agent(name),
      audit: this.#audit,
      supply: new SupplyChain({
        trusted: trust.trusted,
        requireSigned: options.trust?.requireSigned === true,
        nowMs: () => this.#nowMs(),
        say: this.#say.bind(this),
      }),
      nowMs: () => this.#nowMs(),
      say: this.#say.bind(this),
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
      host = new ServingHost(options, secrets, state, trust);
    } catch (thrown) {
      await trust?.close('it could not start');
      state.close();
      throw thrown;
    }
    told.audit = (trouble) => host.#auditTurned(trouble);
    told.policies = (result) => host.#policiesTurned(result);
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

  readonly #doors: ThreadDoors = {
    socketPath: this.#socketPathOf(0),
    open: async (module, settings) => {
      this.#door = { module, settings };
      await this.#everywhere((handle) => handle.call('openDoor', { module, settings }));
    },
    metrics: () => this.#everywhere((handle) => handle.call('doorMetrics', undefined)),
    close: async (drainMs) => {
      this.#door = undefined;
      await this.#everywhere((handle) => handle.call('closeDoor', drainMs));
    },
  };

  #openMail(): Mail {
    const { clock, random, threads, repairJournal = false } = this.#options;
    const say = this.#say.bind(this);
    const log = this.#log.bind(this);
    const onJournal = (isTaking: boolean): void => this.#journalTurned(0, isTaking);
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
    await this.#mail.deliver();
    if (this.#options.metrics !== undefined) await this.#metering.export(this.#options.metrics);
    this.#isReady = true;
  }

  #settings(): ThreadSettings {
    const { cacheFolder, threads, warmBytesMax = warmBytesDefault } = this.#options;
    return {
      cacheFolder,
      directory: this.#directory.shared,
      residence: this.#residence,
      warmBytesMax: Math.floor(warmBytesMax / threads),
      historyBytesMax: this.#options.historyBytesMax ?? historyBytesDefault,
      threads,
      startedMs: this.#startedAtMs,
      logLevelMin: 'info',
    };
  }

  #placeOf(thread: number): Omit<ThreadPlace, 'links' | 'predecessors'> {
    const { coldLeft, coldOf, journalOf } = this.#state;
    const { threads } = this.#options;
    const orphaned = coldLeft.map(Number).filter((number) => number > threads);
    return {
      socketPath: this.#socketPathOf(thread),
      subscriptionsFrom: this.#subscriptionsFrom,
      trust: this.#trust.line(),
      coldFolder: coldOf(thread),
      journalFolder: journalOf(thread),
      historyFolder: this.#state.historyFolder,
      repairJournal: this.#options.repairJournal ?? false,
      adoptCold: orphaned.filter((number) => number % threads === thread - 1).map(coldOf),
    };
  }

  /** What is not recorded is not done: the front door is told, and so is the operator. */
  #auditTurned(trouble: string | undefined): void {
    this.#health.set('audit chain', trouble);
    if (trouble === undefined) this.#say('info', 'the audit chain takes what is to be recorded again');
    else this.#say('error', `the audit chain takes nothing: ${trouble}`);
  }

  #policiesTurned(result: number | HostError): void {
    if (typeof result === 'number') this.#audit.policiesChanged(result);
    if (typeof result === 'number') this.#say('info', `policies of version ${result} are in force`);
    else this.#say('error', `a change of the policies was not taken: ${result.message}`);
  }

  #socketPathOf(thread: number): string {
    const name = `motehost-${process.pid}-${thread}`;
    return process.platform === 'win32'
      ? `\\\\.\\pipe\\${name}`
      : join(this.#runFolder.path, `${thread}.sock`);
  }

  #journalTurned(thread: number, isTaking: boolean): void {
    const part = thread === 0 ? 'journal of the main thread' : `journal of thread ${thread}`;
    const trouble = 'refuses messages that must not be lost; the log says why';
    this.#health.set(part, isTaking ? undefined : trouble);
  }

  #lost(thread: number, reason: string): void {
    this.#audit.threadLost(thread, reason);
    this.#journalTurned(thread, true);
    this.#sites.drop(this.#socketPathOf(thread));
    this.#tenancy.suspend(thread);
    this.#say('error', `a thread was lost (${reason}); its agents begin anew on another`);
  }

  async #replaced(thread: number, handle: AgentThreadHandle): Promise<void> {
    try {
      const count = await this.#tenancy.reinstall(thread, handle);
      await this.#mail.returned(thread, handle);
      if (this.#door !== undefined) await handle.call('openDoor', this.#door);
      this.#say('info', `${count} agents of the lost thread are there again`);
    } catch (thrown) {
      this.#say('error', `agents of the lost thread are not there: ${reasonOf(thrown)}`);
    }
  }

  #nowMs(): number {
    return Number(this.#options.clock.wallNs() / 1_000_000n);
  }

  #log(entry: LogEntry): void {
    this.#hub.write(entry);
    this.#options.log(entry);
  }

  #say(level: LogEntry['level'], text: string, agent?: string): void {
    this.#log({ atMs: this.#nowMs(), level, agent, messageId: undefined, text, fields: [] });
  }

  readiness(): Readiness {
    if (this.#isClosing) return { ready: false, waitingFor: ['the host ends'] };
    if (!this.#isReady) return { ready: false, waitingFor: ['agents to be installed'] };
    this.#lookAtRecords();
    const waitingFor = this.#health.lines;
    return waitingFor.length === 0 ? { ready: true } : { ready: false, waitingFor };
  }

  /** A disk that took nothing is tried again now and then: it may be well, and nobody installs anything. */
  #lookAtRecords(): void {
    const { agents } = this.#state;
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs < this.#recordsTriedMs + recordsAgainMs) return;
    this.#recordsTriedMs = nowMs;
    agents.tryAgain();
    this.#health.set(
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
      audit: { pen: this.#trust.pen, events: 0 },
      totals: this.#totals,
    };
  }

  async agents(after: string | undefined, max: number, prefix?: string): Promise<readonly AgentSummary[]> {
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
    const record = this.#tenancy.require(name);
    const [report] = (await this.#threads.handle(record.thread)?.call('report', [record.id])) ?? [];
    return detailOf(record, report, this.#triggers.of(name));
  }

  async install(request: InstallRequest): Promise<Installed> {
    this.#requireOpen();
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

  remove(name: string, principal?: Principal): Promise<void> {
    return this.#installation.remove(name, principal?.name);
  }

  async resume(name: string, isDropped: boolean, principal?: Principal): Promise<boolean> {
    this.#requireOpen();
    this.#audit.assertRoom();
    const isResumed = await this.#tenancy.resume(this.#tenancy.require(name), isDropped);
    if (isResumed) this.#audit.resumed(name, principal?.name ?? 'local', isDropped ? 'drop' : 'retry');
    return isResumed;
  }

  /** @throws HostError `HOST_ERR_AGENT_STOPPED` when the host ends */
  #requireOpen(): void {
    if (this.#isClosing)
      throw new HostError('HOST_ERR_AGENT_STOPPED', 'the host ends; ask again when it is there again');
  }

  async invoke(name: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    const to = agentSubject(name);
    const call = async (own: Payload, asked: InvokeOptions): Promise<Reply> => {
      requireMessages(this.#tenancy.require(name));
      return this.#ask(to, own, asked);
    };
    // First, so that who may not ask learns of nobody whether he is there.
    return this.#policing?.entrance.ask('invoke', to, payload, options, call) ?? call(payload, options);
  }

  async request(subject: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    const call = (own: Payload, asked: InvokeOptions): Promise<Reply> => this.#ask(subject, own, asked);
    return (
      this.#policing?.entrance.ask('bus.send', subject, payload, options, call) ?? call(payload, options)
    );
  }

  async #ask(to: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    this.#requireOpen();
    this.#audit.assertRoom();
    return askOutside(this.#bus, this.#ids, to, payload, options);
  }

  async send(name: string, payload: Payload, options: PublishOptions): Promise<Accepted> {
    this.#requireOpen();
    const { guarantee, messageId, principal } = options;
    const entrance = this.#policing?.entrance;
    const own = (await entrance?.post('bus.send', agentSubject(name), payload, principal)) ?? payload;
    requireMessages(this.#tenancy.require(name));
    this.#audit.assertRoom();
    return acceptedOf(await this.#bus.send(senderOf(principal), name, own, { guarantee, id: messageId }));
  }

  async publish(subject: string, payload: Payload, options: PublishOptions): Promise<Accepted> {
    this.#requireOpen();
    this.#audit.assertRoom();
    const { guarantee, messageId, principal } = options;
    const own = (await this.#policing?.entrance.post('bus.publish', subject, payload, principal)) ?? payload;
    return acceptedOf(
      await this.#bus.publish(senderOf(principal), subject, own, { guarantee, id: messageId }),
    );
  }

  subscribe(
    pattern: string,
    group: string | undefined,
    listener: (message: Message) => void,
    options: SubscribeOptions = {},
  ): () => void {
    const fault = patternFault(pattern);
    if (fault !== undefined)
      throw new HostError('HOST_ERR_SUBJECT_INVALID', `'${pattern}': ${fault}`, { pattern });
    return (
      this.#policing?.listen(pattern, group, listener, options) ?? this.#bus.listen(pattern, group, listener)
    );
  }

  approvals(): readonly Approval[] {
    return this.#policing?.approvals ?? [];
  }

  answerApproval(id: string, isApproved: boolean, { name }: Principal, reason: string): void {
    if (this.#policing === undefined) noApproval(id);
    this.#policing.answer(id, isApproved, name, reason);
  }

  recentLogs(filter: LogFilter, max: number): readonly LogEntry[] {
    return this.#hub.recent(filter, max);
  }

  followLogs(filter: LogFilter, listener: (entry: LogEntry) => void): () => void {
    return this.#hub.follow(filter, listener);
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
    return this.#sites.pass({ agent: name, id, socketPath: this.#socketPathOf(thread) }, request, response);
  }

  async endThread(thread: number): Promise<void> {
    await this.#threads.end(thread, 'the operator ended it');
  }

  async close(drainMs: number): Promise<void> {
    this.#isClosing = true;
    this.#policing?.close();
    this.#triggers.stop();
    await this.#drain(drainMs);
    await this.#metering.close();
    await this.#everywhere((handle) => handle.call('save', undefined));
    await this.#threads.close(closeMsMax);
    await this.#mail
      .close()
      .catch((thrown: unknown) => this.#say('error', `the journal was not closed: ${reasonOf(thrown)}`));
    this.#threads.closeLinks();
    this.#sites.close();
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
      const delivered = await this.#everywhere((handle) => handle.call('drain', leftMs));
      const now = delivered.reduce((sum, count) => sum + count, 0);
      if (now === before || leftMs === 0) return;
      before = now;
    }
  }

  async #everywhere<T>(ask: (handle: AgentThreadHandle) => Promise<T>): Promise<readonly T[]> {
    const handles = this.#threads.numbers.map((number) => this.#threads.handle(number));
    const asked = await Promise.allSettled(handles.filter((handle) => handle !== undefined).map(ask));
    return asked.filter((one) => one.status === 'fulfilled').map(({ value }) => value);
  }
}

/** Who is told of chain and policies, once there is a host. */
interface Telling {
  audit?: (trouble: string | undefined) => void;
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
    onPolicies: (result) => told.policies?.(result),
  });
}

/** Whoever comes to an agent's own site. */
const visitor: Principal = { name: 'public' };

/** Undefined where it does not say so beforehand. */
function lengthOf({ headers }: http.IncomingMessage): number | undefined {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers;
  if (encoding !== undefined) return undefined;
  return length === undefined ? 0 : Number(length);
}

function recordOf({ audit, pen }: Trust, stateFolder: string): ChainRecord | undefined {
  return audit && pen && new ChainRecord(audit, pen, join(stateFolder, 'audit'));
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** @throws HostError `HOST_ERR_WORLD_MISMATCH` for an agent that answers HTTP requests only */
function requireMessages({ name, spec }: AgentRecord): void {
  if (spec.program.facts.main.kind === 'handler') return;
  throw new HostError(
    'HOST_ERR_WORLD_MISMATCH',
    `${name} answers HTTP requests under ${spec.manifest.route ?? '/'}, and takes no messages; call it there`,
    { name },
  );
}
