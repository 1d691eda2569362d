import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Artifact, ArtifactFacts } from './artifact.ts';
import type { Budget } from './budget.ts';
import { hexDigestOf } from './digest.ts';
import type { Instance } from './instance.ts';
import type { Linker } from './linker.ts';
import type { Prepared } from './prepare.ts';
import { Store } from './store.ts';
import { artifactVersion } from './version.ts';
import type { WasiGrants } from './wasi/grants.ts';

export type { Artifact } from './artifact.ts';

export interface EngineOptions {
  /** Folder for prepared programs; undefined keeps nothing after the process. */
  readonly cacheFolder: string | undefined;
  readonly clock: Clock;
}

/** A live run and what must be freed after it. */
export interface Launched {
  readonly instance: Instance;
  /** Closes files and sockets and waits for the last output. */
  release(): Promise<void>;
}

/** Prepares programs once per content, and makes instances of them. */
export interface Engine {
  prepare(bytes: Uint8Array<ArrayBuffer>, onProgress?: (step: string) => void): Promise<Artifact>;
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
    scratch ??= mkdtempSync(join(tmpdir(), 'motehost-'));
    return scratch;
  };
  return {
    prepare: async (bytes, onProgress = () => {}) => {
      const digest = hexDigestOf(bytes);
      const key = `${digest}-${artifactVersion}`;
      const cached = store === undefined ? undefined : load(store, key, digest, nowMs());
      if (cached !== undefined) return cached;
      const { prepareProgram } = await import('./prepare.ts');
      const prepared = await prepareProgram(bytes, digest, onProgress);
      hasTranspiled ||= prepared.glue !== undefined;
      return keep(prepared, store, key, glueFolder);
    },
    launch: (artifact, linker, budget, grants) => launch(artifact, linker, budget, grants),
    close: async () => {
      if (hasTranspiled) await (await import('./general-lane/transpile.ts')).stopTranspiler();
      if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
    },
  };
}

function load(store: Store, key: string, digest: string, nowMs: number): Artifact | undefined {
  const stored = store.get(key);
  if (stored === undefined) return undefined;
  const facts = stored.header as ArtifactFacts;
  if (facts.digest !== digest) return undefined;
  const artifact = { facts, modules: stored.blobs };
  store.touch(key, nowMs);
  if (facts.glueDigest === undefined) return artifact;
  const gluePath = store.pathOf(key, 'mjs');
  if (!existsSync(gluePath) || hexDigestOf(readFileSync(gluePath)) !== facts.glueDigest) return undefined;
  return { ...artifact, gluePath };
}

function keep(prepared: Prepared, store: Store | undefined, key: string, glueFolder: () => string): Artifact {
  const { facts, modules, glue } = prepared;
  if (glue === undefined) {
    store?.put(key, { header: facts, blobs: modules });
    return { facts, modules };
  }
  const gluePath = store === undefined ? join(glueFolder(), `${facts.digest}.mjs`) : store.pathOf(key, 'mjs');
  if (store === undefined) writeFileSync(gluePath, glue, { mode: 0o600 });
  else store.write(gluePath, glue);
  store?.put(key, { header: facts, blobs: modules });
  return { facts, modules, gluePath };
}

async function launch(
  artifact: Artifact,
  linker: Linker,
  budget: Budget,
  grants: WasiGrants,
): Promise<Launched> {
  if (artifact.facts.lane === 'core') return launchCore(artifact, budget, grants);
  const release = await offerWasi(artifact, linker, budget, grants);
  try {
    return { instance: await launchComponent(artifact, linker, budget), release };
  } catch (thrown) {
    await release();
    throw thrown;
  }
}

async function launchComponent(artifact: Artifact, linker: Linker, budget: Budget): Promise<Instance> {
  const { facts, gluePath } = artifact;
  const compiled = artifact.modules.map((bytes) => new WebAssembly.Module(bytes));
  const [only] = compiled;
  if (facts.lane === 'fast' && facts.plan !== undefined && only !== undefined) {
    const { instantiateFast } = await import('./fast-lane/fast-lane.ts');
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
  return instantiateGeneral(
    { gluePath, modules, world: facts.world, hasTasks: facts.hasTasks === true },
    linker,
    budget,
  );
}

/** Links WASI 0.2 if the component imports any of it. */
async function offerWasi(
  artifact: Artifact,
  linker: Linker,
  budget: Budget,
  grants: WasiGrants,
): Promise<() => Promise<void>> {
  const imports = artifact.facts.world?.imports ?? [];
  if (!imports.some(({ name }) => name.startsWith('wasi:'))) return async () => {};
  const { wasi } = await import('./wasi/preview2/preview2.ts');
  const offered = wasi(grants, budget);
  await offered.ready(imports.map(({ name }) => name));
  offered.define(linker);
  return () => offered.dispose();
}

async function launchCore(artifact: Artifact, budget: Budget, grants: WasiGrants): Promise<Launched> {
  const [bytes] = artifact.modules;
  const facts = artifact.facts.modules[0];
  if (bytes === undefined || facts === undefined) throw new Error('bug: a core artifact without its module');
  const { instantiateCore } = await import('./core-lane/core-lane.ts');
  const usesWasi = facts.summary.imports.some(({ module }) => module.startsWith('wasi_'));
  const offered = usesWasi
    ? (await import('./wasi/preview1/preview1.ts')).preview1(grants, budget)
    : undefined;
  const release = async (): Promise<void> => offered?.dispose();
  const exports = (facts.functions ?? []).map((type) => ({ name: type.name, kind: 'function', type }));
  const { memoryPages, tableElements } = facts;
  try {
    const module = new WebAssembly.Module(bytes);
    return {
      instance: await instantiateCore(module, { exports, memoryPages, tableElements }, offered, budget),
      release,
    };
  } catch (thrown) {
    await release();
    throw thrown;
  }
}
