import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatComplaint } from '../../build/diagnostic.ts';
import type { Bindings } from './bindings.ts';

/** What is known about a build when its complaints are put into words. */
export interface Explanation {
  readonly folder: string;
  /** The folder of generated files while a build runs; people find them in `build/`. */
  readonly workFolder: string;
  readonly entry: string;
  /** Full name of the world, or `command`. */
  readonly world: string;
  readonly bindings: Bindings | undefined;
}

/** Where people find what a build generates. */
export const generatedFolder = 'build';

interface Said {
  readonly kind: 'error' | 'warning' | 'note';
  readonly text: string;
}

/** What clang said, without its pictures: each complaint with its place, the source line and a mark. */
export function explainCompiler(
  stderr: string,
  about: Explanation,
): { errors: string[]; warnings: string[] } {
  const said = stderr.split('\n').flatMap((line) => readComplaint(line, about));
  const errors: string[] = [];
  const warnings: string[] = [];
  let last = warnings;
  for (const { kind, text } of said) {
    if (kind === 'error') last = errors;
    if (kind === 'warning') last = warnings;
    last.push(text);
  }
  return { errors, warnings };
}

function readComplaint(line: string, about: Explanation): Said[] {
  const [, file, row, column, kind, text] =
    /^(?:(.+?):(\d+):(\d+): |clang[\w-]*: )(?:fatal )?(error|warning|note): (.*)$/.exec(line) ?? [];
  if (kind === undefined || text === undefined) return [];
  if (file !== undefined && isRepetition(kind, text, file, about)) return [];
  const words = text.replace(/ \[-W[\w,=-]+\]$/, '');
  const prefixed = kind === 'error' ? words : `${kind}: ${words}`;
  if (file === undefined) return [{ kind: kind as Said['kind'], text: prefixed }];
  const source = readSource(file, about);
  const offset = source === null ? 0 : offsetOf(source, Number(row), Number(column));
  const place = { isError: kind === 'error', code: 0, text: prefixed, file: shownName(file, about), offset };
  return [{ kind: kind as Said['kind'], text: formatComplaint(place, source) + hint(words, about) }];
}

/** The hint shows the whole of what the header declares. */
function isRepetition(kind: string, text: string, file: string, { workFolder }: Explanation): boolean {
  return kind === 'note' && text === 'previous declaration is here' && file.startsWith(`${workFolder}/`);
}

function hint(words: string, { bindings, world }: Explanation): string {
  if (bindings === undefined) return '';
  const header = /^'.*\.h' file not found$/.test(words);
  if (header) return `\n  the header of world '${world}' is "${bindings.headerName}"`;
  const name = /^conflicting types for '(\w+)'$/.exec(words)?.[1];
  const wanted = name === undefined ? undefined : prototypeOf(bindings, name);
  return wanted === undefined ? '' : `\n  world '${world}' declares it so:\n${indented(wanted)}`;
}

function indented(text: string): string {
  return text.replace(/^/gm, '    ');
}

function readSource(file: string, { folder }: Explanation): string | null {
  try {
    return readFileSync(file.startsWith('/') ? file : join(folder, file), 'utf8');
  } catch {
    return null;
  }
}

/** clang counts columns in bytes. */
function offsetOf(source: string, row: number, column: number): number {
  const lines = source.split('\n');
  const start = lines.slice(0, row - 1).reduce((sum, line) => sum + line.length + 1, 0);
  const before = Buffer.from(lines[row - 1] ?? '')
    .subarray(0, column - 1)
    .toString();
  return start + before.length;
}

function shownName(file: string, { workFolder }: Explanation): string {
  return file.startsWith(`${workFolder}/`) ? `${generatedFolder}/${file.slice(workFolder.length + 1)}` : file;
}

/** What the linker said: mostly that something is missing. */
export function explainLinker(stderr: string, about: Explanation): string {
  const missing = [...new Set([...stderr.matchAll(/undefined symbol: (\w+)/g)].map(([, name = '']) => name))];
  if (missing.length > 0) return missing.map((name) => explainMissing(name, about, stderr)).join('\n');
  const mismatch = /function signature mismatch: (\w+)/.exec(stderr)?.[1];
  if (mismatch !== undefined) return explainMismatch(mismatch, about);
  const duplicate = /duplicate symbol: (\w+)\s+>>> defined in (\S+)\s+>>> defined in (\S+)/.exec(stderr);
  if (duplicate !== null) {
    const [, name, first = '', second = ''] = duplicate;
    return `${sourceOf(second)}: '${name}' is defined in ${sourceOf(first)} too; make one of them static, or take it away`;
  }
  return stderr
    .replaceAll(`${about.workFolder}/`, '')
    .replace(/^(wasm-ld[\w-]*|clang[\w-]*): error: /gm, '')
    .trim();
}

function explainMissing(name: string, about: Explanation, stderr: string): string {
  const { entry, world, bindings } = about;
  if (/^(main|__main_argc_argv|__original_main)$/.test(name))
    return `${entry}: a command begins in 'main', and no source has it; it looks like this:\n    int main(int argc, char **argv)`;
  const wanted = bindings === undefined ? undefined : prototypeOf(bindings, name);
  if (wanted !== undefined)
    return `${entry}: world '${world}' needs '${name}', and no source has it; it looks like this:\n${indented(wanted)}`;
  const user = new RegExp(`(\\S+\\.o): undefined symbol: ${name}\\b`).exec(stderr)?.[1];
  const source = user === undefined ? entry : sourceOf(user);
  return `${source}: '${name}' is declared and used, but neither in your sources nor in the C library for WebAssembly`;
}

function explainMismatch(name: string, { entry, world, bindings }: Explanation): string {
  const wanted = bindings === undefined ? undefined : prototypeOf(bindings, name);
  if (wanted === undefined)
    return `${entry}: '${name}' is declared in two ways; give both the same parameters and result`;
  return `${entry}: '${name}' is not as world '${world}' declares it; include "${bindings?.headerName}", and the compiler shows where:\n${indented(wanted)}`;
}

/** An object file's name is its source's with `.o` behind. */
function sourceOf(object: string): string {
  return (object.split('/').at(-1) ?? object).replace(/\.o$/, '').replaceAll('+', '/');
}

/** What the header declares under a name that the user must define. */
function prototypeOf(bindings: Bindings, name: string): string | undefined {
  const own = bindings.functions.filter((one) => one.side === 'export');
  return [...own, ...bindings.destructors].find((one) => one.name === name)?.prototype;
}
