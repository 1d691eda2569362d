import { readFileSync, realpathSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { sdkFolder } from './sdk.ts';

/** Files that shape a package besides its sources, where they are there. */
const settings = ['Cargo.toml', 'Cargo.lock', '.cargo/config.toml', 'rust-toolchain.toml', 'rust-toolchain'];

/**
 * The project's own files that went into a module, with their text.
 * @param list the file in which cargo lists the sources: `module: source source …`, spaces in names escaped
 */
export function sourcesOf(folder: string, list: string): ReadonlyMap<string, string> {
  const root = realpathSync(folder);
  const sources = parseList(readFileSync(list, 'utf8'))
    .map((path) => relative(root, path).replaceAll(sep, '/'))
    .filter((name) => !name.startsWith('../') && !name.startsWith(`${sdkFolder}/`));
  const texts = [...new Set([...sources, ...settings])].sort().flatMap((name) => {
    const text = readText(join(root, name));
    return text === undefined ? [] : [[name, text] as const];
  });
  return new Map(texts);
}

function parseList(text: string): string[] {
  const files = /^.*?: (.*)$/m.exec(text)?.[1] ?? '';
  return files.split(/(?<!\\) /).map((name) => name.replaceAll('\\ ', ' '));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
