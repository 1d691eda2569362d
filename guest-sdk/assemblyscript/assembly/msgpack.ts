// MessagePack (the specification of 2013 with bin and str), for agents that speak it: values are written one after
// another and read in the same order.

/** Writes values one after another. */
export class MsgPackWriter {
  private room: Uint8Array = new Uint8Array(64);
  private used: i32 = 0;

  /** What was written so far. */
  get bytes(): Uint8Array {
    return this.room.slice(0, this.used);
  }

  nil(): MsgPackWriter {
    this.byte(0xc0);
    return this;
  }

  bool(value: bool): MsgPackWriter {
    this.byte(value ? 0xc3 : 0xc2);
    return this;
  }

  /** In as few bytes as it takes. */
  int(value: i64): MsgPackWriter {
    if (value >= 0) return this.uint(<u64>value);
    if (value >= -32) this.byte(<u8>value);
    else if (value >= i8.MIN_VALUE) this.number<i8>(0xd0, <i8>value);
    else if (value >= i16.MIN_VALUE) this.number<u16>(0xd1, bswap<u16>(<u16>value));
    else if (value >= i32.MIN_VALUE) this.number<u32>(0xd2, bswap<u32>(<u32>value));
    else this.number<u64>(0xd3, bswap<u64>(<u64>value));
    return this;
  }

  /** In as few bytes as it takes. */
  uint(value: u64): MsgPackWriter {
    if (value < 0x80) this.byte(<u8>value);
    else this.sized(value, 0xcc, 0xcd, 0xce, 0xcf);
    return this;
  }

  float(value: f64): MsgPackWriter {
    this.number<u64>(0xcb, bswap<u64>(reinterpret<u64>(value)));
    return this;
  }

  text(value: string): MsgPackWriter {
    const encoded = Uint8Array.wrap(String.UTF8.encode(value));
    if (encoded.length < 32) this.byte(0xa0 | <u8>encoded.length);
    else this.sized(encoded.length, 0xd9, 0xda, 0xdb, 0);
    this.raw(encoded);
    return this;
  }

  binary(value: Uint8Array): MsgPackWriter {
    this.sized(value.length, 0xc4, 0xc5, 0xc6, 0);
    this.raw(value);
    return this;
  }

  /** The head of an array: its items are written next. */
  array(length: u32): MsgPackWriter {
    if (length < 16) this.byte(0x90 | <u8>length);
    else this.sized(length, 0, 0xdc, 0xdd, 0);
    return this;
  }

  /** The head of a map: a key and a value for each entry are written next. */
  map(entries: u32): MsgPackWriter {
    if (entries < 16) this.byte(0x80 | <u8>entries);
    else this.sized(entries, 0, 0xde, 0xdf, 0);
    return this;
  }

  // A number behind the narrowest head that there is for it; 0: there is none of that width.
  private sized(value: u64, head8: u8, head16: u8, head32: u8, head64: u8): void {
    if (head8 != 0 && value <= u8.MAX_VALUE) this.number<u8>(head8, <u8>value);
    else if (value <= u16.MAX_VALUE) this.number<u16>(head16, bswap<u16>(<u16>value));
    else if (value <= u32.MAX_VALUE) this.number<u32>(head32, bswap<u32>(<u32>value));
    else this.number<u64>(head64, bswap<u64>(value));
  }

  private number<T>(head: u8, value: T): void {
    this.grow(1 + sizeof<T>());
    store<u8>(this.end, head);
    store<T>(this.end + 1, value);
    this.used += 1 + <i32>sizeof<T>();
  }

  private byte(value: u8): void {
    this.grow(1);
    store<u8>(this.end, value);
    this.used++;
  }

  private raw(value: Uint8Array): void {
    this.grow(value.length);
    memory.copy(this.end, value.dataStart, value.length);
    this.used += value.length;
  }

  private get end(): usize {
    return this.room.dataStart + this.used;
  }

  private grow(bytes: usize): void {
    const needed = this.used + <i32>bytes;
    if (needed <= this.room.length) return;
    const larger = new Uint8Array(max(needed, this.room.length * 2));
    larger.set(this.room);
    this.room = larger;
  }
}

/** What comes next. */
export enum MsgPackType { nil, bool, int, float, text, binary, array, map, extension, end }

/**
 * Reads values one after another. Bytes may come from anybody: what is not of the type asked for, or ends too early,
 * sets `failed`, and from then on every answer is empty or 0; ask once, at the end.
 */
export class MsgPackReader {
  private at: i32 = 0;
  /** Whether something was not as asked for. */
  failed: bool = false;

  constructor(private bytes: Uint8Array) {}

