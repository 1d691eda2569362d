import { basename, join, resolve } from 'node:path';
import { readStamp } from '../../guest-sdk/build/stamp.ts';
import { fs } from '../builtin.ts';
import { systemClock, systemRandom } from '../clock.ts';
import { type Config, cacheFolder, loadConfig } from '../config.ts';
import { HostError, plainText } from '../errors.ts';
import { createHost, type Host, httpExportOf } from '../host.ts';
import type { EffectiveLimits } from '../limits.ts';
import { type Manifest, manifestFile, readManifest } from '../manifest.ts';
import type { Command } from './command.ts';
import { AgentStage } from './dev/agent-stage.ts';
import { buildInChild } from './dev/build-child.ts';
import { CommandStage } from './dev/command-stage.ts';
import { HttpStage } from './dev/http-stage.ts';
import type { Stage, StageOptions, Version } from './dev/stage.ts';
import { foldersIn, foldersOf, Watch } from './dev/watch.ts';
import { exitCodes } from './exit-code.ts';
import { flagError } from './flag-error.ts';
import { flagsOf } from './flags.ts';
import { loadProgram, type Program } from './program.ts';
import { isBuilt, outputName, stampName } from './project.ts';
import { effectiveLimits, type GrantFlags, grantOptions, grantsOf, inputBytes } from './run.ts';
import { descriptorSink, noInput } from './stdio.ts';

const options = { ...grantOptions, port: { type: 'string', default: '8080' } } as const;

const help = `host dev: builds and runs an agent, again whenever its source changes

Usage: host dev [FOLDER|FILE] [OPTIONS] [-- ARGS]

Builds the agent in FOLDER (default: here), runs it and watches its sources, its WIT and its agent.toml. When
one changes it is built again; if that fails, the version before goes on. What runs depends on the program:

  an agent (handle)   stays alive: each line of stdin is a message to it. A new version takes over between
                      two messages; what the old one kept in memory is gone
  HTTP (wasi:http)    is served on 127.0.0.1, an instance and its limits for each request. A new version takes
                      the next request
  a command           runs with ARGS from its beginning, again for each version

FILE is a program (.wasm) that something else builds.

  --input TEXT|@FILE      a message for each version of an agent; standard input of a command
  --subject NAME          subject of the messages                   [cli.input]
  --port N                where HTTP is served; 0: any that is free [8080]

Grants and limits are those of host run: --dir --env --net, --fuel --memory --tables --deadline --output
--files --config. For agents, fuel, deadline and output are limits of each message.

Ctrl-C ends it, with exit code 130.
`;

interface Words {
  readonly path: string;
  readonly flags: GrantFlags;
  readonly port: number;
  readonly programArgs: readonly string[];
}

export const command: Command = {
  summary: 'build and run an agent, again whenever its source changes',
  help,
  endsProcess: true,
  run: async (args) => {
    const words = readWords(args);
    requireProgram(words.path);
    const config = await loadConfig(words.flags.config, process.env);
    requireFlags(words, config);
    const input = words.flags.input === undefined ? undefined : await inputBytes(words.flags.input);
    const host = createHost({
      cacheFolder: cacheFolder(process.env),
      clock: systemClock,
      random: systemRandom,
    });
    const end = new AbortController();
    const onSignal = (name: NodeJS.Signals): void => end.abort(name);
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, onSignal);
    const stageOptions: StageOptions = {
      host,
      input,
      subject: words.flags.subject ?? 'cli.input',
      port: words.port,
      signal: end.signal,
      say,
    };
    try {
      await new Development(words, config, host, stageOptions).run();
    } finally {
      await host.close();
    }
    return exitCodes.cancelled;
  },
};

function say(text: string): void {
  process.stderr.write(text);
}

