import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { sdkFolder } from '../../build/sdk-folder.ts';

const assemblyFolder = join(sdkFolder, 'assemblyscript/assembly');

/** The SDK's own sources as AssemblyScript sees them: `motehost-sdk/abi/memory.ts`. */
export const sdkPackage = 'motehost-sdk';

/** The text of one SDK file (`agent/log.ts`), or null. */
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
