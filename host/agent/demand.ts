import { HostError } from '../errors.ts';
import { levelOfScheduling, rankOfLevel } from '../manifest/scheduling.ts';
import { coreMillionths, type Demand } from '../scheduler/placement.ts';
import type { Spec } from './spec.ts';

const msPerSecond = 1000;

/** What an agent wants of its thread: its share of a processor, where it reserves one, and its weight. */
export function demandOf({ manifest, limits }: Spec): Demand {
  const { scheduling, resources } = manifest;
  const level = rankOfLevel(levelOfScheduling(scheduling));
  const { weight } = scheduling;
  if (resources.cpuMs === undefined) return { level, weight };
  const cpu = Math.round((resources.cpuMs.perSecond / msPerSecond) * coreMillionths);
  return { level, weight, cpu, memoryBytes: limits.memoryBytesMax };
}

/** No thread can promise an agent what it reserves. */
export function noRoom({ manifestPath }: Spec, { cpu = 0, memoryBytes = 0 }: Demand): HostError {
  const quota = cpu / coreMillionths;
  return new HostError(
    'HOST_ERR_BUDGET_EXHAUSTED',
    `${manifestPath}: no thread has room for cpu-quota = ${quota} and ${memoryBytes} bytes of memory; ask for less in [resources] and [limits], or serve with more --threads or --memory-total`,
    { cpu: quota, memoryBytes },
  );
}
