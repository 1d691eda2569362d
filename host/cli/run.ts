import { fs } from '../builtin.ts';
import { systemClock, systemRandom } from '../clock.ts';
import { type Config, cacheFolder, limitsOfEnvironment, loadConfig } from '../config.ts';
import { HostError, plainText } from '../errors.ts';
import type { Artifact, WasiGrants } from '../host.ts';
import { type Call, createHost, type Host } from '../host.ts';
import { type EffectiveLimits, settleLimits } from '../limits.ts';
import { systemFault } from '../system-fault.ts';
import type { Command } from './command.ts';
import { exitCodeOf, exitCodes } from './exit-code.ts';
import { flagsOf, type Words } from './flags.ts';
import { parseDir, parseEnv, parseNet, programName } from './grant-flags.ts';
import { limitOptions, limitsOfFlags } from './limit-flags.ts';
import { loadProgram, type Program } from './program.ts';
import { formatOutcome, outcomeJson } from './report.ts';
import {
  captureSink,
  closeStdin,
  descriptorSink,
  isReaderGone,
  isTerminal,
  noInput,
  stdinSource,
} from './stdio.ts';

const help = `host run: runs a WebAssembly program or agent, metered and limited

Usage: host run FILE|FOLDER [OPTIONS] [-- ARGS]

FILE is a component or core module (.wasm; - reads it from stdin); FOLDER holds an agent.toml and is built first if it changed.
A command (wasi:cli/run, _start) runs with ARGS; an agent handles one message; --invoke calls any export.

What it is given
  --input TEXT|@FILE|-    body of the message an agent handles (- reads stdin)
  --subject NAME          subject of that message                   [cli.input]
  --invoke 'NAME(ARGS)'   call this export, arguments in WAVE:  --invoke 'add(1, 2)'
  --dir HOST[::GUEST][:ro]  let it see a directory, read-write unless :ro
  --env NAME[=VALUE]      set an environment variable, or pass on the host's own
  --net HOST:PORT         let it connect there (PORT * for any)

What it may use (the tightest of flag, environment, agent.toml and config file holds)
  --fuel N          instructions, as Wasmtime counts them           [100G]   HOST_FUEL
  --memory SIZE     all its memories together                       [256MiB] HOST_MEMORY
  --tables N        elements of all its tables together             [1M]     HOST_TABLES
  --deadline TIME   wall-clock time (500ms, 1.5s, 2m), waits included [60s]    HOST_DEADLINE
  --output SIZE     bytes it may print                              [64MiB]  HOST_OUTPUT
  --files N         files and sockets open at once                  [128]    HOST_FILES

What you see
  --json            one JSON document with the outcome, its usage and what was printed
  --quiet, -q       no summary line on stderr
  --config FILE     settings file   [~/.config/motehost/config.toml, or HOST_CONFIG]

Exit codes: the program's own; 1 the agent returned a failure; 64 bad flags; 65 not a program this host
runs; 66 no such file; 69 something needed is missing; 74 output lost; 77 denied; 124 a limit was reached; 130 cancelled;
134 trap; 70 a bug in host.
`;

const givenOptions = {
  input: { type: 'string' },
  subject: { type: 'string' },
  dir: { type: 'string', multiple: true },
  env: { type: 'string', multiple: true },
  net: { type: 'string', multiple: true },
} as const;

/** Flags of `host run` that say what a program is given and what it may use; `host dev` has them too. */
export const grantOptions: typeof givenOptions & typeof limitOptions = { ...givenOptions, ...limitOptions };

/** Of a trap: the ten that V8 keeps by itself are all of how Rust panics, and none of who did. */
const stackFramesMax = 32;

const optionTypes = {
  ...grantOptions,
  invoke: { type: 'string' },
  json: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
} as const;

/** What stands behind `grantOptions`. */
export type GrantFlags = Words<typeof grantOptions>['values'];

type Flags = Words<typeof optionTypes>['values'];

