import type * as http from 'node:http';
import { asyncBus } from './agent/async-bus.ts';
import { type Invoked, invoke } from './agent/invoke.ts';
import { refuse, unavailableInterfaces, unavailableOrchestration } from './agent/unavailable.ts';
import type { Clock, Random } from './clock.ts';
import type { Budget } from './engine/budget.ts';
import { requireOffered } from './engine/core-lane/core-imports.ts';
import type { Description } from './engine/description.ts';
import { type Artifact, createEngine, type Engine, httpExportOf, type Launched } from './engine/engine.ts';
import type { Instance } from './engine/instance.ts';
import { Linker } from './engine/linker.ts';
import type { WasiGrants } from './engine/wasi/grants.ts';
import { HostError } from './errors.ts';
import type { Limits } from './limits.ts';
import { shardOf } from './orchestration/shards.ts';
import type { Outcome } from './outcome.ts';
import { formatLogLine, type LogLevel, logGuestApi } from './telemetry/guest-api.ts';
import { LogQueue } from './telemetry/log-queue.ts';

export type { Invoked } from './agent/invoke.ts';
export type { Description } from './engine/description.ts';
export { type Artifact, httpExportOf } from './engine/engine.ts';
export type { InputSource, NetGrant, OutputSink, Preopen, WasiGrants } from './engine/wasi/grants.ts';

