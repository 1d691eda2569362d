import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isRegularFile } from '../../../host/regular-file.ts';

// JSON is json-as: an AssemblyScript library, and a compiler extension that writes the code for classes with `@json`.

const importPattern = /["']motehost:json["']/;

/** AssemblyScript packages that sources may come from, as they were installed with this one. */
const packages = ['json-as', 'xjb-as'];

/** The text of a library's file by the name the compiler asks for (`json-as/assembly/index.ts`), or null. */
export function readPackageSource(name: string): string | null {
  const owner = packages.find((one) => name.startsWith(`${one}/`));
  if (owner === undefined) return null;
  const require = createRequire(import.meta.url);
  try {
    return readFileSync(
      join(dirname(require.resolve(`${owner}/package.json`)), name.slice(owner.length)),
      'utf8',
    );
  } catch {
    return null;
  }
}

/** The compiler extension, where a source of the project uses it: loading it takes a noticeable moment. */
export async function jsonTransforms(folder: string, entry: string): Promise<readonly unknown[]> {
  const own = join(folder, dirname(entry));
  const files = globSync('**/*.ts', { cwd: own }).map((file) => join(own, file));
  const uses = files.some((file) => isRegularFile(file) && importPattern.test(readFileSync(file, 'utf8')));
  if (!uses) return [];
  // A file path, since the package's types are for the compiler's side alone.
  const path = createRequire(import.meta.url).resolve('json-as/transform');
  const { default: transform } = (await import(path)) as { readonly default: unknown };
  return [transform];
}

/**
 * A source as the extension wants it. It would import what its code calls by a path from the source to the package,
 * which differs from machine to machine and would be in the output; what is imported already it leaves alone.
 */
export function withJson(text: string): string {
  return importPattern.test(text) ? `${text}\n${imports}` : text;
}

const fields = ['Integer', 'Unsigned', 'Float', 'String', 'Map', 'Set', 'StaticArray'].map(
  (kind) => `deserialize${kind}Field`,
);
const helpers = [...fields, 'deserializeStringFieldTrusted', 'deserializeArrayField_SWAR']
  .map((name) => `${name} as __${name}`)
  .join(', ');
const imports = `import { bs } from "json-as/lib/as-bs";
import { atoi } from "json-as/assembly/util/atoi";
import { scanValueEnd } from "json-as/assembly/deserialize/swar/array/shared";
import { ${helpers} } from "json-as/assembly/deserialize";
`;
