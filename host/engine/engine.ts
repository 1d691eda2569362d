import type { IncomingMessage, ServerResponse } from 'node:http';
import { fs, os, path as paths } from '../builtin.ts';
import type { Clock } from '../clock.ts';
import { HostError } from '../errors.ts';
import type { Artifact, ArtifactFacts } from './artifact.ts';
import type { Budget } from './budget.ts';
import { instantiateCore } from './core-lane/core-lane.ts';
import { instantiateFast } from './fast-lane/fast-lane.ts';
import type { InstancePool } from './hibernation/instance-pool.ts';
import type { InstancePools } from './hibernation/instance-pools.ts';
import type { Lease } from './hibernation/lease.ts';
import { owned } from './hibernation/scratch.ts';
import type { Asleep, Snapshot } from './hibernation/snapshot.ts';
import type { Instance } from './instance.ts';
import type { Linker } from './linker.ts';
import type { Prepared } from './prepare.ts';
import type { PreparePool } from './prepare-pool.ts';
import { isProgram, loadProgram, type Program, type Saveable, saveableOf } from './program.ts';
import { Store } from './store.ts';
import { artifactVersion } from './version.ts';
import type { WasiGrants } from './wasi/grants.ts';
import type { Preview2 } from './wasi/preview2/preview2.ts';

export { type Artifact, httpExportOf } from './artifact.ts';
export type { Program, Saveable } from './program.ts';

export interface EngineOptions {
  /** Folder for prepared programs; undefined keeps nothing after the process. */
  readonly cacheFolder: string | undefined;
  /** Where a folder for what is transpiled is made when nothing is kept. Default: that of the system. */
  readonly scratchFolder?: string;
  readonly clock: Clock;
  /** Where programs are prepared: in the calling thread, or, for a process that serves meanwhile, in one of its own. */
  readonly preparation?: 'here' | 'pool';
  /** Where `enter` and `wake` take instances from, in a thread that serves many agents. */
  readonly pools?: InstancePools;
}

/** A live run and what must be freed after it. */
export interface Launched {
  readonly instance: Instance;
  /**
   * Has a program that answers HTTP requests answer one, by an export (`httpExportOf`); resolves when the answer is out,
   * with what the export gave. Undefined for a program without WASI.
   */
  readonly serve?: (name: string, request: IncomingMessage, response: ServerResponse) => Promise<unknown>;
  /** Closes files and sockets and waits for the last output. */
  release(): Promise<void>;
}

/**
 * An agent's instance in a thread that serves many. It ends by `hibernate`, or as any other: by
 * `instance.dispose()` and `release()`.
 */
export interface Resident extends Launched {
  /** Whether `hibernate` can be had at all: a matter of the program. */
  readonly saveable: Saveable;
  /** State, which stays where it is: for a copy to fall back on. @throws HostError as `hibernate` */
  save(): Snapshot;
  /**
   * Takes the agent out of memory, between two messages. What it had open is closed.
   * @throws HostError `HOST_ERR_INSTANCE_BUSY` or `HOST_ERR_INSTANCE_CLOSED`, and nothing is changed;
   *   `HOST_ERR_MODULE_UNSUPPORTED` when it is not saveable
   * @param keep makes of its state what is kept of it, and does not hold on to its arrays
   */
  hibernate(): Promise<Snapshot>;
  hibernate<T>(keep: (borrowed: Snapshot) => T): Promise<T>;
}

