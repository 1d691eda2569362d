import { levelOfScheduling, rankOfLevel, type Scheduling } from '../manifest/scheduling.ts';
import type { Terms } from './standings.ts';

export { type Level, levels, rankOfLevel } from '../manifest/scheduling.ts';

/** What a manifest's `[scheduling]` comes to. */
export function termsOfManifest(scheduling: Scheduling): Terms {
  const { weight, rate, deadlineMs } = scheduling;
  return { level: rankOfLevel(levelOfScheduling(scheduling)), weight, rate, deadlineMs };
}
