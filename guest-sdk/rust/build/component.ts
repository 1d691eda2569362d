import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { componentTypeSection } from '../../../host/engine/component/world.ts';
import { compatibleName } from '../../../host/engine/linker.ts';
import { HostError } from '../../../host/errors.ts';
import { wrapComponent, wrapEmbedded } from '../../build/component.ts';
import type { WorldTarget } from '../../build/target.ts';
import { expectedExports } from './expected.ts';

/**
 * A core module as a component of its world. Bindings bring the world along, and crates may bring imports of their
 * own; a module without any is taken at its word that it fits the project's.
 * @throws HostError `HOST_ERR_BUILD_FAILED` when an export is missing, with what it looks like
 */
export async function toComponent(core: Uint8Array, target: WorldTarget, entry: string): Promise<Uint8Array> {
  const component = await wrap(core, target).catch((error: unknown) => {
    if (error instanceof HostError && /failed to find export/.test(error.message)) return undefined;
    throw error;
  });
  if (component !== undefined && isComplete(component, target)) return component;
  throw new HostError('HOST_ERR_BUILD_FAILED', expectedExports(target, entry));
}

function wrap(core: Uint8Array, target: WorldTarget): Promise<Uint8Array> {
  const isBound = componentTypeSection(core) !== undefined;
  return isBound ? wrapEmbedded(core) : wrapComponent(core, target, 'utf8');
}

/** Bindings of no world at all, or of another one, make a component as well. */
function isComplete(component: Uint8Array, { world }: WorldTarget): boolean {
  const exported = new Set([...decodeComponent(component).exports.keys()].map(compatibleName));
  return world.exports.every(({ name }) => exported.has(compatibleName(name)));
}
