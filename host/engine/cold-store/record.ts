import { crc32 } from 'node:zlib';

/*
 * One record of a segment, little endian, at a multiple of 8 bytes:
 *   0 magic · 4 state (1 live, 0 dead), 3 bytes of 0 · 8 generation (f64) · 16 name bytes · 20 body bytes
 *   24 body bytes before compression · 28 CRC-32 of name and body · 32 CRC-32 of 0-3 and 8-31 · 36 zero
 *   40 name (UTF-8), body, zeros up to a multiple of 8
 * The magic says whether the body is sealed.
 * The state is the only byte that is ever written twice; no checksum covers it.
 */
const magic = 0x3143_484d;
const sealedMagic = 0x3243_484d;
/** What both begin with. */
const magicBytes = Buffer.from([0x4d, 0x48, 0x43]);
export const headBytes = 40;
export const stateOffset = 4;
export const deadState: Uint8Array = new Uint8Array([0]);
const alignBytes = 8;

export interface RecordHead {
  readonly isLive: boolean;
  /** What the body is a sealed block of, for the agent's name and this generation. */
  readonly isSealed: boolean;
  readonly generation: number;
  readonly nameBytes: number;
  readonly bodyBytes: number;
  /** Body bytes before compression. */
  readonly rawBytes: number;
  /** Of the whole record, padding included. */
  readonly bytes: number;
}

export function encodeRecord(
  name: string,
  generation: number,
  body: Uint8Array,
  rawBytes: number,
  isSealed = false,
): Buffer<ArrayBuffer> {
  const nameBytes = Buffer.byteLength(name);
  const record = Buffer.alloc(aligned(headBytes + nameBytes + body.length));
  record.writeUInt32LE(isSealed ? sealedMagic : magic, 0);
  record[stateOffset] = 1;
  record.writeDoubleLE(generation, 8);
  record.writeUInt32LE(nameBytes, 16);
  record.writeUInt32LE(body.length, 20);
  record.writeUInt32LE(rawBytes, 24);
  record.write(name, headBytes);
  record.set(body, headBytes + nameBytes);
  record.writeUInt32LE(crc32(record.subarray(headBytes, headBytes + nameBytes + body.length)), 28);
  record.writeUInt32LE(headSum(record, 0), 32);
  return record;
}

/** The head at `at`, or undefined when there is none. */
export function readHead(bytes: Buffer, at: number): RecordHead | undefined {
  if (at + headBytes > bytes.length) return undefined;
  const found = bytes.readUInt32LE(at);
  if (found !== magic && found !== sealedMagic) return undefined;
  if (bytes.readUInt32LE(at + 32) !== headSum(bytes, at)) return undefined;
  const nameBytes = bytes.readUInt32LE(at + 16);
  const bodyBytes = bytes.readUInt32LE(at + 20);
  return {
    isLive: bytes[at + stateOffset] === 1,
    isSealed: found === sealedMagic,
    generation: bytes.readDoubleLE(at + 8),
    nameBytes,
    bodyBytes,
    rawBytes: bytes.readUInt32LE(at + 24),
    bytes: aligned(headBytes + nameBytes + bodyBytes),
  };
}

export function nameOf(bytes: Buffer, at: number, { nameBytes }: RecordHead): string {
  return bytes.toString('utf8', at + headBytes, at + headBytes + nameBytes);
}

/** The body of a record that begins at 0; undefined when it is not what was written. */
export function bodyOf(record: Buffer, { nameBytes, bodyBytes }: RecordHead): Buffer | undefined {
  const content = record.subarray(headBytes, headBytes + nameBytes + bodyBytes);
  if (content.length !== nameBytes + bodyBytes || crc32(content) !== record.readUInt32LE(28))
    return undefined;
  return content.subarray(nameBytes);
}

/** Walks over all records of a segment, whole ones and live or dead; damaged stretches are passed over. */
export function* recordsOf(segment: Buffer): Generator<{ readonly at: number; readonly head: RecordHead }> {
  let at = 0;
  while (at < segment.length) {
    const head = readHead(segment, at);
    if (head !== undefined && at + head.bytes <= segment.length) {
      yield { at, head };
      at += head.bytes;
      continue;
    }
    do at = segment.indexOf(magicBytes, at + 1);
    while (at >= 0 && at % alignBytes !== 0);
    if (at < 0) return;
  }
}

function headSum(bytes: Buffer, at: number): number {
  return crc32(bytes.subarray(at + 8, at + 32), crc32(bytes.subarray(at, at + 4)));
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / alignBytes) * alignBytes;
}