function readWords(args: readonly string[]): Words {
  const split = args.indexOf('--');
  const own = split === -1 ? [...args] : args.slice(0, split);
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(own);
  } catch (cause) {
    throw flagError('dev', cause, Object.keys(options));
  }
  const { values, positionals } = parsed;
  if (positionals.length > 1)
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `one folder at a time, not ${positionals.join(' and ')}; see host dev --help`,
    );
  if (values.input === '-')
    throw new HostError('HOST_ERR_CLI_USAGE', '--input -: stdin is for messages, line by line; use @FILE');
  return {
    path: positionals[0] ?? '.',
    flags: values,
    port: portOf(values.port),
    programArgs: split === -1 ? [] : args.slice(split + 1),
  };
}

function parse(args: readonly string[]) {
  return flagsOf(args, options);
}

const portMax = 65_535;

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= portMax) return port;
  throw new HostError('HOST_ERR_CLI_USAGE', `--port: '${text}' is not a port, 0 to ${portMax}`);
}

/** What is not there at the start is a mistyped name; what goes missing later is being saved. */
function requireProgram(path: string): void {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new HostError('HOST_ERR_FILE_NOT_FOUND', `no such folder or file: ${path}`);
  if (stat.isDirectory() && !fs.existsSync(join(path, manifestFile)))
    throw new HostError(
      'HOST_ERR_FILE_NOT_FOUND',
      `${path} is a folder without an ${manifestFile}; host new NAME makes one that has it`,
      { path },
    );
}

/** What is wrong with a flag no change of a source mends: it is said before anything is built. */
function requireFlags({ path, flags, programArgs }: Words, config: Config): void {
  const program = { path, bytes: new Uint8Array(), limits: {}, manifestPath: undefined };
  effectiveLimits(flags, program, config);
  grantsOf(flags, program, programArgs);
}

/** How long nothing may change before a build: who saves several files saves them within moments. */
const quietMs = 60;

/** The loop: build, run, wait for a change. */
class Development {
  readonly #words: Words;
  readonly #config: Config;
  readonly #host: Host;
  readonly #options: StageOptions;
  readonly #isFolder: boolean;
  readonly #watch: Watch;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();
  #changes = 0;
  #stage: { readonly kind: string; readonly stage: Stage } | undefined;
  #running: { readonly number: number; readonly key: string } | undefined;
  /** Whether the last thing said was that it does not build or start. */
  #isBroken = false;

