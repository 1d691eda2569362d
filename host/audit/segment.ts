import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { hashBytes } from './chain-hash.ts';

/** The first entry of a segment file: where it goes on from. Every seal in it names the header's hash. */
export interface SegmentHeader {
  readonly chain: Uint8Array;
  /** As in the file's name; from 1. */
  readonly number: number;
  /** Of the first event and the first batch in it. */
  readonly firstSequence: number;
  readonly firstBatch: number;
  readonly previousLink: Uint8Array;
  readonly previousSeal: Uint8Array;
  readonly wallMs: number;
}

const magic = 'motehost-audit';
const version = 1;
/** A header is shorter. */
export const headerBytesMax = 512;

export function encodeHeader(header: SegmentHeader): Uint8Array {
  return encodeCbor([
    magic,
    version,
    header.chain,
    header.number,
    header.firstSequence,
    header.firstBatch,
    header.previousLink,
    header.previousSeal,
    header.wallMs,
  ]);
}

/** @returns undefined for what is no header */
export function decodeHeader(entry: Uint8Array): SegmentHeader | undefined {
  let fields: unknown;
  try {
    fields = decodeCbor(entry);
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields) || fields.length !== 9 || fields[0] !== magic || fields[1] !== version)
    return undefined;
  const [, , chain, number, firstSequence, firstBatch, previousLink, previousSeal, wallMs] = fields;
  const counts: unknown[] = [number, firstSequence, firstBatch, wallMs];
  if (!counts.every(Number.isSafeInteger) || !(chain instanceof Uint8Array)) return undefined;
  const hashes: unknown[] = [previousLink, previousSeal];
  if (!hashes.every((bytes) => bytes instanceof Uint8Array && bytes.length === hashBytes)) return undefined;
  return { chain, number, firstSequence, firstBatch, previousLink, previousSeal, wallMs } as SegmentHeader;
}

const namePattern = /^(\d{8,})\.chain$/;

export function segmentPath(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(8, '0')}.chain`);
}

/** The numbers of the segments in a folder, ascending. @throws the system's error */
export function segmentNumbers(folder: string): number[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => Number(namePattern.exec(name)?.[1] ?? Number.NaN))
    .filter((number) => !Number.isNaN(number))
    .sort((a, b) => a - b);
}
