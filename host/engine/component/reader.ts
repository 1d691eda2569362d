import { HostError } from '../../errors.ts';

/** Bytes of a component this host takes; a StarlingMonkey agent is 13 MB. */
export const componentBytesMax: number = 256 * 1024 * 1024;
/** Characters of one import, export, field or case name. */
export const nameBytesMax = 100_000;

/** The component is not what the binary format allows; `offset` counts bytes from the file's start. */
export function malformed(what: string, offset: number): HostError {
  return new HostError(
    'HOST_ERR_COMPONENT_MALFORMED',
    `not a valid component: ${what} at byte ${offset}; build it again or check that the file is complete`,
    { what, offset },
  );
}

/** The component is well formed but uses a feature this host does not have. */
export function unsupported(feature: string, offset: number): HostError {
  return new HostError(
    'HOST_ERR_COMPONENT_UNSUPPORTED',
    `the component uses ${feature}, which this host does not run (byte ${offset})`,
    { feature, offset },
  );
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A cursor over a range of the component's bytes; every read is checked against the range's end. */
export class Reader {
  readonly bytes: Uint8Array;
  offset: number;
  readonly end: number;

  constructor(bytes: Uint8Array, offset: number, end: number) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  get done(): boolean {
    return this.offset >= this.end;
  }

  fail(what: string, offset: number = this.offset): never {
    throw malformed(what, offset);
  }

  byte(): number {
    if (this.offset >= this.end) this.fail('unexpected end');
    return this.bytes[this.offset++] as number;
  }

  peek(): number {
    if (this.offset >= this.end) this.fail('unexpected end');
    return this.bytes[this.offset] as number;
  }

  u32(): number {
    const start = this.offset;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f) this.fail('integer too large', start);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return this.fail('integer representation too long', start);
  }

  /** A signed LEB128 of at most 33 bits, as type references are written. */
  s33(): number {
    const start = this.offset;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte >= 0x80) continue;
      const bits = shift + 7;
      if (shift === 28 && byte > 0x0f && byte < 0x70) this.fail('integer too large', start);
      return value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
    }
    return this.fail('integer representation too long', start);
  }

  /** Passes over a LEB128 of any width up to 64 bits. */
  skipInteger(): void {
    const start = this.offset;
    for (let count = 0; count < 10; count += 1) if (this.byte() < 0x80) return;
    this.fail('integer representation too long', start);
  }

  /** A vector's length; each item takes at least one byte, so a length beyond the range is refused at once. */
  count(what: string, max: number): number {
    const start = this.offset;
    const count = this.u32();
    if (count > this.end - this.offset)
      this.fail(`${count} ${what} in ${this.end - this.offset} bytes`, start);
    if (count > max) this.fail(`${count} ${what}, at most ${max} are allowed`, start);
    return count;
  }

  name(): string {
    const start = this.offset;
    const length = this.u32();
    if (length > this.end - this.offset) this.fail('unexpected end in a name', start);
    if (length > nameBytesMax) this.fail(`name longer than ${nameBytesMax} bytes`, start);
    try {
      const text = utf8.decode(this.bytes.subarray(this.offset, this.offset + length));
      this.offset += length;
      return text;
    } catch {
      return this.fail('malformed UTF-8 in a name', start);
    }
  }

  /** A reader over the next `length` bytes, which this one passes over. */
  slice(length: number): Reader {
    if (length > this.end - this.offset) this.fail('section or module longer than what is left');
    const inner = new Reader(this.bytes, this.offset, this.offset + length);
    this.offset += length;
    return inner;
  }
}
