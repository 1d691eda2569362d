import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { LanguageName } from '../guest-sdk/build/language.ts';
import { limitsOfTable } from './config.ts';
import { HostError } from './errors.ts';
import type { Limits } from './limits.ts';
import { nearest } from './nearest.ts';
import { readRegularFile } from './regular-file.ts';

/** What an agent says of itself and asks for: the content of its `agent.toml`. */
export interface Manifest {
  /** Lower-case letters, digits and dashes, beginning with a letter; at most 63 characters. */
  readonly name: string;
  /**
   * `handler` or `agent`: answers messages; `command`: a WASI program with arguments, streams and an exit code; or a
   * world of a WIT package, bare (`router`) or in full (`my:agents/router@1.0.0`).
   */
  readonly world: string;
  /** What its sources are written in. */
  readonly language: LanguageName;
  /** The source file to build from, relative to the agent's folder; undefined: the language's usual one. */
  readonly entry: string | undefined;
  /** The folder with its WIT package, relative to the agent's folder, and maybe outside of it. */
  readonly wit: string;
  /** What the agent asks to be limited to; limits narrow and never widen. */
  readonly limits: Partial<Limits>;
}

/** The manifest's file name in an agent's folder. */
export const manifestFile = 'agent.toml';

/** The languages an agent can be written in, as manifests name them. */
export const languageNames: readonly LanguageName[] = ['assemblyscript', 'rust', 'typescript', 'c'];

/** Files a program can begin with, by what they end in. */
const extensions: Readonly<Record<LanguageName, readonly string[]>> = {
  assemblyscript: ['ts'],
  rust: ['rs'],
  typescript: ['ts', 'js', 'mts', 'mjs'],
  c: ['c'],
};

const namePattern = /^[a-z][a-z0-9-]{0,62}$/;
/** `router`, `my:agents/router` or `my:agents/router@1.0.0`. */
const worldPattern =
  /^([a-z][a-z0-9-]*:[a-z][a-z0-9-]*\/)?%?[a-zA-Z][a-zA-Z0-9-]*(@\d+\.\d+\.\d+[0-9A-Za-z.+-]*)?$/;
const manifestBytesMax = 1024 * 1024;

/** Whether a name may be an agent's. */
export function isAgentName(name: string): boolean {
  return namePattern.test(name);
}

/**
 * Reads `agent.toml` in an agent's folder.
 * @throws HostError `HOST_ERR_FILE_NOT_FOUND` without one; `HOST_ERR_CONFIG_INVALID` or
 * `HOST_ERR_LIMIT_INVALID` naming the file and the key for a wrong one
 */
export function readManifest(folder: string): Manifest {
  const path = join(folder, manifestFile);
  let text: string;
  try {
    text = readRegularFile(path)
      .toString('utf8')
      .replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new HostError(
      'HOST_ERR_FILE_NOT_FOUND',
      `cannot read ${path}; host new NAME makes a folder that has one`,
      { path },
      cause,
    );
  }
  return parseManifest(text, path);
}

/** Reads a manifest's text; `path` is what errors call it. @throws HostError as `readManifest` */
export function parseManifest(text: string, path: string): Manifest {
  const table = parseTable(text, path);
  for (const key of Object.keys(table))
    if (!keys.includes(key))
      throw invalid(path, key, `unknown key '${key}'${nearest(key, keys)}; the keys are: ${keys.join(', ')}`);
  const language = languageOf(table, path);
  return {
    name: nameOf(table.name, path),
    world: worldOf(table.world, path),
    language,
    entry: entryOf(table.entry, language, path),
    wit: witOf(table.wit, path),
    limits: table.limits === undefined ? {} : limitsOfTable(table.limits, path),
  };
}

const keys: readonly string[] = [
  'name',
  'world',
  'language',
  'entry',
  'wit',
  'limits',
] satisfies (keyof Manifest)[];

function nameOf(value: unknown, path: string): string {
  if (typeof value === 'string' && isAgentName(value)) return value;
  throw invalid(
    path,
    'name',
    'name must be lower-case letters, digits and dashes, beginning with a letter, such as name = "price-watch"',
  );
}

/** Whether there is such a world is seen when it is resolved; here it has to be a name. */
function worldOf(value: unknown, path: string): string {
  if (typeof value === 'string' && worldPattern.test(value)) return value;
  throw invalid(
    path,
    'world',
    'world must be "handler", "agent", "command" or a world of a WIT package, such as "my-world" or "my:package/my-world@1.0.0"',
  );
}

/**
 * What the manifest says; else what its entry ends in says; else Rust in a folder with a `Cargo.toml`; else
 * AssemblyScript. A .ts entry alone is AssemblyScript.
 */
function languageOf({ language, entry }: Record<string, unknown>, path: string): LanguageName {
  if (language === undefined) return inferLanguage(entry, path);
  const found = languageNames.find((name) => name === language);
  if (found !== undefined) return found;
  const hint = typeof language === 'string' ? nearest(language, languageNames) : '';
  const all = languageNames.map((name) => `"${name}"`).join(', ');
  throw invalid(path, 'language', `language must be one of: ${all}${hint}`);
}

function inferLanguage(entry: unknown, path: string): LanguageName {
  if (typeof entry === 'string') {
    const named = languageNames.find((name) => hasExtension(entry, name));
    if (named !== undefined) return named;
  }
  return existsSync(join(dirname(path), 'Cargo.toml')) ? 'rust' : 'assemblyscript';
}

function entryOf(value: unknown, language: LanguageName, path: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && isInside(value) && hasExtension(value, language)) return value;
  const endings = extensions[language].map((extension) => `.${extension}`).join(' or ');
  throw invalid(
    path,
    'entry',
    `entry must be a ${endings} file in the agent's folder (language ${language})`,
  );
}

function hasExtension(file: string, language: LanguageName): boolean {
  return extensions[language].some((extension) => file.endsWith(`.${extension}`));
}

/** A package may be shared by several agents, so the folder may lie beside the agent's; it only is read. */
function witOf(value: unknown, path: string): string {
  if (value === undefined) return 'wit';
  if (typeof value === 'string' && value !== '' && !value.startsWith('/') && !value.includes('\\'))
    return value;
  throw invalid(path, 'wit', 'wit must be a folder, relative to the agent\'s, such as "wit" or "../wit"');
}

function isInside(entry: string): boolean {
  return !entry.startsWith('/') && !entry.includes('\\') && !entry.split('/').includes('..');
}

function parseTable(text: string, path: string): Record<string, unknown> {
  if (text.length > manifestBytesMax) throw invalid(path, '', `larger than ${manifestBytesMax} bytes`);
  try {
    return parse(text);
  } catch (cause) {
    throw invalid(tomlPlace(path, cause), '', tomlReason(cause), cause);
  }
}

/** `agent.toml:2:9`, where the parser knows the place. */
function tomlPlace(path: string, cause: unknown): string {
  return cause instanceof TomlError ? `${path}:${cause.line}:${cause.column}` : path;
}

function tomlReason(cause: unknown): string {
  const [reason = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
  const isValue = reason.endsWith('invalid value');
  return isValue ? `${reason} (texts stand in quotes: world = "handler")` : reason;
}

function invalid(path: string, key: string, why: string, cause?: unknown): HostError {
  return new HostError('HOST_ERR_CONFIG_INVALID', `${path}: ${why}`, { path, key }, cause);
}