  constructor(words: Words, config: Config, host: Host, stageOptions: StageOptions) {
    this.#words = words;
    this.#config = config;
    this.#host = host;
    this.#options = stageOptions;
    this.#isFolder = fs.statSync(words.path).isDirectory();
    this.#watch = new Watch(() => {
      this.#changes += 1;
      this.#changed.resolve();
    });
  }

  /** Resolves when everything is to end. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    const aborted = new Promise<void>((done) =>
      signal.addEventListener('abort', () => done(), { once: true }),
    );
    try {
      while (!signal.aborted) {
        // Whatever changes from here on is seen: by this round, or by the next.
        this.#changed = Promise.withResolvers();
        this.#watch.set(this.#watchedFolders());
        await this.#round();
        await Promise.race([this.#changed.promise, aborted]);
        await this.#quiet();
      }
    } finally {
      this.#watch.close();
      await this.#stage?.stage.close();
    }
  }

  /** Waits until nothing has changed for a moment. */
  async #quiet(): Promise<void> {
    const { signal } = this.#options;
    for (let seen = -1; seen !== this.#changes && !signal.aborted; ) {
      seen = this.#changes;
      await systemClock.sleep(quietMs, signal).catch(() => {});
    }
  }

  async #round(): Promise<void> {
    try {
      if (await this.#build()) await this.#show();
    } catch (thrown) {
      if (this.#options.signal.aborted) return;
      if (!(thrown instanceof HostError) || thrown.code === 'HOST_ERR_CLI_USAGE') throw thrown;
      this.#options.say(`host: ${thrown.message}\n${this.#waiting()}`);
    }
  }

  /** Whether there is a program that is what a build would make now. */
  async #build(): Promise<boolean> {
    const { path } = this.#words;
    if (!this.#isFolder || isBuilt(path, readManifest(path))) return true;
    const { isBuilt: isDone, text } = await buildInChild(path, this.#options.signal);
    if (this.#options.signal.aborted) return false;
    this.#options.say(isDone ? `host: built ${text}\n` : `${text}\n${this.#waiting()}`);
    return isDone;
  }

  #waiting(): string {
    this.#isBroken = true;
    const goesOn = this.#running === undefined ? '' : `version ${this.#running.number} goes on; `;
    return `host: ${goesOn}waiting for a change\n`;
  }

  async #show(): Promise<void> {
    const { flags, programArgs } = this.#words;
    const program = await this.#load();
    const effective = effectiveLimits(flags, program, this.#config);
    const artifact = await this.#host.prepare(program.bytes);
    const key = keyOf(artifact.facts.digest, effective);
    if (this.#running?.key === key) return this.#mended(this.#running.number);
    this.#isBroken = false;
    const number = (this.#running?.number ?? 0) + 1;
    const grants = {
      ...grantsOf(flags, program, programArgs),
      stdin: noInput,
      stdout: descriptorSink(1),
      stderr: descriptorSink(2),
    };
    if (await this.#swap({ number, name: nameOf(program), artifact, effective, grants }))
      this.#running = { number, key };
    else this.#options.say(this.#waiting());
  }

  /** A change that did not build was taken back. */
  #mended(number: number): void {
    if (this.#isBroken) this.#options.say(`host: it builds again; version ${number} goes on\n`);
    this.#isBroken = false;
  }

  /** As it lies on disk: whether it is what a build would make was seen before. */
  async #load(): Promise<Program> {
    const { path } = this.#words;
    if (!this.#isFolder) return loadProgram(path);
    const manifest = readManifest(path);
    const program = await loadProgram(join(path, outputName(manifest)));
    return { ...program, limits: manifest.limits, manifestPath: join(path, manifestFile) };
  }

  async #swap(version: Version): Promise<boolean> {
    const { main } = version.artifact.facts;
    const kind = httpExportOf(main) === undefined ? main.kind : 'http';
    if (this.#stage?.kind === kind) return this.#stage.stage.swap(version);
    const stage = stageOf(kind, this.#options);
    await this.#stage?.stage.close();
    this.#stage = { kind, stage };
    return stage.swap(version);
  }

  #watchedFolders(): Set<string> {
    const { path } = this.#words;
    if (!this.#isFolder) return foldersOf([resolve(path)]);
    const folder = resolve(path);
    const manifest = manifestIn(folder);
    const wit = manifest === undefined ? [] : foldersIn(join(folder, manifest.wit));
    const sources = manifest === undefined ? [] : sourcesIn(folder, manifest);
    return new Set([...foldersIn(folder), ...wit, ...foldersOf(sources)]);
  }
}

/** Undefined for one that cannot be read, about which the build will say more. */
function manifestIn(folder: string): Manifest | undefined {
  try {
    return readManifest(folder);
  } catch {
    return undefined;
  }
}

/** What went into the last build; it may lie outside of the folder. */
function sourcesIn(folder: string, manifest: Manifest): string[] {
  return (readStamp(join(folder, stampName(manifest)))?.sources ?? []).map((name) => join(folder, name));
}

/** Equal for versions of which one is as good as the other. */
function keyOf(digest: string, { limits }: EffectiveLimits): string {
  return `${digest} ${Object.values(limits).join(' ')}`;
}

function nameOf(program: Program): string {
  return plainText(basename(program.path).replace(/\.wasm$/, ''));
}

function stageOf(kind: Version['artifact']['facts']['main']['kind'], stageOptions: StageOptions): Stage {
  if (kind === 'handler') return new AgentStage(stageOptions);
  if (kind === 'http') return new HttpStage(stageOptions);
  return new CommandStage(stageOptions);
}
