import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { Language } from '../../build/language.ts';
import { sdkFolder } from '../../build/sdk-folder.ts';
import { buildAgent } from './build-agent.ts';
import { writeEditorFiles } from './editor.ts';
import { scaffold, templateNames } from './scaffold.ts';

/** Agents in AssemblyScript: bindings generated from the world, the compiler and the wrapping in this process. */
export const assemblyscript: Language = {
  title: 'AssemblyScript',
  entry: 'assembly/index.ts',
  build: (project) => buildAgent(project),
  writeTypes: async ({ folder, target }) => writeEditorFiles(folder, target),
  templates: templateNames,
  scaffold,
  toolFiles: () =>
    globSync(['assemblyscript/assembly/**/*.ts', 'assemblyscript/build/**/*.ts'], { cwd: sdkFolder }).map(
      (file) => join(sdkFolder, file),
    ),
};
