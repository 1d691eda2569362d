/** The latest ids somebody used: between `idsMax` and twice as many are remembered. */
export class IdWindow {
  readonly #idsMax: number;
  #recent = new Set<string>();
  #older: Set<string> | undefined = undefined;

  constructor(idsMax: number) {
    this.#idsMax = idsMax;
  }

  has(id: string): boolean {
    return this.#recent.has(id) || this.#older?.has(id) === true;
  }

  add(id: string): void {
    if (this.#recent.size >= this.#idsMax) {
      this.#older = this.#recent;
      this.#recent = new Set();
    }
    this.#recent.add(id);
  }

  /** All that are remembered, the oldest first: added to another window they make one that knows the same. */
  all(): readonly string[] {
    return [...(this.#older ?? []), ...this.#recent];
  }

  /** For an id whose message was not taken after all. */
  delete(id: string): void {
    this.#recent.delete(id);
    this.#older?.delete(id);
  }
}
