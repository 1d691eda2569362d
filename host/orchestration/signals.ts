import { WaitLine, type Waits } from './waits.ts';

/** A word somebody was told, and by whom first. */
export interface Signal {
  readonly word: string;
  readonly from: string;
}

/** What came of telling somebody a word. */
export type RaiseEnd = 'raised' | 'again' | 'full';

/**
 * Words that one receiver was told and has not awaited yet. A word that is told again before that is still one: a
 * signal says that something is so, not how often.
 */
export class Signals {
  readonly #waits: Waits;
  readonly #mayKeep: (words: number) => boolean;
  readonly #raised = new Map<string, string>();
  readonly #lines = new Map<string, WaitLine<Signal>>();

  /** `wordsMax`: different words that wait for the receiver at most, or whether it may have so many. */
  constructor(waits: Waits, wordsMax: number | ((words: number) => boolean) = 64) {
    this.#waits = waits;
    this.#mayKeep = typeof wordsMax === 'number' ? (words) => words <= wordsMax : wordsMax;
  }

  get size(): number {
    return this.#raised.size;
  }

  get isIdle(): boolean {
    return this.#raised.size === 0 && this.#lines.size === 0;
  }

  raise(word: string, from: string): RaiseEnd {
    const line = this.#lines.size === 0 ? undefined : this.#lines.get(word);
    if (line?.first !== undefined) {
      line.give(line.first, { word, from });
      return 'raised';
    }
    if (this.#raised.has(word)) return 'again';
    if (!this.#mayKeep(this.#raised.size + 1)) return 'full';
    this.#raised.set(word, from);
    return 'raised';
  }

  /** Who told a word, which is then as if it had not been told. */
  take(word: string): string | undefined {
    const from = this.#raised.get(word);
    if (from !== undefined) this.#raised.delete(word);
    return from;
  }

  /** As `take`, and waits for it at most `waitMs`. */
  async await(
    word: string,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<Signal | 'timed-out' | 'cancelled' | 'refused'> {
    const from = this.take(word);
    if (from !== undefined) return { word, from };
    let line = this.#lines.get(word);
    if (line === undefined) {
      line = new WaitLine<Signal>(this.#waits);
      this.#lines.set(word, line);
    }
    const [end, told] = await line.wait(waitMs, signal);
    if (line.isEmpty) this.#lines.delete(word);
    if (end === 'came') return told as Signal;
    return end === 'closed' ? 'cancelled' : end;
  }

  /** The receiver is no more. */
  close(): void {
    for (const line of this.#lines.values()) line.close();
    this.#raised.clear();
  }
}