export const command: Command = {
  summary: 'run a WebAssembly program or agent, metered and limited',
  help,
  endsProcess: true,
  run: async (words) => {
    const { flags, file, programArgs } = await readWords(words);
    Error.stackTraceLimit = stackFramesMax;
    const env = process.env;
    const config = await loadConfig(flags.config, env);
    const program = await loadProgram(file);
    const effective = effectiveLimits(flags, program, config);
    const host = createHost({ cacheFolder: cacheFolder(env), clock: systemClock, random: systemRandom });
    try {
      return await runProgram(host, program, flags, programArgs, effective);
    } finally {
      closeStdin();
      await host.close();
    }
  },
};

/** The tightest of flag, environment, manifest and config file, limit by limit. */
export function effectiveLimits(flags: GrantFlags, program: Program, config: Config): EffectiveLimits {
  return settleLimits([
    limitsOfFlags(flags),
    limitsOfEnvironment(process.env),
    { limits: program.limits, source: () => program.manifestPath ?? program.path },
    { limits: config.limits, source: () => config.path ?? '' },
  ]);
}

/** What the flags grant besides streams. */
export function grantsOf(
  flags: GrantFlags,
  program: Program,
  programArgs: readonly string[],
): Omit<WasiGrants, 'stdin' | 'stdout' | 'stderr'> {
  return {
    args: [programName(program.path), ...programArgs],
    env: (flags.env ?? []).map((text) => parseEnv(text, process.env)),
    preopens: (flags.dir ?? []).map(parseDir),
    net: (flags.net ?? []).map(parseNet),
    clock: systemClock,
    random: systemRandom,
  };
}

async function runProgram(
  host: Host,
  program: Program,
  flags: Flags,
  programArgs: readonly string[],
  effective: EffectiveLimits,
): Promise<number> {
  const artifact = await prepared(host, program, showProgress(flags));
  checkUse(artifact.facts.main.kind, flags, programArgs);
  const stdout = flags.json === true ? captureSink() : descriptorSink(1);
  const stderr = flags.json === true ? captureSink() : descriptorSink(2);
  const readsMessage = flags.input === '-';
  const grants: WasiGrants = {
    ...grantsOf(flags, program, programArgs),
    stdin: readsMessage ? noInput : stdinSource(),
    stdout,
    stderr,
  };
  const call = await callOf(flags);
  const { outcome, denials, result } = await untilSignal((signal) =>
    host.run({ artifact, call, grants, limits: effective.limits, signal }),
  );
  if (flags.json === true) {
    const captured = { stdout: bytesOf(stdout), stderr: bytesOf(stderr) };
    await descriptorSink(1).write(Buffer.from(`${JSON.stringify(outcomeJson(outcome, captured))}\n`));
  } else {
    if (result !== undefined) await stdout.write(withNewline(result, stdout.isTerminal)).catch(() => {});
    if (flags.quiet !== true)
      await stderr.write(Buffer.from(formatOutcome(outcome, effective, denials))).catch(() => {});
  }
  return exitCodeOf(outcome) || exitCodeOfOutput(stdout);
}

/** What is no program is told by its name. */
async function prepared(host: Host, program: Program, progress: (step: string) => void): Promise<Artifact> {
  try {
    return await host.prepare(program.bytes, progress);
  } catch (thrown) {
    if (!(thrown instanceof HostError) || thrown.code !== 'HOST_ERR_NOT_WASM') throw thrown;
    throw new HostError(thrown.code, `${program.path}: ${thrown.message}`, thrown.data, thrown);
  }
}

/** A program that did its work and could not tell it has failed; a reader that went away by itself wanted no more. */
function exitCodeOfOutput(stdout: object): number {
  const failure = 'failure' in stdout ? stdout.failure : undefined;
  if (!(failure instanceof Error) || isReaderGone(failure)) return exitCodes.ok;
  process.stderr.write(`host: stdout could not be written: ${plainText(failure.message)}\n`);
  return exitCodes.outputLost;
}

