/** A second CBOR decoder, as slow and as plain as possible. Whole numbers are bigints, bytes are hex. */
export function readSimply(bytes: Uint8Array, at: number): { readonly value: unknown; readonly end: number } {
  const major = (bytes[at] ?? 0) >> 5;
  const info = (bytes[at] ?? 0) & 31;
  const width = info < 24 ? 0 : 1 << (info - 24);
  const body = Buffer.from(bytes.subarray(at + 1, at + 1 + width));
  const number = width === 0 ? BigInt(info) : BigInt(`0x${body.toString('hex')}`);
  const next = at + 1 + width;
  if (major === 0) return { value: number, end: next };
  if (major === 1) return { value: -1n - number, end: next };
  if (major === 7) return { value: simple(info, body), end: next };
  const end = next + Number(number);
  if (major === 2) return { value: Buffer.from(bytes.subarray(next, end)).toString('hex'), end };
  if (major === 3) return { value: Buffer.from(bytes.subarray(next, end)).toString('utf8'), end };
  if (major === 6) return bigNumber(number, readSimply(bytes, next));
  if (major !== 4) throw new Error(`major type ${major}`);
  const list: unknown[] = [];
  let from = next;
  for (let index = 0n; index < number; index++) {
    const item = readSimply(bytes, from);
    list.push(item.value);
    from = item.end;
  }
  return { value: list, end: from };
}

function bigNumber(
  tag: bigint,
  { value, end }: { value: unknown; end: number },
): { value: unknown; end: number } {
  const number = BigInt(`0x${value}`);
  if (tag === 2n) return { value: number, end };
  if (tag === 3n) return { value: -1n - number, end };
  throw new Error(`tag ${tag}`);
}

function simple(info: number, body: Buffer): unknown {
  if (info === 20 || info === 21) return info === 21;
  if (info === 22) return null;
  if (info === 26) return body.readFloatBE();
  if (info === 27) return body.readDoubleBE();
  if (info !== 25) throw new Error(`simple value ${info}`);
  const raw = body.readUInt16BE();
  const [exponent, fraction] = [(raw >> 10) & 31, raw & 1023];
  const sign = raw >> 15 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
