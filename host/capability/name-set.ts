/** Granted names of tools or agents; a `*` at the end of one stands for the rest of a name, which may be empty. */
export class NameSet {
  readonly #exact: ReadonlySet<string>;
  readonly #prefixes: readonly string[];

  constructor(names: readonly string[]) {
    this.#exact = new Set(names.filter((name) => !name.endsWith('*')));
    this.#prefixes = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  }

  /** `name` must be one: a `*` in it is refused, for it would be a pattern. */
  has(name: string): boolean {
    if (name.length > nameCharsMax || name.includes('*')) return false;
    return this.#exact.has(name) || this.#prefixes.some((prefix) => name.startsWith(prefix));
  }
}

const nameCharsMax = 128;