/** Prepares programs once per content, and makes instances of them. */
export interface Engine {
  /** `signal` ends a preparation in a pool at once; one in the calling thread goes on to its end. */
  prepare(
    bytes: Uint8Array<ArrayBuffer>,
    onProgress?: (step: string) => void,
    signal?: AbortSignal,
  ): Promise<Artifact>;
  /** Compiles an artifact, once for all threads. @throws HostError `HOST_ERR_MODULE_UNSUPPORTED` */
  load(artifact: Artifact): Program;
  /** An instance of its own, whoever else runs; an artifact is compiled first. */
  launch(prepared: Artifact | Program, linker: Linker, budget: Budget, grants: WasiGrants): Promise<Launched>;
  /**
   * A new life of an agent, in an instance from the pool where there is one. Counted in the process's bounds.
   * `grants` may be left out where `mayReachWasi` says so.
   * @throws HostError `HOST_ERR_BUDGET_EXHAUSTED` when the process has no room for its memories; else as `launch`
   */
  enter(program: Program, linker: Linker, budget: Budget, grants: WasiGrants | undefined): Promise<Resident>;
  /** Goes on where the snapshot was taken. @throws HostError as `InstancePool.wake` */
  wake(
    program: Program,
    asleep: Snapshot | Asleep,
    linker: Linker,
    budget: Budget,
    grants: WasiGrants | undefined,
  ): Promise<Resident>;
  close(): Promise<void>;
}

/** Code of this module loads only what one run needs: a cached program never loads decoder, rewriter or transpiler. */
export function createEngine(options: EngineOptions): Engine {
  const store = options.cacheFolder === undefined ? undefined : new Store(options.cacheFolder);
  const nowMs = (): number => Number(options.clock.wallNs() / 1_000_000n);
  let scratch: string | undefined;
  let hasTranspiled = false;
  const glueFolder = (): string => {
    scratch ??= fs.mkdtempSync(paths.join(options.scratchFolder ?? os.tmpdir(), 'motehost-'));
    return scratch;
  };
  const pool =
    options.preparation === 'pool'
      ? import('./prepare-pool.ts').then(({ startPreparePool }) => startPreparePool())
      : undefined;
  const prepareHere: PreparePool['prepare'] = async (bytes, onProgress) => {
    const { prepareProgram } = await import('./prepare.ts');
    const prepared = await prepareProgram(bytes, onProgress);
    hasTranspiled ||= prepared.glue !== undefined;
    return prepared;
  };
  return {
    prepare: async (bytes, onProgress = () => {}, signal) => {
      const cached = store === undefined ? undefined : load(store, bytes, nowMs());
      if (cached !== undefined) return cached;
      const prepare = (await pool)?.prepare ?? prepareHere;
      signal?.throwIfAborted();
      return keep(await prepare(bytes, onProgress, signal), store, bytes, glueFolder);
    },
    load: loadProgram,
    launch: async (prepared, linker, budget, grants) =>
      launch(isProgram(prepared) ? prepared : loadProgram(prepared), linker, budget, grants),
    enter: async (program, linker, budget, grants) => {
      const pools = poolsOf(options);
      return program.facts.lane === 'fast'
        ? occupy(pools.of(program), (pool) => pool.spawn(linker, budget), program, linker, budget, grants)
        : enterAlone(pools, program, linker, budget, given(grants));
    },
    wake: async (program, asleep, linker, budget, grants) => {
      const pool = poolsOf(options).of(program);
      return occupy(pool, () => pool.wake(asleep, linker, budget), program, linker, budget, grants);
    },
    close: async () => {
      await (await pool)?.close();
      if (hasTranspiled) await (await import('./general-lane/transpile.ts')).stopTranspiler();
      if (scratch !== undefined) fs.rmSync(scratch, { recursive: true, force: true });
    },
  };
}

/** The general lane's module text is kept by its own digest: Node imports a path once, so one path must mean one text. */
function load(store: Store, source: Uint8Array, nowMs: number): Artifact | undefined {
  const stored = store.get(source, artifactVersion);
  if (stored === undefined) return undefined;
  store.touch(store.pathOf(source, artifactVersion, 'art'), nowMs);
  const facts = stored.header as ArtifactFacts;
  if (facts.glueDigest === undefined) return { facts, modules: stored.blobs };
  const modules = stored.blobs.slice(0, -1);
  const glue = stored.blobs.at(-1);
  const gluePath = paths.join(store.folder, `${facts.glueDigest}.mjs`);
  const isWhole =
    glue !== undefined && fs.existsSync(gluePath) && Buffer.compare(fs.readFileSync(gluePath), glue) === 0;
  return isWhole ? { facts, modules, gluePath } : undefined;
}

