import { decode, decodeStrict, encode } from './utf8.js';

const labels = new Set(['utf-8', 'utf8', 'unicode-1-1-utf-8']);

export class TextEncoder {
  get encoding() {
    return 'utf-8';
  }

  encode(text = '') {
    return encode(String(text));
  }

  encodeInto(text, target) {
    let [read, written] = [0, 0];
    for (const character of String(text)) {
      const bytes = encode(character);
      if (written + bytes.length > target.length) break;
      target.set(bytes, written);
      written += bytes.length;
      read += character.length;
    }
    return { read, written };
  }
}

/** UTF-8 alone. */
export class TextDecoder {
  #fatal;
  #keepsMark;
  #held = new Uint8Array(0);
  #begun = false;

  constructor(label = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
    if (!labels.has(String(label).trim().toLowerCase()))
      throw new RangeError(`TextDecoder knows utf-8, not ${label}`);
    this.#fatal = fatal;
    this.#keepsMark = ignoreBOM;
  }

  get encoding() {
    return 'utf-8';
  }

  get fatal() {
    return this.#fatal;
  }

  get ignoreBOM() {
    return this.#keepsMark;
  }

  decode(input = new Uint8Array(0), { stream = false } = {}) {
    let bytes = joined(this.#held, bytesOf(input));
    this.#held = new Uint8Array(0);
    if (stream) {
      const end = bytes.length - unfinished(bytes);
      this.#held = bytes.slice(end);
      bytes = bytes.subarray(0, end);
    }
    const text = decodeStrict(bytes) ?? (this.#fatal ? undefined : decode(bytes));
    if (text === undefined) throw new TypeError('the bytes are not UTF-8');
    const isFirst = !this.#begun;
    this.#begun = stream && (this.#begun || bytes.length > 0);
    return isFirst && !this.#keepsMark && text.startsWith('\ufeff') ? text.slice(1) : text;
  }
}

function bytesOf(input) {
  if (input instanceof ArrayBuffer) return new Uint8Array(input);
  return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
}

function joined(first, second) {
  if (first.length === 0) return second;
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** How many bytes at the end begin a character that is not complete. */
function unfinished(bytes) {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}
