import { type Dirent, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeOwnFile } from '../../build/own-file.ts';
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

/** The files that a project's copy is made of: the crate and the WIT it was made from. */
export function sdkFiles(): readonly SdkFile[] {
  const crate = `${sdkFolder}/motehost`;
  return [
    { path: join(rustFolder, 'Cargo.toml'), copy: `${crate}/Cargo.toml` },
    ...filesIn(join(rustFolder, 'src'), `${crate}/src`),
    ...filesIn(witFolder, `${crate}/wit`),
  ];
}

/** Makes a project's copy; a file that is as it should be is not touched, or cargo would compile it again. */
export function writeSdk(folder: string): string[] {
  const files = sdkFiles();
  for (const { path, copy } of files) {
    const text = readFileSync(path);
    if (!isSame(join(folder, copy), text)) writeOwnFile(folder, copy, text);
  }
  return files.map(({ copy }) => copy);
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
