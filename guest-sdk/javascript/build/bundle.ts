import { readFileSync, realpathSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Plugin, RolldownError, RolldownLog } from 'rolldown';
import { HostError } from '../../../host/errors.ts';
import { formatComplaint } from '../../build/diagnostic.ts';
import type { Project } from '../../build/language.ts';
import type { WorldTarget } from '../../build/target.ts';
import { worldName } from './engine-names.ts';
import {
  globalInterfaces,
  glueId,
  isVirtual,
  type Modules,
  modulesFor,
  neededInterfaces,
  placesSymbol,
} from './modules.ts';
import { requireNoAsync } from './promises.ts';
import { SourceLines } from './source-lines.ts';

/** A program and all it imports as one module. */
export interface Bundle {
  readonly code: string;
  readonly lines: SourceLines;
  /** Text of a source by the name that errors and `lines` give it. */
  sourceText(name: string): string | undefined;
  /** Files that went in, by name relative to the project's folder. */
  readonly sources: ReadonlyMap<string, string>;
  /** Interfaces of the world that the component has to import. */
  readonly interfaces: ReadonlySet<string>;
  /** Whether the program asks the time by JavaScript's own means. */
  readonly usesDate: boolean;
  readonly usesPerformance: boolean;
  readonly warnings: readonly string[];
}

/**
 * Joins the project's entry file, what it imports and the SDK into one module; types are taken away, not checked.
 * @param isWhole keeps what the program does not need and joins no statements: the engine then names exact places
 * @throws HostError `HOST_ERR_BUILD_FAILED` with the place of every error
 */
export async function bundleProject(given: Project, target: WorldTarget, isWhole = false): Promise<Bundle> {
  requireEntry(given, join(given.folder, given.entry));
  // The bundler names files by their real paths.
  const project = { ...given, folder: realpathSync(given.folder) };
  const entry = join(project.folder, project.entry);
  const modules = modulesFor(target, entry);
  const sources = new Map<string, string>();
  const warnings: RolldownLog[] = [];
  const output = await generate(project, modules, sources, warnings, isWhole);
  await requireNoAsync(sources);
  const chunk = output.output[0];
  if (chunk.map === null) throw new Error('bug: the bundler made no source map');
  const names = chunk.map.sources.map((name) => sourceName(project.folder, name, sources));
  const lines = new SourceLines({ sources: names, mappings: chunk.map.mappings });
  const texts = [...sources.values()];
  const named = chunk.imports.filter((name) => name !== undefined).map(worldName);
  const mentions = (pattern: RegExp): boolean => texts.some((text) => pattern.test(text));
  const interfaces = neededInterfaces(target.world, named);
  // The prelude stands on it always; a program that never asks for a random number does not need it.
  if (!mentions(/\brandom\b|\bcrypto\b/)) dropVersioned(interfaces, globalInterfaces.random);
  return {
    code: `${chunk.code}\nObject.assign(globalThis[Symbol.for('${placesSymbol}')], ${JSON.stringify({ sources: names, lines: lines.table() })});\n`,
    lines,
    sourceText: (name) => sources.get(name),
    sources: new Map([...sources].sort(([a], [b]) => (a < b ? -1 : 1))),
    interfaces,
    usesDate: mentions(/\bDate\b/),
    usesPerformance: mentions(/\bperformance\b/),
    warnings: warnings.map((warning) => showLog(warning, project.folder, sources)),
  };
}

async function generate(
  project: Project,
  modules: Modules,
  sources: Map<string, string>,
  warnings: RolldownLog[],
  isWhole: boolean,
): Promise<import('rolldown').RolldownOutput> {
  const { rolldown } = await import('rolldown');
  let build: import('rolldown').RolldownBuild | undefined;
  try {
    build = await rolldown({
      cwd: project.folder,
      input: { agent: glueId },
      platform: 'browser',
      plugins: [worldPlugin(project, modules, sources)],
      tsconfig: false,
      transform: { target: 'es2023', define: { 'import.meta.url': '"agent:"' } },
      treeshake: !isWhole,
      onLog: (level, log) => {
        if (log.code === 'UNRESOLVED_IMPORT') throw Object.assign(new Error(log.message), log);
        if (level === 'warn' && log.id !== undefined && !isVirtual(log.id)) warnings.push(log);
      },
    });
    return await build.generate({
      dir: project.folder,
      format: 'esm',
      sourcemap: true,
      codeSplitting: false,
      comments: false,
      minify: isWhole ? false : 'dce-only',
    });
  } catch (cause) {
    throw explain(cause, project.folder, sources);
  } finally {
    await build?.close();
  }
}

