/** How far behind the newest message another may come and still be told from a repetition. */
export const windowSize = 1024;

const wordCount = windowSize / 32;

/** Which of the last 1,024 sequence numbers were here. Sequence numbers begin with 1. */
export class ReplayWindow {
  /** A bit a number, by its remainder. */
  readonly #seen = new Uint32Array(wordCount);
  #newest = 0;

  /** Asked before anything is believed: changes nothing. */
  verdict(sequence: number): 'fresh' | 'replayed' | 'stale' {
    if (sequence > this.#newest) return 'fresh';
    if (sequence <= this.#newest - windowSize || sequence < 1) return 'stale';
    const bit = sequence % windowSize;
    return (((this.#seen[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1 ? 'replayed' : 'fresh';
  }

  /** Told once a message is found authentic. */
  mark(sequence: number): void {
    if (sequence > this.#newest) this.#advance(sequence);
    const bit = sequence % windowSize;
    this.#seen[bit >>> 5] = (this.#seen[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }

  #advance(sequence: number): void {
    if (sequence - this.#newest >= windowSize) this.#seen.fill(0);
    else
      for (let passed = this.#newest + 1; passed < sequence; passed++) {
        const bit = passed % windowSize;
        this.#seen[bit >>> 5] = (this.#seen[bit >>> 5] ?? 0) & ~(1 << (bit & 31));
      }
    const bit = sequence % windowSize;
    this.#seen[bit >>> 5] = (this.#seen[bit >>> 5] ?? 0) & ~(1 << (bit & 31));
    this.#newest = sequence;
  }
}
