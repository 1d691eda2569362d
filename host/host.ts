import { type Invoked, invoke } from './agent/invoke.ts';
import { unavailableInterfaces } from './agent/unavailable.ts';
import type { Clock, Random } from './clock.ts';
import type { Budget } from './engine/budget.ts';
import { requireOffered } from './engine/core-lane/core-imports.ts';
import type { Description } from './engine/description.ts';
import { type Artifact, createEngine, type Engine, type Launched } from './engine/engine.ts';
import type { Instance } from './engine/instance.ts';
import { Linker } from './engine/linker.ts';
import type { WasiGrants } from './engine/wasi/grants.ts';
import { HostError } from './errors.ts';
import type { Limits } from './limits.ts';
import type { Outcome } from './outcome.ts';
import { formatLogLine, type LogLevel, logGuestApi } from './telemetry/guest-api.ts';
import { LogQueue } from './telemetry/log-queue.ts';

export type { Description } from './engine/description.ts';
export type { Artifact } from './engine/engine.ts';
export type { InputSource, NetGrant, OutputSink, Preopen, WasiGrants } from './engine/wasi/grants.ts';

export interface HostOptions {
  /** Folder for prepared programs; undefined keeps nothing on disk. */
  readonly cacheFolder: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** What to call: the program's own main export with this message for an agent, or one export in WAVE syntax. */
export type Call =
  | { readonly kind: 'main'; readonly message: { readonly subject: string; readonly body: Uint8Array } }
  | { readonly kind: 'invoke'; readonly text: string };

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

export interface RunResult extends Invoked {
  /** What to print: an agent's answer, or an invoked export's value as WAVE text. */
  readonly result: Uint8Array | undefined;
}

export interface Host {
  /** Validates, meters and caches a program; `onProgress` hears of steps a person would wait for. */
  prepare(bytes: Uint8Array<ArrayBuffer>, onProgress?: (step: string) => void): Promise<Artifact>;
  /** What a program is and what it would need, for people and tools. */
  describe(artifact: Artifact): Promise<Description>;
  /** Runs a prepared program once, in an instance of its own. */
  run(request: RunRequest): Promise<RunResult>;
  close(): Promise<void>;
}

/** Builds the rooms and joins them. */
export function createHost(options: HostOptions): Host {
  const engine = createEngine({ cacheFolder: options.cacheFolder, clock: options.clock });
  return {
    prepare: (bytes, onProgress) => engine.prepare(bytes, onProgress),
    describe: async (artifact) => (await import('./engine/description.ts')).describeArtifact(artifact),
    run: (request) => run(engine, options, request),
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

async function launch(engine: Engine, request: RunRequest, budget: Budget): Promise<Launched> {
  const { artifact, grants, logLevelMin } = request;
  const log = new LogQueue(grants.stderr);
  const launched = await engine.launch(artifact, link(log, budget, logLevelMin), budget, grants);
  const release = async (): Promise<void> => {
    await launched.release();
    await log.flush();
  };
  return { instance: launched.instance, release };
}

/** Every interface of our own that a guest can reach. */
function link(log: LogQueue, budget: Budget, levelMin: LogLevel = 'info'): Linker {
  const linker = new Linker();
  for (const [name, offered] of Object.entries(unavailableInterfaces)) linker.define(name, offered);
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
  readonly call: (instance: Instance) => Promise<unknown>;
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
  if (main.kind === 'command')
    return { call: (instance) => instance.call(main.export, []), print: nothing, isFallible: true };
  if (main.kind === 'handler') {
    requireHandle(artifact);
    const message = newMessage(call.message, options);
    return {
      call: (instance) => handle(instance, message, main.hasLife),
      print: (value) => value as Uint8Array | undefined,
      isFallible: true,
    };
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

async function handle(instance: Instance, message: unknown, hasLife: boolean): Promise<unknown> {
  if (!hasLife) return instance.call('handle', [message]);
  const started = (await instance.call('start', [{ name: 'agent', settings: [], resumed: false }])) as {
    tag: string;
  };
  if (started.tag === 'err') return started;
  const answer = await instance.call('handle', [message]);
  await instance.call('stop', [{ tag: 'requested' }]);
  return answer;
}

/** A message as `motehost:agent/types` has it (wit/types.wit), accepted now from outside. */
function newMessage(
  { subject, body }: { subject: string; body: Uint8Array },
  { clock }: HostOptions,
): unknown {
  const sentAtNs = clock.wallNs();
  return {
    id: `${sentAtNs}-${process.pid}`,
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
