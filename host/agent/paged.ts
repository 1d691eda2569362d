const pageBits = 10;
const pageMask = 2 ** pageBits - 1;

/** Entries of one page. */
export const pageEntries: number = 2 ** pageBits;

/**
 * Entries by small integers that are dense on the whole: pages of `pageEntries`, made when the first entry of one
 * is. Numbers take four or eight bytes outside the JavaScript heap and the collector never looks at them.
 */
export class Paged<T> {
  readonly #newPage: () => Page<T>;
  readonly #pages: (Page<T> | undefined)[] = [];

  constructor(newPage: () => Page<T>) {
    this.#newPage = newPage;
  }

  /** Undefined where no entry of the page was ever set. */
  get(index: number): T | undefined {
    return this.#pages[index >> pageBits]?.[index & pageMask];
  }

  set(index: number, value: T): void {
    const number = index >> pageBits;
    while (this.#pages.length <= number) this.#pages.push(undefined);
    let page = this.#pages[number];
    if (page === undefined) {
      page = this.#newPage();
      this.#pages[number] = page;
    }
    page[index & pageMask] = value;
  }

  /** Entries there may be: every index below was set or may be asked for. */
  get end(): number {
    return this.#pages.length * pageEntries;
  }
}

/** An array of `pageEntries`. */
interface Page<T> {
  [index: number]: T;
}

export const newInts = (): Paged<number> => new Paged<number>(() => new Int32Array(pageEntries));

export const newFloats = (): Paged<number> => new Paged<number>(() => new Float64Array(pageEntries));

/** Texts and other objects; `undefined` until set. */
export function newObjects<T>(): Paged<T | undefined> {
  return new Paged<T | undefined>(() => new Array<T | undefined>(pageEntries).fill(undefined));
}
