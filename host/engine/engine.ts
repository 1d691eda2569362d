import { fs, os, path as paths } from '../builtin.ts';
import type { Clock } from '../clock.ts';
import type { Artifact, ArtifactFacts } from './artifact.ts';
import type { Budget } from './budget.ts';
import { instantiateCore } from './core-lane/core-lane.ts';
import { declaredTypes } from './declared-types.ts';
import { instantiateFast } from './fast-lane/fast-lane.ts';
import type { Instance } from './instance.ts';
import type { Linker } from './linker.ts';
import type { Prepared } from './prepare.ts';
import type { PreparePool } from './prepare-pool.ts';
import { Store } from './store.ts';
import { artifactVersion } from './version.ts';
import type { WasiGrants } from './wasi/grants.ts';
import type { Preview2 } from './wasi/preview2/preview2.ts';

export type { Artifact } from './artifact.ts';

export interface EngineOptions {
  /** Folder for prepared programs; undefined keeps nothing after the process. */
  readonly cacheFolder: string | undefined;
  readonly clock: Clock;
  /** Where programs are prepared: in the calling thread, or, for a process that serves meanwhile, in one of its own. */
  readonly preparation?: 'here' | 'pool';
}

/** A live run and what must be freed after it. */
export interface Launched {
  readonly instance: Instance;
  /** What a program that answers HTTP requests is called with; undefined for one without WASI 0.2. */
  readonly exchange?: Preview2['exchange'];
  /** Closes files and sockets and waits for the last output. */
  release(): Promise<void>;
}

/** Prepares programs once per content, and makes instances of them. */
export interface Engine {
  /** `signal` ends a preparation in a pool at once; one in the calling thread goes on to its end. */
  prepare(
    bytes: Uint8Array<ArrayBuffer>,
    onProgress?: (step: string) => void,
    signal?: AbortSignal,
  ): Promise<Artifact>;
  launch(artifact: Artifact, linker: Linker, budget: Budget, grants: WasiGrants): Promise<Launched>;
  close(): Promise<void>;
}

/** Code of this module loads only what one run needs: a cached program never loads decoder, rewriter or transpiler. */
export function createEngine(options: EngineOptions): Engine {
  const store = options.cacheFolder === undefined ? undefined : new Store(options.cacheFolder);
  const nowMs = (): number => Number(options.clock.wallNs() / 1_000_000n);
  let scratch: string | undefined;
  let hasTranspiled = false;
  const glueFolder = (): string => {
    scratch ??= fs.mkdtempSync(paths.join(os.tmpdir(), 'motehost-'));
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
    launch: (artifact, linker, budget, grants) => launch(artifact, linker, budget, grants),
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

async function launch(
  artifact: Artifact,
  linker: Linker,
  budget: Budget,
  grants: WasiGrants,
): Promise<Launched> {
  if (artifact.facts.lane === 'core') return launchCore(artifact, budget, grants);
  const offered = await offerWasi(artifact, linker, budget, grants);
  const release = async (): Promise<void> => offered?.dispose();
  try {
    const instance = await launchComponent(artifact, linker, budget);
    return offered === undefined ? { instance, release } : { instance, release, exchange: offered.exchange };
  } catch (thrown) {
    await release();
    throw thrown;
  }
}

async function launchComponent(artifact: Artifact, linker: Linker, budget: Budget): Promise<Instance> {
  const { facts, gluePath } = artifact;
  const compiled = compile(artifact);
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
  return instantiateGeneral({ gluePath, modules, world: facts.world }, linker, budget);
}

/** @throws HostError `HOST_ERR_MODULE_UNSUPPORTED` when this process has taken too many types */
function compile({ facts, modules }: Artifact): WebAssembly.Module[] {
  for (const { digest, summary } of facts.modules) declaredTypes.admit(digest, summary.typeCount);
  return modules.map((bytes) => new WebAssembly.Module(bytes));
}

/** Links WASI 0.2 if the component imports any of it. */
async function offerWasi(
  artifact: Artifact,
  linker: Linker,
  budget: Budget,
  grants: WasiGrants,
): Promise<Preview2 | undefined> {
  const imports = artifact.facts.world?.imports ?? [];
  if (!imports.some(({ name }) => name.startsWith('wasi:'))) return undefined;
  const { wasi } = await import('./wasi/preview2/preview2.ts');
  const offered = wasi(grants, budget);
  await offered.ready(imports.map(({ name }) => name));
  offered.define(linker);
  return offered;
}

async function launchCore(artifact: Artifact, budget: Budget, grants: WasiGrants): Promise<Launched> {
  const facts = artifact.facts.modules[0];
  if (facts === undefined) throw new Error('bug: a core artifact without its module');
  const usesWasi = facts.summary.imports.some(({ module }) => module.startsWith('wasi_'));
  const offered = usesWasi
    ? (await import('./wasi/preview1/preview1.ts')).preview1(grants, budget)
    : undefined;
  const release = async (): Promise<void> => offered?.dispose();
  const exports = (facts.functions ?? []).map((type) => ({ name: type.name, kind: 'function', type }));
  const { memoryPages, tableElements } = facts;
  try {
    const [module] = compile(artifact);
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
