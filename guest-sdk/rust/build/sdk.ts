import { type Dirent, lstatSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { writeOwnFile } from '../../build/own-file.ts';
import type { Target, WorldTarget } from '../../build/target.ts';
import { witFolder } from '../../build/wit-text.ts';

/**
 * Where a project keeps its copy of the SDK. A path inside of the project is the same on every machine, and every
 * build makes the copy anew, so that a project can be moved, committed and cloned without it.
 */
export const sdkFolder = 'build/sdk';

/** Where the SDK lies in the package, also when this file runs from `dist/`. */
export const rustFolder: string = join(dirname(witFolder), 'guest-sdk/rust');

/** One file of the SDK. */
export interface SdkFile {
  /** Absolute. */
  readonly path: string;
  /** In a project, relative to its folder, with slashes. */
  readonly copy: string;
}

/** The project's WIT package with all that it refers to, for bindings of its world. */
export const worldFile: string = `${sdkFolder}/world.wit`;

const worldMacro = `${sdkFolder}/motehost/src/world.rs`;

/** The files that a project's copy is made of. */
export function sdkFiles(): readonly SdkFile[] {
  const crate = `${sdkFolder}/motehost`;
  return [
    { path: join(rustFolder, 'Cargo.toml'), copy: `${crate}/Cargo.toml` },
    ...filesIn(join(rustFolder, 'src'), `${crate}/src`),
  ];
}

/** Makes a project's copy of the SDK, with the WIT of its world. */
export function writeSdk(folder: string, target: Target): string[] {
  const texts = new Map<string, Buffer>(sdkFiles().map(({ path, copy }) => [copy, readFileSync(path)]));
  if (target.kind === 'world') {
    texts.set(worldFile, Buffer.from(target.wit.text));
    texts.set(worldMacro, bindingsOf(target));
  }
  for (const [copy, text] of texts) {
    // One that is as it should be is not touched, or cargo would compile it again.
    if (!isSame(join(folder, copy), text)) writeOwnFile(folder, copy, text);
  }
  removeOthers(folder, new Set(texts.keys()));
  return [...texts.keys()];
}

/** What an earlier SDK had and this one has not would be compiled as well. A copy that is a link is left alone. */
function removeOthers(folder: string, copies: ReadonlySet<string>): void {
  const own = join(folder, sdkFolder);
  if (realpathSync(own) !== join(realpathSync(folder), sdkFolder)) return;
  for (const entry of readdirSync(own, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && path.endsWith('.rs') && !copies.has(relative(folder, path).replaceAll('\\', '/')))
      rmSync(path);
  }
}

/** The macro that makes bindings, for one world: its name, and the interfaces it shares with the SDK. */
function bindingsOf({ worldName, world }: WorldTarget): Buffer {
  const names = new Set(world.imports.map(({ name }) => name));
  const lines = readFileSync(join(rustFolder, 'src/world.rs'), 'utf8').split('\n');
  const kept = lines.filter((line) => {
    const shared = /^ +"(.+)": ::motehost::/.exec(line)?.[1];
    return shared === undefined || names.has(shared);
  });
  return Buffer.from(kept.join('\n').replace('"WORLD"', JSON.stringify(worldName)));
}

function filesIn(folder: string, copy: string): SdkFile[] {
  const entries: Dirent[] = readdirSync(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap(({ name }) => {
    const [path, to] = [join(folder, name), `${copy}/${name}`];
    return lstatSync(path).isDirectory() ? filesIn(path, to) : [{ path, copy: to }];
  });
}

function isSame(path: string, text: Buffer): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size === text.length && readFileSync(path).equals(text);
}
