// Compiles every kernel to wasm/: `node bench/kernels/build.ts`. The results are committed, so that benches and
// tests run without a C compiler.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileC } from '../clang.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Loops stay loops: clang would replace some by calls to memset and memcpy. */
const kernelFlags = ['-fno-builtin', '-Wl,-z,stack-size=16384'];
const ascFlags = ['-O3', '--runtime', 'incremental', '--use', 'abort='];

type Compile = (source: string, target: string) => void;

const compileAssemblyScript: Compile = (source, target) => {
  const asc = createRequire(import.meta.url).resolve('assemblyscript/bin/asc.js');
  execFileSync(process.execPath, [asc, source, ...ascFlags, '-o', target], { stdio: 'inherit' });
};

function compileFolder(folder: string, extension: string, compile: Compile): void {
  for (const file of readdirSync(here(folder)).filter((name) => name.endsWith(extension))) {
    const target = here(`wasm/${basename(file, extension)}.wasm`);
    compile(here(`${folder}/${file}`), target);
    process.stdout.write(`${file.padEnd(16)} ${statSync(target).size} bytes\n`);
  }
}

mkdirSync(here('wasm'), { recursive: true });
compileFolder('c', '.c', (source, target) => compileC(source, target, kernelFlags));
compileFolder('assembly', '.ts', compileAssemblyScript);
