import fs from 'node:fs';
import type { FileSeal } from '../../block-seal.ts';
import { unlinked } from '../../regular-file.ts';
import type { Stretch } from './scan.ts';
import { type Segment, segmentHead, segmentHeadBytes } from './segment.ts';

/** Before each sealed block: these four bytes, and its length. */
const marker = Buffer.from('MHB1');
const blockHeadBytes = 8;

/** How long the block of so many bytes of records is. */
export function blockBytes(seal: FileSeal, recordBytes: number): number {
  return blockHeadBytes + seal.overheadBytes + recordBytes;
}

/**
 * What one write puts at `offset` of a sealed segment: all records of a batch under one seal. `block` has room for
 * `blockBytes`.
 */
export function sealBatch(seal: FileSeal, offset: number, records: Uint8Array, block: Buffer): Buffer {
  marker.copy(block);
  block.writeUInt32LE(seal.overheadBytes + records.length, 4);
  seal.sealInto(block, blockHeadBytes, offset, records);
  return block;
}

/** A sealed segment's records, as an unsealed segment would have them. */
export interface OpenedSegment {
  readonly bytes: Buffer;
  /** Where the last good block ends in the file. */
  readonly end: number;
  /** Stretches of the file that did not open; the last may be the end of it. */
  readonly gaps: readonly Stretch[];
  /** What follows `end` is a block that was not written to its end. */
  readonly isTorn: boolean;
}

/**
 * Opens every block of a segment. One that is not in its place, or not as it was, leaves a gap, and the next is looked
 * for.
 */
export function openSegment(file: Buffer, salt: number, seal: FileSeal): OpenedSegment {
  const parts: Uint8Array[] = [segmentHead(salt)];
  const gaps: Stretch[] = [];
  let end = segmentHeadBytes;
  for (let at = segmentHeadBytes; at >= 0 && at < file.length; at = file.indexOf(marker, at + 1)) {
    const blockEnd = endOf(file, at);
    const records = blockEnd === 0 ? undefined : seal.open(at, file.subarray(at + blockHeadBytes, blockEnd));
    if (records === undefined) continue;
    if (at > end) gaps.push({ from: end, bytes: at - end });
    parts.push(records);
    end = blockEnd;
    at = blockEnd - 1;
  }
  const isTorn = end < file.length && isCutShort(file, end);
  if (end < file.length && !isTorn) gaps.push({ from: end, bytes: file.length - end });
  return { bytes: Buffer.concat(parts), end, gaps, isTorn };
}

/** A segment's records behind a head, read from its file, opened if they are sealed. */
export function readRecords({ path, salt, seal }: Segment): Buffer {
  const file = fs.readFileSync(path, { flag: unlinked.read });
  return seal === undefined ? file : openSegment(file, salt, seal).bytes;
}

/** Where the block at `at` ends; 0 when there is none, or not the whole of it. */
function endOf(file: Buffer, at: number): number {
  if (at + blockHeadBytes > file.length || !file.subarray(at, at + 4).equals(marker)) return 0;
  const end = at + blockHeadBytes + file.readUInt32LE(at + 4);
  return end <= file.length ? end : 0;
}

/** Whether a crash may have left the end like this: a block begun and not ended, or room that was never written to. */
function isCutShort(file: Buffer, from: number): boolean {
  const left = file.subarray(from);
  const begun = Math.min(left.length, marker.length);
  if (left.subarray(0, begun).equals(marker.subarray(0, begun))) return endOf(file, from) === 0;
  return left.every((byte) => byte === 0);
}
