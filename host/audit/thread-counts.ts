import { decodeEvent } from './event.ts';
import { kinds } from './kinds.ts';

/** An event whose thread's own count does not follow from the one before. */
export interface Skip {
  readonly sequence: number;
  readonly offset: number;
  readonly thread: number;
  readonly expected: number;
  readonly found: number;
}

/** The chain's own thread, whose first event begins a run of the host. */
const ownThread = 0;

/**
 * Follows the counts that threads put on their events, each from 1 in each run of the host: an event that a thread
 * recorded and that never came to the chain leaves a gap, one that came twice a step back.
 */
export class ThreadCounts {
  /** Events that the chain itself says never came. */
  lost = 0;
  readonly #next = new Map<number, number>();
  /** Whether the run was seen from its beginning: else the first count of a thread may be any. */
  #isWhole = false;

  /** What came before is not known. */
  forget(): void {
    this.#next.clear();
    this.#isWhole = false;
  }

  /** @returns what is wrong with the count of the record at `bytes[at]` */
  take(bytes: Uint8Array, at: number, length: number, sequence: number, offset: number): Skip | undefined {
    // An array of fewer than 24 items, then three numbers (`EventWriter.begin`).
    const kindAt = at + 1;
    const threadAt = kindAt + uintBytes(bytes, kindAt);
    const countAt = threadAt + uintBytes(bytes, threadAt);
    const thread = uintOf(bytes, threadAt);
    const found = uintOf(bytes, countAt);
    if (thread === ownThread && found === 1) {
      this.#next.clear();
      this.#isWhole = true;
    }
    if (uintOf(bytes, kindAt) === kinds.eventsLost) this.lost += lostIn(bytes.subarray(at, at + length));
    const expected = this.#next.get(thread) ?? (this.#isWhole ? 1 : found);
    this.#next.set(thread, found + 1);
    return found === expected ? undefined : { sequence, offset, thread, expected, found };
  }
}

/** Of a CBOR number; 1 for what is none, which the events' decoder refuses. */
function uintBytes(bytes: Uint8Array, at: number): number {
  const info = bytes[at] as number;
  return info < 24 || info > 27 ? 1 : 1 + 2 ** (info - 24);
}

function uintOf(bytes: Uint8Array, at: number): number {
  const end = at + uintBytes(bytes, at);
  if (end === at + 1) return bytes[at] as number;
  let value = 0;
  for (let next = at + 1; next < end; next += 1) value = value * 256 + (bytes[next] as number);
  return value;
}

function lostIn(record: Uint8Array): number {
  const [count] = decodeEvent(0, record).fields;
  return typeof count === 'number' ? count : 0;
}

/** In words. */
export function skipText({ thread, expected, found }: Skip): string {
  if (found <= expected) return `event ${found} of thread ${thread} is here again`;
  const last = found - 1;
  const which = last === expected ? `event ${last}` : `events ${expected} to ${last}`;
  return `${which} of thread ${thread} never came to the chain`;
}
