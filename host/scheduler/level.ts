/** Who goes first, whatever the policy: an agent of one level before all of the levels behind it. */
export const levels = ['realtime', 'critical', 'high', 'normal', 'low', 'batch'] as const;

export type Level = (typeof levels)[number];

/** What a manifest may ask for in so many words. */
export const priorities = ['critical', 'high', 'normal', 'low'] as const;

export type Priority = (typeof priorities)[number];

/** `real-time` is before every priority and `batch` behind every one. */
export const schedulingClasses = ['interactive', 'real-time', 'batch'] as const;

export type SchedulingClass = (typeof schedulingClasses)[number];

/** The place of a level: 0 is first. */
export function rankOfLevel(level: Level): number {
  return levels.indexOf(level);
}

/** The place of the level of an agent of this class and priority. */
export function levelOf(schedulingClass: SchedulingClass, priority: Priority): number {
  if (schedulingClass === 'real-time') return rankOfLevel('realtime');
  return rankOfLevel(schedulingClass === 'batch' ? 'batch' : priority);
}
