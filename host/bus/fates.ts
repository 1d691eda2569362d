import { Acknowledgements } from './acknowledgements.ts';
import type { DeadLetter, DeadLetters } from './dead-letters.ts';
import type { Journal } from './journal-port.ts';
import type { Outbox } from './outbox.ts';
import type { RegisteredMail } from './registered-mail.ts';

export interface FatesOptions {
  readonly self: number;
  readonly journal: Journal | undefined;
  readonly outbox: Outbox;
  readonly mail: RegisteredMail;
  readonly deadLetters: DeadLetters;
  /** Told of every letter that is kept here. */
  readonly onDeadLetter: ((letter: DeadLetter) => void) | undefined;
}

/** What became of messages, brought to the thread whose journal has them. An entry of 0 is in no journal. */
export class Fates {
  readonly #options: FatesOptions;
  readonly #acknowledgements: Acknowledgements;

  constructor(options: FatesOptions) {
    this.#options = options;
    this.#acknowledgements = new Acknowledgements(options.outbox);
  }

  settled(thread: number, entry: number): void {
    if (entry === 0) return;
    if (thread === this.#options.self) this.#options.mail.settled(entry, 1);
    else this.#acknowledgements.add(thread, entry);
  }

  withdrawn(thread: number, entry: number): void {
    if (entry === 0) return;
    if (thread === this.#options.self) this.#options.mail.withdrawn(entry);
    else this.#options.outbox.owed(thread, { kind: 'withdrawn', entry });
  }

  attempted(thread: number, entry: number, attempt: number): void {
    if (entry === 0) return;
    if (thread === this.#options.self) this.#options.mail.attempted(entry, attempt);
    else this.#options.outbox.owed(thread, { kind: 'attempted', entry, attempt });
  }

  died(thread: number, letter: DeadLetter): void {
    if (thread === this.#options.self || letter.entry === 0) this.keep(letter);
    else this.#options.outbox.owed(thread, { kind: 'died', letter });
  }

  /** A dead letter that this thread's journal has, or nobody's. */
  keep(letter: DeadLetter): void {
    const { entry, reason, failure } = letter;
    const { deadLetters, mail, journal, onDeadLetter } = this.#options;
    deadLetters.add(letter);
    onDeadLetter?.(letter);
    if (entry === 0) return;
    mail.died(entry);
    journal?.died(entry, reason, failure);
  }

  /** Tells other threads now what would be told at the end of the turn. */
  flush(): void {
    this.#acknowledgements.flush();
  }

  /** A thread is gone. */
  forget(thread: number): void {
    this.#acknowledgements.forget(thread);
  }
}
