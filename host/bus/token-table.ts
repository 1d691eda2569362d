const firstSlots = 64;
const slotsMax = 2 ** 24;

/** What can be found by a token; tokens are whole numbers above 0 that are given out one after the other. */
export interface Tokened {
  readonly token: number;
}

/**
 * Values by token, each in the place its token's low bits say, so that tokens that follow each other never meet.
 * Not a `Map`: one from which as much is taken as is put makes itself anew every now and then, and each of its
 * discarded tables keeps the next one, with all that was in it, from the young generation's collections.
 */
export class TokenTable<Value extends Tokened> {
  #slots: (Value | undefined)[] = new Array(firstSlots).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(token: number): Value | undefined {
    const value = this.#slots[token & (this.#slots.length - 1)];
    return value?.token === token ? value : undefined;
  }

  /** Whether the token's place is free, now that there is room for at least as many again. */
  isFree(token: number): boolean {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    return this.#slots[token & (this.#slots.length - 1)] === undefined;
  }

  /** Puts a value in; one with the same token makes way for it. */
  set(value: Value): void {
    for (;;) {
      const at = value.token & (this.#slots.length - 1);
      const there = this.#slots[at];
      if (there === undefined || there.token === value.token) {
        if (there === undefined) this.#size += 1;
        this.#slots[at] = value;
        return;
      }
      this.#grow();
    }
  }

  delete(token: number): void {
    const at = token & (this.#slots.length - 1);
    if (this.#slots[at]?.token !== token) return;
    this.#slots[at] = undefined;
    this.#size -= 1;
  }

  all(): Value[] {
    return this.#slots.filter((value) => value !== undefined);
  }

  /** Tokens that did not meet do not meet in the larger table either. */
  #grow(): void {
    const slots = this.#slots.length * 2;
    if (slots > slotsMax)
      throw new Error(`bug: tokens of ${this.#size} values that do not follow each other`);
    const grown: (Value | undefined)[] = new Array(slots).fill(undefined);
    for (const value of this.#slots) if (value !== undefined) grown[value.token & (slots - 1)] = value;
    this.#slots = grown;
  }
}
