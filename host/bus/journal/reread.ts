import { systemFault } from '../../system-fault.ts';
import type { Batch } from './batch.ts';
import type { JournalEntry } from './journal.ts';
import type { Ledger } from './ledger.ts';
import { kinds, readMessage, sequenceOf } from './record.ts';
import { walkRecords } from './scan.ts';
import { readRecords } from './sealed-blocks.ts';
import { type Segment, segmentHeadBytes } from './segment.ts';

/**
 * Reads messages again that are still owed, out of the segments and of batches that are not on disk yet.
 * @returns by sequence, the attempt as it was recorded; `failure` says why some are missing
 */
export function reread(
  sequences: readonly number[],
  ledger: Ledger,
  batches: readonly Batch[],
): { readonly entries: Map<number, JournalEntry>; readonly failure: string | undefined } {
  const wanted = new Set(sequences.filter((sequence) => ledger.bytesOf(sequence) !== 0));
  const entries = new Map<number, JournalEntry>();
  const collect = (bytes: Buffer, salt: number, from: number): void => {
    walkRecords(bytes, salt, from, bytes.length, (kind, bodyAt, end) => {
      if (kind !== kinds.accepted && kind !== kinds.carried) return;
      const sequence = sequenceOf(bytes, bodyAt);
      if (wanted.has(sequence)) entries.set(sequence, readMessage(bytes, bodyAt, end));
    });
  };
  let failure: string | undefined;
  for (const segment of segmentsOf(wanted, ledger)) {
    try {
      if (segment.bytes > 0) collect(readRecords(segment), segment.salt, segmentHeadBytes);
    } catch (cause) {
      failure = `cannot read ${segment.path} again: ${systemFault(cause)}`;
    }
  }
  for (const { writer, segment } of batches)
    collect(writer.bytes.subarray(0, writer.length), segment.salt, 0);
  return { entries, failure };
}

function segmentsOf(sequences: Iterable<number>, ledger: Ledger): Set<Segment> {
  const segments = new Set<Segment>();
  for (const sequence of sequences) {
    const segment = ledger.segmentOf(sequence);
    if (segment !== undefined) segments.add(segment);
  }
  return segments;
}
