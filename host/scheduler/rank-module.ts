import { pathToFileURL } from 'node:url';
import type { SchedulerSettings } from '../config/scheduler-settings.ts';
import { HostError } from '../errors.ts';
import type { RankFunction } from './policies/custom.ts';

/**
 * The function of the policy `custom`; undefined for all others.
 * @throws HostError `HOST_ERR_CONFIG_INVALID` for a module that does not load or exports no function `rank`
 */
export async function loadRank({
  policy,
  module,
  component,
}: SchedulerSettings): Promise<RankFunction | undefined> {
  if (policy !== 'custom' || component !== undefined) return undefined;
  if (module === undefined)
    throw new HostError(
      'HOST_ERR_CONFIG_INVALID',
      "the scheduler's policy 'custom' needs a function or a component: set [scheduler] module to a file that exports `rank`, or component to one that exports motehost:scheduling/policy",
    );
  let found: { readonly rank?: unknown };
  try {
    found = (await import(pathToFileURL(module).href)) as { readonly rank?: unknown };
  } catch (cause) {
    throw new HostError(
      'HOST_ERR_CONFIG_INVALID',
      `the scheduler's module ${module} does not load: ${String(cause)}`,
      { path: module },
      cause,
    );
  }
  if (typeof found.rank === 'function') return found.rank as RankFunction;
  throw new HostError(
    'HOST_ERR_CONFIG_INVALID',
    `the scheduler's module ${module} exports no function named rank`,
    { path: module },
  );
}
