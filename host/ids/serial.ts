const digits = 36;
const block = digits * digits;
const pairs: readonly string[] = Array.from({ length: block }, (_, at) =>
  at.toString(digits).padStart(2, '0'),
);

/**
 * Texts that count up from a beginning, each different from all before: `begin` and a number in base 36. They are put
 * together from parts, as a number is turned into text once in 1296 times.
 */
export class Serial {
  readonly #begin: string;
  #block = 0;
  #blockText: string;
  #at = 0;

  constructor(begin: string) {
    this.#begin = begin;
    this.#blockText = `${begin}0`;
  }

  next(): string {
    if (++this.#at === block) {
      this.#at = 0;
      this.#block += 1;
      this.#blockText = this.#begin + this.#block.toString(digits);
    }
    return this.#blockText + (pairs[this.#at] as string);
  }
}
