import { availableParallelism } from 'node:os';
import type { LinksOptions } from '../bus/links.ts';
import type { SchedulerSettings } from '../config/scheduler-settings.ts';

/** About what it costs both sides to wake a thread whose core sleeps, in a virtual machine. */
const spinUsDefault = 100;

/** How long a thread looks at its rings before it sleeps, and how many do at once: one core is left for those that work. */
export function spinningOf(
  { spinUsMax = spinUsDefault }: SchedulerSettings,
  cores: number = availableParallelism(),
): Pick<LinksOptions, 'spinUsMax' | 'spinnersMax'> {
  return { spinUsMax: cores > 1 ? spinUsMax : 0, spinnersMax: Math.max(1, cores - 1) };
}
