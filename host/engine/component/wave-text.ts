/** The text would be longer than it may be. */
export class TextTooLong extends Error {
  override readonly name = 'TextTooLong';
}

const firstBytes = 1024;
const replacement = 0xfffd;

/** Collects WAVE text as UTF-8, up to a bound: each character is looked at once, whatever the value is. */
export class WaveText {
  readonly #bytesMax: number;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(firstBytes);
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** What was collected. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** ASCII: numbers, names, brackets. @throws TextTooLong */
  plain(text: string): void {
    this.#reserve(text.length);
    for (let at = 0; at < text.length; at += 1) this.#bytes[this.#length + at] = text.charCodeAt(at);
    this.#length += text.length;
  }

  /** A string or character between quotes, escaped; lone surrogates become U+FFFD. @throws TextTooLong */
  quoted(text: string, quote: string): void {
    this.plain(quote);
    const quoteCode = quote.charCodeAt(0);
    for (let at = 0; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      if (unit >= 0x20 && unit < 0x7f && unit !== quoteCode && unit !== 0x5c) {
        if (this.#length === this.#bytes.length) this.#reserve(1);
        this.#bytes[this.#length] = unit;
        this.#length += 1;
      } else if (unit >= 0xa0) {
        const code = (unit & 0xf800) === 0xd800 ? codeOfPair(text, at) : unit;
        if (code > 0xffff) at += 1;
        this.#encode(code);
      } else this.plain(escaped(unit));
    }
    this.plain(quote);
  }

  /** A character above U+007F in UTF-8 (RFC 3629, 3). */
  #encode(code: number): void {
    this.#reserve(4);
    const at = this.#length;
    const bytes = this.#bytes;
    if (code < 0x800) {
      bytes[at] = 0xc0 | (code >> 6);
      this.#length += 2;
    } else if (code < 0x10000) {
      bytes[at] = 0xe0 | (code >> 12);
      bytes[at + 1] = 0x80 | ((code >> 6) & 0x3f);
      this.#length += 3;
    } else {
      bytes[at] = 0xf0 | (code >> 18);
      bytes[at + 1] = 0x80 | ((code >> 12) & 0x3f);
      bytes[at + 2] = 0x80 | ((code >> 6) & 0x3f);
      this.#length += 4;
    }
    bytes[this.#length - 1] = 0x80 | (code & 0x3f);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed > this.#bytesMax) throw new TextTooLong(`more than ${this.#bytesMax} bytes of text`);
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, Math.min(this.#bytesMax, this.#bytes.length * 2)));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

function codeOfPair(text: string, at: number): number {
  const code = text.codePointAt(at) as number;
  return code > 0xffff ? code : replacement;
}

const shortEscapes: Readonly<Record<number, string>> = {
  9: '\\t',
  10: '\\n',
  13: '\\r',
  34: '\\"',
  39: "\\'",
  92: '\\\\',
};

function escaped(unit: number): string {
  return shortEscapes[unit] ?? `\\u{${unit.toString(16)}}`;
}
