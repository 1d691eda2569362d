import { readdirSync, readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';

// It lies in the package once, also where this file runs from `dist/`.
const folder = join(dirname(findPackageJSON(import.meta.url) as string), 'guest-sdk/javascript/prelude');

let cached: ReadonlyMap<string, string> | undefined;

/** What every program begins with, by file name (`console.js`), in name order. */
export function preludeFiles(): ReadonlyMap<string, string> {
  cached ??= new Map(
    readdirSync(folder)
      .filter((name) => name.endsWith('.js'))
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );
  return cached;
}

/** The same files as paths. */
export function preludePaths(): string[] {
  return [...preludeFiles().keys()].map((name) => join(folder, name));
}
