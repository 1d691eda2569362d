import { availableParallelism } from 'node:os';
import { systemClock, systemRandom } from '../clock.ts';
import { type MetricsSettings, metricsOf } from '../config/metrics.ts';
import {
  placementNamed,
  policyNamed,
  requireCustom,
  type SchedulerSettings,
} from '../config/scheduler-settings.ts';
import { type Config, cacheFolder, limitsOfEnvironment, loadConfig } from '../config.ts';
import { HostError } from '../errors.ts';
import type { AuditLevel } from '../host/record/audit-level.ts';
import type { LocalServing } from '../host/serve.ts';
import type { HttpFront } from '../http/listen.ts';
import { passphraseFrom } from '../identity/passphrase.ts';
import { type Limits, limitNames, parseQuantity, settleLimits } from '../limits.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { limitOptions, limitsOfFlags } from './limit-flags.ts';
import { type AgentFiles, agentPaths, loadAgent, requireDistinct } from './serve/agent-files.ts';
import { type AuditAsked, type AuditFlags, auditAsked, auditOptions } from './serve/audit-flags.ts';
import { bannerText } from './serve/banner.ts';
import { connectionsFew, connectionsMaxOf } from './serve/file-room.ts';
import { requireMetricsPlace } from './serve/metrics-file.ts';
import { loadParts, type Parts } from './serve/parts.ts';
import { Reload } from './serve/reload.ts';
import { makeStateFolder, stateFolderOf } from './serve/state-folder.ts';
import { Stop } from './serve/stop.ts';
import { loadSupervisors } from './serve/supervisor-file.ts';
import { Voice } from './serve/voice.ts';
import { countOf, type Elsewhere, parseWords, timeMsOf } from './words.ts';

const options = {
  listen: { type: 'string', short: 'l' },
  'host-name': { type: 'string', multiple: true },
  'cors-origin': { type: 'string', multiple: true },
  state: { type: 'string' },
  threads: { type: 'string' },
  secrets: { type: 'string' },
  policies: { type: 'string' },
  'repair-journal': { type: 'boolean' },
  'take-unsealed': { type: 'boolean' },
  'require-signed': { type: 'boolean' },
  production: { type: 'boolean' },
  auth: { type: 'boolean' },
  ...auditOptions,
  'accept-audit-loss': { type: 'boolean' },
  'accept-old-keyring': { type: 'boolean' },
  watch: { type: 'boolean' },
  'no-watch': { type: 'boolean' },
  drain: { type: 'string' },
  scheduler: { type: 'string' },
  log: { type: 'string' },
  'memory-total': { type: 'string' },
  'history-total': { type: 'string' },
  'metrics-file': { type: 'string' },
  otlp: { type: 'string' },
  'otlp-protocol': { type: 'string' },
  placement: { type: 'string' },
  ...limitOptions,
} as const;

const loopback = '127.0.0.1';
const listenOn = (port = 'PORT'): string => `--listen ${loopback}:${port}`;
const elsewhere: Elsewhere = {
  '--port': listenOn,
  '-p': listenOn,
  '--host': (host = 'HOST') => `--listen ${host.includes(':') ? `[${host}]` : host}:8080`,
  '--bind': (host = 'HOST:PORT') => `--listen ${host}`,
  '--allocation': (name = 'NAME') => `--placement ${name === 'worst-fit' ? 'balanced' : name}`,
};

