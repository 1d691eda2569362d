import { hash } from 'node:crypto';
import { HostError } from '../errors.ts';
import type { ArtifactFacts, ArtifactModule, CoreFunction, Main } from './artifact.ts';
import type { Component } from './component/component.ts';
import { type CoreModuleShape, readCoreModule } from './component/core-module.ts';
import { decodeComponent, isComponent, isCoreModule } from './component/decode.ts';
import { Reader } from './component/reader.ts';
import type { FuncType } from './component/types.ts';
import { type World, worldOf } from './component/world.ts';
import { declaredTypes } from './declared-types.ts';
import { planFastLane } from './fast-lane/plan.ts';
import { hasTasks } from './general-lane/support.ts';
import { transpileComponent } from './general-lane/transpile.ts';
import { bounds } from './meter/bounds.ts';
import { type MeterOptions, meter } from './meter/meter.ts';
import { unsupported } from './meter/refusal.ts';
import type { ModuleSummary } from './meter/summary.ts';
import { signatures } from './wasi/preview1/signatures.ts';
import { offers } from './wasi/preview2/offer.ts';
import { isPreview3 } from './wasi/preview3/offer.ts';

/** A freshly prepared program, not yet stored. */
export interface Prepared {
  readonly facts: ArtifactFacts;
  readonly modules: readonly Uint8Array<ArrayBuffer>[];
  /** Text of the general lane's module. */
  readonly glue?: string;
}

const transpileMsMax = 120_000;

/**
 * Validates a program and makes it ready: picks the lane and meters every core module.
 * @throws HostError for bytes that are no program (`HOST_ERR_NOT_WASM`), are malformed, or use what this host does not take
 */
export async function prepareProgram(
  bytes: Uint8Array<ArrayBuffer>,
  onProgress: (step: string) => void,
): Promise<Prepared> {
  const digest = hash('sha256', bytes);
  if (isCoreModule(bytes)) return prepareCore(bytes, digest);
  if (isComponent(bytes)) return prepareComponent(bytes, digest, onProgress);
  throw new HostError('HOST_ERR_NOT_WASM', notWasm(bytes));
}

function notWasm(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'the file is empty; a program is a WebAssembly component or core module';
  const isText = bytes.subarray(0, 64).every((byte) => byte >= 0x09 && byte < 0x7f);
  const isWasm = bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;
  if (isWasm) return 'the file is WebAssembly of a version or layer this host does not know';
  return isText
    ? 'the file is text, not WebAssembly; build it first (host build FOLDER for an agent)'
    : 'the file is not WebAssembly (it does not begin with \\0asm)';
}

function prepareCore(bytes: Uint8Array<ArrayBuffer>, digest: string): Prepared {
  const metered = meterValid(bytes, digest, { fuelCell: 'own' });
  const shape = readCoreModule(new Reader(bytes, 0, bytes.length));
  checkWasiTypes(shape);
  const functions = exportedFunctions(shape);
  const names = functions.map(({ name }) => name);
  const main: Main = names.includes('_start')
    ? { kind: 'command', export: '_start' }
    : { kind: 'none', exports: names };
  const module = { ...moduleFacts('core', digest, bytes.length, metered.summary), functions };
  return {
    facts: { digest, sourceBytes: bytes.length, lane: 'core', main, modules: [module] },
    modules: [metered.bytes],
  };
}

function moduleFacts(
  name: string,
  digest: string,
  sourceBytes: number,
  summary: ModuleSummary,
): ArtifactModule {
  const own = <T extends { readonly imported: boolean }>(all: readonly T[]): T[] =>
    all.filter(({ imported }) => !imported);
  return {
    name,
    digest,
    summary,
    sourceBytes,
    memoryPages: own(summary.memories).reduce((sum, { minPages }) => sum + minPages, 0),
    tableElements: own(summary.tables).reduce((sum, { min }) => sum + min, 0),
  };
}

const coreTypes: Readonly<Record<string, string>> = {
  i: 'i32',
  I: 'i64',
  f: 'f32',
  F: 'f64',
  v: 'v128',
  r: 'ref',
};

/** @throws HostError `HOST_ERR_LINK_TYPE_MISMATCH` for a WASI function declared with another type than it has */
function checkWasiTypes({ imports }: CoreModuleShape): void {
  for (const { module, name, type } of imports) {
    const wanted = previewOneModules.has(module) ? signatures[name] : undefined;
    if (wanted === undefined || type.sort !== 'func') continue;
    const [params, results] = wanted;
    if (type.type?.params === params && type.type.results === results) continue;
    throw new HostError(
      'HOST_ERR_LINK_TYPE_MISMATCH',
      `the program declares ${module}.${name} with another type than WASI gives it: (${coreNames(params)}) -> (${coreNames(results)})`,
      { module, name },
    );
  }
}

const previewOneModules: ReadonlySet<string> = new Set(['wasi_snapshot_preview1', 'wasi_unstable']);

function coreNames(letters: string): string {
  return [...letters].map((letter) => coreTypes[letter] ?? letter).join(', ');
}

function exportedFunctions({ exports }: CoreModuleShape): CoreFunction[] {
  const named = (letters: string): string[] => [...letters].map((letter) => coreTypes[letter] ?? letter);
  return [...exports].flatMap(([name, extern]) =>
    extern.sort === 'func' && extern.type !== undefined
      ? [{ name, params: named(extern.type.params), results: named(extern.type.results) }]
      : [],
  );
}

