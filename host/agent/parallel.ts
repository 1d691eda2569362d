import { instancesGroup } from '../bus/bus.ts';
import type { LifecycleState } from './lifecycle.ts';
import type { Spec } from './spec.ts';

/** Whether agents of a spec have several instances, which share their messages and keep nothing. */
export function isParallel({ manifest }: Spec): boolean {
  return manifest.execution.mode === 'parallel';
}

/** The queue group in which the instances of a parallel agent are, so that one of them gets what all subscribe to. */
export function groupOf(name: string, spec: Spec): string | undefined {
  return isParallel(spec) ? `${instancesGroup}${name}` : undefined;
}

/** An agent is in the first of these states that an instance of it is in: as long as one can do something, it can. */
const liveliest: readonly LifecycleState[] = [
  'running',
  'waiting',
  'initializing',
  'ready',
  'terminating',
  'suspended',
  'created',
  'unreachable',
  'failed',
  'completed',
  'terminated',
];

/** The state of an agent, by those of its instances. */
export function lifecycleOfAll(states: readonly LifecycleState[]): LifecycleState {
  return liveliest.find((state) => states.includes(state)) ?? 'unreachable';
}
