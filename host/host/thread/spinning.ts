import { availableParallelism } from 'node:os';
import type { LinksOptions } from '../../bus/links.ts';
import type { SchedulerSettings } from '../../config/scheduler-settings.ts';

/** Off: it is worth it only where threads stay on cores of their own, which the kernel decides anew all the time. */
const spinUsDefault = 0;

/** How long a thread looks at its rings before it sleeps, and how many do at once: one core is left for those that work. */
export function spinningOf(
  { spinUsMax = spinUsDefault }: SchedulerSettings,
  cores: number = availableParallelism(),
): Pick<LinksOptions, 'spinUsMax' | 'spinnersMax'> {
  return { spinUsMax: cores > 1 ? spinUsMax : 0, spinnersMax: Math.max(1, cores - 1) };
}