async function prepareComponent(
  bytes: Uint8Array<ArrayBuffer>,
  digest: string,
  onProgress: (step: string) => void,
): Promise<Prepared> {
  const component = decodeComponent(bytes);
  const world = worldOf(component);
  const facts = { digest, sourceBytes: bytes.length, main: mainOf(world), world };
  admitModules(component);
  const plan = planFastLane(component);
  if (!('refused' in plan)) {
    const core = bytes.slice(plan.module.offset, plan.module.offset + plan.module.length);
    const coreDigest = hash('sha256', core);
    const metered = meterValid(core, coreDigest, { fuelCell: 'own', importCharges: plan.importCharges });
    const module = moduleFacts('core', coreDigest, core.length, metered.summary);
    return { facts: { ...facts, lane: 'fast', plan, modules: [module] }, modules: [metered.bytes] };
  }
  onProgress('preparing');
  const { glue, coreModules } = await transpileComponent(component, {
    world,
    suspendingImports: suspendingImportsOf(world),
    deadlineMs: transpileMsMax,
  });
  const metered = coreModules.map(({ name, isJoint, bytes: core }) => {
    const coreDigest = hash('sha256', core);
    const options: MeterOptions = { fuelCell: 'imported', shieldsImports: isJoint };
    const { bytes: code, summary } = meterValid(core, coreDigest, options);
    return { code, module: moduleFacts(name, coreDigest, core.length, summary) };
  });
  const glueDigest = hash('sha256', glue);
  return {
    facts: {
      ...facts,
      lane: 'general',
      laneReason: plan.refused,
      ...(hasTasks(component) ? { hasTasks: true as const } : {}),
      modules: metered.map(({ module }) => module),
      glueDigest,
    },
    modules: metered.map(({ code }) => code),
    glue,
  };
}

/** Planning and the transpiler have the core modules judged as they are, before they are metered; all threads share V8's table of types. */
function admitModules(component: Component): void {
  for (const module of component.modules) {
    if (module.kind !== 'defined') continue;
    const { bytes, offset, length, shape } = module;
    if (shape.typeCount > bounds.typesMax) throw unsupported(`more than ${bounds.typesMax} types`, offset);
    declaredTypes.admit(hash('sha256', bytes.subarray(offset, offset + length)), shape.typeCount);
  }
  for (const inner of component.components) admitModules(inner);
}

/** The rewriter checks what it must understand; V8 is the judge of the rest, and judges what will run. */
function meterValid(
  bytes: Uint8Array<ArrayBuffer>,
  digest: string,
  options: MeterOptions,
): ReturnType<typeof meter> {
  const metered = meter(bytes, options);
  declaredTypes.admit(digest, metered.summary.typeCount);
  try {
    new WebAssembly.Module(metered.bytes);
  } catch (cause) {
    const reason =
      cause instanceof Error ? cause.message.replace(/^WebAssembly\.Module\(\): /, '') : String(cause);
    throw new HostError('HOST_ERR_MODULE_MALFORMED', `not a valid WebAssembly module: ${reason}`, {}, cause);
  }
  return metered;
}

const messageType = 'motehost:agent/types@0.1.0';

function mainOf(world: World): Main {
  const interfaces = world.exports.flatMap((item) => (item.kind === 'interface' ? [item] : []));
  const run =
    interfaces.find(({ name }) => /^wasi:cli\/run@0\.3\.\d+$/.test(name)) ??
    interfaces.find(({ name }) => /^wasi:cli\/run@0\.2\.\d+$/.test(name));
  const serve =
    interfaces.find(({ name }) => /^wasi:http\/handler@0\.3\.\d+$/.test(name)) ??
    interfaces.find(({ name }) => /^wasi:http\/incoming-handler@0\.2\.\d+$/.test(name));
  const http = serve && `${serve.name}#handle`;
  if (run !== undefined) return { kind: 'command', export: `${run.name}#run`, ...(http && { http }) };
  const functions = world.exports.flatMap((item) => (item.kind === 'func' ? [item] : []));
  if (functions.some(({ name, type }) => name === 'handle' && takesMessage(world, type.params[0]?.type))) {
    return {
      kind: 'handler',
      hasLife:
        functions.some(({ name }) => name === 'start') && functions.some(({ name }) => name === 'stop'),
      hasHealth: functions.some(({ name, type }) => name === 'health' && takesProbe(world, type)),
    };
  }
  if (http !== undefined) return { kind: 'http', export: http };
  const members = interfaces.flatMap((item) =>
    item.interface.functions.map(({ name }) => `${item.name}#${name}`),
  );
  return { kind: 'none', exports: [...functions.map(({ name }) => name), ...members] };
}

/** Whether a function takes what `motehost:agent/health` asks; any other that is called so is the agent's own. */
function takesProbe({ types }: World, { params }: FuncType): boolean {
  const [param] = params;
  const def = typeof param?.type === 'number' ? types[param.type] : undefined;
  return params.length === 1 && def?.kind === 'enum' && def.names.join() === 'liveness,readiness';
}

/** Our `message` record, by its declared name where the world keeps it, else by its fields. */
function takesMessage(world: World, type: unknown): boolean {
  const def = typeof type === 'number' ? world.types[type] : undefined;
  if (def?.kind !== 'record') return false;
  if (def.name === 'message' && (def.owner === undefined || def.owner === messageType)) return true;
  return (
    def.fields.some(({ name }) => name === 'sent-at-ns') && def.fields.some(({ name }) => name === 'body')
  );
}

function suspendingImportsOf(world: World): string[] {
  return world.imports.flatMap((item) => {
    if (item.kind !== 'interface') return [];
    // From WASI 0.3 on the types say what may wait.
    if (isPreview3(item.name)) return [];
    const suspending = offers[item.name.replace(/@.*$/, '')]?.suspending ?? [];
    return item.interface.functions
      .filter(({ name }) => suspending.includes(name))
      .map(({ name }) => `${item.name}#${name}`);
  });
}
