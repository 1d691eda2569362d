/** Why an agent handles nothing until a person says so; plain data, kept over restarts of the host. */
export interface Halt {
  /** Held with all that waits for it after it failed, paused with the same by somebody, or ended for good. */
  readonly kind: 'held' | 'paused' | 'terminated';
  /** For people: what ended its last message, or who wants it so. */
  readonly why: string;
  /** Ids of the messages it failed at, which are kept for it while it is held. */
  readonly messages: readonly string[];
  /** How somebody ended it, as long as the host runs that saw it. */
  readonly rein?: 'stop' | 'kill';
}

/** Messages one agent is held with; more than one only if it failed at some of them before others. */
const messagesMax = 100;

/** A halt, and one more message that led to it; undefined: a request, which its asker was told of. */
export function haltWith(before: Halt | undefined, why: string, message: string | undefined): Halt {
  const held = before?.kind === 'held' ? before : undefined;
  const messages = [...(held?.messages ?? []), ...(message === undefined ? [] : [message])].slice(
    -messagesMax,
  );
  return { kind: 'held', why: held?.why ?? why, messages };
}