/** Words that this kind of program would never see are a mistake, and most often the one next to it was meant. */
function checkUse(
  kind: Artifact['facts']['main']['kind'],
  flags: Flags,
  programArgs: readonly string[],
): void {
  if (kind === 'handler' && flags.invoke === undefined && programArgs.length > 0) {
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `an agent takes a message, not arguments; did you mean --input '${programArgs.join(' ')}'?`,
    );
  }
  if (kind === 'command' && flags.input !== undefined) {
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      'this program is a command: it reads stdin and the arguments after --; --input is for agents',
    );
  }
}

async function readWords(
  words: readonly string[],
): Promise<{ flags: Flags; file: string; programArgs: string[] }> {
  const split = words.indexOf('--');
  const own = split === -1 ? [...words] : words.slice(0, split);
  const { values, positionals } = await parseWords(own);
  const [file, ...args] = positionals;
  if (file === undefined) {
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      'which program? host run FILE|FOLDER [OPTIONS] [-- ARGS]; see host run --help',
    );
  }
  return { flags: values, file, programArgs: [...args, ...(split === -1 ? [] : words.slice(split + 1))] };
}

async function parseWords(words: string[]): Promise<{ values: Flags; positionals: string[] }> {
  try {
    return flagsOf(words, optionTypes);
  } catch (cause) {
    const { flagError } = await import('./flag-error.ts');
    throw flagError('run', cause, Object.keys(optionTypes));
  }
}

async function callOf(flags: Flags): Promise<Call> {
  if (flags.invoke !== undefined) {
    if (flags.input !== undefined)
      throw new HostError('HOST_ERR_CLI_USAGE', '--invoke and --input exclude each other');
    return { kind: 'invoke', text: flags.invoke };
  }
  const body = flags.input === undefined ? new Uint8Array(0) : await inputBytes(flags.input);
  return { kind: 'main', message: { subject: flags.subject ?? 'cli.input', body } };
}

const inputBytesMax = 64 * 1024 * 1024;

/** What `--input` says: a text, `@` and a file's name, or `-` for stdin. @throws HostError `HOST_ERR_FILE_NOT_FOUND` */
export async function inputBytes(input: string): Promise<Uint8Array> {
  if (input === '-') return readAll();
  if (!input.startsWith('@')) return new TextEncoder().encode(input);
  try {
    return fs.readFileSync(input.slice(1));
  } catch (cause) {
    throw new HostError(
      'HOST_ERR_FILE_NOT_FOUND',
      `--input: cannot read ${input.slice(1)}: ${systemFault(cause)}`,
      { path: input.slice(1) },
      cause,
    );
  }
}

async function readAll(): Promise<Uint8Array> {
  const source = stdinSource();
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (let chunk = await source.read(65_536); chunk !== undefined; chunk = await source.read(65_536)) {
    total += chunk.length;
    if (total > inputBytesMax) {
      throw new HostError('HOST_ERR_VALUE_INVALID', `--input: more than ${inputBytesMax} bytes on stdin`, {
        inputBytesMax,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Ctrl-C and termination become a cancellation, so that the outcome is still told; a second one ends the process. */
async function untilSignal<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => controller.abort(name);
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    return await run(controller.signal);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** A first preparation by the general lane takes a noticeable moment; a person at a terminal is told. */
function showProgress(flags: Flags): (step: string) => void {
  return (step) => {
    if (flags.quiet !== true && isTerminal(2)) process.stderr.write(`host: ${step} (once per program)…\n`);
  };
}

function bytesOf(sink: object): Uint8Array {
  return 'bytes' in sink && typeof sink.bytes === 'function'
    ? (sink.bytes() as Uint8Array)
    : new Uint8Array(0);
}

/** With a line end where a person reads it. */
export function withNewline(bytes: Uint8Array, isTerminal: boolean): Uint8Array {
  const needsOne = isTerminal && bytes.length > 0 && bytes.at(-1) !== 0x0a;
  return needsOne ? Buffer.concat([bytes, Buffer.from('\n')]) : bytes;
}
