import type { Delivery } from '../bus/delivery.ts';
import type { Agent } from './agent.ts';
import type { Spec } from './spec.ts';

/** Where the agents of a thread have put on record what they do. Nothing of it waits or throws. */
export interface LifeRecord {
  /** What could not be recorded is not begun: while this is true messages wait in their mailboxes. */
  readonly isFull: boolean;
  /** Whether messages are recorded of anybody: asked before anything is told. */
  readonly hasMessages: boolean;
  /** Agents of this spec may come. */
  learnt(spec: Spec): void;
  /** An agent begins to handle a message. */
  begun(agent: Agent, delivery: Delivery): void;
}
