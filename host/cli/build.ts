import { statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Built } from '../../guest-sdk/build/language.ts';
import { HostError, plainText } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { readManifest } from '../manifest.ts';
import { systemFault } from '../system-fault.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { flagError } from './flag-error.ts';
import { flagsOf } from './flags.ts';
import { isBuilt, type OpenProject, openProject, outputName, storeBuilt } from './project.ts';

const options = {
  release: { type: 'boolean', default: false },
  output: { type: 'string', short: 'o' },
} as const;

export const command: Command = {
  summary: 'build the agent in a folder from its source',
  help: `host build: builds the agent in a folder from its source

Usage: host build [FOLDER] [--release] [-o FILE]

Builds the agent in FOLDER (default: here) from its source, as its agent.toml says, into build/NAME.wasm,
and writes what editors need. The same source gives the same bytes.

  --release         as small as it gets; without it, traps name the functions they happened in
  -o, --output FILE write there instead
`,
  run: async (args) => {
    const { folder, release, output } = readFlags(args);
    const startedMs = performance.now();
    compileOnce();
    const opened = await openProject(folder, release);
    const built = await build(opened);
    const path =
      output === undefined ? await storeBuilt(opened, built) : await write(resolve(output), built.bytes);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    for (const warning of built.warnings) process.stderr.write(`warning: ${plainText(warning, true)}\n`);
    process.stdout.write(`${relative('.', path) || path}  ${sizeText(built.bytes.length)}  ${seconds} s\n`);
    return exitCodes.ok;
  },
};

/**
 * The built program of an agent's folder, built first if its sources, its manifest, its WIT or the SDK changed.
 * A release build that is current stays.
 * @returns the path of `build/NAME.wasm`
 * @throws HostError as `openProject`; `HOST_ERR_BUILD_FAILED` when the source has errors
 */
export async function buildIfStale(folder: string): Promise<string> {
  const manifest = readManifest(folder);
  if (isBuilt(folder, manifest)) return join(folder, outputName(manifest));
  const opened = await openProject(folder, false);
  await storeBuilt(opened, await build(opened));
  return join(folder, outputName(manifest));
}

function readFlags(args: readonly string[]): {
  folder: string;
  release: boolean;
  output: string | undefined;
} {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (cause) {
    throw flagError('build', cause, Object.keys(options));
  }
  const { values, positionals } = parsed;
  if (positionals.length > 1) {
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `one folder at a time, not ${positionals.join(' and ')}; see host build --help`,
    );
  }
  return { folder: resolve(positionals[0] ?? '.'), release: values.release, output: values.output };
}

function parse(args: readonly string[]) {
  return flagsOf(args, options);
}

/**
 * Compilers that are WebAssembly themselves are not compiled a second time for speed: it takes longer than this one build,
 * after which the process ends.
 */
function compileOnce(): void {
  for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag);
}

/** What editors need is written first: it is needed most where the source has errors. */
async function build({ language, project }: OpenProject): Promise<Built> {
  await language.writeTypes(project);
  return language.build(project);
}

async function write(path: string, content: Uint8Array): Promise<string> {
  const { replaceFile } = await import('../../guest-sdk/build/own-file.ts');
  try {
    makeFolder(dirname(path));
    // A device or a pipe is written to, not replaced.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) writeFileSync(path, content);
    else replaceFile(path, content);
  } catch (cause) {
    const reason = systemFault(cause);
    throw new HostError('HOST_ERR_FILE_UNREADABLE', `cannot write ${path}: ${reason}`, { path }, cause);
  }
  return path;
}

function sizeText(bytes: number): string {
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
