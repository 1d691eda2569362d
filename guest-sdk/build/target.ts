import { type Dirent, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { componentTypeSection, type World, worldOfComponentType } from '../../host/engine/component/world.ts';
import { HostError } from '../../host/errors.ts';
import { explainWitError } from './wit-error.ts';
import { hasPackage, readWit, type WitText, witFolder } from './wit-text.ts';

/** What a program is built for. */
export type Target =
  /** A WASI command: arguments, streams and an exit code. */
  | { readonly kind: 'command' }
  | WorldTarget;

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

/** Manifest words for the worlds of `motehost:agent`. */
export const ownWorlds: readonly string[] = ['handler', 'agent'];

/** Where a folder has its WIT package when its manifest does not say. */
export const defaultWit = 'wit';

/**
 * The world that a manifest names: `command`; `handler` or `agent` of `motehost:agent`; a world of the folder's WIT
 * package; or one of its dependencies by full name. `motehost:agent` and WASI 0.2.0 need not lie among these.
 * @param world as in the manifest
 * @param wit the folder with the WIT package, relative to `folder`
 * @throws HostError `HOST_ERR_WIT_INVALID` with the place in the WIT file, where there is one
 */
export async function resolveTarget(folder: string, world: string, wit: string = defaultWit): Promise<Target> {
  const text = targetWit(folder, world, wit);
  return text === undefined ? { kind: 'command' } : worldTarget(text, world);
}

/**
 * The WIT that a world is looked for in; undefined for a command.
 * @throws HostError `HOST_ERR_WIT_INVALID` when there is none
 */
export function targetWit(folder: string, world: string, wit: string = defaultWit): WitText | undefined {
  if (world === 'command') return undefined;
  const own = join(folder, wit);
  const wanted = packageOf(world);
  const isOurs = ownWorlds.includes(world) || wanted?.startsWith('motehost:agent@') === true;
  const isKnown = isOurs || (wanted !== undefined && isEmpty(own) && hasPackage(witFolder, wanted));
  if (isKnown) return readWit(witFolder, [], wanted === undefined ? [] : [wanted]);
  if (isEmpty(own)) throw noFolder(own, world);
  return readWit(own, [witFolder], wanted === undefined ? [] : [wanted]);
}

/** `wasi:http@0.2.0` of `wasi:http/proxy@0.2.0`; undefined for a bare name. */
function packageOf(world: string): string | undefined {
  const match = /^([^/]+)\/[^@]+(@.+)?$/.exec(world);
  return match === null ? undefined : `${match[1]}${match[2] ?? ''}`;
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
  const world = worldOfComponentType(section);
  return { kind: 'world', name: world.name ?? worldName, worldName, wit, world, dummy };
}

function isEmpty(folder: string): boolean {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return true;
  }
  return !entries.some((entry) => entry.isFile() && entry.name.endsWith('.wit'));
}

function noFolder(folder: string, world: string): HostError {
  return new HostError(
    'HOST_ERR_WIT_INVALID',
    `agent.toml: world '${world}' is none of ${ownWorlds.join(', ')}, command, so it must be in a WIT package, and there is no .wit file in ${folder}; wit = "…" names another folder`,
    { folder, world },
  );
}
