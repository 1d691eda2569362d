import { fd_read, fd_write, results } from "./preview1";

const vector: usize = memory.data(8, 4);

/** Writes all of it; false when the other end is closed or broken. Allocates nothing. */
export function writeAll(fd: i32, start: usize, bytes: usize): bool {
  while (bytes != 0) {
    store<usize>(vector, start);
    store<usize>(vector, bytes, 4);
    if (fd_write(fd, vector, 1, results) != 0) return false;
    const written = load<usize>(results);
    if (written == 0 || written > bytes) return false;
    start += written;
    bytes -= written;
  }
  return true;
}

/** Reads at most `bytes`; 0 at the end, -1 when it failed. */
export function readSome(fd: i32, start: usize, bytes: usize): i32 {
  store<usize>(vector, start);
  store<usize>(vector, bytes, 4);
  return fd_read(fd, vector, 1, results) != 0 ? -1 : load<i32>(results);
}

/** Where a program writes. */
export class Output {
  constructor(private fd: i32) {}

  /** Writes a text (as UTF-8) or bytes; ends the program if nobody takes them. */
  write<T>(data: T): void {
    if (isString<T>()) {
      const encoded = String.UTF8.encode(<string>data);
      this.put(changetype<usize>(encoded), encoded.byteLength);
    } else if (idof<nonnull<T>>() == idof<Uint8Array>()) {
      const bytes = <Uint8Array>data;
      this.put(bytes.dataStart, bytes.length);
    } else {
      ERROR("what is written is a string or a Uint8Array");
    }
  }

  /** Writes a text and a line break. */
  line(text: string = ""): void {
    this.write<string>(text + "\n");
  }

  private put(start: usize, bytes: usize): void {
    if (!writeAll(this.fd, start, bytes)) throw new Error("the output is closed");
  }
}

const chunkBytes = 65536;

/** Where a program reads from. */
export class Input {
  private chunk: Uint8Array = new Uint8Array(0);
  private used: i32 = 0;

  constructor(private fd: i32) {}

  /** The next bytes, as many as there are; null at the end. */
  read(): Uint8Array | null {
    if (!this.fill()) return null;
    const bytes = this.chunk.subarray(this.used);
    this.used = this.chunk.length;
    return bytes;
  }

  /** The next line as text, without its line break; null at the end. */
  line(): string | null {
    let text = new Uint8Array(0);
    while (this.fill()) {
      const at = this.chunk.indexOf(10, this.used);
      const end = at < 0 ? this.chunk.length : at;
      text = join(text, this.chunk, this.used, end);
      this.used = at < 0 ? end : end + 1;
      if (at >= 0) return decode(text);
    }
    return text.length == 0 ? null : decode(text);
  }

  /** All that is left, as text. */
  text(): string {
    let bytes = new Uint8Array(0);
    let length = 0;
    while (this.fill()) {
      const more = this.chunk.length - this.used;
      bytes = withRoom(bytes, length, more);
      memory.copy(bytes.dataStart + length, this.chunk.dataStart + this.used, more);
      length += more;
      this.used = this.chunk.length;
    }
    return String.UTF8.decodeUnsafe(bytes.dataStart, length);
  }

  // False at the end.
  private fill(): bool {
    if (this.used < this.chunk.length) return true;
    const fresh = new Uint8Array(chunkBytes);
    const count = readSome(this.fd, fresh.dataStart, chunkBytes);
    if (count < 0) throw new Error("the input cannot be read");
    this.chunk = fresh.subarray(0, count);
    this.used = 0;
    return count > 0;
  }
}

function decode(line: Uint8Array): string {
  const length = line.length;
  const end = length > 0 && line[length - 1] == 13 ? length - 1 : length;
  return String.UTF8.decodeUnsafe(line.dataStart, end);
}

function join(head: Uint8Array, from: Uint8Array, start: i32, end: i32): Uint8Array {
  const whole = new Uint8Array(head.length + end - start);
  memory.copy(whole.dataStart, head.dataStart, head.length);
  memory.copy(whole.dataStart + head.length, from.dataStart + start, end - start);
  return whole;
}

function withRoom(bytes: Uint8Array, used: i32, more: i32): Uint8Array {
  if (used + more <= bytes.length) return bytes;
  const roomier = new Uint8Array(max(used + more, bytes.length * 2));
  memory.copy(roomier.dataStart, bytes.dataStart, used);
  return roomier;
}
