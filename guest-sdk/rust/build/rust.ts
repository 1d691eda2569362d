import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HostError } from '../../../host/errors.ts';
import type { Built, Language, Project } from '../../build/language.ts';
import { stripCustomSections } from '../../build/strip.ts';
import { runCargo } from './cargo.ts';
import { toComponent } from './component.ts';
import { scaffold, templateNames } from './scaffold.ts';
import { sdkFiles, sdkFolder, writeSdk } from './sdk.ts';
import { sourcesOf } from './sources.ts';

/** Agents as cargo packages. Needs cargo and the standard library for the target, which rustup installs. */
export const rust: Language = {
  title: 'Rust',
  entry: 'src/lib.rs',
  commandEntry: 'src/main.rs',
  build,
  writeTypes,
  templates: templateNames,
  scaffold,
  toolFiles: () => sdkFiles().map(({ path }) => path),
};

async function build(project: Project): Promise<Built> {
  await writeTypes(project);
  const { module, warnings, dependencies } = await runCargo(project);
  const core = readFileSync(module);
  const whole =
    project.target.kind === 'command' ? core : await toComponent(core, project.target, project.entry);
  return {
    bytes: project.release ? stripCustomSections(whole) : whole,
    warnings,
    sources: sourcesOf(project.folder, dependencies),
  };
}

/** The SDK as source, where a package says that it uses it: cargo and editors read it there. */
async function writeTypes({ folder, target }: Project): Promise<readonly string[]> {
  return packageText(folder).includes(`${sdkFolder}/`) ? writeSdk(folder, target) : [];
}

function packageText(folder: string): string {
  const path = join(folder, 'Cargo.toml');
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new HostError(
      'HOST_ERR_BUILD_FAILED',
      `cannot read ${path}; an agent in Rust is a cargo package: host new NAME --lang rust makes one`,
      { path },
      cause,
    );
  }
}
