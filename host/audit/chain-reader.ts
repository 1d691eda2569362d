import { HostError } from '../errors.ts';
import { type AuditEvent, decodeEvent } from './event.ts';
import { headerOf } from './retention.ts';
import type { SignedSeal } from './seal.ts';
import { type SegmentHeader, segmentNumbers, segmentPath } from './segment.ts';
import { SegmentReader } from './segment-reader.ts';

/** A sealed batch as it is read back; nothing of it is checked (see `verifyChain`). */
export interface ReadBatch {
  readonly segment: number;
  readonly header: SegmentHeader;
  readonly firstSequence: number;
  /** Its records, one after the other. */
  readonly records: readonly Buffer[];
  readonly signed: SignedSeal;
  /** The link before its first event. */
  readonly linkBefore: Uint8Array;
}

export interface BatchRange {
  readonly fromSequence?: number;
  /** Segments that end before are passed by. */
  readonly fromMs?: number;
}

/**
 * Sealed batches in order, one in memory at a time; whole segments before the range are passed by.
 * @throws HostError `HOST_ERR_AUDIT_CORRUPT` where the file cannot be read on
 */
export function* readBatches(folder: string, range: BatchRange = {}): Generator<ReadBatch> {
  const numbers = segmentNumbers(folder);
  const headers = numbers.map((number) => headerOf(segmentPath(folder, number)));
  for (const [index, number] of numbers.entries()) {
    const next = headers[index + 1];
    const isLast = index === numbers.length - 1;
    const isBefore =
      next !== undefined &&
      (next.firstSequence <= (range.fromSequence ?? 0) || next.wallMs < (range.fromMs ?? 0) - clockSlackMs);
    if (!isBefore) yield* batchesOf(folder, number, isLast);
  }
}

/** An event's own time may be so much behind its segment's. */
const clockSlackMs = 60_000;

function* batchesOf(folder: string, number: number, isLast: boolean): Generator<ReadBatch> {
  const path = segmentPath(folder, number);
  const reader = new SegmentReader(path);
  try {
    const header = reader.header()?.header;
    if (header === undefined && isLast) return;
    if (header === undefined) throw unreadable(path, 0);
    let linkBefore: Uint8Array = header.previousLink;
    let records: Buffer[] = [];
    for (let entry = reader.next(); entry !== 'end'; entry = reader.next()) {
      // The last batch may be on its way to the disk.
      if (entry === 'torn' && isLast) return;
      if (entry === 'torn' || entry === 'malformed') throw unreadable(path, reader.entryOffset);
      const signed = entry === 'seal' ? reader.seal : undefined;
      if (signed === undefined) records.push(recordOf(reader));
      else {
        const { firstSequence, lastLink } = signed.seal;
        yield { segment: number, header, firstSequence, records, signed, linkBefore };
        linkBefore = lastLink;
        records = [];
      }
    }
  } finally {
    reader.close();
  }
}

function recordOf({ bytes, recordAt, recordBytes }: SegmentReader): Buffer {
  return Buffer.from(bytes.subarray(recordAt, recordAt + recordBytes));
}

function unreadable(path: string, offset: number): HostError {
  const message = `${path} cannot be read on at byte ${offset}; host audit verify says what is wrong there`;
  return new HostError('HOST_ERR_AUDIT_CORRUPT', message, { path, offset });
}

/** All sealed events, in order. @throws as `readBatches` */
export function* readEvents(folder: string, range: BatchRange = {}): Generator<AuditEvent> {
  for (const { records, firstSequence } of readBatches(folder, range))
    for (const [index, record] of records.entries()) yield decodeEvent(firstSequence + index, record);
}
