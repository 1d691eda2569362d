import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { HostError } from '../../host/errors.ts';
import { nearest } from '../../host/nearest.ts';
import { hasPackage, isWitFile, readWit, type WitText, witFolder } from './wit-text.ts';

/** Manifest words for the worlds of `motehost:agent`. */
export const ownWorlds: readonly string[] = [
  'handler',
  'agent',
  'async-handler',
  'async-agent',
  'watched-handler',
  'watched-agent',
];

/** Where a folder has its WIT package when its manifest does not say. */
export const defaultWit = 'wit';

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

function isEmpty(folder: string): boolean {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return true;
  }
  return !names.some((name) => isWitFile(join(folder, name)));
}

function noFolder(folder: string, world: string): HostError {
  const words = [...ownWorlds, 'command'];
  return new HostError(
    'HOST_ERR_WIT_INVALID',
    `agent.toml: world '${world}' is none of ${words.join(', ')}${nearest(world, words)}; so it must be in a WIT package, and there is no .wit file in ${folder}; wit = "…" names another folder`,
    { folder, world },
  );
}
