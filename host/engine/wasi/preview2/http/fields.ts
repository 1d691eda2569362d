import { WitError } from '../../../linker.ts';
import { Trap } from '../../../trap.ts';
import { type Guest, Resource } from '../guest.ts';
import type { Holding } from '../held-bytes.ts';

/** Bytes of all names and values of one set of fields. */
export const fieldsBytesMax = 131_072;
/** Counted for each field beside its bytes, so that empty ones are bounded too (as RFC 9113, 6.5.2). */
const fieldOverheadBytes = 32;
/** What one field line costs the host beside its bytes: a buffer, its view, two strings, a pair. */
const lineHeldBytes = 512;

/** One field line: name as written, value as bytes. */
export type FieldLine = readonly [name: string, value: Uint8Array];

/** RFC 9110, 5.6.2: `token`. */
export const tokenPattern: RegExp = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What only the transport may say: it frames messages and names the peer (RFC 9110, 7.6.1; RFC 9112, 6.1). */
const forbidden: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

let linesOf: (fields: Fields) => readonly FieldLine[];

/** Resource `wasi:http/types.fields`: ordered, names compared without case, values checked (RFC 9110, 5). */
export class Fields extends Resource {
  readonly #guest: Guest;
  readonly #isMutable: boolean;
  readonly #held: Holding;
  #lines: readonly FieldLine[];
  #bytes: number;

  static {
    linesOf = (fields) => fields.#lines;
  }

  /** Fields that are not mutable show lines the host or the guest vouched for before. */
  constructor(guest: Guest, lines: readonly FieldLine[], isMutable: boolean) {
    const held = guest.held.open();
    held.resize(heldBytesOf(lines));
    super(guest, () => held.empty());
    this.#guest = guest;
    this.#held = held;
    this.#lines = lines;
    this.#isMutable = isMutable;
    this.#bytes = lines.reduce((sum, line) => sum + lineBytes(line), 0);
  }

  /** Stands for `from-list`, in whose place the class that is offered to a guest puts that guest's own. */
  static fromList(_lines: readonly FieldLine[]): Fields {
    throw new Error('fields of no guest');
  }

  /** @throws WitError `invalid-syntax` or `forbidden` */
  static checked(guest: Guest, lines: readonly FieldLine[]): Fields {
    for (const [name, value] of lines) checkLine(name, value);
    const fields = new Fields(guest, lines, true);
    fields.#checkSize();
    return fields;
  }

  get(name: string): Uint8Array[] {
    const key = name.toLowerCase();
    return this.#lines.filter(([each]) => each.toLowerCase() === key).map(([, value]) => value);
  }

  has(name: string): boolean {
    const key = name.toLowerCase();
    return this.#lines.some(([each]) => each.toLowerCase() === key);
  }

  set(name: string, values: readonly Uint8Array[]): void {
    this.#checkMutable();
    checkName(name);
    for (const value of values) checkValue(value);
    this.#replace([...this.#without(name), ...values.map((value): FieldLine => [name, value])]);
  }

  delete(name: string): void {
    this.#checkMutable();
    checkName(name);
    this.#replace(this.#without(name));
  }

  /** WASI 0.3 only. */
  getAndDelete(name: string): Uint8Array[] {
    const values = this.get(name);
    this.delete(name);
    return values;
  }

  append(name: string, value: Uint8Array): void {
    this.#checkMutable();
    checkLine(name, value);
    this.#replace([...this.#lines, [name, value]]);
  }

  entries(): [name: string, value: Uint8Array][] {
    return this.#lines.map(([name, value]) => [name, value]);
  }

  /** `entries` of WASI 0.3: a name that occurs again is spelled as at first, which is how it goes out. */
  copyAll(): [name: string, value: Uint8Array][] {
    const spelled = new Map<string, string>();
    return this.#lines.map(([name, value]) => {
      const key = name.toLowerCase();
      const first = spelled.get(key) ?? name;
      spelled.set(key, first);
      return [first, value];
    });
  }

  clone(): Fields {
    this.#guest.budget.check();
    return new Fields(this.#guest, this.#lines, true);
  }

  #without(name: string): FieldLine[] {
    const key = name.toLowerCase();
    return this.#lines.filter(([each]) => each.toLowerCase() !== key);
  }

  #replace(lines: readonly FieldLine[]): void {
    this.#guest.budget.check();
    this.#bytes = lines.reduce((sum, line) => sum + lineBytes(line), 0);
    this.#checkSize();
    this.#held.resize(heldBytesOf(lines));
    this.#lines = lines;
  }

  #checkSize(): void {
    if (this.#bytes > fieldsBytesMax)
      throw new Trap('allocation-too-large', `wasi:http: fields of more than ${fieldsBytesMax} bytes`);
  }

  #checkMutable(): void {
    if (!this.#isMutable) throw new WitError({ tag: 'immutable' });
  }
}

/** Takes the lines out of fields the guest gave away. */
export function takeLines(fields: Fields): readonly FieldLine[] {
  const lines = linesOf(fields);
  fields[Symbol.dispose]();
  return lines;
}

/**
 * Lines as Node gives them: names and values alternating, values in Latin-1. What only the transport may say
 * stays with it: a guest that passes the lines on must not frame its own message with them.
 */
export function linesFrom(raw: readonly string[]): FieldLine[] {
  const lines: FieldLine[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]];
    if (!forbidden.has(name.toLowerCase())) lines.push([name, new Uint8Array(Buffer.from(value, 'latin1'))]);
  }
  return lines;
}

/** Values as Node takes them. */
export function latin1(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
}

/** The one `content-length` of a message; undefined when it has none, NaN when it makes no sense. */
export function contentLength(lines: readonly FieldLine[]): number | undefined {
  const values = lines
    .filter(([name]) => name.toLowerCase() === 'content-length')
    .map(([, value]) => latin1(value));
  const [first] = values;
  if (first === undefined) return undefined;
  const length = /^\d{1,15}$/.test(first) ? Number(first) : Number.NaN;
  return values.every((value) => value === first) ? length : Number.NaN;
}

/** What lines that are kept cost the host. */
export function heldBytesOf(lines: readonly FieldLine[]): number {
  return lines.reduce((sum, [name, value]) => sum + name.length + value.length + lineHeldBytes, 0);
}

function lineBytes([name, value]: FieldLine): number {
  return name.length + value.length + fieldOverheadBytes;
}

function checkLine(name: string, value: Uint8Array): void {
  checkName(name);
  checkValue(value);
}

function checkName(name: string): void {
  if (name.length > fieldsBytesMax || !tokenPattern.test(name)) throw new WitError({ tag: 'invalid-syntax' });
  if (forbidden.has(name.toLowerCase())) throw new WitError({ tag: 'forbidden' });
}

/** RFC 9110, 5.5: visible characters, spaces, tabs and bytes over 127. */
function checkValue(value: Uint8Array): void {
  for (const byte of value)
    if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) throw new WitError({ tag: 'invalid-syntax' });
}
