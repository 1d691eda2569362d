import type { AgentPhase } from '../agent/agent.ts';
import type { Spec } from '../agent/spec.ts';
import type { Metric } from './serving.ts';

/** What the main thread asks of a thread; each is answered. */
export type Command =
  | { readonly kind: 'learn'; readonly spec: Spec }
  | { readonly kind: 'forget'; readonly spec: number }
  | {
      readonly kind: 'add';
      readonly spec: number;
      readonly agents: readonly (readonly [id: number, name: string])[];
    }
  /** Another program or other settings; messages wait meanwhile. */
  | { readonly kind: 'replace'; readonly id: number; readonly spec: number }
  | { readonly kind: 'remove'; readonly id: number }
  | { readonly kind: 'report'; readonly ids: readonly number[] }
  | { readonly kind: 'status' }
  /** Ends what is under way within this time, then saves everybody. */
  | { readonly kind: 'drain'; readonly drainMs: number };

export interface Answers {
  learn: undefined;
  forget: undefined;
  add: undefined;
  replace: undefined;
  remove: undefined;
  report: readonly (AgentReport | undefined)[];
  status: ThreadReport;
  drain: undefined;
}

/** What a thread knows of one of its agents. */
export interface AgentReport {
  readonly state: AgentPhase;
  readonly handled: number;
  readonly failed: number;
  readonly fuel: bigint;
  readonly memoryBytes: number;
  readonly lastError: string | undefined;
}

export interface ThreadReport {
  readonly agents: number;
  readonly states: Readonly<Record<AgentPhase, number>>;
  readonly active: number;
  readonly queued: number;
  readonly handled: number;
  readonly fuel: bigint;
  readonly memories: number;
  readonly heapBytes: number;
  readonly metrics: readonly Metric[];
}
