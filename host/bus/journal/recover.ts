import fs from 'node:fs';
import { join } from 'node:path';
import { HostError } from '../../errors.ts';
import { unlinked } from '../../regular-file.ts';
import type { Death } from './dead-letters.ts';
import type { Damage, JournalEntry, SettledId } from './journal.ts';
import { Ledger } from './ledger.ts';
import { attemptOf, kinds, readMark, readMessage, readSettled, recordBytes, sequenceOf } from './record.ts';
import { scanSegment } from './scan.ts';
import {
  indexOf,
  indexOfName,
  Segment,
  saltOf,
  segmentHead,
  segmentHeadBytes,
  segmentName,
  slotOf,
} from './segment.ts';

/** What the files of a journal say. */
export interface Found {
  readonly ledger: Ledger;
  /** The number of the next segment. */
  readonly nextIndex: number;
  /** Messages owed, in the order in which they were accepted; `attempt` as it was then. */
  readonly entries: readonly JournalEntry[];
  readonly attempts: Map<number, number>;
  readonly deaths: ReadonlyMap<number, Death>;
  /** With the segments they are recorded in. */
  readonly settledIds: readonly { readonly settled: SettledId; readonly segment: number }[];
  readonly damage: readonly Damage[];
}

interface Place {
  readonly segment: Segment;
  /** Where the body of its newest record begins. */
  readonly from: number;
  readonly bytes: number;
}

/**
 * Reads a journal's folder, segment by segment. The end of the last segment is cut off where a crash interrupted a
 * write.
 * @param repair go on with what is readable of a damaged segment, which is set aside as `….damaged`
 * @throws HostError `HOST_ERR_JOURNAL_CORRUPT` for damage other than a torn end, unless `repair`
 */
export function recover(folder: string, repair: boolean): Found {
  return new Recovery(folder, repair).run();
}

class Recovery {
  readonly #folder: string;
  readonly #repair: boolean;
  readonly #segments: Segment[] = [];
  readonly #places = new Map<number, Place>();
  readonly #attempts = new Map<number, number>();
  readonly #deaths = new Map<number, Death>();
  readonly #ids: { settled: SettledId; segment: number }[] = [];
  readonly #damage: Damage[] = [];

  constructor(folder: string, repair: boolean) {
    this.#folder = folder;
    this.#repair = repair;
  }

  run(): Found {
    const indexes = fs
      .readdirSync(this.#folder)
      .map(indexOfName)
      .filter((index) => index !== undefined)
      .sort((a, b) => a - b);
    for (const index of indexes) this.#readSegment(index, index === indexes.at(-1));
    const entries = this.#decode();
    return {
      ledger: this.#ledger(),
      nextIndex: (indexes.at(-1) ?? 0) + 1,
      entries,
      attempts: this.#attempts,
      deaths: this.#deaths,
      settledIds: this.#ids,
      damage: this.#damage,
    };
  }

  #readSegment(index: number, isLast: boolean): void {
    const path = join(this.#folder, segmentName(index));
    const bytes = readUnlinked(path);
    const salt = saltOf(bytes);
    if (salt === undefined) {
      this.#readHeadless(path, bytes, isLast);
      return;
    }
    const segment = new Segment(this.#folder, index, salt);
    const { end, gaps } = scanSegment(bytes, salt, (kind, from, bodyEnd) =>
      this.#note(segment, bytes, kind, from, bodyEnd),
    );
    const tail = { from: end, bytes: bytes.length - end };
    const isTorn = tail.bytes > 0 && isLast;
    const corrupt = tail.bytes > 0 && !isLast ? [...gaps, tail] : gaps;
    segment.bytes = end;
    if (corrupt.length > 0) {
      this.#refuse(path, corrupt);
      segment.bytes = mend(path, bytes, salt);
      this.#moveInto(segment);
    } else if (isTorn) fs.truncateSync(path, end);
    if (isTorn) this.#damage.push({ path, ...tail, kind: 'torn' });
    this.#segments.push(segment);
  }

  /** A segment without a head: it was just being made, or it is damaged where it hurts most. */
  #readHeadless(path: string, bytes: Buffer, isLast: boolean): void {
    const isTorn = isLast && (bytes.length < segmentHeadBytes || bytes.every((byte) => byte === 0));
    if (isTorn) {
      if (bytes.length > 0) this.#damage.push({ path, from: 0, bytes: bytes.length, kind: 'torn' });
      fs.rmSync(path);
      return;
    }
    this.#refuse(path, [{ from: 0, bytes: bytes.length }]);
    fs.renameSync(path, `${path}.damaged`);
  }

  #refuse(path: string, stretches: readonly { readonly from: number; readonly bytes: number }[]): void {
    if (!this.#repair) throw corrupt(path, stretches);
    for (const stretch of stretches) this.#damage.push({ path, ...stretch, kind: 'corrupt' });
  }

  /** Places in a segment that was mended are found anew. */
  #moveInto(segment: Segment): void {
    const bytes = readUnlinked(segment.path);
    scanSegment(bytes, segment.salt, (kind, from, end) => {
      if (kind !== kinds.accepted && kind !== kinds.carried) return;
      const sequence = sequenceOf(bytes, from);
      if (this.#places.get(sequence)?.segment !== segment) return;
      this.#places.set(sequence, { segment, from, bytes: recordBytes(end - from) });
    });
  }

  #note(segment: Segment, bytes: Buffer, kind: number, from: number, end: number): void {
    if (kind === kinds.accepted || kind === kinds.carried) {
      const sequence = sequenceOf(bytes, from);
      this.#places.set(sequence, { segment, from, bytes: recordBytes(end - from) });
      const attempt = attemptOf(bytes, from);
      if (attempt > 1) this.#attempts.set(sequence, attempt);
    } else if (kind === kinds.settled || kind === kinds.settledRuns) {
      for (const sequence of readSettled(bytes, from, end)) this.#forget(sequence);
    } else this.#noteMark(segment, bytes, from, end);
  }

