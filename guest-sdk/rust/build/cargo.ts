import { existsSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { HostError } from '../../../host/errors.ts';
import type { Project } from '../../build/language.ts';
import type { Target } from '../../build/target.ts';
import { runTool, type ToolRun } from '../../build/toolchain.ts';
import { explainFailure, toolchainCure, warningsOf } from './diagnostics.ts';
import { type CargoArtifact, type CargoMessage, readMessages } from './messages.ts';

/** What cargo made of a package. */
export interface CargoOutput {
  /** The module's path. */
  readonly module: string;
  /** The file that lists every source that went in, as make would read it. */
  readonly dependencies: string;
  readonly warnings: readonly string[];
}

/**
 * Compiles a package, optimised as its `[profile.release]` says: a module that is not optimised costs a multiple of
 * the fuel.
 * @throws HostError `HOST_ERR_BUILD_FAILED` with the compiler's own words; `HOST_ERR_TOOL_MISSING`
 */
export async function runCargo(project: Project): Promise<CargoOutput> {
  const triple = tripleOf(project.target);
  const run = await callCargo(project.folder, triple);
  const messages = readMessages(run.stdout);
  if (run.code !== 0) throw explainFailure(messages, run.stderr, triple, project);
  const { filenames } = artifactOf(messages, project);
  const module = filenames.find((name) => name.endsWith('.wasm')) ?? '';
  return {
    module,
    dependencies: module.replace(/\.wasm$/, '.d'),
    warnings: warningsOf(messages, project.folder),
  };
}

/**
 * Without an operating system, so that a component has no import but those it asks for: a WASI target brings
 * files, environment and exit along. A command is a WASI program.
 */
function tripleOf(target: Target): string {
  return target.kind === 'command' ? 'wasm32-wasip1' : 'wasm32-unknown-unknown';
}

function callCargo(folder: string, triple: string): Promise<ToolRun> {
  const flags = ['--release', '--target', triple, '--quiet', '--message-format', 'json'];
  const { cargo, env } = toolchain();
  const passed = passFlags(triple, compilerFlags(folder));
  return runTool(cargo, ['build', ...flags, ...passed.args], {
    cwd: folder,
    env: { CARGO_TERM_COLOR: 'never', ...env, ...passed.env },
    cure: toolchainCure(triple),
  });
}

/** Flags for the compiler beside those that the project or the environment sets; cargo takes either, so ours go along. */
function passFlags(
  triple: string,
  flags: readonly string[],
): { readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  const { CARGO_ENCODED_RUSTFLAGS: encoded, RUSTFLAGS: plain } = process.env;
  const set = encoded?.split('\x1f') ?? plain?.split(' ').filter((flag) => flag !== '');
  if (set === undefined)
    return { args: ['--config', `target.${triple}.rustflags=${JSON.stringify(flags)}`], env: {} };
  return { args: [], env: { CARGO_ENCODED_RUSTFLAGS: [...set, ...flags].join('\x1f') } };
}

/**
 * The cargo in PATH, or the one that CARGO names; with that one, unless RUSTC names another, the compiler
 * beside it, as a cargo that is not rustup's would take whatever compiler comes first in PATH.
 */
function toolchain(): { readonly cargo: string; readonly env: Readonly<Record<string, string>> } {
  const { CARGO: cargo = 'cargo', RUSTC: compiler } = process.env;
  const beside = join(dirname(cargo), basename(cargo).replace('cargo', 'rustc'));
  const isNamed = compiler === undefined && cargo !== 'cargo' && existsSync(beside);
  return { cargo, env: isNamed ? { RUSTC: beside } : {} };
}

/**
 * Panics carry the path of their source: the same one wherever the project and cargo's own folder lie. Functions
 * keep names that people can read, for traps.
 */
function compilerFlags(folder: string): string[] {
  const home = process.env.CARGO_HOME ?? join(homedir(), '.cargo');
  const places = new Map([
    [home, '/cargo'],
    [folder, '.'],
    [realpathSync(folder), '.'],
  ]);
  const remapped = [...places].map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
  return [...remapped, '-Clink-arg=--demangle'];
}

/** The package's one module: its library as a `cdylib`, or for a command its program. */
function artifactOf(messages: readonly CargoMessage[], project: Project): CargoArtifact {
  const kind = project.target.kind === 'command' ? 'bin' : 'cdylib';
  const manifest = join(realpathSync(project.folder), 'Cargo.toml');
  const made = messages.filter(
    (message): message is CargoArtifact =>
      message.reason === 'compiler-artifact' &&
      message.manifest_path === manifest &&
      message.target.kind.includes(kind),
  );
  const [only, ...more] = made;
  const named = made.find(
    ({ target }) => target.src_path === join(realpathSync(project.folder), project.entry),
  );
  const found = more.length === 0 ? only : named;
  if (found !== undefined) return found;
  throw new HostError('HOST_ERR_BUILD_FAILED', noArtifact(made, kind), { kind });
}

function noArtifact(made: readonly CargoArtifact[], kind: 'bin' | 'cdylib'): string {
  if (made.length > 0) {
    const programs = made.map(({ target }) => target.name).join(', ');
    return `Cargo.toml: the package has several programs: ${programs}; name the source of one with entry = "…" in agent.toml`;
  }
  if (kind === 'bin') return 'Cargo.toml: the package has no program; a command has src/main.rs';
  return 'Cargo.toml: the package has no library of the kind that becomes a component; it looks like this:\n  [lib]\n  crate-type = ["cdylib"]';
}
