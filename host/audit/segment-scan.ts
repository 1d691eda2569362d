import { ChainHash, hashBytes, sha256 } from './chain-hash.ts';
import { merkleRoot } from './merkle.ts';
import { isSigned, type Seal, type SignedSeal, sealHash } from './seal.ts';
import type { SegmentHeader } from './segment.ts';
import { checkBytes, type Entry, type SegmentReader } from './segment-reader.ts';
import type { Skip, ThreadCounts } from './thread-counts.ts';
import { isAboutKeys, type Trust } from './trust.ts';

export const batchEventsMax = 1_024;

/** How far a chain was found right. */
export interface Position {
  readonly nextSequence: number;
  readonly nextBatch: number;
  /** The last link. */
  readonly link: Uint8Array;
  /** Hash of the last seal; zeros before the first. */
  readonly lastSeal: Uint8Array;
}

/** What is wrong with a seal, as far as the seal alone tells. */
export type SealFault = 'signature' | 'key' | 'chain' | 'batch' | 'header' | 'previous' | 'events';

/** How the reading of one batch ended. `event` is the first that does not follow from the one before. */
export interface Batch {
  readonly end: Exclude<Entry, 'event'>;
  readonly fault: SealFault | undefined;
  readonly brokenAt: number | undefined;
  readonly brokenOffset: number;
  readonly count: number;
  readonly offset: number;
  readonly endOffset: number;
  readonly seal: SignedSeal | undefined;
  /** The first event that does not follow from the one of its thread before. */
  readonly skip: Skip | undefined;
  /** Nothing is wrong with it but whose key it is. */
  readonly isForeign: boolean;
}

/** Reads a segment batch by batch and checks each against its seal. */
export class SegmentScan {
  readonly reader: SegmentReader;
  readonly header: SegmentHeader;
  readonly headerHash: Uint8Array;
  position: Position;
  /** The byte after the array head of the last event: its kind, where that is below 24. */
  lastKind = 0;
  readonly #trust: Trust;
  readonly #counts: ThreadCounts | undefined;
  #skip: Skip | undefined;
  readonly #hash: ChainHash;
  readonly #links: Buffer = Buffer.alloc((batchEventsMax + 1) * hashBytes);
  #keyEvents: Uint8Array[] = [];

  /** `reader` has its header behind it, or stands where `position` is. */
  constructor(
    reader: SegmentReader,
    header: SegmentHeader,
    headerBytes: Uint8Array,
    position: Position,
    trust: Trust,
    counts?: ThreadCounts,
  ) {
    this.reader = reader;
    this.header = header;
    this.headerHash = sha256(headerBytes);
    this.position = position;
    this.#trust = trust;
    this.#counts = counts;
    this.#hash = new ChainHash(position.link);
  }

  /** Reads up to the next seal. Only a batch without fault moves `position`. */
  nextBatch(): Batch {
    const { reader } = this;
    const { offset } = reader;
    this.#keyEvents = [];
    this.#skip = undefined;
    let count = 0;
    let brokenAt: number | undefined;
    let brokenOffset = offset;
    let entry = reader.next();
    for (; entry === 'event'; entry = reader.next()) {
      const isRight = this.#take(count);
      if (!isRight && brokenAt === undefined) {
        brokenAt = this.position.nextSequence + count;
        brokenOffset = reader.entryOffset;
      }
      count += 1;
    }
    const seal = entry === 'seal' ? reader.seal : undefined;
    const fault = seal === undefined ? undefined : this.#faultOf(seal, count);
    const batch = {
      end: entry,
      fault,
      brokenAt,
      brokenOffset,
      count,
      offset,
      endOffset: reader.offset,
      seal,
      skip: this.#skip,
      isForeign: fault === 'key' && seal !== undefined && this.#misfitOf(seal.seal, count) === undefined,
    };
    if (seal !== undefined && fault === undefined) this.#accept(seal);
    // What a batch that is wrong says of its threads is worth nothing.
    else this.#counts?.forget();
    return batch;
  }

  /** Records about keys in the batch that was read last. */
  get keyEvents(): readonly Uint8Array[] {
    return this.#keyEvents;
  }

  /** Goes on behind a signed seal whose batch was found wrong. */
  resume({ seal }: SignedSeal, hash: Uint8Array): void {
    this.#goTo(seal, hash);
  }

  /** Goes on as if what was read since the last batch without fault were not there. */
  stay(): void {
    this.#hash.set(this.position.link);
  }

  /** @returns whether the check beside the record is of its link */
  #take(count: number): boolean {
    const { bytes, recordAt, recordBytes, checkAt } = this.reader;
    const link = this.#hash.add(bytes, recordAt, recordBytes);
    this.#links.set(link, Math.min(count, batchEventsMax) * hashBytes);
    const sequence = this.position.nextSequence + count;
    const skip = this.#counts?.take(bytes, recordAt, recordBytes, sequence, this.reader.entryOffset);
    this.#skip ??= skip;
    this.lastKind = bytes[recordAt + 1] ?? 0;
    if (isAboutKeys(bytes, recordAt))
      this.#keyEvents.push(Uint8Array.prototype.slice.call(bytes, recordAt, recordAt + recordBytes));
    return link.compare(bytes, checkAt, checkAt + checkBytes, 0, checkBytes) === 0;
  }

  #faultOf(signed: SignedSeal, count: number): SealFault | undefined {
    const { seal } = signed;
    if (!isSigned(signed)) return 'signature';
    if (!this.#trust.holds(seal.publicKey)) return 'key';
    return this.#misfitOf(seal, count);
  }

  #misfitOf(seal: Seal, count: number): SealFault | undefined {
    if (!equal(seal.chain, this.header.chain)) return 'chain';
    if (seal.batch !== this.position.nextBatch) return 'batch';
    if (!equal(seal.segmentHeader, this.headerHash)) return 'header';
    if (!equal(seal.previousSeal, this.position.lastSeal)) return 'previous';
    return this.#isOver(seal, count) ? undefined : 'events';
  }

  #isOver(seal: Seal, count: number): boolean {
    if (seal.count !== count || count === 0 || count > batchEventsMax) return false;
    if (seal.firstSequence !== this.position.nextSequence) return false;
    if (!equal(seal.lastLink, this.#hash.link)) return false;
    return equal(seal.root, merkleRoot(this.#links, count));
  }

  #accept(signed: SignedSeal): void {
    this.#goTo(signed.seal, sealHash(signed));
    for (const record of this.#keyEvents) this.#trust.learn(record);
  }

  #goTo(seal: Seal, lastSeal: Uint8Array): void {
    this.#hash.set(seal.lastLink);
    this.position = {
      nextSequence: seal.firstSequence + seal.count,
      nextBatch: seal.batch + 1,
      link: seal.lastLink,
      lastSeal,
    };
  }
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
