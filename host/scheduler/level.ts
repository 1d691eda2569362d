import {
  type Level,
  levels,
  type Priority,
  type Scheduling,
  type SchedulingClass,
} from '../manifest/scheduling.ts';
import type { Terms } from './standings.ts';

export { type Level, levels } from '../manifest/scheduling.ts';

/** The place of a level: 0 is first. */
export function rankOfLevel(level: Level): number {
  return levels.indexOf(level);
}

/** The place of the level of an agent of this class and priority. */
export function levelOf(schedulingClass: SchedulingClass, priority: Priority): number {
  if (schedulingClass === 'real-time') return rankOfLevel('realtime');
  return rankOfLevel(schedulingClass === 'batch' ? 'batch' : priority);
}

/** What a manifest's `[scheduling]` comes to. */
export function termsOfManifest({
  class: schedulingClass,
  priority,
  weight,
  rate,
  deadlineMs,
}: Scheduling): Terms {
  return { level: levelOf(schedulingClass, priority), weight, rate, deadlineMs };
}
