// Compiles every kernel to wasm/: `node bench/kernels/build.ts`. Needs clang and wasm-ld (Debian: clang, lld);
// the results are committed, so that benches and tests run without them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const clangFlags = [
  '-O2',
  '--target=wasm32',
  '-nostdlib',
  '-ffreestanding',
  '-fno-builtin',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wl,--no-entry',
  '-Wl,--strip-all',
  '-Wl,-z,stack-size=16384',
];
const ascFlags = ['-O3', '--runtime', 'incremental', '--use', 'abort='];

function compileC(source: string, target: string): void {
  execFileSync('clang', [...clangFlags, '-o', target, source], { stdio: 'inherit' });
}

function compileAssemblyScript(source: string, target: string): void {
  const asc = createRequire(import.meta.url).resolve('assemblyscript/bin/asc.js');
  execFileSync(process.execPath, [asc, source, ...ascFlags, '-o', target], { stdio: 'inherit' });
}

function compileFolder(folder: string, extension: string, compile: typeof compileC): void {
  for (const file of readdirSync(here(folder)).filter((name) => name.endsWith(extension))) {
    const target = here(`wasm/${basename(file, extension)}.wasm`);
    compile(here(`${folder}/${file}`), target);
    console.log(`${file.padEnd(16)} ${statSync(target).size} bytes`);
  }
}

mkdirSync(here('wasm'), { recursive: true });
compileFolder('c', '.c', compileC);
compileFolder('assembly', '.ts', compileAssemblyScript);