export const command: Command = {
  summary: 'keep agents alive, let them talk to each other, answer HTTP',
  help: `host serve: keeps agents alive on all cores, lets them talk to each other, and answers HTTP for them

Usage: host serve [FOLDER|agent.toml|FILE.wasm …] [OPTIONS]

  host serve my-agent              # a FOLDER with an agent.toml is one agent
  host serve examples/pipeline     # any other FOLDER (default: here) holds agents in its subfolders,
                                   # and may have a supervisors.toml: who is restarted with whom

What has sources is built first if it changed. Then, in another terminal:

  host invoke my-agent --input hello      or: curl -d hello http://127.0.0.1:8080/v1/agents/my-agent/invoke
  host agents     host logs -f     host top

Where
  -l, --listen HOST:PORT  where to answer HTTP; port 0: any that is free   [127.0.0.1:8080]
  --state FOLDER          what outlives the host: mail, memories, tokens   [.motehost, or HOST_STATE]
  --secrets FILE          values for manifests that say { secret = "NAME" }, as lines of NAME = "VALUE"
  --log text|json         how what agents log is printed on stdout         [text]
  --policies FOLDER       who may do what besides what manifests grant; changes count at once   [host policy --help]
  --config FILE           settings file   [~/.config/motehost/config.toml, or HOST_CONFIG]

Who may call: on this machine everybody, until there is a token (host token create); from elsewhere only with a token
  --auth                  ask for a token on this machine, too
  --host-name NAME        a name callers know this host by, beside localhost (several times for several)
  --cors-origin ORIGIN    pages of this origin may call it (several times for several)

What is recorded (host audit reads and verifies it; docs/audit.md)
  --audit LEVEL           security: lives of agents, denials, limits, traps, changes; messages: also every message and
                          invocation; all: also every decision and host call; off: nothing      [security]
  --audit-retention TIME, --audit-retention-size SIZE     deletes what is older (90d), and the oldest beyond (10GiB)
  --audit-segment-size SIZE, --audit-segment-age TIME     when a file of the chain ends     [64MiB, 1d]
  --audit-anchor FILE     adds the last seal to a file that others keep, every --audit-anchor-every TIME    [10m]
  --audit-clock-uncertainty TIME  how far off the clock may be; stands on every seal
                          all of these in the settings file, too: [audit] level, retention, segment-size, …
  --accept-audit-loss     start although the end of the chain is missing that was promised; that is recorded
  --accept-old-keyring    start although a newer keyring.json is lost; that is recorded

What may be installed (docs/signing.md)
  --require-signed        only components that are signed (host sign), each by who signed it first or a trusted publisher
  --production            --require-signed and --auth, and an audit chain

What is measured (host top and /metrics show it always; docs/metrics.md)
  --metrics-file FILE     keep a snapshot of it in a file, too
  --otlp URL              send it to an OpenTelemetry collector; OTEL_EXPORTER_OTLP_ENDPOINT does the same
  --otlp-protocol NAME    grpc, http/protobuf or http/json               [grpc]

How
  --threads N             threads that run agents                          [one a core]
  --placement NAME        on which thread an agent lives: balanced, first-fit, best-fit, priority   [balanced]
  --memory-total SIZE     memory of all agents together                    [75% of the machine's, or of its cgroup's]
  --history-total SIZE    histories on disk together (host replay); the oldest go   [1GiB]
  --scheduler POLICY      who has the next turn on a thread (docs/scheduling.md): fair-share, round-robin, first-come,
                          shortest-job, weighted-fair-queueing, earliest-deadline, rate-based, priority  [fair-share]
  --watch, --no-watch     build and replace agents that change, or not     [up to 200 agents are watched]
  --drain TIME            how long the end may take                        [30s]
  --take-unsealed         take over messages and states that an earlier version kept unsealed, once
  --repair-journal        start although kept messages are damaged on disk, with all that are readable

What each agent may use for a message, at most; agent.toml, the environment and the config file may only narrow it
  --fuel N   --memory SIZE   --tables N   --deadline TIME   --output SIZE   --files N       host run --help explains them

Ctrl-C or termination: nothing new is taken, what is under way ends, every agent is saved; a second one ends at once.
Exit codes: 0 stopped in good order; 64 bad flags or manifest; 65 an agent does not build or run here; 66 no such
folder; 69 the address or the state folder is taken; 130 ended at once.
`,
  endsProcess: true,
  run: async (args) => serveAgents(await readSettings(args), await loadParts()),
};

/** @throws HostError `HOST_ERR_LIMIT_INVALID` */
function bytesOf(flag: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseQuantity('bytes', text, flag);
}

/** Below, hardly an agent could begin. */
const memoryTotalMiBMin = 16;

/** @throws HostError `HOST_ERR_LIMIT_INVALID` */
function memoryTotalOf(text: string | undefined): number | undefined {
  const bytes = bytesOf('--memory-total', text);
  if (bytes === undefined || bytes >= memoryTotalMiBMin * 1024 ** 2) return bytes;
  throw new HostError(
    'HOST_ERR_LIMIT_INVALID',
    `--memory-total: '${text}' is less than ${memoryTotalMiBMin}MiB, with which agents could not begin`,
    { text },
  );
}

/** What the command line asks for, checked. */
export interface ServeSettings {
  readonly roots: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly auth: boolean;
  readonly hostNames: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly stateFolder: string;
  readonly secretsFile: string | undefined;
  /** Undefined: the manifests' grants alone decide. */
  readonly policyFolder: string | undefined;
  readonly repairJournal: boolean;
  readonly takesUnsealed: boolean;
  readonly requireSigned: boolean;
  readonly threads: number;
  /** Undefined: a share of what there is. */
  readonly memoryBytesMax: number | undefined;
  /** Undefined: the host's default. */
  readonly historyBytesMax: number | undefined;
  /** Undefined: as their number says. */
  readonly watch: boolean | undefined;
  readonly drainMs: number;
  readonly isJson: boolean;
  readonly limits: Partial<Limits>;
  readonly auditLevel: AuditLevel;
  readonly auditKeeping: AuditAsked['keeping'];
  readonly acceptAuditLoss: boolean;
  /** A flag stands instead of the settings file's word. */
  readonly scheduler: SchedulerSettings;
  /** Undefined: metrics are exported nowhere. */
  readonly metrics: MetricsSettings | undefined;
  readonly acceptOldKeyring: boolean;
}

