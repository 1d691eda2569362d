import { Writer } from '../../host/engine/meter/writer.ts';

/** Functions in a generated module; each calls only later ones, so that runs end. */
const functionCount = 6;
const params = 2;
/** Locals 2 to 7 are values; from 8 on, one counter for each loop. */
const values = 6;
const loopsMax = 6;
const depthMax = 5;

/** A linear congruential generator: the same module for the same seed. */
class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761) >>> 0;
  }
  below(bound: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * bound);
  }
}

/** One generated function: i32 x i32 -> i32. `labels` are the branch targets around, innermost last. */
class FunctionWriter {
  readonly #dice: Dice;
  readonly #out = new Writer(256);
  readonly #index: number;
  /** The index of the first function that is not imported. */
  readonly #first: number;
  #loops = 0;
  #size = 0;
  /** The open constructs, innermost last: whether a branch to it needs no value and makes no new round. */
  readonly #labels: ('end' | 'round' | 'value')[] = ['value'];

  constructor(dice: Dice, index: number, first: number) {
    this.#dice = dice;
    this.#index = index;
    this.#first = first;
  }

  write(): Writer {
    this.#statements(0);
    this.#expression(0);
    this.#out.byte(0x0b);
    const body = new Writer(this.#out.length + 8);
    body.raw(1, values + loopsMax, 0x7f);
    body.append(this.#out);
    return body;
  }

  #statements(depth: number): void {
    const count = 1 + this.#dice.below(4);
    for (let index = 0; index < count && this.#size < 120; index += 1) this.#statement(depth);
  }

  #statement(depth: number): void {
    this.#size += 1;
    const kinds = depth < depthMax ? 18 : 6;
    const kind = this.#dice.below(kinds);
    if (kind <= 2) this.#assign();
    else if (kind === 3) this.#out.byte(0x01);
    else if (kind === 4) this.#branch();
    else if (kind === 5) this.#fill();
    else if (kind <= 8) this.#block(depth);
    else if (kind <= 11) this.#if(depth);
    else if (kind <= 13) this.#loop(depth);
    else if (kind === 14) this.#tryTable(depth);
    else this.#parting(depth);
    const mayAsk = this.#first > 0 && this.#index + 1 < functionCount;
    if (mayAsk && this.#dice.below(3) === 0) this.#ask();
  }

  /** Calls the host. */
  #ask(): void {
    this.#out.raw(0x20, this.#dice.below(params + values), 0x20, this.#dice.below(params + values));
    this.#out.raw(0x10, 0, 0x21, params + this.#dice.below(values));
  }

  #assign(): void {
    this.#expression(0);
    this.#out.raw(0x21, params + this.#dice.below(values));
  }