/** What a host is made of. */
export interface HostOptions {
  /** Folder for prepared programs; undefined keeps nothing on disk. */
  readonly cacheFolder: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** A message from outside. */
export interface IncomingMessage {
  readonly subject: string;
  readonly body: Uint8Array;
}

/**
 * What to call: the program's own main export with this message for an agent, one export in WAVE syntax, or the
 * handler of HTTP requests with one of a server of Node's.
 */
export type Call =
  | { readonly kind: 'main'; readonly message: IncomingMessage }
  | { readonly kind: 'invoke'; readonly text: string }
  | { readonly kind: 'http'; readonly request: http.IncomingMessage; readonly response: http.ServerResponse };

/** A program to be run once. */
export interface RunRequest {
  readonly artifact: Artifact;
  readonly call: Call;
  readonly grants: WasiGrants;
  readonly limits: Limits;
  readonly signal?: AbortSignal;
  /** Fuel units between two looks at the clock. */
  readonly fuelSlice?: bigint;
  readonly logLevelMin?: LogLevel;
}

/** How a run ended, and what to print of it. */
export interface RunResult extends Invoked {
  /** What to print: an agent's answer, or an invoked export's value as WAVE text. */
  readonly result: Uint8Array | undefined;
}

/** A program to be kept for several messages. */
export type OpenRequest = Pick<RunRequest, 'artifact' | 'grants' | 'limits' | 'signal' | 'logLevelMin'> & {
  /** What the agent is told that it is called. */
  readonly name: string;
  /** Whether an earlier instance of this agent existed. */
  readonly resumed: boolean;
};

/** Why an instance ends in good order (wit/types.wit). */
export type StopReason = 'requested' | 'idle' | 'replaced' | 'restarting' | 'shutdown';

/**
 * One instance of an agent that stays: what it keeps in memory lasts from message to message. After a trap, a
 * limit or a cancellation it is closed.
 */
export interface Live {
  /** How it began: instantiated and, in the world `agent`, started. Unless that is `ok`, nothing is open. */
  readonly started: Invoked;
  readonly isOpen: boolean;
  /**
   * Hands it one message. Fuel, deadline and output are limits of each message; memory, tables and files of all.
   * @throws HostError `HOST_ERR_INSTANCE_BUSY` while it has another, `HOST_ERR_INSTANCE_CLOSED` after its end
   */
  handle(message: IncomingMessage, signal?: AbortSignal): Promise<RunResult>;
  /** Ends it in good order: in the world `agent`, it is told why. @throws HostError as `handle` */
  close(reason: StopReason): Promise<Invoked>;
}

/** Runs one program at a time, without state, bus or other agents: see `createHost`. */
export interface Host {
  /** Validates, meters and caches a program; `onProgress` hears of steps a person would wait for. */
  prepare(bytes: Uint8Array<ArrayBuffer>, onProgress?: (step: string) => void): Promise<Artifact>;
  /** What a program is and what it would need, for people and tools. */
  describe(artifact: Artifact): Promise<Description>;
  /** Runs a prepared program once, in an instance of its own. */
  run(request: RunRequest): Promise<RunResult>;
  /**
   * Starts an instance of an agent and keeps it for any number of messages.
   * @throws HostError `HOST_ERR_WORLD_MISMATCH` for a program that handles no messages
   */
  open(request: OpenRequest): Promise<Live>;
  close(): Promise<void>;
}

/** Builds the rooms and joins them. */
export function createHost(options: HostOptions): Host {
  const engine = createEngine({ cacheFolder: options.cacheFolder, clock: options.clock });
  return {
    prepare: (bytes, onProgress) => engine.prepare(bytes, onProgress),
    describe: async (artifact) => (await import('./engine/description.ts')).describeArtifact(artifact),
    run: (request) => run(engine, options, request),
    open: (request) => open(engine, options, request),
    close: () => engine.close(),
  };
}

async function run(engine: Engine, options: HostOptions, request: RunRequest): Promise<RunResult> {
  const { artifact, limits, signal, fuelSlice } = request;
  const plan = await planCall(artifact, request.call, options);
  const invoked = await invoke({
    limits,
    clock: options.clock,
    ...(signal === undefined ? {} : { signal }),
    ...(fuelSlice === undefined ? {} : { fuelSlice }),
    launch: (budget) => launch(engine, request, budget),
    call: plan.call,
    isFallible: plan.isFallible,
  });
  const { outcome } = invoked;
  return outcome.kind === 'ok' ? printed(plan, invoked, outcome, limits) : { ...invoked, result: undefined };
}

/** The text of a value is output like any other, though longer than the value: the limit holds for it too. */
function printed(
  plan: PlannedCall,
  invoked: Invoked,
  { value, usage }: Extract<Outcome, { kind: 'ok' }>,
  { outputBytesMax: max }: Limits,
): RunResult {
  const result = plan.print(value, max - usage.outputBytes);
  if (result !== 'too-long') return { ...invoked, result };
  const outcome: Outcome = { kind: 'limit', limit: 'outputBytesMax', max, used: max + 1, usage };
  return { ...invoked, outcome, result: undefined };
}

async function open(engine: Engine, options: HostOptions, request: OpenRequest): Promise<Live> {
  const { artifact, limits, name, resumed } = request;
  const { main } = artifact.facts;
  if (main.kind !== 'handler') throw noHandler(artifact);
  requireHandle(artifact);
  const { LiveInstance } = await import('./agent/live.ts');
  const { live, started } = await LiveInstance.open(
    {
      limits,
      clock: options.clock,
      launch: (budget) => launch(engine, request, budget),
      start: async (instance) => (main.hasLife ? start(instance, name, resumed) : undefined),
    },
    request.signal,
  );
  return {
    started,
    get isOpen() {
      return live.isOpen;
    },
    handle: async (message, signal) => {
      const value = newMessage(message, options);
      const invoked = await live.call((instance) => instance.call('handle', [value]), signal);
      const { outcome } = invoked;
      return {
        ...invoked,
        result: outcome.kind === 'ok' ? (outcome.value as Uint8Array | undefined) : undefined,
      };
    },
    close: (reason) =>
      live.close(async (instance) => (main.hasLife ? instance.call('stop', [{ tag: reason }]) : undefined)),
  };
}

type LaunchRequest = Pick<RunRequest, 'artifact' | 'grants' | 'logLevelMin'>;

async function launch(
  engine: Engine,
  request: LaunchRequest,
  budget: Budget,
): Promise<Launched & { flush(): Promise<void> }> {
  const { artifact, grants, logLevelMin } = request;
  const log = new LogQueue(grants.stderr);
  const launched = await engine.launch(artifact, link(log, budget, logLevelMin), budget, grants);
  const release = async (): Promise<void> => {
    await launched.release();
    await log.flush();
  };
  return { ...launched, release, flush: () => log.flush() };
}

/** Every interface of our own that a guest can reach. */
function link(log: LogQueue, budget: Budget, levelMin: LogLevel = 'info'): Linker {
  const linker = new Linker();
  for (const [name, offered] of Object.entries(unavailableInterfaces)) linker.define(name, offered);
  const { functions, suspending } = unavailableOrchestration;
  // It is the same for everybody, and takes nobody.
  linker.define('motehost:agent/orchestration@0.1.0', { functions: { ...functions, shardOf }, suspending });
  linker.define('motehost:agent/async-bus@0.1.0', asyncBus(refuse, budget.clock));
  const target = {
    levelMin,
    write: (line: Parameters<typeof formatLogLine>[0]) => {
      const bytes = new TextEncoder().encode(formatLogLine(line));
      budget.chargeOutput(bytes.length);
      log.write(bytes);
    },
  };
  return linker.define('motehost:agent/log@0.1.0', { functions: logGuestApi(target), suspending: new Set() });
}

interface PlannedCall {
  readonly call: (launched: Launched) => Promise<unknown>;
  readonly print: (value: unknown, bytesMax: number) => Uint8Array | 'too-long' | undefined;
  readonly isFallible: boolean;
}

const nothing = (): undefined => undefined;

/**
 * @throws HostError `HOST_ERR_WORLD_MISMATCH` when the program has no main export, with what it has instead;
 * `HOST_ERR_LINK_MISSING_IMPORT` when it has none because it was built for somewhere else
 */
async function planCall(artifact: Artifact, call: Call, options: HostOptions): Promise<PlannedCall> {
  if (call.kind === 'invoke') {
    const { planInvoke } = await import('./agent/wave-call.ts');
    return planInvoke(artifact, call.text);
  }
  const main = artifact.facts.main;
  if (call.kind === 'http') return planExchange(artifact, call);
  if (main.kind === 'command')
    return { call: ({ instance }) => instance.call(main.export, []), print: nothing, isFallible: true };
  if (main.kind === 'handler') {
    requireHandle(artifact);
    const message = newMessage(call.message, options);
    return {
      call: ({ instance }) => handle(instance, message, main.hasLife),
      print: (value) => value as Uint8Array | undefined,
      isFallible: true,
    };
  }
  if (main.kind === 'http') {
    throw new HostError(
      'HOST_ERR_WORLD_MISMATCH',
      'the program answers HTTP requests, one instance each; host dev serves it',
    );
  }
  if (artifact.facts.lane === 'core') {
    requireOffered(artifact.facts.modules[0]?.summary.imports ?? []);
  }
  throw new HostError(
    'HOST_ERR_WORLD_MISMATCH',
    `the program has no main export (wasi:cli/run, handle, _start); it exports: ${main.exports.join(', ') || 'nothing'}${
      main.exports.length > 0 ? "; call one with --invoke 'NAME(ARGS)'" : ''
    }`,
    { exports: main.exports },
  );
}

/** @throws HostError `HOST_ERR_WORLD_MISMATCH` for a program that answers no HTTP requests */
function planExchange(
  { facts: { main } }: Artifact,
  { request, response }: Extract<Call, { kind: 'http' }>,
): PlannedCall {
  const name = httpExportOf(main);
  if (name === undefined)
    throw new HostError('HOST_ERR_WORLD_MISMATCH', 'the program exports no handler of wasi:http');
  const call = async ({ serve }: Launched): Promise<unknown> => {
    if (serve === undefined) throw new Error('bug: a program that serves HTTP without WASI');
    return serve(name, request, response);
  };
  return { call, print: nothing, isFallible: true };
}

function noHandler({ facts: { main } }: Artifact): HostError {
  const is =
    main.kind === 'none' ? `exports ${main.exports.join(', ') || 'nothing'}` : `is of kind ${main.kind}`;
  return new HostError(
    'HOST_ERR_WORLD_MISMATCH',
    `the program has no handle: func(message: message) -> result<option<list<u8>>, failure>, which takes messages; it ${is}`,
  );
}

/**
 * A `handle` of another type could answer anything, which nobody here could print.
 * @throws HostError `HOST_ERR_WORLD_MISMATCH`
 */
function requireHandle({ facts: { world } }: Artifact): void {
  const types = world?.types ?? [];
  const defOf = (ref: unknown) => (typeof ref === 'number' ? types[ref] : undefined);
  const item = world?.exports.find((each) => each.kind === 'func' && each.name === 'handle');
  const type = item?.kind === 'func' ? item.type : undefined;
  const result = defOf(type?.result);
  const answer = defOf(result?.kind === 'result' ? result.ok : undefined);
  const body = defOf(answer?.kind === 'option' ? answer.type : undefined);
  if (type?.params.length === 1 && body?.kind === 'list' && body.element === 'u8') return;
  throw new HostError(
    'HOST_ERR_WORLD_MISMATCH',
    "the program's handle is not that of motehost:agent, which is handle: func(message: message) -> result<option<list<u8>>, failure>; call it with --invoke 'handle(ARGS)'",
  );
}

async function start(instance: Instance, name: string, resumed: boolean): Promise<{ tag: string }> {
  return (await instance.call('start', [{ name, settings: [], resumed }])) as { tag: string };
}

async function handle(instance: Instance, message: unknown, hasLife: boolean): Promise<unknown> {
  if (!hasLife) return instance.call('handle', [message]);
  const started = await start(instance, 'agent', false);
  if (started.tag === 'err') return started;
  const answer = await instance.call('handle', [message]);
  await instance.call('stop', [{ tag: 'requested' }]);
  return answer;
}

/** No system has longer process ids: 32 bits. */
const pidDigits = 10;

/** A message as `motehost:agent/types` has it (wit/types.wit), accepted now from outside. */
function newMessage(
  { subject, body }: { subject: string; body: Uint8Array },
  { clock }: HostOptions,
): unknown {
  const sentAtNs = clock.wallNs();
  return {
    // Of the same length in every process: the agent reads it, byte by byte, and pays for that.
    id: `${sentAtNs}-${String(process.pid).padStart(pidDigits, '0')}`,
    subject,
    sender: undefined,
    replyTo: undefined,
    sentAtNs,
    deadlineNs: undefined,
    attempt: 1,
    contentType: undefined,
    headers: [],
    body,
  };
}
