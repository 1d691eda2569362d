const wireVarint = 0;
const wireFixed64 = 1;
const wireBytes = 2;
const bytesFirst = 256;
const utf8 = new TextEncoder();

/** Writes messages of Protocol Buffers (wire types varint, fixed64 and length-delimited). */
export class ProtobufWriter {
  #bytes = new Uint8Array(bytesFirst);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Whole, not negative, at most 2^53 - 1. */
  varint(field: number, value: number): void {
    this.#tag(field, wireVarint);
    this.#varint(value);
  }

  fixed64(field: number, value: bigint): void {
    this.#tag(field, wireFixed64);
    this.#room(8);
    this.#view.setBigUint64(this.#length, value, true);
    this.#length += 8;
  }

  double(field: number, value: number): void {
    this.#tag(field, wireFixed64);
    this.#room(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  text(field: number, value: string): void {
    this.#delimited(field, utf8.encode(value));
  }

  /** `repeated fixed64`, packed. */
  fixed64s(field: number, values: readonly bigint[]): void {
    this.#delimited(field, new Uint8Array(BigUint64Array.from(values).buffer));
  }

  /** `repeated double`, packed. */
  doubles(field: number, values: readonly number[]): void {
    this.#delimited(field, new Uint8Array(Float64Array.from(values).buffer));
  }

  message(field: number, write: (inner: ProtobufWriter) => void): void {
    const inner = new ProtobufWriter();
    write(inner);
    this.#delimited(field, inner.#bytes.subarray(0, inner.#length));
  }

  #delimited(field: number, bytes: Uint8Array): void {
    this.#tag(field, wireBytes);
    this.#varint(bytes.length);
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #tag(field: number, wire: number): void {
    this.#varint(field * 8 + wire);
  }

  #varint(value: number): void {
    this.#room(10);
    let left = value;
    for (; left > 0x7f; left = Math.floor(left / 0x80)) this.#put((left % 0x80) | 0x80);
    this.#put(left);
  }

  #put(byte: number): void {
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
