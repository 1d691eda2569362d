import { HostError } from '../errors.ts';
import { parseQuantity, type Quantity, timeFault } from '../limits.ts';
import { nearest } from '../nearest.ts';

/** The least and the most a quantity may be, in its own unit. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

const tablesMax = 1000;

/** One table of a manifest: reads its values by their shape; every error names the file and the key. */
export class Table {
  readonly path: string;
  readonly #at: string;
  readonly #raw: ReadonlyMap<string, unknown>;

  /** `at` is how errors call the table: `capabilities.bus`; empty for the whole file. */
  constructor(raw: object, path: string, at = '') {
    this.path = path;
    this.#at = at;
    this.#raw = new Map(Object.entries(raw));
  }

  /** @throws HostError `HOST_ERR_CONFIG_INVALID` for a key that is none of `keys`, naming the nearest one */
  only(keys: readonly string[], what = 'key'): this {
    const places = this.#at === '' ? `the ${what}s` : `the ${what}s of [${this.#at}]`;
    for (const key of this.#raw.keys())
      if (!keys.includes(key))
        throw this.fault(
          key,
          `unknown ${what} '${key}'${nearest(key, keys)}; ${places} are: ${keys.join(', ')}`,
        );
    return this;
  }

  has(key: string): boolean {
    return this.#raw.has(key);
  }

  value(key: string): unknown {
    return this.#raw.get(key);
  }

  entries(): Iterable<readonly [key: string, value: unknown]> {
    return this.#raw;
  }

  /** The table under a key; an empty one if there is none. */
  table(key: string): Table {
    const value = this.#raw.get(key) ?? {};
    if (!isTable(value)) throw this.wrong(key, 'a table');
    return new Table(value, this.path, this.#name(key));
  }

  /** The tables of an array of tables, each called by its place: `triggers[1]`. */
  tables(key: string): readonly Table[] {
    const value = this.#raw.get(key) ?? [];
    if (!Array.isArray(value) || !value.every(isTable))
      throw this.wrong(key, `tables, each under its own [[${this.#name(key)}]]`);
    if (value.length > tablesMax) throw this.wrong(key, `at most ${tablesMax} tables`);
    return value.map((one, index) => new Table(one, this.path, `${this.#name(key)}[${index + 1}]`));
  }

  text(key: string): string | undefined {
    const value = this.#raw.get(key);
    if (value === undefined || typeof value === 'string') return value;
    throw this.wrong(key, 'a text in quotes');
  }

  /** An array of texts without repetitions; empty if there is none. */
  texts(key: string, example: string): readonly string[] {
    const value = this.#raw.get(key) ?? [];
    if (!Array.isArray(value) || !value.every((one) => typeof one === 'string'))
      throw this.wrong(key, `texts in brackets, such as ${key} = ["${example}"]`);
    return [...new Set(value)];
  }

  flag(key: string): boolean {
    const value = this.#raw.get(key) ?? false;
    if (typeof value === 'boolean') return value;
    throw this.wrong(key, 'true or false');
  }

  choice<Word extends string>(key: string, words: readonly Word[], otherwise: Word): Word {
    const value = this.#raw.get(key);
    if (value === undefined) return otherwise;
    const found = words.find((word) => word === value);
    if (found !== undefined) return found;
    const hint = typeof value === 'string' ? nearest(value, words) : '';
    throw this.wrong(key, `one of: ${words.map((word) => `"${word}"`).join(', ')}${hint}`);
  }

  /**
   * A number, or a text with a unit; a time has one.
   * @throws HostError `HOST_ERR_LIMIT_INVALID` for another form, `HOST_ERR_CONFIG_INVALID` beyond the bounds
   */
  quantity(key: string, quantity: Quantity, bounds: Bounds, otherwise: number): number {
    const value = this.#raw.get(key);
    if (value === undefined) return otherwise;
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint')
      throw this.wrong(key, 'a number, or a text with a unit');
    const fault = quantity === 'ms' ? timeFault(String(value)) : undefined;
    if (fault !== undefined) throw this.wrong(key, fault);
    const range = `between ${bounds.min} and ${bounds.max}${quantity === 'count' ? '' : ` ${quantity}`}`;
    const source = `${this.path}: ${this.#name(key)} must be ${range}`;
    const parsed = parseQuantity(quantity, String(value), source);
    if (parsed >= bounds.min && parsed <= bounds.max) return parsed;
    throw this.wrong(key, range);
  }

  /** The error that a key's value is not what it must be. */
  wrong(key: string, what: string): HostError {
    return this.fault(key, `${this.#name(key)} must be ${what}`);
  }

  fault(key: string, why: string): HostError {
    return new HostError('HOST_ERR_CONFIG_INVALID', `${this.path}: ${why}`, {
      path: this.path,
      key: this.#name(key),
    });
  }

  #name(key: string): string {
    return this.#at === '' ? key : `${this.#at}.${key}`;
  }
}

function isTable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
