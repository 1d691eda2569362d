import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LanguageName } from '../../guest-sdk/build/language.ts';
import { nearest } from '../nearest.ts';
import type { Table } from './table.ts';

/** What an agent is made from. */
export interface Sources {
  /** A ready component instead of sources: a file in the agent's folder, relative to it. */
  readonly component: string | undefined;
  /**
   * `handler` or `agent`: answers messages; `command`: a WASI program with arguments, streams and an exit code; or a
   * world of a WIT package, bare (`router`) or in full (`my:agents/router@1.0.0`). Undefined only for a ready
   * component, which says itself what it exports.
   */
  readonly world: string | undefined;
  /** What its sources are written in; without meaning for a ready component. */
  readonly language: LanguageName;
  /** The source file to build from, relative to the agent's folder; undefined: the language's usual one. */
  readonly entry: string | undefined;
  /** The folder with its WIT package, relative to the agent's folder, and maybe outside of it. */
  readonly wit: string;
}

/** The languages an agent can be written in, as manifests name them. */
export const languageNames: readonly LanguageName[] = ['assemblyscript', 'rust', 'typescript', 'c'];

export const sourceKeys: readonly string[] = ['component', 'world', 'language', 'entry', 'wit'];

/** Files a program can begin with, by what they end in. */
const extensions: Readonly<Record<LanguageName, readonly string[]>> = {
  assemblyscript: ['ts'],
  rust: ['rs'],
  typescript: ['ts', 'js', 'mts', 'mjs'],
  c: ['c'],
};

/** `router`, `my:agents/router` or `my:agents/router@1.0.0`. */
const worldPattern =
  /^([a-z][a-z0-9-]*:[a-z][a-z0-9-]*\/)?%?[a-zA-Z][a-zA-Z0-9-]*(@\d+\.\d+\.\d+[0-9A-Za-z.+-]*)?$/;

/**
 * @param comesReady its component comes along with the manifest, which need not name it
 * @throws HostError `HOST_ERR_CONFIG_INVALID`
 */
export function sourcesOf(table: Table, comesReady: boolean): Sources {
  const component = componentOf(table);
  const world = worldOf(table, comesReady || component !== undefined);
  const language = languageOf(table);
  return { component, world, language, entry: entryOf(table, language), wit: witOf(table) };
}

function componentOf(table: Table): string | undefined {
  const value = table.value('component');
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !isInside(value) || !value.endsWith('.wasm'))
    throw table.wrong('component', 'a .wasm file in the agent\'s folder, such as "billing.wasm"');
  if (table.has('entry'))
    throw table.fault(
      'entry',
      'component and entry exclude each other: a component is ready, an entry is built',
    );
  return value;
}

/** Whether there is such a world is seen when it is resolved; here it has to be a name. */
function worldOf(table: Table, isOptional: boolean): string | undefined {
  const value = table.value('world');
  if (value === undefined && isOptional) return undefined;
  if (typeof value === 'string' && worldPattern.test(value)) return value;
  throw table.wrong(
    'world',
    '"handler", "agent", "command" or a world of a WIT package, such as "my-world" or "my:package/my-world@1.0.0"',
  );
}

/**
 * What the manifest says; else what its entry ends in says; else Rust in a folder with a `Cargo.toml`; else
 * AssemblyScript. A .ts entry alone is AssemblyScript.
 */
function languageOf(table: Table): LanguageName {
  const language = table.value('language');
  if (language === undefined) return inferLanguage(table.value('entry'), table.path);
  const found = languageNames.find((name) => name === language);
  if (found !== undefined) return found;
  const hint = typeof language === 'string' ? nearest(language, languageNames) : '';
  const all = languageNames.map((name) => `"${name}"`).join(', ');
  throw table.wrong('language', `one of: ${all}${hint}`);
}

function inferLanguage(entry: unknown, path: string): LanguageName {
  if (typeof entry === 'string') {
    const named = languageNames.find((name) => hasExtension(entry, name));
    if (named !== undefined) return named;
  }
  return existsSync(join(dirname(path), 'Cargo.toml')) ? 'rust' : 'assemblyscript';
}

function entryOf(table: Table, language: LanguageName): string | undefined {
  const value = table.value('entry');
  if (value === undefined) return undefined;
  if (typeof value === 'string' && isInside(value) && hasExtension(value, language)) return value;
  const endings = extensions[language].map((extension) => `.${extension}`).join(' or ');
  throw table.wrong('entry', `a ${endings} file in the agent's folder (language ${language})`);
}

function hasExtension(file: string, language: LanguageName): boolean {
  return extensions[language].some((extension) => file.endsWith(`.${extension}`));
}

/** A package may be shared by several agents, so the folder may lie beside the agent's; it only is read. */
function witOf(table: Table): string {
  const value = table.value('wit');
  if (value === undefined) return 'wit';
  if (typeof value === 'string' && value !== '' && !value.startsWith('/') && !value.includes('\\'))
    return value;
  throw table.wrong('wit', 'a folder, relative to the agent\'s, such as "wit" or "../wit"');
}

/** Whether a path as written stays within the folder it is relative to. */
export function isInside(path: string): boolean {
  return path !== '' && !/^\/|[\\\0]/.test(path) && !path.split('/').includes('..');
}