const threadsMax = 1024;
const watchedMax = 200;

/** @throws HostError `HOST_ERR_CLI_USAGE`, `HOST_ERR_LIMIT_INVALID` */
export async function readSettings(args: readonly string[]): Promise<ServeSettings> {
  const { values, positionals } = parseWords('serve', args, options, elsewhere);
  if (values.watch === true && values['no-watch'] === true)
    throw new HostError('HOST_ERR_CLI_USAGE', '--watch and --no-watch exclude each other');
  if (values.log !== undefined && values.log !== 'text' && values.log !== 'json')
    throw new HostError('HOST_ERR_CLI_USAGE', `--log: '${values.log}' is neither text nor json`);
  const config = await loadConfig(values.config, process.env);
  const requests = [
    limitsOfFlags(values),
    limitsOfEnvironment(process.env),
    { limits: config.limits, source: () => config.path ?? '' },
  ];
  const settled = settleLimits(requests);
  const asked = limitNames.filter((name) => requests.some(({ limits }) => limits[name] !== undefined));
  return {
    roots: positionals.length === 0 ? ['.'] : positionals,
    ...addressOf(values.listen ?? `${loopback}:8080`),
    auth: values.auth === true || values.production === true,
    hostNames: values['host-name'] ?? [],
    corsOrigins: values['cors-origin'] ?? [],
    stateFolder: stateFolderOf(values.state, process.env),
    secretsFile: values.secrets,
    policyFolder: values.policies,
    repairJournal: values['repair-journal'] === true,
    takesUnsealed: values['take-unsealed'] === true,
    requireSigned: values['require-signed'] === true || values.production === true,
    threads:
      values.threads === undefined
        ? availableParallelism()
        : countOf('--threads', values.threads, threadsMax),
    memoryBytesMax: memoryTotalOf(values['memory-total']),
    historyBytesMax: bytesOf('--history-total', values['history-total']),
    watch: values['no-watch'] === true ? false : values.watch,
    drainMs: values.drain === undefined ? 30_000 : timeMsOf('--drain', values.drain),
    isJson: values.log === 'json',
    limits: Object.fromEntries(asked.map((name) => [name, settled.limits[name]])),
    ...auditSettingsOf(values, config),
    scheduler: schedulerOf(values.scheduler, values.placement, config),
    acceptAuditLoss: values['accept-audit-loss'] === true,
    metrics: metricsOf({
      table: config.metrics,
      path: config.path ?? '',
      env: process.env,
      flags: {
        metricsFile: values['metrics-file'],
        otlp: values.otlp,
        otlpProtocol: values['otlp-protocol'],
      },
    }),
    acceptOldKeyring: values['accept-old-keyring'] === true,
  };
}

/** @throws HostError `HOST_ERR_CONFIG_INVALID` */
function schedulerOf(
  flag: string | undefined,
  placement: string | undefined,
  { path, scheduler: written = {} }: Config,
): SchedulerSettings {
  const scheduler =
    placement === undefined ? written : { ...written, placement: placementNamed(placement, '--placement') };
  if (flag === undefined) requireCustom(scheduler, path ?? 'the settings');
  return flag === undefined ? scheduler : { ...scheduler, policy: policyNamed(flag, '--scheduler') };
}

function auditSettingsOf(
  values: AuditFlags & { readonly production?: boolean | undefined },
  { audit }: Config,
): Pick<ServeSettings, 'auditLevel' | 'auditKeeping'> {
  const { level, keeping } = auditAsked(values, audit, values.production === true);
  return { auditLevel: level, auditKeeping: keeping };
}

const portMax = 65_535;

/** `127.0.0.1:8080`, `[::1]:80`, `localhost:0`, `:8080` or `8080` (on loopback). */
function addressOf(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:(\[[0-9a-fA-F:.]+\]|[^:[\]\s/]*):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match !== null && port <= portMax)
    return { host: (match[1] || loopback).replace(/^\[|\]$/g, ''), port };
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `--listen: '${text}' is not HOST:PORT, for example 127.0.0.1:8080`,
  );
}

/**
 * Serves until it is told to end.
 * @returns the exit code
 * @throws HostError for agents that do not load, an address or a state folder that is taken
 */
