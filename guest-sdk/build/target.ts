import { componentTypeSection, type World, worldOfComponentType } from '../../host/engine/component/world.ts';
import { HostError } from '../../host/errors.ts';
import { defaultWit, targetWit } from './target-wit.ts';
import { explainWitError } from './wit-error.ts';
import type { WitText } from './wit-text.ts';

/** What a program is built for. */
export type Target =
  /** A WASI command: arguments, streams and an exit code. */
  { readonly kind: 'command' } | WorldTarget;

/** A component of a WIT world. */
export interface WorldTarget {
  readonly kind: 'world';
  /** Full name: `motehost:agent/handler@0.1.0`. */
  readonly name: string;
  /** The world as tools select it in `wit`: its bare name, or the full one when it is in a dependency. */
  readonly worldName: string;
  /** One WIT text: the main package, then its dependencies as `package a:b@1.0.0 { … }`. */
  readonly wit: WitText;
  /** The world with every type resolved. */
  readonly world: World;
  /** A core module of nothing but the world's imports and exports, as the toolchain makes it; carries `component-type`. */
  readonly dummy: Uint8Array;
}

/**
 * The world that a manifest names: `command`; `handler` or `agent` of `motehost:agent`; a world of the folder's WIT
 * package; or one of its dependencies by full name. `motehost:agent` and WASI 0.2.0 need not lie among these.
 * @param world as in the manifest
 * @param wit the folder with the WIT package, relative to `folder`
 * @throws HostError `HOST_ERR_WIT_INVALID` with the place in the WIT file, where there is one
 */
export async function resolveTarget(
  folder: string,
  world: string,
  wit: string = defaultWit,
): Promise<Target> {
  const text = targetWit(folder, world, wit);
  return text === undefined ? { kind: 'command' } : worldTarget(text, world);
}

/** A world of a WIT text, resolved. @throws HostError `HOST_ERR_WIT_INVALID` */
export async function worldTarget(wit: WitText, worldName: string): Promise<WorldTarget> {
  const { componentEmbed } = await import('@bytecodealliance/jco-transpile/wasm-tools');
  let dummy: Uint8Array;
  try {
    dummy = await componentEmbed({ dummy: true, witSource: wit.text, world: worldName });
  } catch (cause) {
    throw await explainWitError(cause, wit, worldName);
  }
  const section = componentTypeSection(dummy);
  if (section === undefined) throw new Error('bug: the toolchain embedded no world');
  const world = worldOf(section, wit);
  return { kind: 'world', name: world.name ?? worldName, worldName, wit, world, dummy };
}

/** The toolchain embeds some worlds that no component may have: flags of 33 names, types of a gigabyte. */
function worldOf(section: Uint8Array, wit: WitText): World {
  try {
    return worldOfComponentType(section);
  } catch (cause) {
    // Only the WIT's author can mend it: where in a component it is, and to build that again, are no help.
    if (!(cause instanceof HostError) || cause.code !== 'HOST_ERR_COMPONENT_MALFORMED') throw cause;
    const reason = `WIT of package '${wit.mainPackage}': ${cause.data.what}`;
    throw new HostError('HOST_ERR_WIT_INVALID', reason, {}, cause);
  }
}
