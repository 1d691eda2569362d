import type { Backoff } from './backoff.ts';
import type { Child } from './child.ts';

/**
 * When a child that ended is started again: whatever its end was (`permanent`), unless it ended in good order
 * (`transient`), never (`temporary`; its spec goes with it).
 */
export type RestartClass = 'permanent' | 'transient' | 'temporary';

const names: Readonly<Record<string, RestartClass>> = {
  permanent: 'permanent',
  always: 'permanent',
  transient: 'transient',
  'on-failure': 'transient',
  onfailure: 'transient',
  temporary: 'temporary',
  never: 'temporary',
};

/** The class by any of its names: `permanent`, `Always`, `on-failure`, `OnFailure`, …; undefined: there is none. */
export function restartClassNamed(name: string): RestartClass | undefined {
  return names[name.toLowerCase()];
}

/** What a supervisor knows of a child before there is one. */
export interface ChildSpec {
  /** Unique among its siblings. */
  readonly id: string;
  /** Resolves when it does what it is there for; rejects when it cannot. */
  readonly start: () => Promise<Child>;
  readonly restart: RestartClass;
  /** Milliseconds for `start`; beyond, it failed, and what comes of it later is killed. Default 30 s. */
  readonly startMsMax?: number;
  /** Milliseconds for an end in good order, then it is killed; 0: killed at once. Default 5 s. */
  readonly shutdownMs?: number;
  /** Default: restarted at once. */
  readonly backoff?: Backoff;
}

export const defaultStartMsMax = 30_000;
export const defaultShutdownMs = 5_000;