  /** The type of the next value. */
  get type(): MsgPackType {
    if (this.failed || this.at >= this.bytes.length) return MsgPackType.end;
    const head = this.bytes[this.at];
    if (head < 0x80 || head >= 0xe0 || (head >= 0xcc && head <= 0xd3)) return MsgPackType.int;
    if (head < 0x90 || head == 0xde || head == 0xdf) return MsgPackType.map;
    if (head < 0xa0 || head == 0xdc || head == 0xdd) return MsgPackType.array;
    if (head < 0xc0 || (head >= 0xd9 && head <= 0xdb)) return MsgPackType.text;
    if (head == 0xc0) return MsgPackType.nil;
    if (head == 0xc2 || head == 0xc3) return MsgPackType.bool;
    if (head >= 0xc4 && head <= 0xc6) return MsgPackType.binary;
    if (head == 0xca || head == 0xcb) return MsgPackType.float;
    return MsgPackType.extension;
  }

  /** Takes a `nil` if it is next: `if (reader.nil()) …`. */
  nil(): bool {
    if (this.type != MsgPackType.nil) return false;
    this.at++;
    return true;
  }

  bool(): bool {
    return this.is(MsgPackType.bool) && this.head() == 0xc3;
  }

  int(): i64 {
    return this.is(MsgPackType.int) ? this.integer() : 0;
  }

  /** Whole numbers are floats too. */
  float(): f64 {
    if (this.type == MsgPackType.int) return <f64>this.integer();
    if (!this.is(MsgPackType.float)) return 0;
    if (this.head() == 0xca) return reinterpret<f32>(<u32>this.number(4));
    return reinterpret<f64>(this.number(8));
  }

  text(): string {
    if (!this.is(MsgPackType.text)) return "";
    const head = this.head();
    const length = head < 0xc0 ? <u64>(head & 31) : this.number(1 << (head - 0xd9));
    const start = this.take(length);
    return start == 0 ? "" : String.UTF8.decodeUnsafe(start, <usize>length);
  }

  binary(): Uint8Array {
    if (!this.is(MsgPackType.binary)) return new Uint8Array(0);
    const length = this.number(1 << (this.head() - 0xc4));
    const start = this.take(length);
    const bytes = new Uint8Array(start == 0 ? 0 : <i32>length);
    memory.copy(bytes.dataStart, start, bytes.length);
    return bytes;
  }

  /** The number of items of an array, which come next. */
  array(): u32 {
    return this.is(MsgPackType.array) ? this.count(0xdc) : 0;
  }

  /** The number of entries of a map; a key and a value of each come next. */
  map(): u32 {
    return this.is(MsgPackType.map) ? this.count(0xde) : 0;
  }

  /** Passes over one value, whatever it is. */
  skip(): void {
    let left: u64 = 1;
    while (left-- > 0 && !this.failed) {
      const type = this.type;
      if (type == MsgPackType.array) left += this.count(0xdc);
      else if (type == MsgPackType.map) left += 2 * <u64>this.count(0xde);
      else this.skipPlain(type);
    }
  }

  private skipPlain(type: MsgPackType): void {
    if (type == MsgPackType.text) this.text();
    else if (type == MsgPackType.binary) this.binary();
    else if (type == MsgPackType.int) this.integer();
    else if (type == MsgPackType.float) this.float();
    else if (type == MsgPackType.nil || type == MsgPackType.bool) this.at++;
    else this.fail();
  }

  private integer(): i64 {
    const head = this.head();
    if (head < 0x80) return head;
    if (head >= 0xe0) return <i64>(<i8>head);
    if (head < 0xd0) return <i64>this.number(1 << (head - 0xcc));
    const bytes = 1 << (head - 0xd0);
    const shift = 64 - 8 * bytes;
    return (<i64>this.number(bytes) << shift) >> shift;
  }

  private count(head16: u8): u32 {
    const head = this.head();
    return head < 0xc0 ? head & 15 : <u32>this.number(head == head16 ? 2 : 4);
  }

  private is(type: MsgPackType): bool {
    if (this.type == type) return true;
    this.fail();
    return false;
  }

  private fail(): void {
    this.failed = true;
  }

  private head(): u8 {
    return this.bytes[this.at++];
  }

  private number(bytes: i32): u64 {
    const start = this.take(bytes);
    if (start == 0) return 0;
    let value: u64 = 0;
    for (let i = 0; i < bytes; i++) value = (value << 8) | load<u8>(start + i);
    return value;
  }

  // Where the next bytes lie; 0 when there are not as many.
  private take(bytes: u64): usize {
    if (this.failed || bytes > <u64>(this.bytes.length - this.at)) {
      this.fail();
      return 0;
    }
    const start = this.bytes.dataStart + this.at;
    this.at += <i32>bytes;
    return start;
  }
}
