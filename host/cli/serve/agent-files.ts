import { existsSync, readdirSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { HostError } from '../../errors.ts';
import type { LocalAgent } from '../../host/serve.ts';
import { signatureSuffix } from '../../identity/component-signature.ts';
import { isAgentName, type Manifest, manifestFile, parseManifest } from '../../manifest.ts';
import { readRegularFile } from '../../regular-file.ts';
import { systemFault } from '../../system-fault.ts';
import { buildInChild } from '../dev/build-child.ts';
import { loadProgram } from '../program.ts';
import { isBuilt, outputName } from '../project.ts';

/** An agent's files, read; `text` is its manifest as written. */
export interface AgentFiles extends LocalAgent {
  /** What was named: its folder, or a component. */
  readonly path: string;
  readonly text: string;
}

/** Agents one host may know. */
const agentsMax = 1_048_576;

/**
 * The agents that some paths mean: a folder with an `agent.toml` (or that file), a component, or a folder whose direct
 * subfolders are such.
 * @returns for each agent its folder or component, once
 * @throws HostError `HOST_ERR_FILE_NOT_FOUND` for what is none
 */
export function agentPaths(paths: readonly string[]): string[] {
  const found = [...new Set(paths.flatMap(pathsIn))];
  if (found.length <= agentsMax) return found;
  throw new HostError('HOST_ERR_CLI_USAGE', `${found.length} agents; a host may have ${agentsMax}`, {
    agentsMax,
  });
}

function pathsIn(path: string): string[] {
  const stat = statOf(path);
  if (stat === undefined)
    throw new HostError('HOST_ERR_FILE_NOT_FOUND', `no such folder or file: ${path}`, { path });
  if (!stat.isDirectory()) return [fileIn(path)];
  if (isAgentFolder(path)) return [path];
  const inside = readdirSync(path)
    .sort()
    .map((name) => join(path, name))
    .filter(isAgentFolder);
  if (inside.length > 0) return inside;
  throw new HostError(
    'HOST_ERR_FILE_NOT_FOUND',
    `no ${manifestFile} in ${path} or in a folder in it; host new NAME makes a folder that has one`,
    { path },
  );
}

function fileIn(path: string): string {
  if (basename(path) === manifestFile) return dirname(path);
  if (path.endsWith('.wasm')) return path;
  throw new HostError('HOST_ERR_CLI_USAGE', `${path} is neither an ${manifestFile} nor a .wasm component`, {
    path,
  });
}

function isAgentFolder(path: string): boolean {
  return existsSync(join(path, manifestFile));
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    const reason = systemFault(cause);
    throw new HostError('HOST_ERR_FILE_UNREADABLE', `cannot read ${path}: ${reason}`, { path }, cause);
  }
}

/**
 * Reads one agent, built first if its sources changed: in a process of its own, which gives the compiler's memory back.
 * @param path one of `agentPaths`
 * @throws HostError as `parseManifest`; `HOST_ERR_BUILD_FAILED` with what the compiler said
 */
export async function loadAgent(
  path: string,
  say: (text: string) => void = () => {},
  signal: AbortSignal = new AbortController().signal,
): Promise<AgentFiles> {
  const [only = path, ...more] = agentPaths([path]);
  if (more.length > 0)
    throw new HostError('HOST_ERR_CLI_USAGE', `${path} holds ${more.length + 1} agents; name one of them`, {
      path,
    });
  if (only.endsWith('.wasm') && !isAgentFolder(only)) return loadComponent(only);
  const { manifest, text, manifestPath } = readFolder(only);
  if (!isBuilt(only, manifest)) {
    say(`building ${shown(only)}`);
    const built = await buildInChild(only, signal);
    if (!built.isBuilt)
      throw new HostError('HOST_ERR_BUILD_FAILED', built.text.replace(/^host: /, ''), { path: only });
  }
  const file = join(only, outputName(manifest));
  const { bytes } = await loadProgram(file);
  return { path: only, manifestPath, manifest, text, component: bytes, signature: signatureOf(file) };
}

/** The manifest in an agent's folder, with its text. @throws HostError as `parseManifest` */
export function readFolder(folder: string): { manifest: Manifest; text: string; manifestPath: string } {
  const manifestPath = join(folder, manifestFile);
  let text: string;
  try {
    text = readRegularFile(manifestPath)
      .toString('utf8')
      .replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new HostError(
      'HOST_ERR_FILE_NOT_FOUND',
      `cannot read ${manifestPath}: ${systemFault(cause)}`,
      { path: manifestPath },
      cause,
    );
  }
  return { manifest: parseManifest(text, manifestPath), text, manifestPath };
}

/** A component by itself is an agent of its name that was granted nothing. */
async function loadComponent(path: string): Promise<AgentFiles> {
  const name = basename(path, '.wasm').toLowerCase().replaceAll('_', '-');
  if (!isAgentName(name))
    throw new HostError(
      'HOST_ERR_CLI_USAGE',
      `${path}: '${name}' cannot be an agent's name; write an ${manifestFile} with name = "…" and component = "${basename(path)}"`,
      { path },
    );
  const text = `name = "${name}"\ncomponent = "${name}.wasm"\n`;
  const { bytes } = await loadProgram(path);
  const manifest = parseManifest(text, path);
  return { path, manifestPath: path, manifest, text, component: bytes, signature: signatureOf(path) };
}

/** Who signed a component, in the file beside it; undefined: nobody did. */
export function signatureOf(componentPath: string): Uint8Array | undefined {
  const path = `${componentPath}${signatureSuffix}`;
  return existsSync(path) ? readRegularFile(path) : undefined;
}

/** @throws HostError `HOST_ERR_AGENT_DUPLICATE` naming both */
export function requireDistinct(agents: readonly LocalAgent[]): void {
  const seen = new Map<string, string>();
  for (const { manifest, manifestPath } of agents) {
    const other = seen.get(manifest.name);
    if (other !== undefined)
      throw new HostError(
        'HOST_ERR_AGENT_DUPLICATE',
        `two agents are named '${manifest.name}': ${shown(other)} and ${shown(manifestPath)}; names are unique on a host`,
        { name: manifest.name },
      );
    seen.set(manifest.name, manifestPath);
  }
}

/** A path as short as it can be said from here. */
export function shown(path: string): string {
  const short = relative('.', path);
  return short === '' || short.startsWith('..') ? path : short;
}
