import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { HostError } from '../../../host/errors.ts';
import { runTool, type ToolRun } from '../../build/toolchain.ts';

/** A clang that makes WebAssembly, and what it needs for that. */
export interface Clang {
  readonly program: string;
  /** `wasm32-wasi` */
  readonly triple: string;
  /** Where the C library for WebAssembly lies. */
  readonly sysroot: string;
  /** Arithmetic that WebAssembly has no instructions for. */
  readonly builtins: string;
}

const majorsTried = [22, 21, 20, 19, 18, 17, 16, 15, 14];

/** Set by people who want another clang than the one on the PATH. */
const overrides = ['CLANG', 'CC'] as const;

const anywhere = 'anywhere: unpack the WASI SDK and set WASI_SDK_PATH to its folder';

function cureFor(packages: string): string {
  return `Debian and Ubuntu: sudo apt-get install ${packages}; macOS: brew install llvm lld wasi-libc wasi-runtimes; ${anywhere}`;
}

const everything = cureFor('clang lld wasi-libc libclang-rt-14-dev-wasm32');

let found: { readonly key: string; readonly clang: Clang } | undefined;

/**
 * The clang of `WASI_SDK_PATH`, of `CLANG` or `CC`, or the one on the PATH.
 * @throws HostError `HOST_ERR_TOOL_MISSING` that says which part is not there and how to get it
 */
export async function findClang(): Promise<Clang> {
  const { WASI_SDK_PATH = '', WASI_SYSROOT = '', CLANG = '', CC = '', PATH = '' } = process.env;
  const key = [WASI_SDK_PATH, WASI_SYSROOT, CLANG, CC, PATH].join('\0');
  if (found?.key === key) return found.clang;
  const program = await findProgram();
  const place = findSysroot();
  if (place === undefined)
    throw missing(
      program,
      'the C library for WebAssembly (wasi-libc) is not installed',
      cureFor('wasi-libc'),
    );
  const builtins = await findBuiltins(program, place.triple);
  found = { key, clang: { program, ...place, builtins } };
  return found.clang;
}

/** A file of the clang that was found, whose place tells its version: another clang, another place. */
export function toolchainFiles(): readonly string[] {
  return found === undefined ? [] : [found.clang.builtins];
}

/** Runs clang, or says how to get it. */
export function runClang(program: string, args: readonly string[], cwd: string): Promise<ToolRun> {
  return runTool(program, args, { cwd, cure: everything });
}

/** What clang says when a part of it is missing, as the error that tells how to get it; undefined for other words. */
export function missingPart(program: string, stderr: string): HostError | undefined {
  if (/wasm-ld["']? doesn't exist|unable to execute command.*wasm-ld|invalid linker name/.test(stderr))
    return missing(program, 'the linker for WebAssembly (wasm-ld) is not installed', cureFor('lld'));
  if (/No available targets are compatible|unknown target triple/.test(stderr))
    return missing(program, `${program} cannot make WebAssembly`, everything);
  return undefined;
}

/** Where a C library for WebAssembly lies, as systems and SDKs install it; undefined when there is none. */
export function findSysroot(): { readonly sysroot: string; readonly triple: string } | undefined {
  const { WASI_SDK_PATH, WASI_SYSROOT } = process.env;
  const folders = [
    ...(WASI_SYSROOT ? [WASI_SYSROOT] : []),
    ...(WASI_SDK_PATH ? [join(WASI_SDK_PATH, 'share/wasi-sysroot')] : []),
    '/usr',
    ...['/usr/share', '/usr/local/share', '/opt/homebrew/share'].map((folder) => `${folder}/wasi-sysroot`),
  ];
  for (const sysroot of folders)
    for (const triple of ['wasm32-wasip1', 'wasm32-wasi'])
      if (existsSync(join(sysroot, 'lib', triple, 'libc.a'))) return { sysroot, triple };
  return undefined;
}

async function findProgram(): Promise<string> {
  const { WASI_SDK_PATH } = process.env;
  if (WASI_SDK_PATH) return requireProgram(join(WASI_SDK_PATH, 'bin/clang'), 'WASI_SDK_PATH');
  for (const name of overrides) {
    const value = process.env[name];
    // CC is often another compiler, set for other projects.
    if (value && (name === 'CLANG' || basename(value).includes('clang'))) return requireProgram(value, name);
  }
  // Apple's clang, which is on the PATH of every Mac, makes no WebAssembly.
  const brewed = ['/opt/homebrew/opt/llvm/bin/clang', '/usr/local/opt/llvm/bin/clang'].filter(existsSync);
  for (const name of [...brewed, 'clang', ...majorsTried.map((major) => `clang-${major}`)])
    if (await isThere(name)) return name;
  throw new HostError('HOST_ERR_TOOL_MISSING', `clang is not installed; ${everything}`, { program: 'clang' });
}

async function requireProgram(program: string, variable: string): Promise<string> {
  if (await isThere(program)) return program;
  throw missing(
    program,
    `${variable} says ${program}, and there is no such program`,
    `correct or unset ${variable}; ${everything}`,
  );
}

async function isThere(program: string): Promise<boolean> {
  try {
    return (await runClang(program, ['--version'], '.')).code === 0;
  } catch (cause) {
    if (cause instanceof HostError && cause.code === 'HOST_ERR_TOOL_MISSING') return false;
    throw cause;
  }
}

async function findBuiltins(program: string, triple: string): Promise<string> {
  const ask = async (...args: string[]): Promise<string> =>
    (await runClang(program, [`--target=${triple}`, ...args], '.')).stdout.trim();
  const told = await ask('--rtlib=compiler-rt', '-print-libgcc-file-name');
  const folder = await ask('-print-resource-dir');
  const usual = [
    'wasi',
    'wasip1',
    'wasm32-unknown-wasi',
    'wasm32-unknown-wasip1',
    'wasm32-wasi',
    'wasm32-wasip1',
  ].flatMap((name) =>
    ['libclang_rt.builtins-wasm32.a', 'libclang_rt.builtins.a'].map((file) =>
      join(folder, 'lib', name, file),
    ),
  );
  const file = [told, ...usual].find((path) => existsSync(path));
  if (file !== undefined) return file;
  const [major = '14'] = /\d+/.exec(basename(folder)) ?? [];
  throw missing(
    program,
    `clang's own library for WebAssembly (${basename(told)}) is not installed`,
    cureFor(`libclang-rt-${major}-dev-wasm32`),
  );
}

function missing(program: string, what: string, cure: string): HostError {
  return new HostError('HOST_ERR_TOOL_MISSING', `${what}; ${cure}`, { program });
}
