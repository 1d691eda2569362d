/**
 * What a compiler called a function, as its programmer knows it: names of Rust, in both forms of its mangling
 * (`_ZN…17h<hash>E` and `_R…`, RFC 2603). Generic arguments are left out. Anything else is shown as it is.
 */
export function demangled(name: string): string {
  // V8 puts the module's name, and a dot, before the function's.
  const mangled = /(?:^|\.)(_ZN\d[\w.$]*|_R[A-Z][\w]*)$/.exec(name)?.[1];
  if (mangled === undefined) return name;
  const shown = mangled.startsWith('_R') ? new PathReader(mangled.slice(2)).read() : legacy(mangled.slice(3));
  return shown ?? name;
}

const escapes: Readonly<Record<string, string>> = {
  LT: '<',
  GT: '>',
  RF: '&',
  BP: '*',
  LP: '(',
  RP: ')',
  C: ',',
  SP: '@',
};

function legacy(text: string): string | undefined {
  const parts: string[] = [];
  let at = 0;
  while (text[at] !== 'E') {
    const digits = /^\d{1,4}/.exec(text.slice(at, at + 4))?.[0];
    if (digits === undefined) return undefined;
    at += digits.length;
    parts.push(text.slice(at, at + Number(digits)));
    at += Number(digits);
    if (at >= text.length) return undefined;
  }
  if (/^h[0-9a-f]{16}$/.test(parts.at(-1) ?? '')) parts.pop();
  return parts.map(unescaped).join('::');
}

function unescaped(part: string): string {
  return part
    .replace(/^_\$/, '$')
    .replace(/\$(?:u([0-9a-f]{1,6})|([A-Z]{1,2}))\$/g, (whole, code: string | undefined, word = '') => {
      const point = code === undefined ? -1 : Number.parseInt(code, 16);
      if (point >= 0x20 && point <= 0x10_ffff) return String.fromCodePoint(point);
      return escapes[word] ?? whole;
    })
    .replaceAll('..', '::');
}

const basicTypes: Readonly<Record<string, string>> = {
  ...{
    a: 'i8',
    b: 'bool',
    c: 'char',
    d: 'f64',
    e: 'str',
    f: 'f32',
    h: 'u8',
    i: 'isize',
    j: 'usize',
    l: 'i32',
  },
  ...{
    m: 'u32',
    n: 'i128',
    o: 'u128',
    p: '_',
    s: 'i16',
    t: 'u16',
    u: '()',
    v: '...',
    x: 'i64',
    y: 'u64',
    z: '!',
  },
};
const depthMax = 64;
const stepsMax = 4_096;

/** Reads a `_R` name from its start; whatever does not fit makes the whole unreadable. */
class PathReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #steps = 0;
  #failed = false;

  constructor(text: string) {
    this.#text = text;
  }

  read(): string | undefined {
    const path = this.#path();
    return this.#failed ? undefined : path;
  }

  #next(): string {
    const char = this.#text[this.#at];
    this.#steps += 1;
    if (char === undefined || this.#failed || this.#steps > stepsMax) return this.#fail();
    this.#at += 1;
    return char;
  }

  #eat(char: string): boolean {
    if (this.#failed || this.#text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  #fail(): '' {
    this.#failed = true;
    return '';
  }

  #nested(read: () => string): string {
    if (this.#depth >= depthMax) return this.#fail();
    this.#depth += 1;
    const text = read();
    this.#depth -= 1;
    return text;
  }

  #path(): string {
    return this.#nested(() => {
      const kind = this.#next();
      if (kind === 'C') return this.#identifier();
      if (kind === 'N') return this.#inside();
      if (kind === 'M' || kind === 'X') {
        this.#disambiguator();
        this.#path();
        const type = this.#type();
        return kind === 'M' ? `<${type}>` : `<${type} as ${this.#path()}>`;
      }
      if (kind === 'Y') return `<${this.#type()} as ${this.#path()}>`;
      if (kind === 'I') {
        const path = this.#path();
        this.#untilEnd(() => this.#argument());
        return path;
      }
      return kind === 'B' ? this.#back(() => this.#path()) : this.#fail();
    });
  }

  #inside(): string {
    const space = this.#next();
    const path = this.#path();
    const name = this.#identifier();
    if (space === 'C') return `${path}::{closure}`;
    return name === '' ? path : `${path}::${name}`;
  }

  #argument(): void {
    if (this.#eat('L')) this.#number();
    else if (this.#eat('K')) this.#constant();
    else this.#type();
  }

  #constant(): void {
    if (this.#eat('B')) this.#back(() => '');
    else {
      this.#type();
      while (!this.#failed && this.#next() !== '_');
    }
  }

  #type(): string {
    return this.#nested(() => {
      const kind = this.#next();
      if (Object.hasOwn(basicTypes, kind)) return basicTypes[kind] ?? '';
      if (kind === 'S') return `[${this.#type()}]`;
      if (kind === 'A') {
        const type = this.#type();
        this.#constant();
        return `[${type}; _]`;
      }
      if (kind === 'T') return `(${this.#untilEnd(() => this.#type()).join(', ')})`;
      if (kind === 'R' || kind === 'Q') {
        if (this.#eat('L')) this.#number();
        return `&${kind === 'Q' ? 'mut ' : ''}${this.#type()}`;
      }
      if (kind === 'P' || kind === 'O') return `*${kind === 'O' ? 'mut ' : 'const '}${this.#type()}`;
      if (kind === 'B') return this.#back(() => this.#type());
      if (!/[CMXYNI]/.test(kind)) return this.#fail();
      this.#at -= 1;
      return this.#path();
    });
  }

  #untilEnd<T>(read: () => T): T[] {
    const all: T[] = [];
    while (!this.#eat('E') && !this.#failed) all.push(read());
    return all;
  }

  /** What was named before is said again by its place. */
  #back(read: () => string): string {
    const from = this.#at - 1;
    const place = this.#number();
    const after = this.#at;
    if (place >= from) return this.#fail();
    this.#at = place;
    const text = read();
    this.#at = after;
    return text;
  }

  #disambiguator(): void {
    if (this.#eat('s')) this.#number();
  }

  #identifier(): string {
    this.#disambiguator();
    const isPuny = this.#eat('u');
    const digits = /^(?:0|[1-9]\d{0,3})/.exec(this.#text.slice(this.#at, this.#at + 4))?.[0];
    if (digits === undefined || isPuny) return this.#fail();
    this.#at += digits.length;
    this.#eat('_');
    const name = this.#text.slice(this.#at, this.#at + Number(digits));
    this.#at += Number(digits);
    return this.#at > this.#text.length ? this.#fail() : name;
  }

  /** In base 62: `_` is 0, `0_` is 1. */
  #number(): number {
    const match = /^([0-9a-zA-Z]{0,12})_/.exec(this.#text.slice(this.#at, this.#at + 13));
    if (match === null) {
      this.#fail();
      return 0;
    }
    this.#at += match[0].length;
    let value = 0;
    for (const digit of match[1] ?? '') value = value * 62 + base62.indexOf(digit);
    return match[1] === '' ? 0 : value + 1;
  }
}

const base62 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
