import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import type { HostInterface, Linker } from '../../../../host/engine/linker.ts';
import { suspending } from '../../../../host/engine/wasi/preview2/preview2.ts';

/** A core module in text and the world it is built for, as a component. */
export async function component(wat: string, witSource: string, world: string): Promise<Uint8Array> {
  const core = await parse(wat);
  return componentNew(await componentEmbed({ binary: core, witSource, world }), []);
}

type Instantiate = (
  getCoreModule: (path: string) => WebAssembly.Module,
  imports: Record<string, HostInterface['functions']>,
  instantiateCore: (module: WebAssembly.Module, imports: WebAssembly.Imports) => WebAssembly.Instance,
) => Promise<Record<string, Record<string, (...args: unknown[]) => Promise<unknown>>>>;

/** Instantiates a component through jco, JSPI on, with the linker's interfaces as imports. */
export async function instantiate(
  bytes: Uint8Array,
  linker: Linker,
  asyncExports: readonly string[],
): Promise<Awaited<ReturnType<Instantiate>>> {
  const { files, imports } = await transpileBytes(bytes, {
    name: 'guest',
    instantiation: 'async',
    asyncMode: 'jspi',
    asyncImports: Object.entries(suspending).flatMap(([name, functions]) =>
      functions.map((fn) => `${name}#${fn}`),
    ),
    asyncExports: [...asyncExports],
    emitTypescriptDeclarations: false,
  });
  const text = new TextDecoder().decode(files['guest.js']);
  const program: unknown = await import(`data:text/javascript,${encodeURIComponent(text)}`);
  const offered: Record<string, HostInterface['functions']> = {};
  for (const name of imports) {
    const functions = linker.get(`${name}@0.2.0`)?.functions;
    if (functions !== undefined) offered[name] = functions;
  }
  return (program as { instantiate: Instantiate }).instantiate(
    (path) => new WebAssembly.Module(files[path] ?? new Uint8Array()),
    offered,
    (module, coreImports) => new WebAssembly.Instance(module, coreImports),
  );
}
