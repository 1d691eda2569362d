import assert from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join, relative } from 'node:path';

// The sources lie in the package once, also where this file runs from `dist/`.
const packageFile = findPackageJSON(import.meta.url);
assert(packageFile !== undefined, 'the builder lies in a package');
const assemblyFolder = join(dirname(packageFile), 'guest-sdk/assemblyscript/assembly');

/** Where the WIT packages lie. */
export const witFolder: string = join(dirname(packageFile), 'wit');

/** The SDK's own sources as AssemblyScript sees them: `motehost-sdk/bindings/log.ts`. */
export const sdkPackage = 'motehost-sdk';

/**
 * Every name an agent may import by, and the SDK file behind it. The names are WIT's and stay when the
 * bindings behind them are generated; a version (`motehost:agent/log@0.1.0`) may be written or left out.
 */
const specifiers: Readonly<Record<string, { readonly file: string; readonly version?: string }>> = {
  'motehost:agent': { file: 'agent' },
  'motehost:agent/types': { file: 'bindings/types', version: '0.1.0' },
  'motehost:agent/log': { file: 'bindings/log', version: '0.1.0' },
  'motehost:agent/bus': { file: 'bindings/bus', version: '0.1.0' },
  'motehost:agent/context': { file: 'bindings/context', version: '0.1.0' },
  'motehost:agent/tools': { file: 'bindings/tools', version: '0.1.0' },
  'motehost:std': { file: 'result' },
  'motehost:command': { file: 'command' },
  'wasi:clocks/wall-clock': { file: 'bindings/wall-clock', version: '0.2.0' },
  'wasi:clocks/monotonic-clock': { file: 'bindings/monotonic-clock', version: '0.2.0' },
  'wasi:random/random': { file: 'bindings/random', version: '0.2.0' },
};

/** What can be imported by name, for people. */
export const specifierNames: readonly string[] = Object.entries(specifiers).map(([name, { version }]) =>
  version === undefined ? name : `${name}@${version}`,
);

/** The SDK file behind an import by name, without extension (`bindings/log`); undefined for any other name. */
export function resolveSpecifier(name: string): string | undefined {
  const [plain = '', version] = name.split('@');
  const known = specifiers[plain];
  if (known === undefined || (version !== undefined && version !== known.version)) return undefined;
  return known.file;
}

/** Names with the version that is known, as an import may write them. */
export function versionedSpecifiers(): readonly (readonly [name: string, file: string])[] {
  return Object.entries(specifiers).flatMap(([name, { file, version }]) => {
    const plain = [name, file] as const;
    return version === undefined ? [plain] : [plain, [`${name}@${version}`, file] as const];
  });
}

/** The text of one SDK file (`bindings/log.ts`), or null. */
export function readSdkSource(file: string): string | null {
  return sdkSources().get(file) ?? null;
}

let cached: ReadonlyMap<string, string> | undefined;

/** All SDK files by their path below `assembly/`, in name order. */
export function sdkSources(): ReadonlyMap<string, string> {
  cached ??= new Map(
    readdirSync(assemblyFolder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [relative(assemblyFolder, path).replaceAll('\\', '/'), readFileSync(path, 'utf8')]),
  );
  return cached;
}
