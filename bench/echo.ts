import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { coreModules, hasPeers, requirePeer } from './corpus.ts';

/** One live echo guest: gives back a copy of the bytes. */
export interface Echo {
  echo(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** One way to host the echo guest; everything that can be prepared once is prepared. */
export interface EchoForm {
  readonly name: string;
  instantiate(): Echo | Promise<Echo>;
}

export const echoComponent = (): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL('guests/wasm/echo.wasm', import.meta.url)));

interface EchoExports {
  readonly memory: WebAssembly.Memory;
  cabi_realloc(old: number, oldBytes: number, align: number, bytes: number): number;
  echo(at: number, count: number): number;
  cabi_post_echo(answer: number): void;
}

class BareEcho implements Echo {
  readonly #exports: EchoExports;

  constructor(module: WebAssembly.Module) {
    this.#exports = new WebAssembly.Instance(module, {}).exports as object as EchoExports;
  }

  echo(bytes: Uint8Array): Uint8Array {
    const { memory, cabi_realloc, echo, cabi_post_echo } = this.#exports;
    const at = cabi_realloc(0, 0, 1, bytes.length);
    new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
    const answer = echo(at, bytes.length);
    const view = new DataView(memory.buffer);
    const from = view.getUint32(answer, true);
    const result = new Uint8Array(memory.buffer, from, view.getUint32(answer + 4, true)).slice();
    cabi_post_echo(answer);
    return result;
  }
}

/** The core module alone, its ABI by hand, without meter or checks: the floor. */
export function bareForm(): EchoForm {
  const [core] = coreModules(echoComponent());
  const module = new WebAssembly.Module(new Uint8Array(core ?? []));
  return { name: 'bare core module', instantiate: () => new BareEcho(module) };
}

type JcoInstantiate = (getCoreModule: (path: string) => WebAssembly.Module, imports: object) => Echo;

/** jco's own output, without meter, its export called as it is. */
export function jcoSyncForm(): Promise<EchoForm> {
  return jcoForm('jco, sync', { instantiation: 'sync' });
}

/** jco's own output, without meter, its export called promising: on a stack that could be suspended. */
export function jcoAsyncForm(): Promise<EchoForm> {
  return jcoForm('jco, promising', { instantiation: 'sync', asyncMode: 'jspi', asyncExports: ['echo'] });
}

async function jcoForm(name: string, options: object): Promise<EchoForm> {
  const { transpileBytes } = await import('@bytecodealliance/jco-transpile');
  const { files } = await transpileBytes(echoComponent(), { name: 'echo', ...options });
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const modules = new Map<string, WebAssembly.Module>();
  try {
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    for (const [path, bytes] of Object.entries(files)) {
      if (path.endsWith('.wasm')) modules.set(path, new WebAssembly.Module(new Uint8Array(bytes)));
      else if (path.endsWith('.js')) writeFileSync(join(folder, path), bytes);
    }
    const glue = await import(pathToFileURL(join(folder, 'echo.js')).href);
    const instantiate = glue.instantiate as JcoInstantiate;
    return { name, instantiate: () => instantiate((path) => moduleAt(modules, path), {}) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function moduleAt(modules: ReadonlyMap<string, WebAssembly.Module>, path: string): WebAssembly.Module {
  const module = modules.get(path);
  if (module === undefined) throw new Error(`jco wrote no core module ${path}`);
  return module;
}

interface ExtismPlugin {
  call(name: string, input: Uint8Array): Promise<{ bytes(): Uint8Array }>;
  reset(): Promise<void>;
}
type CreatePlugin = (module: WebAssembly.Module, options: { useWasi: boolean }) => Promise<ExtismPlugin>;

class ExtismEcho implements Echo {
  readonly #plugin: ExtismPlugin;
  #calls = 0;

  constructor(plugin: ExtismPlugin) {
    this.#plugin = plugin;
  }

  async echo(bytes: Uint8Array): Promise<Uint8Array> {
    // Version 1.0.3 never reclaims the blocks of a call and fails after 16,383 of them.
    this.#calls += 1;
    if (this.#calls % 1000 === 0) await this.#plugin.reset();
    return (await this.#plugin.call('echo', bytes)).bytes();
  }
}

/** An Extism plugin that does the same, from a compiled module; undefined when the peers are not installed. */
export function extismForm(): EchoForm | undefined {
  if (!hasPeers) return undefined;
  const createPlugin = requirePeer<{ default: CreatePlugin }>('@extism/extism').default;
  const bytes = readFileSync(new URL('guests/wasm/echo-plugin.wasm', import.meta.url));
  const module = new WebAssembly.Module(new Uint8Array(bytes));
  return {
    name: 'extism plugin',
    instantiate: async () => new ExtismEcho(await createPlugin(module, { useWasi: false })),
  };
}