export async function serveAgents(
  settings: ServeSettings,
  parts: Parts,
  stop: Stop = new Stop(),
): Promise<number> {
  const { isJson } = settings;
  try {
    const agents = await loadAll(settings.roots, stop.signal, isJson);
    const voice = new Voice(
      isJson,
      agents.map(({ manifest }) => manifest.name),
    );
    const serving = await open(settings, parts, agents, voice);
    try {
      await serveUntil(settings, parts, agents, serving, voice, stop);
    } catch (thrown) {
      await serving.close(0);
      throw thrown;
    }
    await voice.flush();
    return exitCodes.ok;
  } catch (thrown) {
    // Ended while agents were still being built.
    if (stop.signal.aborted && !(thrown instanceof HostError)) return exitCodes.cancelled;
    throw thrown;
  } finally {
    stop.close();
  }
}

async function loadAll(
  roots: readonly string[],
  signal: AbortSignal,
  isQuiet: boolean,
): Promise<AgentFiles[]> {
  const agents: AgentFiles[] = [];
  const say = (text: string): void => void (isQuiet || process.stderr.write(`host: ${text}\n`));
  for (const path of agentPaths(roots)) agents.push(await loadAgent(path, say, signal));
  requireDistinct(agents);
  return agents;
}

function open(
  settings: ServeSettings,
  parts: Parts,
  agents: readonly AgentFiles[],
  voice: Voice,
): Promise<LocalServing> {
  const { stateFolder, threads, memoryBytesMax, historyBytesMax, limits, secretsFile, repairJournal } =
    settings;
  const {
    auditLevel,
    auditKeeping,
    acceptAuditLoss,
    acceptOldKeyring,
    policyFolder,
    takesUnsealed,
    requireSigned,
    metrics,
  } = settings;
  const passphrase = passphraseFrom(process.env);
  if (metrics?.file !== undefined) requireMetricsPlace(metrics.file.path, stateFolder);
  connectionsMaxOf(threads);
  makeStateFolder(stateFolder);
  return parts.serve({
    agents,
    supervisors: loadSupervisors(settings.roots),
    stateFolder,
    cacheFolder: cacheFolder(process.env),
    threads,
    limits,
    trust: {
      ...{ auditLevel, acceptAuditLoss, acceptOldKeyring, takesUnsealed, requireSigned },
      audit: auditKeeping,
      ...(policyFolder === undefined ? {} : { policyFolder }),
      ...(passphrase === undefined ? {} : { passphrase }),
    },
    ...(memoryBytesMax === undefined ? {} : { memoryBytesMax }),
    ...(historyBytesMax === undefined ? {} : { historyBytesMax }),
    ...(repairJournal ? { repairJournal } : {}),
    ...(metrics === undefined ? {} : { metrics }),
    ...(secretsFile === undefined ? {} : { secretsFile }),
    clock: systemClock,
    random: systemRandom,
    scheduler: settings.scheduler,
    log: voice.log,
  });
}

async function serveUntil(
  settings: ServeSettings,
  parts: Parts,
  agents: readonly AgentFiles[],
  serving: LocalServing,
  voice: Voice,
  stop: Stop,
): Promise<void> {
  const { host, port, auth, hostNames, corsOrigins, stateFolder, threads, roots } = settings;
  const connectionsMax = connectionsMaxOf(threads);
  const listening = await parts.listen(serving, {
    ...{ host, port, auth, hostNames, corsOrigins, stateFolder },
    limits: { connectionsMax },
    report: ({ requestId, route, error }) =>
      voice.say(
        `a bug in host, please report it: request ${requestId} to ${route}: ${stackOf(error)}`,
        'error',
      ),
  });
  const isWatching = settings.watch ?? agents.length <= watchedMax;
  const reload = isWatching ? new Reload({ roots, agents, serving, voice }) : undefined;
  voice.say(`serving ${countText(agents.length)} on ${listening.url}`);
  voice.show(
    bannerText({ agents, listening, threads, stateFolder, isWatching, auditLevel: settings.auditLevel }),
  );
  if (connectionsMax < connectionsFew)
    voice.say(
      `each thread takes ${connectionsMax} connections: this process may have few files open (ulimit -n)`,
    );
  await stop.asked;
  voice.say(
    `${stop.signal.reason}: what is under way may end, for ${settings.drainMs / 1000} s at most; again: at once`,
  );
  await reload?.close();
  await end(listening, serving, settings.drainMs);
}

/** Nothing new comes in; the host ends what is under way, and then the last answers go out. */
async function end(listening: HttpFront, serving: LocalServing, drainMs: number): Promise<void> {
  const answered = listening.close(drainMs);
  await serving.close(drainMs);
  await answered;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function countText(count: number): string {
  return count === 1 ? '1 agent' : `${count} agents`;
}