function keep(
  { facts, modules, glue }: Prepared,
  store: Store | undefined,
  source: Uint8Array<ArrayBuffer>,
  glueFolder: () => string,
): Artifact {
  if (glue === undefined) {
    store?.put(source, artifactVersion, { header: facts, blobs: modules });
    return { facts, modules };
  }
  const name = `${facts.glueDigest}.mjs`;
  const kept = store === undefined ? undefined : paths.join(store.folder, name);
  if (kept !== undefined && store?.write(kept, glue) === true) {
    store.put(source, artifactVersion, {
      header: facts,
      blobs: [...modules, new TextEncoder().encode(glue)],
    });
    return { facts, modules, gluePath: kept };
  }
  const gluePath = paths.join(glueFolder(), name);
  fs.writeFileSync(gluePath, glue, { mode: 0o600 });
  return { facts, modules, gluePath };
}

function poolsOf({ pools }: EngineOptions): InstancePools {
  if (pools === undefined) throw new Error('bug: this engine was made without pools');
  return pools;
}

async function launch(
  program: Program,
  linker: Linker,
  budget: Budget,
  grants: WasiGrants,
): Promise<Launched> {
  if (program.facts.lane === 'core') return launchCore(program, budget, grants);
  const offered = await offerWasi(program, linker, budget, grants);
  const release = async (): Promise<void> => offered?.dispose();
  try {
    const instance = await launchComponent(program, linker, budget);
    if (offered === undefined) return { instance, release };
    const serve: Launched['serve'] = (name, request, response) =>
      offered.serve(instance, name, request, response);
    return { instance, release, serve };
  } catch (thrown) {
    await release();
    throw thrown;
  }
}

/** An agent on the fast lane. */
async function occupy(
  pool: InstancePool,
  take: (pool: InstancePool) => Lease | Promise<Lease>,
  program: Program,
  linker: Linker,
  budget: Budget,
  grants: WasiGrants | undefined,
): Promise<Resident> {
  const offered = importsWasi(program) ? await offerWasi(program, linker, budget, given(grants)) : undefined;
  try {
    return new FastResident(pool, await take(pool), offered);
  } catch (thrown) {
    await offered?.dispose();
    throw thrown;
  }
}

class FastResident implements Resident {
  readonly #pool: InstancePool;
  readonly #offered: Preview2 | undefined;
  readonly instance: Lease;

  constructor(pool: InstancePool, instance: Lease, offered: Preview2 | undefined) {
    this.#pool = pool;
    this.instance = instance;
    this.#offered = offered;
  }

  get saveable(): Saveable {
    return this.#pool.saveable;
  }

  save(): Snapshot {
    return this.#pool.save(this.instance);
  }

  hibernate(): Promise<Snapshot>;
  hibernate<T>(keep: (borrowed: Snapshot) => T): Promise<T>;
  async hibernate(keep: (borrowed: Snapshot) => unknown = owned): Promise<unknown> {
    const kept = this.#pool.hibernate(this.instance, keep);
    await this.#offered?.dispose();
    return kept;
  }

  async release(): Promise<void> {
    await this.#offered?.dispose();
  }
}

