import { decode, encode } from './utf8.js';

/** What a blocking write and a blocking read of WASI take at once, in bytes. */
const writeBytesMax = 4096;
const readBytesMax = 65_536;
const lineBreak = 10;
const carriageReturn = 13;

/** Where a program writes. */
export class Output {
  #open;
  #stream;

  /** @param open gives the world's stream; called at the first write */
  constructor(open) {
    this.#open = open;
  }

  /** Writes a text (as UTF-8) or bytes; throws if nobody takes them. */
  write(data) {
    const bytes = typeof data === 'string' ? encode(data) : data;
    if (!(bytes instanceof Uint8Array)) throw new TypeError('what is written is a string or a Uint8Array');
    this.#stream ??= this.#open();
    for (let start = 0; start < bytes.length; start += writeBytesMax)
      this.#stream.blockingWriteAndFlush(bytes.slice(start, start + writeBytesMax));
  }

  /** Writes a text and a line break. */
  line(text = '') {
    this.write(`${text}\n`);
  }
}

/** Where a program reads from. */
export class Input {
  #open;
  #stream;
  #chunk = new Uint8Array(0);

  constructor(open) {
    this.#open = open;
  }

  /** The next bytes, as many as there are; undefined at the end. */
  read() {
    if (!this.#fill()) return undefined;
    const bytes = this.#chunk;
    this.#chunk = bytes.subarray(bytes.length);
    return bytes;
  }

  /** The next line as text, without its line break; undefined at the end. */
  line() {
    const parts = [];
    while (this.#fill()) {
      const at = this.#chunk.indexOf(lineBreak);
      const end = at < 0 ? this.#chunk.length : at;
      parts.push(this.#chunk.subarray(0, end));
      this.#chunk = this.#chunk.subarray(at < 0 ? end : end + 1);
      if (at >= 0) return lineText(parts);
    }
    return parts.length === 0 ? undefined : lineText(parts);
  }

  /** The lines that are left. */
  *lines() {
    for (let line = this.line(); line !== undefined; line = this.line()) yield line;
  }

  /** All that is left, as text. */
  text() {
    const parts = [];
    for (let bytes = this.read(); bytes !== undefined; bytes = this.read()) parts.push(bytes);
    return decode(joined(parts));
  }

  /** False at the end. */
  #fill() {
    if (this.#chunk.length > 0) return true;
    this.#stream ??= this.#open();
    try {
      this.#chunk = this.#stream.blockingRead(BigInt(readBytesMax));
    } catch (error) {
      if (error.payload?.tag === 'closed') return false;
      throw error;
    }
    return this.#chunk.length > 0;
  }
}

function lineText(parts) {
  const bytes = joined(parts);
  return decode(bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes);
}

function joined(parts) {
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
