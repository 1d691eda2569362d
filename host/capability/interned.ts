/** Equal things kept once: by key, as long as somebody else holds them. */
export class Interned<Thing extends object> {
  readonly #known = new Map<string, WeakRef<Thing>>();
  readonly #gone = new FinalizationRegistry<string>((key) => {
    // Another of that key may have been made meanwhile.
    if (this.#known.get(key)?.deref() === undefined) this.#known.delete(key);
  });

  get(key: string, make: () => Thing): Thing {
    const before = this.#known.get(key)?.deref();
    if (before !== undefined) return before;
    const made = make();
    this.#known.set(key, new WeakRef(made));
    this.#gone.register(made, key);
    return made;
  }

  get size(): number {
    return this.#known.size;
  }
}
