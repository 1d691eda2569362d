import { createInterface } from 'node:readline';

/** Asks a person, turn by turn, how to go on. What was typed ahead, or comes from a file, is taken line by line. */
export class Stepping {
  readonly #lines: AsyncIterator<string>;
  readonly #close: () => void;
  #until = 0;

  constructor() {
    const reader = createInterface({ input: process.stdin });
    this.#lines = reader[Symbol.asyncIterator]();
    this.#close = () => reader.close();
  }

  /** Whether this turn is to be shown. */
  shows(turn: number): boolean {
    return turn >= this.#until;
  }

  /** After a turn that was shown; false: that was all. */
  async goesOn(turn: number): Promise<boolean> {
    if (!this.shows(turn)) return true;
    for (;;) {
      process.stderr.write('Enter: next turn; a number: go on to that turn; q: end > ');
      const { value, done } = await this.#lines.next();
      const word = done === true ? 'q' : value.trim();
      if (word === 'q') return false;
      if (word === '' || /^\d{1,9}$/.test(word)) {
        this.#until = word === '' ? turn + 1 : Number(word);
        if (this.#until > turn) return true;
        process.stderr.write(`turn ${word} is over; begin again with --from ${word}\n`);
      }
    }
  }

  close(): void {
    this.#close();
  }
}
