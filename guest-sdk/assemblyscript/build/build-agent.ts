import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HostError } from '../../../host/errors.ts';
import { runAsc, sdkLibrary } from './asc.ts';
import { explainErrors, explainWarnings } from './explain.ts';
import { requireKnownImports } from './imports.ts';
import { readSdkSource, resolveSpecifier, sdkPackage, witFolder } from './sdk-sources.ts';
import { stripCustomSections } from '../../build/strip.ts';
import { readWitText } from '../../build/wit-text.ts';
import { type World, worlds } from './world.ts';

export interface BuildOptions {
  /** The agent's folder, absolute. */
  readonly folder: string;
  /** The user's entry file, relative to the folder: `assembly/index.ts`. */
  readonly entry: string;
  readonly world: World['name'];
  /** Small and without function names, instead of quickly built and with names in traps. */
  readonly release: boolean;
  /** Lets the program count the raw memory blocks it holds, for tests that look for leaks. */
  readonly countBlocks?: boolean;
}

export interface BuildResult {
  /** The component (worlds of `motehost:agent`) or WASI preview1 core module (`command`). */
  readonly bytes: Uint8Array;
  /** Size of the core module, before it was wrapped. */
  readonly coreBytes: number;
  /** What the compiler warned of, as people read it. */
  readonly warnings: readonly string[];
  /** Files outside the SDK that went into it: name relative to the folder, and text; in name order. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Name of the file that joins the user's file to the world; it exists in memory only. */
const glueFile = 'motehost-glue';

/**
 * From AssemblyScript sources to a program the host runs, in this process: compile, rename exports, embed the
 * world, wrap as a component. The same sources, SDK and options give the same bytes.
 * @throws HostError `HOST_ERR_BUILD_FAILED` whose message shows every error with its place
 */
export async function buildAgent(options: BuildOptions): Promise<BuildResult> {
  const world = worlds[options.world];
  const sources = new Map<string, string>();
  requireEntry(options);
  const readSource = (name: string, folder: string): string | null =>
    folder === sdkLibrary ? readLibrarySource(name, world) : readUserSource(name, options, sources);
  const { core, complaints } = await runAsc({
    baseDir: options.folder,
    entry: glueFile,
    flags: flagsOf(world, options),
    library: ['bindings/dom.ts'],
    readSource,
    exportNames: world.exportNames,
  });
  const about = {
    world,
    entry: options.entry,
    glueFile,
    readSource: (name: string) => sources.get(name) ?? null,
  };
  if (core === undefined) throw new HostError('HOST_ERR_BUILD_FAILED', explainErrors(complaints, about));
  requireKnownImports(core, world);
  const whole = world.form === 'core' ? core : await wrap(core, world);
  const bytes = options.release ? stripCustomSections(whole) : whole;
  return {
    bytes,
    coreBytes: core.length,
    warnings: explainWarnings(complaints, about),
    sources: new Map([...sources].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function requireEntry({ folder, entry }: BuildOptions): void {
  if (statSync(join(folder, entry), { throwIfNoEntry: false })?.isFile() === true) return;
  throw new HostError(
    'HOST_ERR_BUILD_FAILED',
    `there is no ${join(folder, entry)}; make it, or name another file with entry = "…" in agent.toml`,
    { folder, entry },
  );
}

function flagsOf(world: World, options: BuildOptions): string[] {
  const use = world.globals.map((global) => global.replace('=', `=~lib/${sdkPackage}/`));
  if (options.countBlocks === true) use.push('MOTEHOST_COUNT_BLOCKS=1');
  const optimisation = options.release
    ? ['-O3', '--shrinkLevel', '2', '--converge']
    : ['-O2', '--shrinkLevel', '1', '--debug'];
  return ['--runtime', 'incremental', '--exportStart', world.start, '--use', use.join(','), ...optimisation];
}

function readLibrarySource(name: string, world: World): string | null {
  if (name === 'bindings/dom.ts') return readSdkSource(world.dom);
  if (name.startsWith(`${sdkPackage}/`)) return readSdkSource(name.slice(sdkPackage.length + 1));
  const file = resolveSpecifier(name.replace(/\.ts$/, ''));
  return file === undefined ? null : `export * from "${sdkPackage}/${file}";\n`;
}

function readUserSource(name: string, options: BuildOptions, sources: Map<string, string>): string | null {
  if (name === `${glueFile}.ts`) return worlds[options.world].glue(`./${options.entry.replace(/\.ts$/, '')}`);
  if (name === 'asconfig.json') return null;
  try {
    const text = readFileSync(join(options.folder, name), 'utf8');
    sources.set(name, text);
    return text;
  } catch {
    return null;
  }
}

async function wrap(core: Uint8Array, world: World): Promise<Uint8Array> {
  const { componentEmbed, componentNew } = await import('@bytecodealliance/jco-transpile/wasm-tools');
  try {
    const embedded = await componentEmbed({
      binary: core,
      witSource: readWitText(witFolder),
      world: world.name,
      // AssemblyScript's strings are UTF-16; without this every second byte of a text would be 0.
      stringEncoding: 'utf16',
    });
    return await componentNew(embedded);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HostError('HOST_ERR_BUILD_FAILED', `cannot make a component of it: ${reason}`, {}, cause);
  }
}
