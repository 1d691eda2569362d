import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HostError } from '../../../host/errors.ts';

const foldersDeepMax = 4;
const packageLine = /^\s*package\s+([a-z0-9:@.+-]+)\s*;[ \t]*$/m;

/**
 * One WIT text from a folder in the usual layout: the package's own files, and its dependencies under `deps/`.
 * The own package comes first as the text's main package, the others follow as `package a:b@1.0.0 { … }`,
 * so that the toolchain needs no file system. Files are taken in name order: the same folder, the same text.
 * @throws HostError `HOST_ERR_BUILD_FAILED` for a file without a package line
 */
export function readWitText(folder: string): string {
  const own = readPackages(folder, ['deps']);
  const dependencies = readPackages(join(folder, 'deps'), []);
  if (own.size !== 1) {
    throw new HostError(
      'HOST_ERR_BUILD_FAILED',
      `${folder} must hold one WIT package, found ${own.size === 0 ? 'none' : [...own.keys()].join(', ')}`,
    );
  }
  const main = [...own].map(([name, texts]) => `package ${name};\n${texts.join('\n')}`);
  const nested = [...dependencies].map(([name, texts]) => `package ${name} {\n${texts.join('\n')}}\n`);
  return [...main, ...nested].join('\n');
}

function readPackages(folder: string, skipped: readonly string[]): Map<string, string[]> {
  const packages = new Map<string, string[]>();
  for (const file of witFiles(folder, skipped, foldersDeepMax)) {
    const text = readFileSync(file, 'utf8');
    const name = packageLine.exec(text)?.[1];
    if (name === undefined)
      throw new HostError('HOST_ERR_BUILD_FAILED', `${file} has no line 'package …;'`, { file });
    packages.set(name, [...(packages.get(name) ?? []), text.replace(packageLine, '')]);
  }
  return packages;
}

function witFiles(folder: string, skipped: readonly string[], depthLeft: number): string[] {
  if (depthLeft === 0) return [];
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.includes(entry.name) ? [] : witFiles(path, [], depthLeft - 1);
    return entry.name.endsWith('.wit') ? [path] : [];
  });
}
