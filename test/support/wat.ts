import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';

/** Core module or component text to bytes. */
export async function wat(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await parse(text));
}

/** A component from a core module's text and the WIT world it implements. */
export async function componentOf(
  coreText: string,
  witSource: string,
  world: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const embedded = await componentEmbed({ binary: await parse(coreText), witSource, world });
  return new Uint8Array(await componentNew(embedded, []));
}
