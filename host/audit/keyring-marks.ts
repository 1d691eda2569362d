import { existsSync, readFileSync } from 'node:fs';
import { segmentNumbers, segmentPath } from './segment.ts';

/** What a mark begins with; its host's own bytes follow, by which that knows its marks from others' bytes. */
export const markStart: Buffer = Buffer.from('motehost/keyring-mark/v1\0');

/**
 * Bytes in the last segments of a chain that begin as marks of keyrings do. Every segment begins with one, so the last
 * that has one, and the one before, have the newest. What agents had recorded may look the same: whoever made the
 * marks looks closer (`isOwn`).
 * @throws the system's error
 */
export function lastMarks(
  folder: string,
  bytes: number,
  isOwn: (mark: Buffer) => boolean,
): readonly Buffer[] {
  if (!existsSync(folder)) return [];
  const found: Buffer[] = [];
  let segmentsLeft = Number.POSITIVE_INFINITY;
  for (const number of segmentNumbers(folder).reverse()) {
    const before = found.length;
    collect(readFileSync(segmentPath(folder, number)), bytes, isOwn, found);
    if (segmentsLeft === Number.POSITIVE_INFINITY && found.length > before) segmentsLeft = 2;
    segmentsLeft -= 1;
    if (segmentsLeft === 0) break;
  }
  return found;
}

function collect(content: Buffer, bytes: number, isOwn: (mark: Buffer) => boolean, found: Buffer[]): void {
  for (let at = content.indexOf(markStart); at >= 0; at = content.indexOf(markStart, at + 1)) {
    const mark = content.subarray(at, at + bytes);
    if (mark.length === bytes && isOwn(mark)) found.push(Buffer.from(mark));
  }
}
