import { HostError } from '../../errors.ts';
import { isLabel } from './names.ts';

export type TokenKind =
  | '('
  | ')'
  | '['
  | ']'
  | '{'
  | '}'
  | ','
  | ':'
  | 'number'
  | 'label'
  | 'string'
  | 'char'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** As it is written; labels keep their `%`, so that `%none` is not `none`. */
  readonly text: string;
  /** What a string, char or label means. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

const punctuation = '()[]{},:';

function fail(what: string, position: number): never {
  throw new HostError('HOST_ERR_VALUE_INVALID', `${what} (at character ${position + 1})`, { position });
}

/** Tokens of WAVE text, one ahead. */
export class WaveLexer {
  readonly #text: string;
  #at: number;
  #ahead: Token | undefined;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  peek(): Token {
    this.#ahead ??= this.#read();
    return this.#ahead;
  }

  next(): Token {
    const token = this.peek();
    this.#ahead = undefined;
    return token;
  }

  #token(kind: TokenKind, start: number, end: number, value?: string): Token {
    this.#at = end;
    const text = this.#text.slice(start, end);
    return { kind, text, value: value ?? text, start, end };
  }

  #read(): Token {
    this.#skipSpace();
    const start = this.#at;
    const char = this.#text[start];
    if (char === undefined) return this.#token('end', start, start);
    if (punctuation.includes(char)) return this.#token(char as TokenKind, start, start + 1);
    if (char === '"')
      return this.#text.startsWith('"""', start) ? this.#multiline(start) : this.#string(start);
    if (char === "'") return this.#char(start);
    if (char === '-' && this.#text.startsWith('-inf', start)) return this.#token('label', start, start + 4);
    if (char === '-' || (char >= '0' && char <= '9')) return this.#number(start);
    return this.#label(start);
  }

  /** Spaces, line ends and `//` comments. */
  #skipSpace(): void {
    const text = this.#text;
    for (;;) {
      while (/[ \t\r\n]/.test(text.charAt(this.#at))) this.#at += 1;
      if (!text.startsWith('//', this.#at)) return;
      const end = text.indexOf('\n', this.#at);
      this.#at = end < 0 ? text.length : end;
    }
  }

  #number(start: number): Token {
    const pattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
    pattern.lastIndex = start;
    const match = pattern.exec(this.#text);
    if (match === null) fail('expected a number after -', start);
    const end = start + match[0].length;
    if (/[0-9A-Za-z_]/.test(this.#text.charAt(end))) fail('malformed number', start);
    return this.#token('number', start, end);
  }

  #label(start: number): Token {
    const pattern = /%?[0-9A-Za-z-]+/y;
    pattern.lastIndex = start;
    const match = pattern.exec(this.#text);
    if (match === null) fail(`unexpected character ${JSON.stringify(this.#text.charAt(start))}`, start);
    const name = match[0].startsWith('%') ? match[0].slice(1) : match[0];
    if (!isLabel(name)) fail(`'${name}' is not a name`, start);
    return this.#token('label', start, start + match[0].length, name);
  }

  #char(start: number): Token {
    const { value, end } = this.#unit(start + 1);
    if (value === "'" && end === start + 2) fail('an empty char', start);
    if (this.#text[end] !== "'") fail('a char must be one character between single quotes', start);
    return this.#token('char', start, end + 1, value);
  }

  #string(start: number): Token {
    let value = '';
    for (let at = start + 1; ; ) {
      const char = this.#text[at];
      if (char === '"') return this.#token('string', start, at + 1, value);
      if (char === undefined || char === '\n') fail('the string is not closed', start);
      const unit = this.#unit(at);
      value += unit.value;
      at = unit.end;
    }
  }

  /** `"""`, lines, `"""`: the spaces before the closing quotes are taken off every line. */
  #multiline(start: number): Token {
    const text = this.#text;
    const body = text.startsWith('\r\n', start + 3) ? start + 5 : start + 4;
    if (text[body - 1] !== '\n') fail('a line must end after """', start);
    const close = text.indexOf('"""', body);
    if (close < 0) fail('the string is not closed', start);
    const lines = text.slice(body, close).replaceAll('\r\n', '\n').split('\n');
    const indent = lines.pop() ?? '';
    if (lines.length === 0 || /[^ ]/.test(indent)) fail('""" must stand on a line of its own', close);
    const dedented = lines.map((line) => {
      if (!line.startsWith(indent)) fail('a line is indented less than the closing """', start);
      return line.slice(indent.length);
    });
    const raw = dedented.join('\n');
    return this.#token('string', start, close + 3, new WaveLexer(raw, 0).#unescapeAll());
  }

  #unescapeAll(): string {
    let value = '';
    for (let at = 0; at < this.#text.length; ) {
      const unit = this.#unit(at);
      value += unit.value;
      at = unit.end;
    }
    return value;
  }

  /** One character or escape. */
  #unit(at: number): { value: string; end: number } {
    const code = this.#text.codePointAt(at);
    if (code === undefined) fail('unexpected end', at);
    if (code >= 0xd800 && code <= 0xdfff) fail('half a surrogate pair', at);
    if (code !== 0x5c) return { value: String.fromCodePoint(code), end: at + (code > 0xffff ? 2 : 1) };
    const letter = this.#text.charAt(at + 1);
    if (letter === 'u') return this.#unicode(at);
    const value = simpleEscapes[letter];
    if (value === undefined) fail(`unknown escape \\${letter}`, at);
    return { value, end: at + 2 };
  }

  #unicode(at: number): { value: string; end: number } {
    const pattern = /\\u\{([0-9A-Fa-f]{1,8})\}/y;
    pattern.lastIndex = at;
    const match = pattern.exec(this.#text);
    const code = match === null ? Number.NaN : Number.parseInt(match[1] as string, 16);
    if (match === null || !(code < 0x110000) || (code >= 0xd800 && code <= 0xdfff))
      fail('malformed \\u{…}', at);
    return { value: String.fromCodePoint(code), end: at + match[0].length };
  }
}

const simpleEscapes: Readonly<Record<string, string>> = {
  "'": "'",
  '"': '"',
  '\\': '\\',
  t: '\t',
  n: '\n',
  r: '\r',
};
