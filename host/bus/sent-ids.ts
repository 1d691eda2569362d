import type { Accepted, Sender } from './delivery.ts';
import { IdWindow } from './id-window.ts';
import type { BusError } from './message.ts';
import type { Resident } from './resident.ts';

type Result = Accepted | BusError | Promise<Accepted | BusError>;

export interface SentIdsOptions {
  /** Of one agent; of all callers from outside together. */
  readonly idsMax: number;
  readonly idsFromOutsideMax: number;
}

/**
 * The ids that senders gave to their messages, by target: what comes twice is sent once. Agents have a window each;
 * callers from outside share one, in which each principal has its own ids.
 */
export class SentIds {
  readonly #idsMax: number;
  readonly #fromOutside: IdWindow;

  constructor({ idsMax, idsFromOutsideMax }: SentIdsOptions) {
    this.#idsMax = idsMax;
    this.#fromOutside = new IdWindow(idsFromOutsideMax);
  }

  /** Sends under an id, unless it was sent before. What was refused may be sent again with the same id. */
  once(from: Sender, resident: Resident | undefined, target: string, id: string, send: () => Result): Result {
    const window = resident === undefined ? this.#fromOutside : resident.sent(this.#idsMax);
    const key = `${target}\0${from.principal ?? ''}\0${id}`;
    if (window.has(key)) return { id, receivers: 0, dropped: 0 };
    window.add(key);
    return keeping(send, () => window.delete(key));
  }
}

/** Forgets unless it was accepted. */
function keeping(send: () => Result, forget: () => void): Result {
  try {
    const result = send();
    if (result instanceof Promise) {
      return result.then(
        (settled) => {
          if ('tag' in settled) forget();
          return settled;
        },
        (thrown: unknown) => {
          forget();
          throw thrown;
        },
      );
    }
    if ('tag' in result) forget();
    return result;
  } catch (thrown) {
    forget();
    throw thrown;
  }
}
