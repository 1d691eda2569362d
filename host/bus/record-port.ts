import type { Message } from './message.ts';

/** Where a bus has put on record what its senders do. Nothing of it waits or throws. */
export interface BusRecord {
  /** What could not be recorded is not begun: while this is true no message is taken. */
  readonly isFull: boolean;
  /** Whether messages are recorded of anybody: asked before anything is told. */
  readonly hasMessages: boolean;
  /**
   * A message was taken.
   * @param from the sender's id; 0: from outside
   * @param principal on whose behalf it came from outside
   * @param receiver the agent it goes to; undefined: whoever is subscribed
   */
  sent(from: number, principal: string | undefined, message: Message, receiver: string | undefined): void;
}
