/** Distinguished Encoding Rules (X.690), as far as timestamps need them. */
export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthBytes(content.length), content]);
}

function lengthBytes(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

/** A number of 0 or more, given as bytes, the highest first. */
export function derUnsigned(bytes: Uint8Array): Buffer {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from += 1;
  const kept = bytes.subarray(from);
  const isHigh = (kept[0] ?? 0) >= 0x80;
  return der(derTags.integer, isHigh ? Buffer.from([0]) : Buffer.alloc(0), kept);
}

/** `1.3.6.1…` */
export function derOid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const groups = [number & 0x7f];
    for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift(0x80 | (left & 0x7f));
    bytes.push(...groups);
  }
  return der(derTags.oid, Buffer.from(bytes));
}

/** One element: its tag, its content, and all its bytes. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  readonly bytes: Buffer;
}

export class DerError extends Error {
  override readonly name = 'DerError';
}

/** The elements that `bytes` are, one after the other. @throws DerError when they are none */
export function readDer(bytes: Buffer): DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const element = elementAt(bytes, at);
    elements.push(element);
    at += element.bytes.length;
  }
  return elements;
}

/** The first element of `bytes`. */
export function firstDer(bytes: Buffer): DerElement {
  return elementAt(bytes, 0);
}

function elementAt(bytes: Buffer, at: number): DerElement {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined) throw new DerError('it ends too early');
  const width = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || width > 4) throw new DerError('a length that DER does not have');
  const length =
    width === 0 ? first : bytes.subarray(at + 2, at + 2 + width).reduce((sum, byte) => sum * 256 + byte, 0);
  const from = at + 2 + width;
  if (from + length > bytes.length) throw new DerError('it ends too early');
  return { tag, content: bytes.subarray(from, from + length), bytes: bytes.subarray(at, from + length) };
}

/** What is in a constructed element. @throws DerError when it has another tag */
export function childrenOf(element: DerElement | undefined, tag: number): DerElement[] {
  if (element?.tag !== tag)
    throw new DerError(`tag ${tag} was expected, ${element?.tag ?? 'nothing'} is there`);
  return readDer(element.content);
}
