import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import type { Random } from '../clock.ts';
import { HostError } from '../errors.ts';
import { genesisLink, sha256 } from './chain-hash.ts';
import { type Head, readHead } from './head.ts';
import { readPruned } from './pruned.ts';
import { noSeal, type SignedSeal, sealHash } from './seal.ts';
import { findSeal } from './seal-search.ts';
import { type SegmentHeader, segmentNumbers, segmentPath } from './segment.ts';
import { SegmentReader } from './segment-reader.ts';
import { type Position, SegmentScan } from './segment-scan.ts';
import { Trust } from './trust.ts';

/** Where a chain goes on. */
export interface Recovered {
  readonly chain: Uint8Array;
  readonly position: Position;
  /** The segment to go on in; undefined when a new one begins. */
  readonly segment: SegmentHeader | undefined;
  readonly headerHash: Uint8Array;
  /** Good bytes of it; what is behind is to be cut off. */
  readonly bytes: number;
  /** The number of the last segment. */
  readonly lastNumber: number;
  readonly head: Head | undefined;
  /** What is cut off. */
  readonly cut: Cut | undefined;
  /** The end that the head vouches for is missing, and the owner accepted that. */
  readonly loss: Loss | undefined;
}

export interface Cut {
  readonly segment: number;
  readonly offset: number;
  readonly bytes: number;
  readonly sha256: Uint8Array;
  readonly isHeadFound: boolean;
}

export interface Loss {
  readonly lastSequence: number;
  readonly head: SignedSeal;
}

export interface RecoveryOptions {
  readonly folder: string;
  readonly random: Random;
  /** The host's key and its earlier ones. */
  readonly publicKeys: readonly Uint8Array[];
  /** Goes on although events are missing that the head vouches for. */
  readonly acceptLoss: boolean;
}

/**
 * Finds the last good seal: from the head on where there is one, else from the beginning of the last segment. What
 * lies behind it was never promised and is cut off by the writer.
 * @throws HostError `HOST_ERR_AUDIT_CORRUPT` when the end that was promised is missing or damaged
 */
export function recoverChain(options: RecoveryOptions): Recovered {
  const { folder } = options;
  const trust = new Trust(options.publicKeys);
  const head = trustedHead(folder, trust);
  const numbers = segmentNumbers(folder);
  if (numbers.length === 0 && head === undefined) return genesis(options);
  const end = findEnd(folder, numbers, head, trust);
  if (end === undefined) return emptied(options, numbers, head);
  const next = end.position.nextBatch;
  const isShort = head !== undefined && head.signed.seal.batch >= next;
  const isDamaged = end.tailBytes > 0 && findSealBehind(folder, end, trust);
  if ((isShort || isDamaged) && !options.acceptLoss) throw corrupt(folder, end, head?.signed, isDamaged);
  for (const number of end.emptyNumbers) rmSync(segmentPath(folder, number));
  const lost = isShort ? head.signed : undefined;
  return {
    chain: end.header.chain,
    position: end.position,
    segment: end.header,
    headerHash: end.headerHash,
    bytes: end.offset,
    lastNumber: end.header.number,
    head: end.head ?? (isShort ? undefined : head),
    cut: cutOf(folder, end, head !== undefined),
    loss: lost && { lastSequence: end.position.nextSequence - 1, head: lost },
  };
}

interface End {
  readonly header: SegmentHeader;
  readonly headerHash: Uint8Array;
  readonly position: Position;
  readonly offset: number;
  readonly tailBytes: number;
  readonly head: Head | undefined;
  /** Later segments without one good seal. */
  readonly emptyNumbers: readonly number[];
  readonly emptyBytes: number;
}

function trustedHead(folder: string, trust: Trust): Head | undefined {
  const head = readHead(folder);
  if (head === undefined || trust.holds(head.signed.seal.publicKey)) return head;
  throw new HostError(
    'HOST_ERR_AUDIT_CORRUPT',
    `the audit chain in ${folder} was last sealed with a key that is neither this host's nor an earlier one of it; restore the key, or begin another chain in an empty folder`,
    { folder },
  );
}

/** Scans from the head's segment to the last one that has a good seal. */
function findEnd(
  folder: string,
  numbers: readonly number[],
  head: Head | undefined,
  trust: Trust,
): End | undefined {
  const last = numbers.at(-1) ?? 0;
  const first = head === undefined ? last : head.segment;
  let end: End | undefined;
  // A segment may have been begun and never got a seal: then the one before holds the end.
  for (let number = Math.max(1, first); number <= last; number++) {
    const found = scanEnd(folder, number, number === head?.segment ? head : undefined, end?.position, trust);
    if (found !== undefined) end = found;
    else if (end !== undefined) end = withEmpty(folder, end, number);
    if (end !== undefined && end.header.number < number) break;
  }
  if (end !== undefined || first <= 1) return end;
  const before = scanEnd(folder, first - 1, undefined, undefined, trust);
  if (before === undefined || head !== undefined) return undefined;
  return withEmpty(folder, before, first);
}

function withEmpty(folder: string, end: End, number: number): End {
  const emptyBytes = sizeOf(segmentPath(folder, number));
  return { ...end, emptyNumbers: [...end.emptyNumbers, number], emptyBytes: end.emptyBytes + emptyBytes };
}

function sizeOf(path: string): number {
  const reader = new SegmentReader(path);
  reader.close();
  return reader.fileBytes;
}

