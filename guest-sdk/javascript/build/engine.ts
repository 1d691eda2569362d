import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Reader } from '../../../host/engine/meter/reader.ts';
import { Writer } from '../../../host/engine/meter/writer.ts';
import { HostError } from '../../../host/errors.ts';
import { type CoreImport, copyImports, readCoreModule } from './link/core-module.ts';

/** What makes a component of JavaScript: QuickJS, with the program's memory as it is after the first evaluation. */
export interface Engine {
  /** The engine as a module with its inputs replaced: see `steadyInputs`. */
  readonly runtime: Uint8Array;
  /** What the runtime imports, in its order and by the names it had before. */
  readonly imports: readonly CoreImport[];
  readonly version: string;
  /** The native part that evaluates programs: see `evaluate.ts`. */
  readonly path: string;
}

/**
 * What differs from build to build, and what the engine is given instead: functions of the same core type that
 * answer alike on every machine. Evaluation fills the memory that becomes the program, so a clock or a seed
 * would be in its bytes.
 */
const steadyInputs: Readonly<Record<string, readonly [module: string, name: string]>> = {
  'insecure-seed': ['wasi:cli/environment@0.2.0', 'get-arguments'],
  'wasi:clocks/wall-clock now': ['wasi:cli/environment@0.2.0', 'initial-cwd'],
  'wasi:clocks/monotonic-clock now': ['wasi:clocks/monotonic-clock@0.2.0', 'resolution'],
};

const packageName = 'componentize-qjs';
/**
 * Its native parts, by platform. The package that chooses among them names some that were never published, with
 * which `npm ci` fails; so they are dependencies themselves. Of two only the one for the C library at hand loads.
 */
const parts: Readonly<Record<string, readonly string[]>> = {
  'linux-x64': ['linux-x64-gnu', 'linux-x64-musl'],
  'linux-arm64': ['linux-arm64-gnu'],
  'darwin-x64': ['darwin-x64'],
  'darwin-arm64': ['darwin-arm64'],
};
const magic = Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);

let loaded: Engine | undefined;

/** The engine, loaded once. @throws HostError `HOST_ERR_TOOL_MISSING` where there is none for this platform */
export function loadEngine(): Engine {
  loaded ??= load(createRequire(import.meta.url));
  return loaded;
}

function load(require: NodeJS.Require): Engine {
  const part = nativePart(require);
  const path = require.resolve(part);
  const original = findRuntime(readFileSync(path));
  if (original === undefined) throw missing(new Error('its native part holds no engine'));
  const runtime = withImports(original, (wanted) => steadyInput(wanted) ?? [wanted.module, wanted.name]);
  return {
    runtime,
    imports: readCoreModule(original).imports,
    version: require(`${part}/package.json`).version,
    path,
  };
}

/** @throws HostError `HOST_ERR_TOOL_MISSING` */
function nativePart(require: NodeJS.Require): string {
  let reason: unknown = new Error('there is none for this platform');
  for (const name of parts[`${process.platform}-${process.arch}`] ?? []) {
    const part = `@andreiltd/${packageName}-binding-${name}`;
    try {
      require(part);
      return part;
    } catch (cause) {
      reason = cause;
    }
  }
  throw missing(reason);
}

function steadyInput({ module, name }: CoreImport): readonly [string, string] | undefined {
  return steadyInputs[name] ?? steadyInputs[`${module.replace(/@.*/, '')} ${name}`];
}

function missing(cause: unknown): HostError {
  const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
  const text =
    `${packageName} cannot be loaded on ${process.platform}-${process.arch} (${reason}); it comes with ` +
    '`npm ci --include=optional` for Linux (x64, arm64) and macOS: on another system, build there and copy the .wasm';
  return new HostError('HOST_ERR_TOOL_MISSING', text, { package: packageName }, cause);
}

/**
 * The engine among the modules a native library holds: the one that a world's adapter can be linked to, that
 * needs no asynchronous calls of the host, and the smaller one of those.
 */
function findRuntime(library: Buffer): Uint8Array | undefined {
  let best: Uint8Array | undefined;
  for (let at = library.indexOf(magic); at >= 0; at = library.indexOf(magic, at + magic.length)) {
    const module = moduleAt(library, at);
    if (module === undefined || (best !== undefined && best.length <= module.length)) continue;
    if (isRuntime(module)) best = module;
  }
  return best;
}

function isRuntime(bytes: Uint8Array): boolean {
  try {
    const { exports, imports } = readCoreModule(bytes);
    return exports.has('wit_dylib_initialize') && !imports.some(({ name }) => name.startsWith('[waitable'));
  } catch {
    return false;
  }
}

/** The module that begins at `start`, which ends where no section begins any more; undefined for anything else. */
function moduleAt(library: Buffer, start: number): Uint8Array | undefined {
  const reader = new Reader(library, start + magic.length);
  let end = reader.pos;
  for (let last = 0; ; ) {
    const id = sectionAt(reader);
    if (id === undefined || (id !== 0 && orderOf(id) <= last)) break;
    if (id !== 0) last = orderOf(id);
    end = reader.pos;
  }
  return end === start + magic.length ? undefined : library.subarray(start, end);
}

const sectionIdMax = 13;
/** Data count (12) stands before code, tags (13) before globals. */
const orderOf = (id: number): number => (id === 12 ? 9.5 : id === 13 ? 5.5 : id);

/** Steps over a section and tells its id; undefined where none can begin. */
function sectionAt(reader: Reader): number | undefined {
  try {
    const id = reader.byte();
    const size = reader.u32();
    if (id > sectionIdMax) return undefined;
    if (id === 0) new Reader(reader.bytes, reader.pos, reader.pos + size).name();
    reader.skip(size);
    return id;
  } catch {
    return undefined;
  }
}

function withImports(
  bytes: Uint8Array,
  rename: (wanted: CoreImport) => readonly [module: string, name: string],
): Uint8Array {
  const out = new Writer(bytes.length + 1024);
  copyImports(bytes, out, rename);
  return out.finish();
}
