import { crc32 } from 'node:zlib';
import { kindMax } from './record.ts';
import { recordHeadBytes } from './record-writer.ts';
import { segmentHeadBytes } from './segment.ts';

/** A stretch of a segment's bytes. */
export interface Stretch {
  readonly from: number;
  readonly bytes: number;
}

export interface Scan {
  /** Where the last good record ends. */
  readonly end: number;
  /** Unreadable stretches with good records behind them. */
  readonly gaps: readonly Stretch[];
}

/**
 * Calls `visit` with the body of every good record of a segment, gaps stepped over.
 * @param visit the body begins at `from`, its kind the first byte, and ends before `end`
 */
export function scanSegment(
  bytes: Buffer,
  salt: number,
  visit: (kind: number, from: number, end: number) => void,
): Scan {
  const gaps: Stretch[] = [];
  let at = segmentHeadBytes;
  while (at < bytes.length) {
    const end = recordEnd(bytes, at, salt);
    if (end === 0) {
      const next = nextRecord(bytes, at + 1, salt);
      if (next === undefined) break;
      gaps.push({ from: at, bytes: next - at });
      at = next;
      continue;
    }
    visit(bytes[at + recordHeadBytes] ?? 0, at + recordHeadBytes, end);
    at = end;
  }
  return { end: at, gaps };
}

/** Where the record that begins at `at` ends; 0 when there is no good one. */
function recordEnd(bytes: Buffer, at: number, salt: number): number {
  const body = at + recordHeadBytes;
  if (body >= bytes.length) return 0;
  const length = bytes.readUInt32LE(at);
  const end = body + length;
  if (length === 0 || end > bytes.length) return 0;
  const kind = bytes[body] ?? 0;
  if (kind === 0 || kind > kindMax) return 0;
  return crc32(bytes.subarray(body, end), salt) === bytes.readUInt32LE(at + 4) ? end : 0;
}

function nextRecord(bytes: Buffer, from: number, salt: number): number | undefined {
  for (let at = from; at < bytes.length; at++) if (recordEnd(bytes, at, salt) !== 0) return at;
  return undefined;
}

/** Calls `visit` with the good records from `from` on, until one ends at `until` or behind. @returns where it stopped */
export function walkRecords(
  bytes: Buffer,
  salt: number,
  from: number,
  until: number,
  visit: (kind: number, from: number, end: number) => void,
): number {
  let at = from;
  while (at < bytes.length && at < until) {
    const end = recordEnd(bytes, at, salt);
    if (end === 0) return at;
    visit(bytes[at + recordHeadBytes] ?? 0, at + recordHeadBytes, end);
    at = end;
  }
  return at;
}
