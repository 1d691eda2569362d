import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { limitsOfTable } from './config.ts';
import { HostError } from './errors.ts';
import type { Limits } from './limits.ts';

/** What an agent says of itself and asks for: the content of its `agent.toml`. */
export interface Manifest {
  /** Lower-case letters, digits and dashes, beginning with a letter; at most 63 characters. */
  readonly name: string;
  /** `handler`: answers messages; `command`: a WASI program with arguments, streams and an exit code. */
  readonly world: 'handler' | 'command';
  /** The source file to build from, relative to the agent's folder. */
  readonly entry: string;
  /** What the agent asks to be limited to; limits narrow and never widen. */
  readonly limits: Partial<Limits>;
}

/** The manifest's file name in an agent's folder. */
export const manifestFile = 'agent.toml';

/** What may be built so far. */
export const manifestWorlds: readonly Manifest['world'][] = ['handler', 'command'];

const namePattern = /^[a-z][a-z0-9-]{0,62}$/;
const manifestBytesMax = 1024 * 1024;
const defaultEntry = 'assembly/index.ts';

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
    text = readFileSync(path, 'utf8');
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
  const known = Object.keys(readers);
  for (const key of Object.keys(table))
    if (!known.includes(key))
      throw invalid(path, key, `unknown key '${key}'; the keys are: ${known.join(', ')}`);
  return {
    name: readers.name(table.name, path),
    world: readers.world(table.world, path),
    entry: readers.entry(table.entry, path),
    limits: readers.limits(table.limits, path),
  };
}

type Readers = { readonly [key in keyof Manifest]: (value: unknown, path: string) => Manifest[key] };

const readers: Readers = {
  name: (value, path) => {
    if (typeof value === 'string' && isAgentName(value)) return value;
    throw invalid(
      path,
      'name',
      'name must be lower-case letters, digits and dashes, beginning with a letter, such as name = "price-watch"',
    );
  },
  world: (value, path) => {
    const world = manifestWorlds.find((name) => name === value);
    if (world !== undefined) return world;
    throw invalid(
      path,
      'world',
      `world must be one of: ${manifestWorlds.map((name) => `"${name}"`).join(', ')}`,
    );
  },
  entry: (value, path) => {
    if (value === undefined) return defaultEntry;
    if (typeof value === 'string' && value.endsWith('.ts') && isInside(value)) return value;
    throw invalid(path, 'entry', `entry must be a .ts file in the agent's folder, such as "${defaultEntry}"`);
  },
  limits: (value, path) => (value === undefined ? {} : limitsOfTable(value, path)),
};

function isInside(entry: string): boolean {
  return !entry.startsWith('/') && !entry.includes('\\') && !entry.split('/').includes('..');
}

function parseTable(text: string, path: string): Record<string, unknown> {
  if (text.length > manifestBytesMax) throw invalid(path, '', `larger than ${manifestBytesMax} bytes`);
  try {
    return parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
    throw invalid(path, '', reason, cause);
  }
}

function invalid(path: string, key: string, why: string, cause?: unknown): HostError {
  return new HostError('HOST_ERR_CONFIG_INVALID', `${path}: ${why}`, { path, key }, cause);
}
