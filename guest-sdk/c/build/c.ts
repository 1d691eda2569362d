import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { Language, Project } from '../../build/language.ts';
import { writeChanged } from '../../build/own-file.ts';
import { sdkFolder } from '../../build/sdk-folder.ts';
import { generateBindings } from './bindings.ts';
import { buildProgram, generatedFiles } from './build-program.ts';
import { toolchainFiles } from './clang.ts';
import { generatedFolder } from './explain.ts';
import { scaffold, templateNames } from './scaffold.ts';

/** Agents in C: a header generated from the world, clang, and the wrapping in this process. */
export const c: Language = {
  title: 'C',
  entry: 'agent.c',
  build: (project) => buildProgram(project),
  writeTypes: async (project) => writeHeaders(project),
  templates: templateNames,
  scaffold,
  toolFiles: () => {
    const own = globSync('c/{build,include,runtime}/*', { cwd: sdkFolder }).sort();
    return [...own.map((file) => join(sdkFolder, file)), ...toolchainFiles()];
  },
};

/** Puts header and glue where `compile_flags.txt` makes editors look for them. */
function writeHeaders({ folder, target }: Project): string[] {
  if (target.kind === 'command') return [];
  const files = generatedFiles(generateBindings(target));
  for (const [name, text] of files) writeChanged(folder, `${generatedFolder}/${name}`, text);
  return [...files.keys()].map((name) => `${generatedFolder}/${name}`);
}
