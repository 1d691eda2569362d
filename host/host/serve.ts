import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import type * as http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Difference, differenceOf, wantsMore } from '../agent/difference.ts';
import type { AgentReport } from '../agent/population.ts';
import type { AgentRecord, Origin } from '../agent/registry.ts';
import type { Spec } from '../agent/spec.ts';
import { SpecMaker } from '../agent/spec-maker.ts';
import type { Triggers } from '../agent/triggers/triggers.ts';
import { Bus } from '../bus/bus.ts';
import type { Sender } from '../bus/delivery.ts';
import { Directory } from '../bus/directory.ts';
import type { Message, Payload } from '../bus/message.ts';
import { Secrets } from '../capability/secrets.ts';
import { timeoutDriver, Wheel } from '../clock/wheel.ts';
import type { Clock, Random } from '../clock.ts';
import { createEngine, type Engine } from '../engine/engine.ts';
import { newResidence, type ResidenceBounds } from '../engine/residence.ts';
import { HostError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { isAgentName, type Manifest, parseManifest } from '../manifest.ts';
import { agentSubject, patternFault } from '../subject.ts';
import type { LogEntry } from '../telemetry/log-entry.ts';
import { type LogFilter, LogHub } from '../telemetry/log-hub.ts';
import { detailOf, summaryOf } from './agent-view.ts';
import type { ThreadPlace, ThreadSettings } from './control.ts';
import { agentHeader, ExchangeProxy } from './exchange-proxy.ts';
import { Mail } from './mail.ts';
import { MessageIds } from './message-ids.ts';
import { acceptedOf, replyOf } from './reply.ts';
import type {
  Accepted,
  AgentDetail,
  AgentSummary,
  DeadLetter,
  Installed,
  InstallRequest,
  InvokeOptions,
  Metric,
  PublishOptions,
  Readiness,
  Reply,
  Serving,
  ServingStatus,
  ThreadDoors,
} from './serving.ts';
import { openState, type StateFolder } from './state-folder.ts';
import { metricsOf, statusOf } from './status.ts';
import { Tenancy } from './tenancy.ts';
import { type AgentThreadHandle, Threads } from './threads.ts';
import { openTriggers } from './triggering.ts';

/** An agent as it lies on disk. */
export interface LocalAgent {
  readonly manifestPath: string;
  readonly manifest: Manifest;
  readonly component: Uint8Array<ArrayBuffer>;
  /** The manifest as written. */
  readonly text?: string;
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
  /** Bytes of sleeping agents' states in the heap; beyond, they go to disk. Default 256 MiB. */
  readonly warmBytesMax?: number;
  /** Go on with what is readable of damaged journals; default: refuse to start. */
  readonly repairJournal?: boolean;
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
  ): Promise<Installed & { readonly difference?: Difference }>;
  /** Ends a thread at once, whatever it does, as if it had been lost: another takes its place. */
  endThread(thread: number): Promise<void>;
}

const agentsMax = 1_048_576;
const logEntriesMax = 10_000;
const logCharsMax = 32 * 1024 * 1024;
const warmBytesDefault = 256 * 1024 * 1024;
const closeMsMax = 2_000;
const outside: Sender = { id: 0, name: undefined };

/**
 * Starts a host that keeps agents alive.
 * @throws HostError for agents that cannot be installed, a state folder that another host has
 */
