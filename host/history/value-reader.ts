import { type HandleName, knownShapes, tags, viewTypes } from './value-writer.ts';

/** What was read is not what a `ValueWriter` writes. */
export class UnreadableValue extends Error {
  override readonly name = 'UnreadableValue';
}

const depthMax = 64;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads what a `ValueWriter` wrote. Every method throws `UnreadableValue` for bytes that are none of it. */
export class ValueReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #handleOf: (handle: HandleName) => unknown;
  #at = 0;

  constructor(bytes: Uint8Array, handleOf: (handle: HandleName) => unknown = (handle) => handle) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#handleOf = handleOf;
  }

  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The next byte, which stays; undefined at the end. */
  peek(): number | undefined {
    return this.#bytes[this.#at];
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new UnreadableValue('the bytes end too early');
    this.#at += 1;
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count += 1) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new UnreadableValue('a number of more than 8 bytes');
  }

  natural(): bigint {
    const from = this.#take(8);
    return this.#view.getBigUint64(from, true);
  }

  float(): number {
    const from = this.#take(8);
    return this.#view.getFloat64(from, true);
  }

  text(): string {
    try {
      return utf8.decode(this.raw());
    } catch (cause) {
      if (cause instanceof UnreadableValue) throw cause;
      throw new UnreadableValue('a text that is not UTF-8');
    }
  }

  /** A part of the bytes, not a copy. */
  raw(): Uint8Array {
    const size = this.varint();
    const from = this.#take(size);
    return this.#bytes.subarray(from, from + size);
  }

  /** Past one value, whose bytes it returns: a part, not a copy. */
  skip(): Uint8Array {
    const from = this.#at;
    this.value();
    return this.#bytes.subarray(from, this.#at);
  }

  value(depth = 0): unknown {
    if (depth > depthMax) throw new UnreadableValue('values too deep');
    const tag = this.byte();
    switch (tag) {
      case tags.undefined:
        return undefined;
      case tags.null:
        return null;
      case tags.false:
        return false;
      case tags.true:
        return true;
      case tags.int:
        return this.#int();
      case tags.float:
        return this.float();
      case tags.natural:
        return this.natural();
      case tags.negative:
        return -this.natural();
      case tags.text:
        return this.text();
      case tags.bytes:
        return Uint8Array.from(this.raw());
      default:
        return this.#compound(tag, depth);
    }
  }

  #int(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #compound(tag: number, depth: number): unknown {
    switch (tag) {
      case tags.list:
        return Array.from({ length: this.#count() }, () => this.value(depth + 1));
      case tags.record:
        return Object.fromEntries(
          Array.from({ length: this.#count() }, () => [this.text(), this.value(depth + 1)]),
        );
      case tags.shaped:
        return this.#shaped(depth);
      case tags.view:
        return this.#typedArray();
      case tags.handle:
        return this.#handleOf({ number: this.varint(), type: this.text() });
      default:
        throw new UnreadableValue(`a value of kind ${tag}`);
    }
  }

  #shaped(depth: number): unknown {
    const shape = knownShapes[this.byte()];
    if (shape === undefined) throw new UnreadableValue('an unknown shape');
    return Object.fromEntries(shape.map((key) => [key, this.value(depth + 1)]));
  }

  #typedArray(): unknown {
    const Type = viewTypes[this.byte()];
    const bytes = Uint8Array.from(this.raw());
    if (Type === undefined || bytes.length % Type.BYTES_PER_ELEMENT !== 0)
      throw new UnreadableValue('an unknown list of numbers');
    return new Type(bytes.buffer);
  }

  /** Each item takes a byte at least, so a count beyond the bytes left is a lie. */
  #count(): number {
    const count = this.varint();
    if (count > this.#bytes.length - this.#at) throw new UnreadableValue('a list longer than its bytes');
    return count;
  }

  #take(size: number): number {
    const from = this.#at;
    if (size > this.#bytes.length - from) throw new UnreadableValue('the bytes end too early');
    this.#at = from + size;
    return from;
  }
}
