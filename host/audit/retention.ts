import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { syncFolder } from './disk.ts';
import { encodePruned, type Pruned, prunedPath } from './pruned.ts';
import { type SegmentHeader, segmentNumbers, segmentPath } from './segment.ts';
import { SegmentReader } from './segment-reader.ts';
import type { Signer } from './signer.ts';

export interface Retention {
  /** Segments whose last event is older are deleted; null: never. */
  readonly retentionMsMax: number | null;
  /** Bytes of all segments, beyond which the oldest are deleted; null: never. */
  readonly retentionBytesMax: number | null;
}

/** What is to be deleted: whole segments, the oldest. */
export interface Pruning {
  readonly numbers: readonly number[];
  /** The header of the first that stays. */
  readonly next: SegmentHeader;
}

/** @returns undefined when all may stay; `open` (the segment being written) always does */
export function planPruning(
  folder: string,
  open: number,
  nowMs: number,
  retention: Retention,
): Pruning | undefined {
  const { retentionMsMax, retentionBytesMax } = retention;
  if (retentionMsMax === null && retentionBytesMax === null) return undefined;
  const numbers = segmentNumbers(folder).filter((number) => number <= open);
  const sizes = numbers.map((number) => statSync(segmentPath(folder, number)).size);
  let bytes = sizes.reduce((sum, size) => sum + size, 0);
  let next: SegmentHeader | undefined;
  let count = 0;
  for (; count < numbers.length - 1; count++) {
    const following = headerOf(segmentPath(folder, numbers[count + 1] as number));
    if (following === undefined) break;
    const isOld = retentionMsMax !== null && following.wallMs < nowMs - retentionMsMax;
    const isTooMuch = retentionBytesMax !== null && bytes > retentionBytesMax;
    if (!isOld && !isTooMuch) break;
    next = following;
    bytes -= sizes[count] as number;
  }
  return next && { numbers: numbers.slice(0, count), next };
}

/** The header of a segment file; undefined when it has none. @throws the system's error */
export function headerOf(path: string): SegmentHeader | undefined {
  const reader = new SegmentReader(path);
  try {
    return reader.header()?.header;
  } finally {
    reader.close();
  }
}

/** The signed word that is written, durable, before anything is deleted. */
export function writePruned(folder: string, { next }: Pruning, wallMs: number, signer: Signer): Pruned {
  const pruned: Pruned = {
    chain: next.chain,
    segment: next.number - 1,
    lastSequence: next.firstSequence - 1,
    lastBatch: next.firstBatch - 1,
    lastLink: next.previousLink,
    lastSeal: next.previousSeal,
    wallMs,
    publicKey: signer.publicKey,
  };
  const path = prunedPath(folder);
  const fd = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(fd, encodePruned(pruned, signer));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${path}.new`, path);
  syncFolder(folder);
  return pruned;
}

export function deleteSegments(folder: string, numbers: readonly number[]): void {
  for (const number of numbers) rmSync(segmentPath(folder, number), { force: true });
}
