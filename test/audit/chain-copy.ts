import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { segmentNumbers, segmentPath } from '../../host/audit/segment.ts';
import { SegmentReader } from '../../host/audit/segment-reader.ts';

/** One entry of a chain and where it is. */
export interface Place {
  readonly kind: 'header' | 'event' | 'seal';
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
  /** Of an event; of a header the first event behind it; of a seal the last one before. */
  readonly sequence: number;
  /** Of a seal, or the one an event belongs to. */
  readonly batch: number;
}

export type Segments = ReadonlyMap<number, Buffer>;

/** The segments of a chain in memory, to be manipulated and written to another folder. */
export function readSegments(folder: string): Map<number, Buffer> {
  return new Map(segmentNumbers(folder).map((number) => [number, readFileSync(segmentPath(folder, number))]));
}

/** Replaces the segments in `folder`. */
export function writeSegments(folder: string, segments: Segments): void {
  for (const name of readdirSync(folder)) if (name.endsWith('.chain')) rmSync(join(folder, name));
  for (const [number, bytes] of segments) writeFileSync(segmentPath(folder, number), bytes);
}

/** Every entry, in order. */
export function placesOf(folder: string): Place[] {
  const places: Place[] = [];
  let sequence = 1;
  let batch = 1;
  for (const segment of segmentNumbers(folder)) {
    const reader = new SegmentReader(segmentPath(folder, segment));
    const length = reader.header()?.bytes.length ?? 0;
    places.push({ kind: 'header', segment, offset: 0, length, sequence, batch });
    for (let entry = reader.next(); entry === 'event' || entry === 'seal'; entry = reader.next()) {
      const place = { kind: entry, segment, offset: reader.entryOffset, length: reader.entryBytes, batch };
      places.push({ ...place, sequence: entry === 'event' ? sequence : sequence - 1 });
      if (entry === 'event') sequence += 1;
      else batch += 1;
    }
    reader.close();
  }
  return places;
}

/** The entry at which two chains part; undefined when they are the same. */
export function firstDifference(
  places: readonly Place[],
  before: Segments,
  after: Segments,
): Place | undefined {
  for (const [number, bytes] of before) {
    const other = after.get(number) ?? Buffer.alloc(0);
    if (bytes.equals(other)) continue;
    let at = 0;
    while (at < bytes.length && bytes[at] === other[at]) at += 1;
    // Something put behind the last entry: whatever would come next.
    if (at === bytes.length) return places.find(({ segment, offset }) => segment > number && offset === 0);
    return places.find(
      ({ segment, offset, length }) => segment === number && at >= offset && at < offset + length,
    );
  }
  return undefined;
}

/** Numbers from 0 up to `max`, exclusive, the same for the same seed (xorshift). */
export function dice(seed: number): (max: number) => number {
  let state = seed | 1;
  return (max) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % max;
  };
}
