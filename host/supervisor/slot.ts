import type { Child } from './child.ts';
import type { ChildSpec } from './child-spec.ts';

/**
 * Where a child is: not started or ended for good, being started, there, waiting to be started again, being
 * stopped.
 */
export type ChildState = 'down' | 'starting' | 'up' | 'waiting' | 'stopping';

/** A child's place in its supervisor. */
export class Slot {
  readonly spec: ChildSpec;
  state: ChildState = 'down';
  child: Child | undefined;
  /** Of this one child; what is heard of another is old. */
  run = 0;
  restarts = 0;
  /** Ends in a row, none of them long after its start. */
  failures = 0;
  upSinceMs = 0;
  lastExit: string | undefined;

  constructor(spec: ChildSpec) {
    this.spec = spec;
  }
}
