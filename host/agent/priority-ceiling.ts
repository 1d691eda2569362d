import { HostError } from '../errors.ts';
import { type Level, levelOfScheduling, rankOfLevel } from '../manifest/scheduling.ts';
import type { Manifest } from '../manifest.ts';

/**
 * Whether a manifest stays under the level that the host's settings allow agents at most, with its own level and with
 * the one it may ask for.
 * @throws HostError `HOST_ERR_LIMIT_INVALID` naming file, key and the host's limit
 */
export function requireUnderCeiling(
  { scheduling, grants: { bus } }: Manifest,
  path: string,
  priorityMax: Level | undefined,
): void {
  if (priorityMax === undefined) return;
  const key = scheduling.class === 'interactive' ? 'scheduling.priority' : 'scheduling.class';
  requireLevel(levelOfScheduling(scheduling), key, path, priorityMax);
  if (bus.priorityMax !== undefined)
    requireLevel(bus.priorityMax, 'capabilities.bus.priority', path, priorityMax);
}

function requireLevel(level: Level, key: string, path: string, priorityMax: Level): void {
  if (rankOfLevel(level) >= rankOfLevel(priorityMax)) return;
  throw new HostError(
    'HOST_ERR_LIMIT_INVALID',
    `${path}: ${key}: agents of this host have the level '${priorityMax}' at most ([scheduler] priority-max), and ` +
      `this is '${level}'; write a later one, or have the host's settings allow it`,
    { path, key, level, max: priorityMax },
  );
}
