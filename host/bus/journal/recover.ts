import fs from 'node:fs';
import { join } from 'node:path';
import type { BlockSeal } from '../../block-seal.ts';
import { HostError } from '../../errors.ts';
import { unlinked } from '../../regular-file.ts';
import type { Death } from './dead-letters.ts';
import type { Damage, JournalEntry, SettledId } from './journal.ts';
import { Ledger } from './ledger.ts';
import { attemptOf, kinds, readMark, readMessage, readSettled, recordBytes, sequenceOf } from './record.ts';
import { type Scan, type Stretch, scanSegment } from './scan.ts';
import { blockBytes, openSegment, readRecords, sealBatch } from './sealed-blocks.ts';
import {
  headOf,
  indexOf,
  indexOfName,
  Segment,
  sealOf,
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
 * @param seal opens sealed segments; with one, an unsealed segment is damage, unless it takes them over
 * @throws HostError `HOST_ERR_JOURNAL_CORRUPT` for damage other than a torn end, unless `repair`
 */
export function recover(folder: string, repair: boolean, seal?: BlockSeal): Found {
  return new Recovery(folder, repair, seal).run();
}

/** One segment's file, as far as it can be read. */
interface Readable {
  readonly segment: Segment;
  /** Its records behind a head, as if it were not sealed. */
  readonly bytes: Buffer;
  /** Size of the file. */
  readonly fileBytes: number;
  /** Stretches of the file that hold no sealed block; empty for an unsealed one. */
  readonly gaps: readonly Stretch[];
  /** Where in the file the good part ends; undefined: where the records end. */
  readonly end: number | undefined;
  readonly isTorn: boolean;
}

class Recovery {
  readonly #folder: string;
  readonly #repair: boolean;
  readonly #seal: BlockSeal | undefined;
  readonly #segments: Segment[] = [];
  readonly #places = new Map<number, Place>();
  readonly #attempts = new Map<number, number>();
  readonly #deaths = new Map<number, Death>();
  readonly #ids: { settled: SettledId; segment: number }[] = [];
  readonly #damage: Damage[] = [];

  constructor(folder: string, repair: boolean, seal: BlockSeal | undefined) {
    this.#folder = folder;
    this.#repair = repair;
    this.#seal = seal;
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
    const file = readUnlinked(path);
    const head = headOf(file);
    if (head === undefined) {
      this.#readHeadless(path, file, isLast);
      return;
    }
    const foreign = this.#foreignness(head.isSealed);
    if (foreign !== undefined) {
      this.#refuse(path, [{ from: 0, bytes: file.length }], foreign);
      fs.renameSync(path, `${path}.damaged`);
      return;
    }
    const readable = this.#readable(index, head.salt, head.isSealed, file);
    const { segment, bytes } = readable;
    const scan = scanSegment(bytes, head.salt, (kind, from, bodyEnd) =>
      this.#note(segment, bytes, kind, from, bodyEnd),
    );
    this.#judge(path, readable, scan, isLast);
    this.#segments.push(segment);
  }

  /** Why a segment cannot be this journal's as it is; undefined: it may be. */
  #foreignness(isSealed: boolean): string | undefined {
    if (isSealed) return this.#seal === undefined ? 'it is sealed, and there is no key' : undefined;
    if (this.#seal === undefined || this.#seal.takesUnsealed) return undefined;
    return 'it is not sealed, as all of this host are: somebody else put it there, or it is of an earlier version, whose files are taken over with --take-unsealed';
  }

  #readable(index: number, salt: number, isSealed: boolean, file: Buffer): Readable {
    const seal = isSealed ? sealOf(this.#seal, index, salt) : undefined;
    const segment = new Segment(this.#folder, index, salt, seal);
    const fileBytes = file.length;
    if (seal === undefined)
      return { segment, bytes: file, fileBytes, gaps: [], end: undefined, isTorn: true };
    return { segment, fileBytes, ...openSegment(file, salt, seal) };
  }

  /** Cuts off a torn end, and refuses or mends other damage. */
  #judge(path: string, readable: Readable, scan: Scan, isLast: boolean): void {
    const { segment, bytes, fileBytes } = readable;
    const end = readable.end ?? scan.end;
    const tail = { from: end, bytes: fileBytes - end };
    const isTorn = tail.bytes > 0 && isLast && readable.isTorn;
    const isLost = tail.bytes > 0 && !isLast && readable.isTorn;
    const gaps = segment.seal === undefined ? scan.gaps : [...readable.gaps, ...insideOf(scan, bytes)];
    const corrupt = isLost ? [...gaps, tail] : gaps;
    segment.bytes = end;
    if (corrupt.length > 0) {
      this.#refuse(path, corrupt, segment.seal === undefined ? undefined : sealedDamage);
      segment.bytes = mend(path, bytes, segment);
      this.#moveInto(segment);
    } else if (isTorn) fs.truncateSync(path, end);
    if (isTorn) this.#damage.push({ path, ...tail, kind: 'torn' });
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

  #refuse(path: string, stretches: readonly Stretch[], why?: string): void {
    if (!this.#repair) throw corrupt(path, stretches, why);
    for (const stretch of stretches) this.#damage.push({ path, ...stretch, kind: 'corrupt' });
  }

  /** Places in a segment that was mended are found anew. */
  #moveInto(segment: Segment): void {
    const bytes = readRecords(segment);
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
      const { receiver, origin, id, atMs } = mark;
      this.#ids.push({ settled: { receiver, origin, id, atMs }, segment: segment.index });
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
      const bytes = readRecords(segment);
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

/** What is damaged within sealed blocks, which were written so: told where it is among the records. */
function insideOf({ end, gaps }: Scan, records: Buffer): readonly Stretch[] {
  return end < records.length ? [...gaps, { from: end, bytes: records.length - end }] : gaps;
}

/** Writes a segment's good records anew without the gaps; the damaged file stays beside it. @returns its size */
function mend(path: string, bytes: Buffer, { salt, seal }: Segment): number {
  const good: Buffer[] = [];
  scanSegment(bytes, salt, (_, from, end) => good.push(bytes.subarray(from - recordBytes(0), end)));
  const records = Buffer.concat(good);
  const head = segmentHead(salt, seal !== undefined);
  const body =
    seal === undefined
      ? records
      : sealBatch(seal, segmentHeadBytes, records, Buffer.alloc(blockBytes(seal, records.length)));
  const mended = Buffer.concat([head, body]);
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

const sealedDamage =
  "they were changed or moved, or sealed under another host's key: if keys/host.key is not the one it was, put that back first";

function corrupt(path: string, stretches: readonly Stretch[], why: string | undefined): HostError {
  const [first = { from: 0, bytes: 0 }] = stretches;
  const more = stretches.length > 1 ? ` (and ${stretches.length - 1} more places)` : '';
  return new HostError(
    'HOST_ERR_JOURNAL_CORRUPT',
    `${path}: ${first.bytes} bytes from ${first.from} on are damaged${more}${why === undefined ? '' : `: ${why}`}; start with --repair-journal to go on ` +
      `with every message that is readable (the file is kept as ${path}.damaged), or put the file back from a backup`,
    { path, from: first.from, bytes: first.bytes, places: stretches.length },
  );
}
