import { Writer } from './writer.ts';

/** Everything the rewriter adds lives under this name, which guests may not use. */
export const reservedName = 'motehost:meter';

export const isReserved = (name: string): boolean =>
  name === reservedName || name.startsWith(`${reservedName}/`);

/** Function types appended to a module, each once, as their binary form. */
export class AddedTypes {
  readonly #base: number;
  readonly #known = new Map<string, number>();
  readonly #writer = new Writer(64);

  /** `base` is how many types the module has. */
  constructor(base: number) {
    this.#base = base;
  }

  get count(): number {
    return this.#known.size;
  }

  /** The index of `params -> results`, each a list of encoded value types. */
  index(params: readonly (readonly number[])[], results: readonly (readonly number[])[]): number {
    const form = [0x60, params.length, ...params.flat(), results.length, ...results.flat()];
    const key = form.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const index = this.#base + this.#known.size;
    this.#known.set(key, index);
    this.#writer.raw(...form);
    return index;
  }

  append(to: Writer): void {
    to.append(this.#writer);
  }
}

/** A function appended after the module's own. */
interface AddedFunction {
  readonly type: number;
  /** Writes the body after its size; may be called last, when everything else is known. */
  readonly write: (writer: Writer) => void;
}

/** Functions appended to a module, each made when first asked for. */
export class AddedFunctions {
  readonly #base: number;
  readonly #keys = new Map<string, number>();
  readonly functions: AddedFunction[] = [];

  /** `base` is the index the first added function gets. */
  constructor(base: number) {
    this.#base = base;
  }

  /** The index of the function known as `key`, adding it if need be. */
  index(key: string, make: () => AddedFunction): number {
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    const index = this.#base + this.functions.length;
    this.#keys.set(key, index);
    this.functions.push(make());
    return index;
  }
}

/** Instructions of added functions, by name. */
export class Body {
  readonly writer: Writer;

  constructor(writer: Writer) {
    this.writer = writer;
  }

  op(opcode: number, ...indices: readonly number[]): this {
    this.writer.byte(opcode);
    for (const index of indices) this.writer.u32(index);
    return this;
  }

  localGet(index: number): this {
    return this.op(0x20, index);
  }

  globalGet(index: number): this {
    return this.op(0x23, index);
  }

  globalSet(index: number): this {
    return this.op(0x24, index);
  }

  call(index: number): this {
    return this.op(0x10, index);
  }

  i32(value: number): this {
    this.writer.byte(0x41);
    this.writer.signed(value);
    return this;
  }

  i64(value: number): this {
    this.writer.byte(0x42);
    this.writer.signed(value);
    return this;
  }

  /** `if` without a result. */
  if(): this {
    return this.op(0x04).op(0x40);
  }

  end(): this {
    return this.op(0x0b);
  }

  /** global -= what is on the stack, given `global.get` came first. */
  subtract(global: number): this {
    return this.op(0x7d).globalSet(global);
  }

  /** Charges a fixed amount. */
  charge(global: number, cost: number): this {
    return cost === 0 ? this : this.globalGet(global).i64(cost).subtract(global);
  }

  /** Calls the slow path if the cell is negative. */
  test(global: number, refuel: number): this {
    return this.globalGet(global).i64(0).op(0x53).if().call(refuel).end();
  }
}
