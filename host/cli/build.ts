import { statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { BuildResult } from '../../guest-sdk/assemblyscript/build/build-agent.ts';
import { digestOf, isCurrent, readStamp } from '../../guest-sdk/build/stamp.ts';
import { HostError, plainText } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { type Manifest, readManifest } from '../manifest.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { flagError } from './flag-error.ts';

const options = {
  release: { type: 'boolean', default: false },
  output: { type: 'string', short: 'o' },
} as const;

export const command: Command = {
  summary: 'builds the agent in a folder from its source',
  help: `Usage: host build [FOLDER] [--release] [-o FILE]

Builds the agent in FOLDER (default: here) from its AssemblyScript source, as its agent.toml says,
into build/NAME.wasm. The same source gives the same bytes.

  --release         as small as it gets; without it, traps name the functions they happened in
  -o, --output FILE write there instead
`,
  run: async (args) => {
    const { folder, release, output } = readFlags(args);
    const manifest = readManifest(folder);
    const startedMs = performance.now();
    const result = await build(folder, manifest, release);
    const path =
      output === undefined
        ? await store(folder, manifest, result)
        : await write(resolve(output), result.bytes);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    for (const warning of result.warnings) process.stderr.write(`warning: ${plainText(warning, true)}\n`);
    process.stdout.write(`${relative('.', path) || path}  ${sizeText(result.bytes.length)}  ${seconds} s\n`);
    return exitCodes.ok;
  },
};

/**
 * The built artifact of an agent's folder, built first if its sources, its manifest or the SDK changed.
 * @returns the path of `build/NAME.wasm`
 * @throws HostError as `readManifest`; `HOST_ERR_BUILD_FAILED` when the source has errors
 */
export async function buildIfStale(folder: string): Promise<string> {
  const manifest = readManifest(folder);
  const path = outputPath(folder, manifest);
  if (isFresh(folder, manifest, path)) return path;
  const result = await build(resolve(folder), manifest, false);
  return store(folder, manifest, result);
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
  return parseArgs({ args: [...args], options, allowPositionals: true });
}

// Loaded only when there is something to build: a run of what is built needs none of it.
async function build(folder: string, manifest: Manifest, release: boolean): Promise<BuildResult> {
  const { buildAgent } = await import('../../guest-sdk/assemblyscript/build/build-agent.ts');
  const { writeEditorFiles } = await import('../../guest-sdk/assemblyscript/build/editor.ts');
  const { entry, world } = manifest;
  const result = await buildAgent({ folder, entry, world, release });
  writeEditorFiles(folder);
  return result;
}

function outputPath(folder: string, manifest: Manifest): string {
  return join(folder, outputName(manifest, 'wasm'));
}

function outputName(manifest: Manifest, extension: 'wasm' | 'stamp.json'): string {
  return `build/${manifest.name}.${extension}`;
}

function isFresh(folder: string, manifest: Manifest, path: string): boolean {
  const stamp = readStamp(join(folder, outputName(manifest, 'stamp.json')));
  if (stamp === undefined || statSync(path, { throwIfNoEntry: false }) === undefined) return false;
  return isCurrent(stamp, folder, buildInput(manifest));
}

// Of the manifest, only this changes the output.
function buildInput({ world, entry }: Manifest): string {
  return JSON.stringify({ world, entry });
}

async function store(folder: string, manifest: Manifest, result: BuildResult): Promise<string> {
  const { writeOwnFile } = await import('../../guest-sdk/build/own-file.ts');
  const path = writeOwnFile(folder, outputName(manifest, 'wasm'), result.bytes);
  const digest = digestOf(buildInput(manifest), result.sources);
  const stamp = JSON.stringify({ sources: [...result.sources.keys()], digest });
  writeOwnFile(folder, outputName(manifest, 'stamp.json'), stamp);
  return path;
}

async function write(path: string, content: Uint8Array): Promise<string> {
  const { replaceFile } = await import('../../guest-sdk/build/own-file.ts');
  try {
    makeFolder(dirname(path));
    // A device or a pipe is written to, not replaced.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) writeFileSync(path, content);
    else replaceFile(path, content);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HostError('HOST_ERR_FILE_UNREADABLE', `cannot write ${path}: ${reason}`, { path }, cause);
  }
  return path;
}

function sizeText(bytes: number): string {
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
