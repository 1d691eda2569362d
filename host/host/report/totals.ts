/**
 * Counters that only rise, of things that begin to count anew: a thread that takes a lost one's place begins at nothing,
 * and what the lost one had counted stays counted.
 */
export class Totals {
  readonly #series = new Map<string, { last: number; base: number }>();

  /** What a series comes to, its present count being `value`. */
  at(series: string, value: number): number {
    const known = this.#series.get(series);
    if (known === undefined) {
      this.#series.set(series, { last: value, base: 0 });
      return value;
    }
    if (value < known.last) known.base += known.last;
    known.last = value;
    return known.base + value;
  }
}
