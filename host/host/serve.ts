import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type * as http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { ExchangeProxy } from './exchange-proxy.ts';
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
  ): Promise<Installed & { readonly difference?: Difference }>;
}

const agentsMax = 1_048_576;
const logEntriesMax = 10_000;
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
      await host.upgrade(agent.manifestPath, agent.manifest, agent.component);
  } catch (thrown) {
    await host.close(0);
    throw thrown;
  }
  await host.restore();
  host.becomeReady();
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
  readonly #hub = new LogHub(logEntriesMax);
  readonly #proxy = new ExchangeProxy();
  readonly #runFolder = mkdtempSync(join(tmpdir(), 'motehost-'));
  readonly #startedAtMs: number;
  readonly #residence;
  readonly #state: StateFolder;
  /** As an earlier run left them: each is called by its thread's number. */
  readonly #coldFolders: readonly string[];
  readonly #triggers: Triggers;
  readonly #ids: MessageIds;
  #isReady = false;
  #isClosing = false;

  private constructor(options: ServeOptions, secrets: Secrets, state: StateFolder) {
    const { clock, random, threads } = options;
    this.#options = options;
    this.#ids = new MessageIds(random);
    this.#state = state;
    this.#coldFolders = readdirSync(state.coldFolder);
    this.#startedAtMs = this.#nowMs();
    this.#engine = createEngine({ cacheFolder: options.cacheFolder, clock });
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
      onPlaced: (thread, handle, lost) => this.#placed(thread, handle, lost),
    });
    this.#bus = new Bus({
      links: this.#threads.links,
      directory: this.#directory,
      clock,
      random,
      wheel: new Wheel({ nowMs: () => clock.monotonicMs(), driver: timeoutDriver }),
    });
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
    const host = new ServingHost(options, secrets, state);
    await host.#threads.start();
    host.#threads.links.start({
      accept: (frame, from) => host.#bus.accept(frame, from),
      onLost: (thread) => host.#bus.forgetThread(thread),
    });
    return host;
  }

  becomeReady(): void {
    this.#isReady = true;
  }

  #settings(): ThreadSettings {
    const { cacheFolder, threads } = this.#options;
    return {
      cacheFolder,
      directory: this.#directory.shared,
      residence: this.#residence,
      warmBytesMax: Math.floor((this.#options.warmBytesMax ?? warmBytesDefault) / threads),
      logLevelMin: 'info',
    };
  }

  #placeOf(thread: number): Omit<ThreadPlace, 'links'> {
    const { coldFolder } = this.#state;
    const { threads } = this.#options;
    const orphaned = this.#coldFolders.filter((name) => Number(name) > threads);
    return {
      socketPath: this.#socketPathOf(thread),
      coldFolder: join(coldFolder, String(thread)),
      journalFolder: this.#state.journalOf(thread),
      adoptCold: orphaned
        .filter((name) => Number(name) % threads === thread - 1)
        .map((name) => join(coldFolder, name)),
    };
  }

  #socketPathOf(thread: number): string {
    const name = `motehost-${process.pid}-${thread}`;
    return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(this.#runFolder, `${thread}.sock`);
  }

  #placed(thread: number, handle: AgentThreadHandle, lost: string | undefined): void {
    if (lost === undefined) return;
    this.#proxy.drop(this.#socketPathOf(thread));
    this.#tenancy.reinstall(thread, handle).then(
      (count) => this.#say('error', `a thread was lost (${lost}); ${count} agents begin anew on another`),
      (thrown: unknown) =>
        this.#say('error', `a thread was lost (${lost}), and its agents: ${String(thrown)}`),
    );
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
    const path = 'the manifest';
    const manifest = parseManifest(request.manifest, path);
    requirePathless(manifest, path);
    const spec = await this.#specs.make(manifest, path, request.component);
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
        const spec = await this.#specs.make(manifest, path, await components.get(record.digest));
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
  ): Promise<Installed & { readonly difference?: Difference }> {
    const spec = await this.#specs.make(manifest, manifestPath, component);
    const present = this.#tenancy.registry.get(manifest.name);
    if (present !== undefined && present.origin.manifestPath !== manifestPath)
      throw new HostError(
        'HOST_ERR_AGENT_DUPLICATE',
        `${manifestPath}: there is an agent '${manifest.name}' already, from ${present.origin.manifestPath ?? 'an install over HTTP'}; give it another name`,
        { name: manifest.name },
      );
    const difference = present === undefined ? undefined : differenceOf(present.spec, spec);
    const origin = { manifestPath, manifestText: textOf(manifestPath), installedAtMs: this.#nowMs() };
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
      JSON.stringify([present.spec.manifest, present.spec.program.facts.digest]) ===
      JSON.stringify([spec.manifest, spec.program.facts.digest]);
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
    await this.#tenancy.add(names, spec, origin);
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

  async invoke(name: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    requireMessages(this.#tenancy.require(name));
    const { subject, ...rest } = options;
    return this.#ask(agentSubject(name), payload, { ...rest, ...(subject === undefined ? {} : { subject }) });
  }

  request(subject: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
    return this.#ask(subject, payload, options);
  }

  async #ask(to: string, payload: Payload, options: InvokeOptions): Promise<Reply> {
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
    requireMessages(this.#tenancy.require(name));
    const { guarantee, messageId } = options;
    return acceptedOf(await this.#bus.send(outside, name, payload, { guarantee, id: messageId }));
  }

  async publish(subject: string, payload: Payload, options: PublishOptions): Promise<Accepted> {
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

  deadLetters(max: number): readonly DeadLetter[] {
    return this.#bus.deadLetters(max);
  }

  async retryDeadLetter(id: string): Promise<boolean> {
    return this.#bus.retryDeadLetter(id);
  }

  async dropDeadLetter(id: string): Promise<boolean> {
    return this.#bus.dropDeadLetter(id);
  }

  routeOf(path: string): string | undefined {
    return this.#tenancy.routeOf(path);
  }

  exchange(name: string, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { id, thread } = this.#tenancy.require(name);
    return this.#proxy.pass(this.#socketPathOf(thread), id, request, response);
  }

  async close(drainMs: number): Promise<void> {
    this.#isClosing = true;
    const { numbers } = this.#threads;
    this.#triggers.stop();
    await Promise.allSettled(numbers.map((number) => this.#threads.handle(number)?.call('drain', drainMs)));
    await this.#threads.close(closeMsMax);
    this.#proxy.close();
    await this.#engine.close();
    rmSync(this.#runFolder, { recursive: true, force: true });
    this.#state.close();
  }
}

/** Of an agent without a manifest, what is there is its component. */
function textOf(manifestPath: string): string {
  return manifestPath.endsWith('.toml') ? readFileSync(manifestPath, 'utf8') : '';
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
