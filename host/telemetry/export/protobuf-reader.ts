/** The fields of one message of Protocol Buffers: numbers as they are, what has a length as bytes. */
export type Fields = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

const fixedBytes: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** What is there of a message; what a server says that is no message has no fields. */
export function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, (number | Uint8Array)[]>();
  for (let at = 0; at < bytes.length; ) {
    const [tag, from] = varintAt(bytes, at);
    const value = valueAt(bytes, from, tag & 7);
    if (value === undefined) return fields;
    const number = Math.floor(tag / 8);
    fields.set(number, [...(fields.get(number) ?? []), value[0]]);
    at = value[1];
  }
  return fields;
}

function valueAt(
  bytes: Uint8Array,
  at: number,
  wire: number,
): readonly [value: number | Uint8Array, end: number] | undefined {
  if (wire === 0) return at < bytes.length ? varintAt(bytes, at) : undefined;
  const [length, from] = wire === 2 ? varintAt(bytes, at) : [fixedBytes[wire] ?? Number.NaN, at];
  if (!(from + length <= bytes.length)) return undefined;
  return [bytes.subarray(from, from + length), from + length];
}

function varintAt(bytes: Uint8Array, at: number): readonly [value: number, end: number] {
  let value = 0;
  for (let index = at, scale = 1; index < bytes.length && index < at + 10; index += 1, scale *= 0x80) {
    const byte = bytes[index] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, index + 1];
  }
  return [value, bytes.length];
}

/** The first message under a number. */
export function messageIn(fields: Fields, number: number): Fields {
  const value = fields.get(number)?.[0];
  return value instanceof Uint8Array ? fieldsOf(value) : new Map();
}

export function numberIn(fields: Fields, number: number): number {
  const value = fields.get(number)?.[0];
  return typeof value === 'number' ? value : 0;
}

export function textIn(fields: Fields, number: number): string {
  const value = fields.get(number)?.[0];
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : '';
}
