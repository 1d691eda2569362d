import { join, relative, resolve } from 'node:path';
import { HostError } from '../errors.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { flagError } from './flag-error.ts';
import { flagsOf } from './flags.ts';
import { openProject } from './project.ts';

export const command: Command = {
  summary: 'write the declarations that editors need to understand an agent',
  help: `host types: writes the declarations that editors need to understand an agent

Usage: host types [FOLDER]

Writes what an editor needs to know of the world that FOLDER (default: here) is built for, as its agent.toml
and its WIT say: declarations or headers, made again whenever they changed. host new and host build do the
same; this is for when only the WIT changed and the source does not build yet.
`,
  run: async (args) => {
    const folder = readFolder(args);
    const { language, project } = await openProject(folder, false);
    const files = await language.writeTypes(project);
    const { target } = project;
    const world = target.kind === 'command' ? 'command' : target.name;
    const lines = files.map((file) => `${relative('.', join(folder, file))}\n`);
    process.stdout.write(lines.length === 0 ? `nothing to write for ${language.title}\n` : lines.join(''));
    process.stderr.write(`host: types of ${world} for ${language.title}\n`);
    return exitCodes.ok;
  },
};

function readFolder(args: readonly string[]): string {
  let folders: string[];
  try {
    folders = flagsOf(args, {}).positionals;
  } catch (cause) {
    throw flagError('types', cause, []);
  }
  if (folders.length > 1)
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `one folder at a time, not ${folders.join(' and ')}; see host types --help`,
    );
  return resolve(folders[0] ?? '.');
}
