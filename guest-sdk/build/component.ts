import { HostError } from '../../host/errors.ts';
import type { WorldTarget } from './target.ts';

/**
 * A core module wrapped as a component of its world.
 * @param encoding what strings are in the module's memory
 * @throws HostError `HOST_ERR_BUILD_FAILED` when the module does not fit the world
 */
export async function wrapComponent(
  core: Uint8Array,
  target: WorldTarget,
  encoding: 'utf8' | 'utf16',
): Promise<Uint8Array> {
  const { componentEmbed, componentNew } = await import('@bytecodealliance/jco-transpile/wasm-tools');
  try {
    const embedded = await componentEmbed({
      binary: core,
      witSource: target.wit.text,
      world: target.worldName,
      stringEncoding: encoding,
    });
    return await componentNew(embedded);
  } catch (cause) {
    throw notWrapped(cause);
  }
}

/** The same for a module that carries its world already, as wit-bindgen's do. @throws HostError as above */
export async function wrapEmbedded(core: Uint8Array): Promise<Uint8Array> {
  const { componentNew } = await import('@bytecodealliance/jco-transpile/wasm-tools');
  try {
    return await componentNew(core);
  } catch (cause) {
    throw notWrapped(cause);
  }
}

function notWrapped(cause: unknown): HostError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HostError('HOST_ERR_BUILD_FAILED', `cannot make a component of it: ${reason}`, {}, cause);
}