  /** A conditional branch, return or table branch: the statements after it stay reachable. */
  #branch(): void {
    const kind = this.#dice.below(6);
    const label = this.#label();
    if (kind === 0) {
      this.#expression(1);
      this.#out.raw(0x04, 0x40);
      this.#exit(label);
      this.#out.byte(0x0b);
    } else if (kind === 1 && label !== undefined) {
      this.#out.raw(0x02, 0x40);
      this.#expression(1);
      this.#out.raw(0x0e, 2, 0, label + 1, 0, 0x0b);
    } else if (label !== undefined) {
      this.#expression(1);
      this.#out.raw(0x0d, label);
    }
  }

  /** Leaves for good: by a label (one deeper, inside the `if`), return, throw or tail call. */
  #exit(label: number | undefined): void {
    const way = this.#dice.below(4);
    if (way === 0 && label !== undefined) this.#out.raw(0x0c, label + 1);
    else if (way === 1) this.#out.raw(0x08, 0);
    else if (way === 2 && this.#index + 1 < functionCount) this.#call(0x12);
    else {
      this.#expression(1);
      this.#out.byte(0x0f);
    }
  }

  #label(): number | undefined {
    const depth = this.#dice.below(this.#labels.length);
    return this.#labels.at(-1 - depth) === 'value' ? undefined : depth;
  }

  #fill(): void {
    this.#out.raw(0x41, 0, 0x41, 1);
    if (this.#dice.below(2) === 0) this.#out.raw(0x41, this.#dice.below(30));
    else {
      this.#expression(1);
      this.#out.raw(0x41, 15, 0x71);
    }
    this.#out.raw(0xfc, 11, 0);
  }

  #within(label: 'end' | 'round', depth: number): void {
    this.#labels.push(label);
    this.#statements(depth + 1);
    this.#labels.pop();
  }

  #block(depth: number): void {
    this.#out.raw(0x02, 0x40);
    this.#within('end', depth);
    this.#out.byte(0x0b);
  }

  #if(depth: number): void {
    this.#expression(1);
    this.#out.raw(0x04, 0x40);
    this.#within('end', depth);
    if (this.#dice.below(2) === 0) {
      this.#out.byte(0x05);
      this.#within('end', depth);
    }
    this.#out.byte(0x0b);
  }

  /** block > loop whose header counts down and leaves at 0, so that any branch back is safe. */
  #loop(depth: number): void {
    if (this.#loops === loopsMax) return;
    const counter = params + values + this.#loops;
    this.#loops += 1;
    this.#out.raw(0x41, 1 + this.#dice.below(3), 0x21, counter, 0x02, 0x40, 0x03, 0x40);
    this.#out.raw(0x20, counter, 0x45, 0x0d, 1, 0x20, counter, 0x41, 1, 0x6b, 0x21, counter);
    this.#labels.push('end');
    this.#within('round', depth);
    this.#labels.pop();
    if (this.#dice.below(2) === 0) this.#out.raw(0x0c, 0);
    this.#out.raw(0x0b, 0x0b);
  }

  /** Ways that begin at the ends of nested blocks, chosen by br_table or br_if, and mostly leave for the outermost end. */
  #parting(depth: number): void {
    const ways = 2 + this.#dice.below(3);
    for (let way = 0; way < ways; way += 1) {
      this.#out.raw(0x02, 0x40);
      this.#labels.push('end');
    }
    if (this.#dice.below(2) === 0) this.#switch(ways);
    else {
      this.#expression(1);
      this.#out.raw(0x0d, this.#dice.below(ways));
      this.#statements(depth + 1);
    }
    for (let left = ways - 1; left >= 0; left -= 1) {
      if (left > 0 && this.#dice.below(4) > 0) this.#out.raw(0x0c, left);
      this.#out.byte(0x0b);
      this.#labels.pop();
      if (left > 0) this.#statements(depth + 1);
    }
  }

  #switch(ways: number): void {
    const cases = 1 + this.#dice.below(4);
    this.#expression(1);
    this.#out.raw(0x0e, cases);
    for (let label = 0; label <= cases; label += 1) this.#out.byte(this.#dice.below(ways));
  }

  #tryTable(depth: number): void {
    this.#out.raw(0x02, 0x40, 0x1f, 0x40, 1, ...(this.#dice.below(2) === 0 ? [0x02, 0] : [0x00, 0, 0]));
    this.#labels.push('end');
    this.#within('end', depth);
    this.#labels.pop();
    this.#out.raw(0x0b, 0x0b);
  }

  #expression(depth: number): void {
    const kind = this.#dice.below(depth < 3 ? 8 : 3);
    if (kind === 0) this.#out.raw(0x41, this.#dice.below(60));
    else if (kind <= 2) this.#out.raw(0x20, this.#dice.below(params + values));
    else if (kind === 3 && this.#index + 1 < functionCount) this.#call(0x10);
    else if (kind === 4 && this.#index + 1 < functionCount) this.#indirect();
    else {
      this.#expression(depth + 1);
      this.#expression(depth + 1);
      this.#out.byte([0x6a, 0x6b, 0x71, 0x73, 0x48][this.#dice.below(5)] ?? 0x6a);
    }
  }

  #later(): number {
    return this.#index + 1 + this.#dice.below(functionCount - this.#index - 1);
  }

  #call(opcode: number): void {
    this.#out.raw(0x20, this.#dice.below(params + values), 0x20, this.#dice.below(params + values));
    this.#out.raw(opcode, this.#first + this.#later());
  }

  #indirect(): void {
    this.#out.raw(0x20, 0, 0x20, 1, 0x41, this.#later(), 0x11, 0, 0);
  }
}

/**
 * A valid module whose export `f` (i32, i32 -> i32) always ends: blocks, loops, branches of every kind, calls
 * direct, through a table and in tail position, bulk operations, exceptions thrown and caught. One that `asks` calls
 * its import `host.ask` (i32, i32 -> i32), too, and exports as `g` a function that does not, which the host may call meanwhile.
 */
export function generatedModule(seed: number, asks = false): Uint8Array<ArrayBuffer> {
  const dice = new Dice(seed);
  const first = asks ? 1 : 0;
  const writer = new Writer(4096);
  const section = (id: number, content: readonly number[]) => {
    writer.byte(id);
    writer.u32(content.length);
    writer.raw(...content);
  };
  writer.raw(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  section(1, [2, 0x60, 2, 0x7f, 0x7f, 1, 0x7f, 0x60, 0, 0]);
  if (asks) section(2, [1, 4, 0x68, 0x6f, 0x73, 0x74, 3, 0x61, 0x73, 0x6b, 0, 0]);
  section(3, [functionCount, ...Array<number>(functionCount).fill(0)]);
  section(4, [1, 0x70, 0, functionCount]);
  section(5, [1, 0, 1]);
  section(13, [1, 0, 1]);
  const last = first + functionCount - 1;
  section(7, asks ? [2, 1, 0x66, 0, first, 1, 0x67, 0, last] : [1, 1, 0x66, 0, 0]);
  const indices = Array.from({ length: functionCount }, (_, index) => first + index);
  section(9, [1, 0, 0x41, 0, 0x0b, functionCount, ...indices]);
  const code = new Writer(4096);
  code.u32(functionCount);
  for (let index = 0; index < functionCount; index += 1) {
    const sized = code.openSized();
    code.append(new FunctionWriter(dice, index, first).write());
    code.closeSized(sized);
  }
  writer.byte(10);
  writer.u32(code.length);
  writer.append(code);
  return writer.finish();
}
