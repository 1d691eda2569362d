import type { Failure, Guarantee, Message } from './message.ts';

export type DeadReason =
  | 'expired'
  | 'attempts'
  | 'invalid'
  | 'refused'
  | 'removed'
  | 'mailbox-full'
  | 'failed'
  | 'terminated'
  | 'dropped'
  | 'corrupt';

/** A message that was accepted and will not be dealt with. */
export interface DeadLetter {
  readonly message: Message;
  /** The receiver's name. */
  readonly receiver: string;
  readonly guarantee: Guarantee;
  readonly reason: DeadReason;
  /** What the receiver said last. */
  readonly failure: Failure | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** Its entry in the journal of the thread that has the letter; 0: it is in none. */
  readonly entry: number;
}

/** The latest dead letters of one thread, at most `lettersMax` and `bytesMax` together; the oldest make room, the latest stays. */
export class DeadLetters {
  readonly #lettersMax: number;
  readonly #bytesMax: number;
  readonly #letters = new Set<DeadLetter>();
  #total = 0;
  #bytes = 0;

  constructor(lettersMax: number, bytesMax: number) {
    this.#lettersMax = lettersMax;
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#letters.size;
  }

  /** Ever, those that made room included. */
  get total(): number {
    return this.#total;
  }

  add(letter: DeadLetter): void {
    this.#total++;
    this.#letters.add(letter);
    this.#bytes += bytesOf(letter);
    for (const oldest of this.#letters) {
      const isOver = this.#letters.size > this.#lettersMax || this.#bytes > this.#bytesMax;
      if (!isOver || oldest === letter) return;
      this.#remove(oldest);
    }
  }

  #remove(letter: DeadLetter): void {
    if (this.#letters.delete(letter)) this.#bytes -= bytesOf(letter);
  }

  /** The latest `max`, newest first. */
  latest(max: number): readonly DeadLetter[] {
    return [...this.#letters].reverse().slice(0, max);
  }

  /** Takes every letter of a message's id out. */
  take(id: string): readonly DeadLetter[] {
    const taken = [...this.#letters].filter(({ message }) => message.id === id);
    for (const letter of taken) this.#remove(letter);
    return taken;
  }
}

function bytesOf({ message: { headers, body } }: DeadLetter): number {
  return headers.reduce((bytes, { name, value }) => bytes + name.length + value.length, body.length);
}