  #noteMark(segment: Segment, bytes: Buffer, from: number, end: number): void {
    const mark = readMark(bytes, from, end);
    if (mark.kind === 'once') {
      const { receiver, sender, id, atMs } = mark;
      this.#ids.push({ settled: { receiver, sender, id, atMs }, segment: segment.index });
      return;
    }
    // It may be about a message that was settled and whose segment is gone.
    if (!this.#places.has(mark.sequence)) return;
    if (mark.kind === 'died') {
      this.#deaths.delete(mark.sequence);
      this.#deaths.set(mark.sequence, mark);
    } else {
      this.#deaths.delete(mark.sequence);
      this.#attempts.set(mark.sequence, mark.attempt);
    }
  }

  #forget(sequence: number): void {
    this.#places.delete(sequence);
    this.#attempts.delete(sequence);
    this.#deaths.delete(sequence);
  }

  /** Reads the segments that hold something owed a second time: one of them is in memory at a time. */
  #decode(): JournalEntry[] {
    const entries: JournalEntry[] = [];
    const holding = new Set([...this.#places.values()].map(({ segment }) => segment));
    for (const segment of holding) {
      const bytes = readUnlinked(segment.path);
      scanSegment(bytes, segment.salt, (kind, from, end) => {
        if (kind !== kinds.accepted && kind !== kinds.carried) return;
        const place = this.#places.get(sequenceOf(bytes, from));
        if (place?.segment === segment && place.from === from) entries.push(readMessage(bytes, from, end));
      });
    }
    return entries.sort((a, b) => a.sequence - b.sequence);
  }

  #ledger(): Ledger {
    const ledger = new Ledger();
    for (const segment of this.#segments) ledger.add(segment);
    const sequences = [...this.#places.keys()].sort((a, b) => a - b);
    for (const sequence of sequences) {
      const place = this.#places.get(sequence);
      if (place === undefined) continue;
      if (place.segment.index === indexOf(sequence)) place.segment.put(slotOf(sequence), place.bytes);
      else ledger.put(sequence, place.segment, place.bytes);
    }
    return ledger;
  }
}

function readUnlinked(path: string): Buffer {
  return fs.readFileSync(path, { flag: unlinked.read });
}

/** Writes a segment's good records anew without the gaps; the damaged file stays beside it. @returns its size */
function mend(path: string, bytes: Buffer, salt: number): number {
  const good: Buffer[] = [segmentHead(salt)];
  scanSegment(bytes, salt, (_, from, end) => good.push(bytes.subarray(from - recordBytes(0), end)));
  const mended = Buffer.concat(good);
  const beside = `${path}.mended`;
  const fd = fs.openSync(beside, unlinked.write, 0o600);
  fs.writeSync(fd, mended);
  fs.fsyncSync(fd);
  fs.closeSync(fd);
  fs.rmSync(`${path}.damaged`, { force: true });
  fs.copyFileSync(path, `${path}.damaged`, fs.constants.COPYFILE_EXCL);
  fs.renameSync(beside, path);
  return mended.length;
}

function corrupt(
  path: string,
  stretches: readonly { readonly from: number; readonly bytes: number }[],
): HostError {
  const [first = { from: 0, bytes: 0 }] = stretches;
  const more = stretches.length > 1 ? ` (and ${stretches.length - 1} more places)` : '';
  return new HostError(
    'HOST_ERR_JOURNAL_CORRUPT',
    `${path}: ${first.bytes} bytes from ${first.from} on are damaged${more}; start with --repair-journal to go on ` +
      `with every message that is readable (the file is kept as ${path}.damaged), or put the file back from a backup`,
    { path, from: first.from, bytes: first.bytes, places: stretches.length },
  );
}
