import type { Backoff } from './backoff.ts';
import type { ChildSpec, RestartClass } from './child-spec.ts';
import { Supervisor, type SupervisorRooms, type SupervisorSpec } from './supervisor.ts';

export interface SubtreeSpec extends SupervisorSpec {
  /** When the whole of it is started again; default `permanent`. */
  readonly restart?: RestartClass;
  readonly backoff?: Backoff;
}

/**
 * A supervisor as the child of another: its children have as long to end as they like, and one that gave up counts
 * as failed. `begun` hears of each one that is started.
 */
export function subtree(
  spec: SubtreeSpec,
  rooms: SupervisorRooms,
  begun: (supervisor: Supervisor) => void = () => {},
): ChildSpec {
  const { restart = 'permanent', backoff } = spec;
  return {
    id: spec.name,
    restart,
    shutdownMs: Number.POSITIVE_INFINITY,
    startMsMax: Number.POSITIVE_INFINITY,
    ...(backoff && { backoff }),
    start: async () => {
      const supervisor = new Supervisor(spec, rooms);
      begun(supervisor);
      await supervisor.start();
      return supervisor;
    },
  };
}