/** The last good seal of a segment; undefined when it has none. */
function scanEnd(
  folder: string,
  number: number,
  head: Head | undefined,
  position: Position | undefined,
  trust: Trust,
): End | undefined {
  const path = segmentPath(folder, number);
  let reader: SegmentReader;
  try {
    reader = new SegmentReader(path);
  } catch {
    return undefined;
  }
  try {
    const first = reader.header();
    if (first === undefined || first.header.number !== number) return undefined;
    const { header, bytes } = first;
    const from = position ?? { ...positionOf(header) };
    let scan = new SegmentScan(reader, header, bytes, from, trust);
    let end: End | undefined;
    if (head !== undefined && head.offset <= reader.fileBytes && isAt(path, head)) {
      reader.close();
      reader = new SegmentReader(path, head.offset);
      scan = new SegmentScan(reader, header, bytes, from, trust);
      scan.resume(head.signed, sealHash(head.signed));
      end = endOf(scan, head.offset, head);
    }
    for (
      let batch = scan.nextBatch();
      batch.end === 'seal' && batch.fault === undefined;
      batch = scan.nextBatch()
    ) {
      const signed = batch.seal as SignedSeal;
      end = endOf(scan, batch.endOffset, { segment: number, offset: batch.endOffset, signed });
    }
    return end;
  } finally {
    reader.close();
  }
}

function endOf({ header, headerHash, position, reader }: SegmentScan, offset: number, head: Head): End {
  const tailBytes = reader.fileBytes - offset;
  return { header, headerHash, position, offset, tailBytes, head, emptyNumbers: [], emptyBytes: 0 };
}

/** Whether the seal that the head names ends where the head says. */
function isAt(path: string, { offset, signed }: Head): boolean {
  const { signature } = signed;
  const found = Buffer.alloc(signature.length);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, found, 0, found.length, offset - found.length);
  } finally {
    closeSync(fd);
  }
  return found.equals(signature);
}

function positionOf(header: SegmentHeader): Position {
  const { firstSequence, firstBatch, previousLink, previousSeal } = header;
  return { nextSequence: firstSequence, nextBatch: firstBatch, link: previousLink, lastSeal: previousSeal };
}

/** A good seal behind a bad place: not the end of a write, but damage. */
function findSealBehind(folder: string, { header, offset }: End, trust: Trust): boolean {
  return findSeal(segmentPath(folder, header.number), offset, header.chain, trust) !== undefined;
}

function cutOf(folder: string, end: End, isHeadFound: boolean): Cut | undefined {
  const bytes = end.tailBytes + end.emptyBytes;
  if (bytes === 0) return undefined;
  const path = segmentPath(folder, end.header.number);
  const tail = Buffer.alloc(Math.min(end.tailBytes, tailBytesMax));
  const fd = openSync(path, 'r');
  try {
    readSync(fd, tail, 0, tail.length, end.offset);
  } finally {
    closeSync(fd);
  }
  return { segment: end.header.number, offset: end.offset, bytes, sha256: sha256(tail), isHeadFound };
}

/** A torn write is shorter: no more gathers in one buffer. */
const tailBytesMax = 64 * 1024 * 1024;

function genesis({ random }: RecoveryOptions): Recovered {
  const chain = random.fill(new Uint8Array(16));
  return {
    chain,
    position: { nextSequence: 1, nextBatch: 1, link: genesisLink(chain), lastSeal: noSeal },
    segment: undefined,
    headerHash: noSeal,
    bytes: 0,
    lastNumber: 0,
    head: undefined,
    cut: undefined,
    loss: undefined,
  };
}

/** Files without one good seal: those of a host that was ended at its very first write, or a chain that was emptied. */
function emptied(options: RecoveryOptions, numbers: readonly number[], head: Head | undefined): Recovered {
  const { folder } = options;
  const isFirstWrite = head === undefined && numbers.length === 1 && numbers[0] === 1;
  if (!isFirstWrite || readPruned(folder) !== undefined || isSealed(folder)) {
    const message = `the audit chain in ${folder} is gone or damaged from its beginning; restore it from a copy, or move the folder away to begin another`;
    throw new HostError('HOST_ERR_AUDIT_CORRUPT', message, { folder });
  }
  const path = segmentPath(folder, 1);
  const bytes = sizeOf(path);
  rmSync(path);
  const cut: Cut = { segment: 1, offset: 0, bytes, sha256: noSeal, isHeadFound: false };
  return { ...genesis(options), cut };
}

function isSealed(folder: string): boolean {
  const reader = new SegmentReader(segmentPath(folder, 1));
  try {
    if (reader.header() === undefined) return reader.fileBytes > 512;
    let entry = reader.next();
    while (entry === 'event') entry = reader.next();
    return entry === 'seal';
  } finally {
    reader.close();
  }
}

function corrupt(folder: string, end: End, head: SignedSeal | undefined, isDamaged: boolean): HostError {
  const last = end.position.nextSequence - 1;
  const promised = head === undefined ? last : head.seal.firstSequence + head.seal.count - 1;
  const why = isDamaged ? 'is damaged' : `ends, though its head vouches for event ${promised}`;
  return new HostError(
    'HOST_ERR_AUDIT_CORRUPT',
    `the audit chain in ${folder} ${why} after event ${last}; restore it from a copy, or accept the loss with --accept-audit-loss (it is then recorded)`,
    { folder, lastSequence: last, promisedSequence: promised, offset: end.offset },
  );
}