/** An agent of another lane: an instance for all of its life, which only the process's bounds know. */
async function enterAlone(
  { residence }: InstancePools,
  program: Program,
  linker: Linker,
  budget: Budget,
  grants: WasiGrants,
): Promise<Resident> {
  const own = program.facts.modules.flatMap(({ summary }) =>
    summary.memories.filter((each) => !each.imported),
  );
  const pages = own.reduce((sum, { minPages }) => sum + minPages, 0);
  const held = residence?.acquireMemories(
    own.length,
    pages,
    own.some(({ index64 }) => index64),
  );
  if (held !== undefined) budget.attachGrowth(held);
  let launched: Launched;
  try {
    launched = await launch(program, linker, budget, grants);
  } catch (thrown) {
    residence?.releaseMemories(own.length, held?.pages);
    throw thrown;
  }
  residence?.releaseWith(launched.instance, own.length, held);
  const saveable = saveableOf(program);
  let isHeld = true;
  const refuse = (): never => {
    throw new HostError(
      'HOST_ERR_MODULE_UNSUPPORTED',
      `the program's agents cannot hibernate: ${saveable.possible ? 'another lane' : saveable.reason}; set [hibernate] after = "never"`,
    );
  };
  return {
    ...launched,
    saveable,
    save: refuse,
    hibernate: async () => refuse(),
    release: async () => {
      if (isHeld) residence?.noteDropped(own.length, held?.pages);
      isHeld = false;
      await launched.release();
    },
  };
}

async function launchComponent(program: Program, linker: Linker, budget: Budget): Promise<Instance> {
  const { facts, gluePath, modules: compiled } = program;
  const [only] = compiled;
  if (facts.lane === 'fast' && facts.plan !== undefined && only !== undefined) {
    return instantiateFast(facts.plan, only, linker, budget);
  }
  if (gluePath === undefined || facts.world === undefined)
    throw new Error('bug: a general-lane artifact without its module');
  const { instantiateGeneral } = await import('./general-lane/general-lane.ts');
  const modules = new Map(
    facts.modules.map(({ name, memoryPages, tableElements }, index) => {
      const module = compiled[index];
      if (module === undefined) throw new Error('bug: an artifact with fewer modules than it names');
      return [name, { module, minima: { memoryPages, tableElements } }] as const;
    }),
  );
  const { world, hasTasks = false } = facts;
  return instantiateGeneral({ gluePath, modules, world, hasTasks }, linker, budget);
}

function given(grants: WasiGrants | undefined): WasiGrants {
  if (grants === undefined) throw new Error('bug: a program that may reach wasi, without grants');
  return grants;
}

/** Whether `enter` and `wake` need grants of a program: agents of our worlds do without. */
export function mayReachWasi(program: Program): boolean {
  return program.facts.lane !== 'fast' || importsWasi(program);
}

function importsWasi({ facts }: Program): boolean {
  return facts.world?.imports.some(({ name }) => name.startsWith('wasi:')) === true;
}

/** Links WASI 0.2 if the component imports any of it. */
async function offerWasi(
  program: Program,
  linker: Linker,
  budget: Budget,
  grants: WasiGrants,
): Promise<Preview2 | undefined> {
  if (!importsWasi(program)) return undefined;
  const imports = program.facts.world?.imports ?? [];
  const { wasi } = await import('./wasi/preview2/preview2.ts');
  const offered = wasi(grants, budget);
  await offered.ready(imports.map(({ name }) => name));
  offered.define(linker);
  return offered;
}

async function launchCore(program: Program, budget: Budget, grants: WasiGrants): Promise<Launched> {
  const facts = program.facts.modules[0];
  if (facts === undefined) throw new Error('bug: a core artifact without its module');
  const usesWasi = facts.summary.imports.some(({ module }) => module.startsWith('wasi_'));
  const offered = usesWasi
    ? (await import('./wasi/preview1/preview1.ts')).preview1(grants, budget)
    : undefined;
  const release = async (): Promise<void> => offered?.dispose();
  const exports = (facts.functions ?? []).map((type) => ({ name: type.name, kind: 'function', type }));
  const { memoryPages, tableElements } = facts;
  try {
    const [module] = program.modules;
    if (module === undefined) throw new Error('bug: a core artifact without its module');
    return {
      instance: await instantiateCore(module, { exports, memoryPages, tableElements }, offered, budget),
      release,
    };
  } catch (thrown) {
    await release();
    throw thrown;
  }
}
