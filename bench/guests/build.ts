// Builds the guests of the call, instantiate and cold-start benches to wasm/: `node bench/guests/build.ts`.
// Needs clang, wasm-ld and the peers (`npm ci --prefix bench/peers`: jco's preview 1 adapter). The results are
// committed, so that benches run without them.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { componentEmbed, componentNew } from '@bytecodealliance/jco-transpile/wasm-tools';
import { compileC } from '../clang.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const guestFlags = ['-mbulk-memory', '-Wl,-z,stack-size=8192'];
const adapterUrl = '../peers/node_modules/@bytecodealliance/jco/lib/wasi_snapshot_preview1.command.wasm';

function core(name: string, target = name): Uint8Array {
  const path = here(`wasm/${target}.wasm`);
  compileC(here(`${name}.c`), path, guestFlags);
  return readFileSync(path);
}

async function echoComponent(): Promise<void> {
  const binary = core('echo', 'echo.core');
  const witSource = readFileSync(here('echo.wit'), 'utf8');
  const embedded = await componentEmbed({ binary, witSource, world: 'guest' });
  writeFileSync(here('wasm/echo.wasm'), await componentNew(embedded, []));
  rmSync(here('wasm/echo.core.wasm'));
}

async function helloComponent(): Promise<void> {
  const binary = core('hello', 'hello.core');
  const adapter = readFileSync(here(adapterUrl));
  writeFileSync(here('wasm/hello.wasm'), await componentNew(binary, [['wasi_snapshot_preview1', adapter]]));
}

mkdirSync(here('wasm'), { recursive: true });
core('echo-plugin');
core('hello-plugin');
await echoComponent();
await helloComponent();
