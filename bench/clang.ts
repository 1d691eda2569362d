import { execFileSync } from 'node:child_process';
import { delimiter } from 'node:path';

const flags = [
  '-O2',
  '--target=wasm32',
  '-nostdlib',
  '-ffreestanding',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wl,--no-entry',
  '-Wl,--strip-all',
];

/** Compiles one C file to a core module. Needs clang and wasm-ld (Debian: clang, lld). */
export function compileC(source: string, target: string, more: readonly string[]): void {
  // clang runs a `wasm-opt` it finds on PATH over its output; what is measured shall not depend on that.
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  const env = { ...process.env, PATH: path.join(delimiter) };
  execFileSync('clang', [...flags, ...more, '-o', target, source], { stdio: 'inherit', env });
}