export async function serve(options: ServeOptions): Promise<LocalServing> {
  const host = await ServingHost.start(options);
  try {
    for (const agent of options.agents)
      await host.upgrade(agent.manifestPath, agent.manifest, agent.component, agent.text);
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
  readonly #specs: SpecMaker;
  readonly #hub = new LogHub(logEntriesMax, logCharsMax);
  readonly #proxy = new ExchangeProxy();
  readonly #runFolder = mkdtempSync(join(tmpdir(), 'motehost-'));
  readonly #startedAtMs: number;
  readonly #residence;
  readonly #state: StateFolder;
  readonly #mail: Mail;
  /** As an earlier run left them: each is called by its thread's number. */
  readonly #coldFolders: readonly string[];
  readonly #triggers: Triggers;
  readonly #spawnedOrigins = new WeakMap<Origin, Origin>();
  readonly #ids: MessageIds;
  /** How the front door is opened in each thread, once it is. */
  #door: { readonly module: string; readonly settings: unknown } | undefined;
  #isReady = false;
  #isClosing = false;

  private constructor(options: ServeOptions, secrets: Secrets, state: StateFolder) {
    const { clock, random, threads } = options;
    this.#options = options;
    this.#ids = new MessageIds(random);
    this.#state = state;
    this.#mail = this.#openMail();
    this.#coldFolders = readdirSync(state.coldFolder);
    this.#startedAtMs = this.#nowMs();
    this.#engine = createEngine({ cacheFolder: options.cacheFolder, clock, preparation: 'pool' });
    this.#directory = Directory.create(agentsMax, random);
    // One more for a spare, which may begin before the lost one is gone.
    this.#residence = newResidence(threads + 2, options.bounds);
    this.#threads = new Threads({
      threads,
      settings: this.#settings(),
      clock,
      residence: this.#residence,
      placeOf: (thread) => this.#placeOf(thread),
      onLogs: (entries) => {
        for (const entry of entries) this.#log(entry);
      },
      onOutput: (text) => this.#say('warn', text.trimEnd()),
      onLost: (thread, reason) => this.#lost(thread, reason),
      onReplaced: (thread, handle) => void this.#replaced(thread, handle),
      onVacant: (thread, error) =>
        this.#say('error', `nobody takes the place of thread ${thread}: ${reasonOf(error)}`),
    });
    this.#bus = new Bus({
      links: this.#threads.links,
      directory: this.#directory,
      clock,
      random,
      wheel: new Wheel({ nowMs: () => clock.monotonicMs(), driver: timeoutDriver }),
      journal: this.#mail.journal,
    });
    this.#mail.join(this.#bus, this.#threads);
    this.#tenancy = new Tenancy({
      bus: this.#bus,
      directory: this.#directory,
      threads: this.#threads,
      isFresh: this.#coldFolders.length === 0,
    });
    this.#triggers = openTriggers(this.#bus, state.agents, clock, (agent, trigger, why) =>
      this.#say('warn', `trigger ${trigger} was not delivered: ${why}`, agent),
    );
    this.#specs = new SpecMaker({
      prepare: (component) => this.#engine.prepare(component),
      limits: options.limits,
      secret: (handle, path) => secrets.value(handle, path),
    });
  }

  static async start(options: ServeOptions): Promise<ServingHost> {
    const secrets = await Secrets.open({ file: options.secretsFile, env: process.env });
    const state = openState(options.stateFolder);
    let host: ServingHost;
    try {
      host = new ServingHost(options, secrets, state);
    } catch (thrown) {
      state.close();
      throw thrown;
    }
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
    close: async (drainMs) => {
      this.#door = undefined;
      await this.#everywhere((handle) => handle.call('closeDoor', drainMs));
    },
  };

  #openMail(): Mail {
    const { clock, random, threads, repairJournal = false } = this.#options;
    const say = this.#say.bind(this);
    return new Mail({ state: this.#state, threads, clock, random, repair: repairJournal, say });
  }

  /** Everybody is installed: what an earlier run was given and did not deal with is delivered. */
  async becomeReady(): Promise<void> {
    await this.#mail.deliver();
    this.#isReady = true;
  }

  #settings(): ThreadSettings {
    const { cacheFolder, threads, warmBytesMax = warmBytesDefault } = this.#options;
    return {
      cacheFolder,
      directory: this.#directory.shared,
      residence: this.#residence,
      warmBytesMax: Math.floor(warmBytesMax / threads),
      logLevelMin: 'info',
    };
  }

  #placeOf(thread: number): Omit<ThreadPlace, 'links' | 'predecessors'> {
    const { coldFolder } = this.#state;
    const { threads } = this.#options;
    const orphaned = this.#coldFolders.filter((name) => Number(name) > threads);
    return {
      socketPath: this.#socketPathOf(thread),
      coldFolder: join(coldFolder, String(thread)),
      journalFolder: this.#state.journalOf(thread),
      historyFolder: this.#state.historyFolder,
      repairJournal: this.#options.repairJournal ?? false,
      adoptCold: orphaned
        .filter((name) => Number(name) % threads === thread - 1)
        .map((name) => join(coldFolder, name)),
    };
  }

  #socketPathOf(thread: number): string {
    const name = `motehost-${process.pid}-${thread}`;
    return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(this.#runFolder, `${thread}.sock`);
  }

  #lost(thread: number, reason: string): void {
    this.#proxy.drop(this.#socketPathOf(thread));
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
    return this.#isReady ? { ready: true } : { ready: false, waitingFor: ['agents to be installed'] };
  }

  status(): Promise<ServingStatus> {
    return statusOf(this.#view());
  }

  metrics(): Promise<readonly Metric[]> {
    return metricsOf(this.#view());
  }

  #view(): Parameters<typeof statusOf>[0] {
    return {
      threads: this.#threads,
      registry: this.#tenancy.registry,
      residence: this.#residence,
      bus: this.#bus,
      journalCounts: this.#mail.counts(),
      startedAtMs: this.#startedAtMs,
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
    return detailOf(record, report);
  }

  async install(request: InstallRequest): Promise<Installed> {
    this.#requireOpen();
    const path = 'the manifest';
    const manifest = parseManifest(request.manifest, path);
    requirePathless(manifest, path);
    if (request.isAnybodys === true) requireSecretless(manifest, path);
    const spec = await this.#specOf(manifest, path, request.component);
    const origin = { manifestPath: undefined, manifestText: request.manifest, installedAtMs: this.#nowMs() };
    requireHttpOrigin(this.#tenancy.registry.get(manifest.name)?.origin, manifest.name);
    const present = this.#tenancy.registry.get(manifest.name);
    if (present !== undefined && request.accept !== spec.program.facts.digest) {
      const difference = differenceOf(present.spec, spec);
      if (wantsMore(difference)) return { kind: 'wants-more', difference };
    }
    const installed = await this.#put(spec, origin);
    await this.#keep(spec, origin, request.component);
    return installed;
  }

  /** The component of an agent with a history is kept as long as that. */
  async #specOf(manifest: Manifest, path: string, component: Uint8Array<ArrayBuffer>): Promise<Spec> {
    const spec = await this.#specs.make(manifest, path, component);
    if (manifest.history.record) this.#state.recorded.put(component);
    return spec;
  }

  /** What was installed over HTTP is there again after a restart. */
  async #keep(spec: Spec, origin: Origin, component: Uint8Array): Promise<void> {
    const { components, agents } = this.#state;
    const { name } = spec.manifest;
    agents.put({
      name,
      manifest: origin.manifestText,
      digest: components.put(component),
      earlier: this.#tenancy.require(name).earlier,
      accepted: undefined,
      parent: undefined,
      installedAtMs: origin.installedAtMs,
    });
    await agents.saved();
  }

  /** Installs what an earlier run was given over HTTP; one that cannot be is told, and keeps nobody from starting. */
  async restore(): Promise<void> {
    const { agents, components } = this.#state;
    for (const record of [...agents.all()]) {
      try {
        const path = 'the manifest';
        const manifest = parseManifest(record.manifest, path);
        const spec = await this.#specOf(manifest, path, await components.get(record.digest));
        const { installedAtMs } = record;
        await this.#put(spec, { manifestPath: undefined, manifestText: record.manifest, installedAtMs });
      } catch (thrown) {
        if (!(thrown instanceof HostError)) throw thrown;
        this.#say('error', `cannot be installed again: ${thrown.message}`, record.name);
      }
    }
  }

  async upgrade(
    manifestPath: string,
    manifest: Manifest,
    component: Uint8Array<ArrayBuffer>,
    text = '',
  ): Promise<Installed & { readonly difference?: Difference }> {
    const spec = await this.#specOf(manifest, manifestPath, component);
    const present = this.#tenancy.registry.get(manifest.name);
    if (present !== undefined && present.origin.manifestPath !== manifestPath)
      throw new HostError(
        'HOST_ERR_AGENT_DUPLICATE',
        `${manifestPath}: there is an agent '${manifest.name}' already, from ${present.origin.manifestPath ?? 'an install over HTTP'}; give it another name`,
        { name: manifest.name },
      );
    const difference = present === undefined ? undefined : differenceOf(present.spec, spec);
    const origin = { manifestPath, manifestText: text, installedAtMs: this.#nowMs() };
    const installed = await this.#put(spec, origin);
    return difference === undefined ? installed : { ...installed, difference };
  }

  async #put(spec: Spec, origin: Origin): Promise<Installed> {
    const { name } = spec.manifest;
    const present = this.#tenancy.registry.get(name);
    if (present === undefined) {
      await this.#tenancy.add([name], spec, origin);
      this.#triggers.add(name, spec.manifest.triggers, spec.manifestPath);
      return { kind: 'installed', agent: await this.agent(name) };
    }
    const isSame =
      present.spec.program.facts.digest === spec.program.facts.digest &&
      isDeepStrictEqual(present.spec.manifest, spec.manifest);
    if (isSame) return { kind: 'unchanged', agent: await this.agent(name) };
    await this.#tenancy.replace(present, spec, origin);
    this.#triggers.add(name, spec.manifest.triggers, spec.manifestPath);
    return { kind: 'upgraded', agent: await this.agent(name) };
  }

  async spawn(like: string, names: readonly string[]): Promise<void> {
    const bad = names.find((name) => !isAgentName(name));
    if (bad !== undefined)
      throw new HostError(
        'HOST_ERR_CONFIG_INVALID',
        `'${bad}' is no agent's name: lower-case letters, digits, dashes`,
      );
    const { spec, origin } = this.#tenancy.require(like);
    await this.#tenancy.add(names, spec, this.#spawnedFrom(origin));
    const { triggers } = spec.manifest;
    if (triggers.length > 0) for (const name of names) this.#triggers.add(name, triggers, spec.manifestPath);
  }

  /** One object for all that were spawned like one: no folder has them, so they can be removed. */
  #spawnedFrom(origin: Origin): Origin {
    let spawned = this.#spawnedOrigins.get(origin);
    if (spawned === undefined) {
      spawned = { ...origin, manifestPath: undefined };
      this.#spawnedOrigins.set(origin, spawned);
    }
    return spawned;
  }

  async remove(name: string): Promise<void> {
    const record = this.#tenancy.require(name);
    if (record.origin.manifestPath !== undefined)
      throw new HostError(
        'HOST_ERR_AGENT_DUPLICATE',
        `${name} comes from ${record.origin.manifestPath}; remove it there`,
        { name },
      );
    this.#triggers.remove(name);
    await this.#tenancy.remove(record);
    this.#state.agents.remove(name);
    await this.#state.agents.saved();
  }

  /** @throws HostError `HOST_ERR_AGENT_STOPPED` when the host ends */
  #requireOpen(): void {
    if (this.#isClosing)
      throw new HostError('HOST_ERR_AGENT_STOPPED', 'the host ends; ask again when it is there again');
  }

  async invoke(name: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    requireMessages(this.#tenancy.require(name));
    const { subject, ...rest } = options;
    return this.#ask(agentSubject(name), payload, { ...rest, ...(subject === undefined ? {} : { subject }) });
  }

  request(subject: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    return this.#ask(subject, payload, options);
  }

  async #ask(to: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    this.#requireOpen();
    const { deadlineMs, signal, subject } = options;
    const messageId = options.messageId ?? this.#ids.next();
    const reply = await this.#bus.request(outside, to, payload, {
      timeoutMs: deadlineMs ?? 0,
      signal,
      id: messageId,
      subject,
    });
    return replyOf(reply, messageId);
  }

  async send(name: string, payload: Payload, options: PublishOptions): Promise<Accepted> {
    this.#requireOpen();
    requireMessages(this.#tenancy.require(name));
    const { guarantee, messageId } = options;
    return acceptedOf(await this.#bus.send(outside, name, payload, { guarantee, id: messageId }));
  }

  async publish(subject: string, payload: Payload, options: PublishOptions): Promise<Accepted> {
    this.#requireOpen();
    const { guarantee, messageId } = options;
    return acceptedOf(await this.#bus.publish(outside, subject, payload, { guarantee, id: messageId }));
  }

  subscribe(pattern: string, group: string | undefined, listener: (message: Message) => void): () => void {
    const fault = patternFault(pattern);
    if (fault !== undefined)
      throw new HostError('HOST_ERR_SUBJECT_INVALID', `'${pattern}': ${fault}`, { pattern });
    return this.#bus.listen(pattern, group, listener);
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

  retryDeadLetter(id: string): Promise<boolean> {
    return this.#mail.retry(id);
  }

  dropDeadLetter(id: string): Promise<boolean> {
    return this.#mail.drop(id);
  }

  routeOf(path: string): string | undefined {
    return this.#tenancy.routeOf(path);
  }

  exchange(name: string, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { id, thread } = this.#tenancy.require(name);
    return this.#proxy.pass(this.#socketPathOf(thread), [agentHeader, String(id)], request, response);
  }

  async endThread(thread: number): Promise<void> {
    await this.#threads.end(thread, 'the operator ended it');
  }

  async close(drainMs: number): Promise<void> {
    this.#isClosing = true;
    this.#triggers.stop();
    await this.#drain(drainMs);
    await this.#everywhere((handle) => handle.call('save', undefined));
    await this.#threads.close(closeMsMax);
    await this.#mail
      .close()
      .catch((thrown: unknown) => this.#say('error', `the journal was not closed: ${reasonOf(thrown)}`));
    this.#threads.closeLinks();
    this.#proxy.close();
    await this.#engine.close();
    rmSync(this.#runFolder, { recursive: true, force: true });
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

/** An agent that lies in a folder of the operator's is not replaced from outside. @throws HostError */
function requireHttpOrigin(origin: Origin | undefined, name: string): void {
  if (origin?.manifestPath === undefined) return;
  throw new HostError(
    'HOST_ERR_AGENT_DUPLICATE',
    `there is an agent '${name}' already, from ${origin.manifestPath}; change it there, or take another name`,
    { name },
  );
}

/** Where everybody of the machine may install, installing must not tell everybody the operator's secrets. @throws HostError */
function requireSecretless({ grants }: Manifest, path: string): void {
  const [handle] = grants.secrets;
  if (handle === undefined) return;
  throw new HostError(
    'HOST_ERR_CAPABILITY_DENIED',
    `${path}: it asks for the secret '${handle}', and this host takes agents from anybody without a token; make one with host token create --may admin, or install it with host serve FOLDER`,
    { path, handle },
  );
}

/** Paths in a manifest that came without a folder lead nowhere. @throws HostError `HOST_ERR_CONFIG_INVALID` */
function requirePathless({ grants, component }: Manifest, path: string): void {
  const key =
    grants.files.length > 0 ? 'capabilities.files' : component === undefined ? undefined : 'component';
  if (key === undefined) return;
  throw new HostError(
    'HOST_ERR_CONFIG_INVALID',
    `${path}: ${key} names a path, and an agent that is installed over HTTP has no folder; install it with host serve FOLDER`,
    { path, key },
  );
}
