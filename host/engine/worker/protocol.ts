import type { WireError } from '../../errors.ts';

/**
 * What one side of a control channel can be told: each name with what it takes and what it answers. Only data that
 * the structured clone takes.
 */
export type Calls = Readonly<Record<string, (input: never) => unknown>>;

export type InputOf<Call> = Call extends (input: infer Input) => unknown ? Input : never;
export type AnswerOf<Call> = Call extends (input: never) => infer Answer ? Awaited<Answer> : never;

/** What crosses a control channel. */
export type Packet =
  | { readonly kind: 'call'; readonly id: number; readonly name: string; readonly input: unknown }
  | { readonly kind: 'post'; readonly name: string; readonly input: unknown }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: WireError }
  /** The other side made a mistake of its own. */
  | { readonly kind: 'bug'; readonly id: number; readonly text: string }
  | { readonly kind: 'ready' }
  /** Finish what was begun, then say `retired`. */
  | { readonly kind: 'retire' }
  | { readonly kind: 'retired' };

/** What a thread of the pool is started with. */
export interface ThreadStart<Start = unknown> {
  /** Its name in logs and in a debugger. */
  readonly name: string;
  /** What the owner gives to every thread. */
  readonly start: Start;
}
