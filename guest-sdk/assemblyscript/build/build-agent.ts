import { join } from 'node:path';
import { HostError } from '../../../host/errors.ts';
import { isRegularFile, readRegularFile } from '../../../host/regular-file.ts';
import { wrapComponent } from '../../build/component.ts';
import type { Built } from '../../build/language.ts';
import { stripCustomSections } from '../../build/strip.ts';
import type { Target } from '../../build/target.ts';
import { runAsc, sdkLibrary } from './asc.ts';
import { explainErrors, explainWarnings } from './explain.ts';
import { jsonTransforms, withJson } from './json.ts';
import { libraryText, type Program, programOf } from './program.ts';
import { sdkPackage } from './sdk-sources.ts';

export interface BuildOptions {
  /** The agent's folder, absolute. */
  readonly folder: string;
  /** The user's entry file, relative to the folder: `assembly/index.ts`. */
  readonly entry: string;
  readonly target: Target;
  /** Small and without function names, instead of quickly built and with names in traps. */
  readonly release: boolean;
  /** Lets the program count the raw memory blocks it holds, for tests that look for leaks. */
  readonly countBlocks?: boolean;
}

export interface BuildResult extends Built {
  /** Size of the core module, before it was wrapped. */
  readonly coreBytes: number;
}

/** Name of the file that joins the user's file to the world; it exists in memory only. */
const glueFile = 'motehost-glue';

/**
 * From AssemblyScript sources to a program the host runs, in this process: generate bindings, compile, rename
 * exports, embed the world, wrap as a component. The same sources, SDK and options give the same bytes.
 * @throws HostError `HOST_ERR_BUILD_FAILED` whose message shows every error with its place
 */
export async function buildAgent(options: BuildOptions): Promise<BuildResult> {
  requireEntry(options);
  const { target, entry } = options;
  const program = programOf(target, `./${entry.replace(/\.ts$/, '')}`);
  const sources = new Map<string, string>();
  const { core, complaints } = await runAsc({
    baseDir: options.folder,
    entry: glueFile,
    flags: flagsOf(program, options),
    library: ['bindings/dom.ts', 'rt/index-incremental.ts'],
    readSource: (name, folder) =>
      folder === sdkLibrary ? libraryText(program, name) : readUserSource(name, options, program, sources),
    exportNames: program.exportNames,
    transforms: await jsonTransforms(options.folder, entry),
  });
  const about = { program, entry, glueFile, readSource: (name: string) => sources.get(name) ?? null };
  if (core === undefined) throw new HostError('HOST_ERR_BUILD_FAILED', explainErrors(complaints, about));
  requireKnownImports(core, program);
  const whole = target.kind === 'command' ? core : await wrapComponent(core, target, 'utf16');
  return {
    bytes: options.release ? stripCustomSections(whole) : whole,
    coreBytes: core.length,
    warnings: explainWarnings(complaints, about),
    sources: new Map([...sources].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function requireEntry({ folder, entry }: BuildOptions): void {
  if (isRegularFile(join(folder, entry))) return;
  throw new HostError(
    'HOST_ERR_BUILD_FAILED',
    `there is no ${join(folder, entry)}; make it, or name another file with entry = "…" in agent.toml`,
    { folder, entry },
  );
}

function flagsOf(program: Program, options: BuildOptions): string[] {
  const use = program.globals.map((global) => global.replace('=', `=~lib/${sdkPackage}/`));
  if (options.countBlocks === true) use.push('MOTEHOST_COUNT_BLOCKS=1');
  const optimisation = options.release
    ? ['-O2', '--shrinkLevel', '2']
    : ['-O2', '--shrinkLevel', '1', '--debug'];
  return [
    '--runtime',
    'incremental',
    '--exportStart',
    program.start,
    '--use',
    use.join(','),
    ...optimisation,
  ];
}

function readUserSource(
  name: string,
  options: BuildOptions,
  program: Program,
  sources: Map<string, string>,
): string | null {
  if (name === `${glueFile}.ts`) return program.glue;
  if (name === 'asconfig.json') return null;
  try {
    const text = readRegularFile(join(options.folder, name)).toString('utf8');
    sources.set(name, text);
    return withJson(text);
  } catch {
    return null;
  }
}

/** The toolchain would refuse a foreign import too, in words about modules, and could not be used again in this process. */
function requireKnownImports(core: Uint8Array<ArrayBuffer>, { importModules, title }: Program): void {
  const foreign = WebAssembly.Module.imports(new WebAssembly.Module(core))
    .filter(({ module }) => !importModules.has(module))
    .map(({ module, name }) => `${module} ${name}`);
  if (foreign.length === 0) return;
  throw new HostError(
    'HOST_ERR_BUILD_FAILED',
    `the program declares imports that world '${title}' does not have: ${foreign.join(', ')}; take the @external declarations away`,
    { imports: foreign },
  );
}
