import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HostError } from '../../host/errors.ts';
import { isRegularFile } from '../../host/regular-file.ts';
import { sdkFolder } from './sdk-folder.ts';

const foldersDeepMax = 4;
const packageLine = /^[ \t]*package\s+([a-z0-9:@.+-]+)\s*;/m;

/** Where the WIT of `motehost:agent` and of WASI 0.2.0 lies. */
export const witFolder: string = join(dirname(sdkFolder), 'wit');

/** One WIT text made of files, so that the toolchain needs no file system. */
export interface WitText {
  /** The main package, then the others as `package a:b@1.0.0 { … }`. */
  readonly text: string;
  /** The main package's name: `my:agents@1.0.0`. */
  readonly mainPackage: string;
  /** The files it was made of, in the order of the text. */
  readonly pieces: readonly WitPiece[];
}

/** One file's part of the text: equal to the file, but for its package line, which is blank. */
export interface WitPiece {
  readonly file: string;
  /** Where in the text the file's content begins. */
  readonly offset: number;
  readonly source: string;
}

/**
 * Reads a folder in the usual layout: the package's own files, and its dependencies under `deps/`. Files are
 * taken in name order: the same folder, the same text. Dependencies that nothing refers to are left out, as the
 * toolchain reads the whole text for every build.
 * @param libraries folders of the same layout whose packages are dependencies where `folder` has none of the name
 * @param wanted dependencies that are needed though no file names them, as `wasi:http@0.2.0`
 * @throws HostError `HOST_ERR_WIT_INVALID` for a file without a package line, or more than one main package
 */
export function readWit(
  folder: string,
  libraries: readonly string[],
  wanted: readonly string[] = [],
): WitText {
  const own = readPackages(folder, ['deps']);
  const [main, ...more] = own.keys();
  if (main === undefined || more.length > 0) {
    throw new HostError(
      'HOST_ERR_WIT_INVALID',
      `${folder} must hold one WIT package, found ${[...own.keys()].join(', ') || 'none'}; others belong into ${join(folder, 'deps')}`,
    );
  }
  const files = own.get(main) ?? [];
  const vendored = readPackages(join(folder, 'deps'), []);
  const offered = new Map([...libraries.flatMap((library) => [...readPackages(library, [])]), ...vendored]);
  return joinPackages(main, files, inNameOrder(reached(offered, [...wanted, ...namedIn(files)], main)));
}

/** The packages of these names, and those that they name. */
function reached<Files extends readonly WitFile[]>(
  offered: ReadonlyMap<string, Files>,
  names: readonly string[],
  main: string,
): Map<string, Files> {
  const found = new Map<string, Files>();
  const named = new Set(names);
  // A set gives what is added while it is gone through.
  for (const name of named) {
    const files = offered.get(name);
    if (files === undefined || name === main) continue;
    found.set(name, files);
    for (const further of namedIn(files)) named.add(further);
  }
  return found;
}

/** The packages that files refer to, as `wasi:io@0.2.0`. */
function namedIn(files: readonly WitFile[]): string[] {
  const reference =
    /\b([a-z][a-z0-9-]*:[a-z][a-z0-9-]*)\/%?[a-z][a-z0-9-]*(@[0-9][0-9A-Za-z.+-]*[0-9A-Za-z])?/g;
  return files.flatMap(({ source }) =>
    [...source.replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '').matchAll(reference)].map(
      ([, name = '', version = '']) => name + version,
    ),
  );
}

function inNameOrder<T>(map: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether a library has the package, as `wasi:http@0.2.0`. */
export function hasPackage(library: string, name: string): boolean {
  return readPackages(library, []).has(name);
}

/** WIT that is not on disk, as one file, with the dependencies it names. @throws HostError as `readWit` */
export function witOf(source: string, libraries: readonly string[] = [], file = 'world.wit'): WitText {
  const name = packageLine.exec(source)?.[1];
  if (name === undefined) throw noPackageLine(file);
  const files = [{ file, source }];
  const offered = new Map(libraries.flatMap((library) => [...readPackages(library, [])]));
  return joinPackages(name, files, inNameOrder(reached(offered, namedIn(files), name)));
}

interface WitFile {
  readonly file: string;
  readonly source: string;
}

function joinPackages(
  main: string,
  own: readonly WitFile[],
  others: ReadonlyMap<string, readonly WitFile[]>,
): WitText {
  const pieces: WitPiece[] = [];
  let text = `package ${main};\n`;
  const add = ({ file, source }: WitFile): void => {
    const blank = source.replace(packageLine, (line) => ' '.repeat(line.length));
    pieces.push({ file, offset: text.length, source });
    text += `${blank}\n`;
  };
  for (const file of own) add(file);
  for (const [name, files] of others) {
    text += `package ${name} {\n`;
    for (const file of files) add(file);
    text += '}\n';
  }
  return { text, mainPackage: main, pieces };
}

function readPackages(folder: string, skipped: readonly string[]): Map<string, WitFile[]> {
  const packages = new Map<string, WitFile[]>();
  for (const file of witFiles(folder, skipped, foldersDeepMax)) {
    const source = readSource(file);
    const name = packageLine.exec(source)?.[1];
    if (name === undefined) throw noPackageLine(file);
    packages.set(name, [...(packages.get(name) ?? []), { file, source }]);
  }
  return packages;
}

function readSource(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function unreadable(path: string, cause: unknown): HostError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HostError('HOST_ERR_FILE_UNREADABLE', `cannot read ${path}: ${reason}`, { path }, cause);
}

function noPackageLine(file: string): HostError {
  return new HostError(
    'HOST_ERR_WIT_INVALID',
    `${file} has no line 'package namespace:name@1.0.0;'; begin it with one`,
    { file },
  );
}

/** A link is one when it leads to a file: editors put links to nowhere beside what they edit. */
export function isWitFile(path: string): boolean {
  return path.endsWith('.wit') && isRegularFile(path);
}

function witFiles(folder: string, skipped: readonly string[], depthLeft: number): string[] {
  if (depthLeft === 0) return [];
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw unreadable(folder, cause);
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.includes(entry.name) ? [] : witFiles(path, [], depthLeft - 1);
    return isWitFile(path) ? [path] : [];
  });
}
