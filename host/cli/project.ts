import { findPackageJSON } from 'node:module';
import { join, resolve } from 'node:path';
import type { Built, Language, Project } from '../../guest-sdk/build/language.ts';
import { type Circumstances, isCurrent, readStamp, stampOf } from '../../guest-sdk/build/stamp.ts';
import { targetWit } from '../../guest-sdk/build/target-wit.ts';
import { fs } from '../builtin.ts';
import { HostError } from '../errors.ts';
import { type Manifest, manifestFile, readManifest } from '../manifest.ts';

/** An agent's folder, ready for its language to work on. */
export interface OpenProject {
  readonly manifest: Manifest;
  readonly language: Language;
  readonly project: Project;
}

/**
 * Reads an agent's folder as its manifest describes it. Loads the language and resolves the world.
 * @throws HostError as `readManifest`; `HOST_ERR_WIT_INVALID`
 */
export async function openProject(path: string, release: boolean): Promise<OpenProject> {
  const folder = resolve(path);
  const manifest = readManifest(folder);
  const world = builtWorld(folder, manifest);
  const { loadLanguage } = await import('../../guest-sdk/build/languages.ts');
  const { entryOf } = await import('../../guest-sdk/build/language.ts');
  const { resolveTarget } = await import('../../guest-sdk/build/target.ts');
  const target = await resolveTarget(folder, world, manifest.wit);
  const language = await loadLanguage(manifest.language);
  const entry = manifest.entry ?? entryOf(language, target.kind);
  return { manifest, language, project: { folder, name: manifest.name, entry, target, release } };
}

/** The world to build for. @throws HostError `HOST_ERR_CONFIG_INVALID` for a component that needs no building */
function builtWorld(folder: string, { component, world }: Manifest): string {
  if (component === undefined && world !== undefined) return world;
  const path = join(folder, manifestFile);
  throw new HostError(
    'HOST_ERR_CONFIG_INVALID',
    `${path}: component = "${component ?? ''}" is ready as it is; without that line the folder is built`,
    { path, key: 'component' },
  );
}

/** Where a folder's program lies or is put, relative to the folder. */
export function outputName({ name, component }: Manifest): string {
  return component ?? `build/${name}.wasm`;
}

/** Where it is noted what the program was made from. */
export function stampName({ name }: Manifest): string {
  return `build/${name}.stamp.json`;
}

/** Whether a folder's program is what a build would make now, or is ready as it is. Loads no language. */
export function isBuilt(path: string, manifest: Manifest): boolean {
  if (manifest.component !== undefined) return true;
  const folder = resolve(path);
  const stamp = readStamp(join(folder, stampName(manifest)));
  if (stamp === undefined) return false;
  if (fs.statSync(join(folder, outputName(manifest)), { throwIfNoEntry: false }) === undefined) return false;
  return isCurrent(stamp, circumstancesOf(folder, manifest));
}

/**
 * Puts a built program into its folder, with its stamp.
 * @returns the program's path
 * @throws HostError `HOST_ERR_FILE_UNREADABLE`
 */
export async function storeBuilt(
  { manifest, language, project }: OpenProject,
  built: Built,
): Promise<string> {
  const { writeOwnFile } = await import('../../guest-sdk/build/own-file.ts');
  const circumstances = circumstancesOf(project.folder, manifest);
  // The builder itself changes with the package's version.
  const tools = [...language.toolFiles(), findPackageJSON(import.meta.url) ?? ''];
  const stamp = stampOf(circumstances, project.release, built.sources, tools);
  const path = writeOwnFile(project.folder, outputName(manifest), built.bytes);
  writeOwnFile(project.folder, stampName(manifest), JSON.stringify(stamp));
  return path;
}

function circumstancesOf(folder: string, manifest: Manifest): Circumstances {
  const { name, world, language, entry, wit } = manifest;
  return {
    folder,
    // Of the manifest, only this changes the output.
    manifest: JSON.stringify({ name, world, language, entry }),
    wit: (world === undefined ? undefined : targetWit(folder, world, wit)?.text) ?? '',
  };
}
