import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { HostError } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { isAgentName, type Manifest, manifestWorlds } from '../manifest.ts';
import type { Command } from './command.ts';
import { commandName } from './command-name.ts';
import { exitCodes } from './exit-code.ts';
import { flagError } from './flag-error.ts';
import { nearest } from './nearest.ts';

const options = { template: { type: 'string', short: 't', default: 'handler' } } as const;

export const command: Command = {
  summary: 'makes a folder with a new agent in it',
  help: `Usage: host new NAME [--template handler|command]

Makes the folder NAME with an agent written in AssemblyScript that builds and runs as it is.

  -t, --template handler   answers messages (the default)
  -t, --template command   a program with arguments, standard input and output
`,
  run: async (args) => {
    const { folder, template } = readFlags(args);
    requireEmpty(folder);
    const { scaffold } = await import('../../guest-sdk/assemblyscript/build/scaffold.ts');
    const { writeEditorFiles } = await import('../../guest-sdk/assemblyscript/build/editor.ts');
    try {
      for (const [name, text] of scaffold(basename(folder), template)) write(join(folder, name), text);
      writeEditorFiles(folder);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new HostError('HOST_ERR_FILE_UNREADABLE', `cannot write ${folder}: ${reason}`, { folder }, cause);
    }
    const shown = relative('.', folder) || '.';
    process.stdout.write(
      `${shown}/assembly/index.ts is your agent; next: ${commandName()} run ${shown} ${tries[template]}\n`,
    );
    return exitCodes.ok;
  },
};

const tries: Readonly<Record<Manifest['world'], string>> = { handler: '--input world', command: '< FILE' };

function readFlags(args: readonly string[]): { folder: string; template: Manifest['world'] } {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (cause) {
    throw flagError('new', cause, Object.keys(options));
  }
  const { values, positionals } = parsed;
  const [path] = positionals;
  if (path === undefined || positionals.length > 1)
    throw new HostError('HOST_ERR_CLI_USAGE', 'give the new agent one name: host new NAME');
  return { folder: folderOf(path), template: templateOf(values.template) };
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options, allowPositionals: true });
}

function folderOf(path: string): string {
  const folder = resolve(path);
  if (isAgentName(basename(folder))) return folder;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `'${basename(folder)}' cannot be an agent's name: lower-case letters, digits and dashes, beginning with a letter, at most 63`,
    { path },
  );
}

function templateOf(word: string): Manifest['world'] {
  const template = manifestWorlds.find((name) => name === word);
  if (template !== undefined) return template;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `no template '${word}'${nearest(word, manifestWorlds)}; the templates are: ${manifestWorlds.join(', ')}`,
  );
}

function requireEmpty(folder: string): void {
  if (isFree(folder)) return;
  throw new HostError(
    'HOST_ERR_CLI_USAGE',
    `${relative('.', folder) || '.'} exists and is not an empty folder; nothing was changed`,
    { folder },
  );
}

function isFree(folder: string): boolean {
  try {
    const stat = statSync(folder, { throwIfNoEntry: false });
    return stat === undefined || (stat.isDirectory() && readdirSync(folder).length === 0);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HostError('HOST_ERR_FILE_UNREADABLE', `cannot look at ${folder}: ${reason}`, { folder }, cause);
  }
}

function write(path: string, text: string): void {
  makeFolder(dirname(path));
  writeFileSync(path, text);
}
