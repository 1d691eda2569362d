import type { Table } from './table.ts';

/** What a manifest may ask for in so many words; the first goes first. */
export const priorities = ['critical', 'high', 'normal', 'low'] as const;

export type Priority = (typeof priorities)[number];

/** `real-time` is before every priority and `batch` behind every one. */
export const schedulingClasses = ['interactive', 'real-time', 'batch'] as const;

export type SchedulingClass = (typeof schedulingClasses)[number];

/** Who goes first, whatever the policy: an agent of one level before all of the levels behind it. */
export const levels = ['realtime', 'critical', 'high', 'normal', 'low', 'batch'] as const;

export type Level = (typeof levels)[number];

/** The place of a level: 0 is first. */
export function rankOfLevel(level: Level): number {
  return levels.indexOf(level);
}

/** Undefined: there is no such level. */
export function levelNamed(text: string): Level | undefined {
  return levels.find((level) => level === text);
}

/** The level of an agent of this class and priority. */
export function levelOfScheduling({ class: own, priority }: Pick<Scheduling, 'class' | 'priority'>): Level {
  if (own === 'real-time') return 'realtime';
  return own === 'batch' ? 'batch' : priority;
}

/** How an agent's turns stand to those of others. */
export interface Scheduling {
  readonly priority: Priority;
  readonly class: SchedulingClass;
  /** Its share of the fuel of its thread, by those of the others of its level that have something to do. */
  readonly weight: number;
  /** Turns a second that it is promised where the host's policy is `rate-based`. */
  readonly rate: number;
  /** Milliseconds within which a message of it is due where the host's policy is `earliest-deadline`. */
  readonly deadlineMs: number;
}

export const defaultScheduling: Scheduling = {
  priority: 'normal',
  class: 'interactive',
  weight: 1,
  rate: 10,
  deadlineMs: 30_000,
};

const weightBounds = { min: 1, max: 1000 };
const rateBounds = { min: 1, max: 1_000_000 };
const deadlineBounds = { min: 1, max: 24 * 3_600_000 };

/** @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_LIMIT_INVALID` */
export function schedulingOf(manifest: Table): Scheduling {
  const table = manifest.table('scheduling').only(['priority', 'class', 'weight', 'rate', 'deadline']);
  const schedulingClass = table.choice('class', schedulingClasses, defaultScheduling.class);
  if (schedulingClass !== 'interactive' && table.has('priority'))
    throw table.wrong(
      'priority',
      `left out beside class = "${schedulingClass}", which is a level of its own`,
    );
  return {
    priority: table.choice('priority', priorities, defaultScheduling.priority),
    class: schedulingClass,
    weight: table.quantity('weight', 'count', weightBounds, defaultScheduling.weight),
    rate: table.quantity('rate', 'count', rateBounds, defaultScheduling.rate),
    deadlineMs: table.quantity('deadline', 'ms', deadlineBounds, defaultScheduling.deadlineMs),
  };
}
