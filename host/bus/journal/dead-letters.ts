import type { Mark } from './record.ts';

export type Death = Extract<Mark, { kind: 'died' }>;

/** The messages of a journal that were given up: so many, so many bytes, oldest out first. */
export class DeadLetters {
  readonly #countMax: number;
  readonly #bytesMax: number;
  readonly #deaths = new Map<number, { readonly death: Death; readonly bytes: number }>();
  #bytes = 0;
  /** Those that had to make room. */
  dropped = 0;

  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#deaths.size;
  }

  add(death: Death, bytes: number): void {
    this.remove(death.sequence);
    this.#deaths.set(death.sequence, { death, bytes });
    this.#bytes += bytes;
  }

  get(sequence: number): Death | undefined {
    return this.#deaths.get(sequence)?.death;
  }

  remove(sequence: number): boolean {
    const found = this.#deaths.get(sequence);
    if (found === undefined) return false;
    this.#bytes -= found.bytes;
    return this.#deaths.delete(sequence);
  }

  /** The oldest, when it has to make room. The newest stays, whatever its size. */
  surplus(): number | undefined {
    const isOver = this.#deaths.size > this.#countMax || this.#bytes > this.#bytesMax;
    if (!isOver || this.#deaths.size <= 1) return undefined;
    const [oldest] = this.#deaths.keys();
    this.dropped += 1;
    return oldest;
  }
}