function worldPlugin(project: Project, modules: Modules, sources: Map<string, string>): Plugin {
  return {
    name: 'motehost',
    resolveId: (specifier, importer) => {
      if (specifier === glueId) return glueId;
      const found = modules.resolve(specifier, importer !== undefined && isVirtual(importer));
      if (found !== undefined)
        return found.external
          ? { id: found.id, external: true }
          : { id: found.id, moduleSideEffects: !isInterface(found.id) };
      if (!/^[a-z][a-z0-9-]*:/.test(specifier)) return null;
      throw unknownModule(specifier, importer, modules, project.folder, sources);
    },
    load: (id) => {
      if (isVirtual(id)) return { code: modules.load(id) ?? '', moduleType: 'js' };
      return null;
    },
    transform: (_code, id) => {
      // Ids that begin with NUL are modules of a bundler's or plugin's own.
      if (!id.startsWith('\0')) sources.set(fileName(project.folder, id), readFileSync(id, 'utf8'));
      return null;
    },
  };
}

/** Interfaces only describe functions: one that nothing is taken from need not be there. */
const isInterface = (id: string): boolean => id.includes('/') && !id.includes('prelude/');

function unknownModule(
  specifier: string,
  importer: string | undefined,
  modules: Modules,
  folder: string,
  sources: ReadonlyMap<string, string>,
): Error {
  const file = importer === undefined ? undefined : fileName(folder, importer);
  const source = file === undefined ? undefined : sources.get(file);
  const offset = Math.max(0, source?.indexOf(specifier) ?? 0);
  const hint = `\n  there are: ${modules.names.join(', ')}`;
  const text = specifier.startsWith('node:')
    ? `'${specifier}' is part of Node.js, and agents run without it`
    : `the world has no '${specifier}'`;
  return new Error(formatComplaint({ isError: true, code: 0, text, file, offset }, source ?? null) + hint);
}

function requireEntry({ folder, entry }: Project, path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return;
  throw new HostError(
    'HOST_ERR_BUILD_FAILED',
    `there is no ${join(folder, entry)}; make it, or name another file with entry = "…" in agent.toml`,
    { folder, entry },
  );
}

function explain(cause: unknown, folder: string, sources: ReadonlyMap<string, string>): Error {
  if (cause instanceof HostError || !(cause instanceof Error))
    return new HostError('HOST_ERR_BUILD_FAILED', String(cause));
  const errors =
    'errors' in cause && Array.isArray(cause.errors) ? (cause.errors as RolldownError[]) : [cause];
  const texts = [...new Set(errors.map((error) => showLog(error, folder, sources)))];
  return new HostError('HOST_ERR_BUILD_FAILED', texts.join('\n'), {}, cause);
}

/** One of the bundler's complaints with its place. */
function showLog(
  log: Partial<RolldownLog> & { readonly message: string },
  folder: string,
  sources: ReadonlyMap<string, string>,
): string {
  const path = log.loc?.file ?? log.id ?? drawnFile(log.message, folder);
  const text = plainText(log.message);
  const place = log.loc ?? drawnPlace(log.message);
  if (path === undefined || place === undefined) return text;
  const file = fileName(folder, path);
  const source = sources.get(file) ?? readFileSync(path, 'utf8');
  return formatComplaint(
    { isError: true, code: 0, text, file, offset: offsetOf(source, place.line, place.column) },
    source,
  );
}

function offsetOf(source: string, line: number, column: number): number {
  const lines = source.split('\n');
  return lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + column;
}

/** `╭─[ agent.ts:1:15 ]`: a place that some complaints only draw. */
const drawn = /╭─\[ (.+?):(\d+):(\d+) \]/;

function drawnPlace(message: string): { readonly line: number; readonly column: number } | undefined {
  const match = drawn.exec(message);
  return match === null ? undefined : { line: Number(match[2]), column: Number(match[3]) - 1 };
}

function drawnFile(message: string, folder: string): string | undefined {
  const name = drawn.exec(message)?.[1];
  return name === undefined ? undefined : join(folder, name);
}

/** The bundler's words without its code, its drawing of the place, and the marks of modules in no file. */
function plainText(message: string): string {
  const lines = message.split('\n');
  const drawing = lines.findIndex((line) => line.startsWith('   ╭') || line.startsWith('  ╭'));
  const words = (drawing < 0 ? lines : lines.slice(0, drawing)).join('\n').trimEnd();
  const text = words.replace(/^\[[A-Z_]+\] /, '').replace(/\\0|\0/g, '');
  const missing = /^Could not resolve '([^'./][^']*)'/.exec(text)?.[1];
  return missing === undefined
    ? text
    : `there is no package '${missing}'; npm install ${packageOf(missing)} adds it`;
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function fileName(folder: string, path: string): string {
  return relative(folder, path).replaceAll('\\', '/');
}

/** A source's name relative to the folder; empty for the SDK's own. */
function sourceName(folder: string, path: string, sources: ReadonlyMap<string, string>): string {
  const name = fileName(folder, join(folder, path));
  return sources.has(name) ? name : '';
}

function dropVersioned(names: Set<string>, plain: string): void {
  for (const name of names) if (name.replace(/@.*/, '') === plain) names.delete(name);
}
