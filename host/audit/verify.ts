import { setImmediate as turn } from 'node:timers/promises';
import { type ChainFault, faultOfBatch } from './chain-fault.ts';
import { genesisLink } from './chain-hash.ts';
import { ForeignRun } from './foreign-run.ts';
import { type Head, isSameSeal, readHead } from './head.ts';
import { kinds } from './kinds.ts';
import { type Pruned, readPruned } from './pruned.ts';
import { noSeal, type SignedSeal, sealHash } from './seal.ts';
import { findSeal } from './seal-search.ts';
import { type SegmentHeader, segmentNumbers, segmentPath } from './segment.ts';
import { SegmentReader } from './segment-reader.ts';
import { type Batch, equal, type Position, SegmentScan } from './segment-scan.ts';
import { type Skip, skipText, ThreadCounts } from './thread-counts.ts';
import { Trust } from './trust.ts';

export interface VerifyOptions {
  /** A seal that was kept elsewhere: the chain must have it. */
  readonly anchor?: SignedSeal;
  /** Told now and then how many events were checked. */
  readonly onProgress?: (events: number) => void;
}

/** What became of a chain. */
export interface Verification {
  readonly isIntact: boolean;
  /** In the order of the chain, at most `faultsMax`; the first names the first event that cannot be trusted. */
  readonly faults: readonly ChainFault[];
  /** What cannot be told, and why: a missing head, a tail that was never promised. */
  readonly notes: readonly string[];
  readonly segments: number;
  readonly batches: number;
  readonly events: number;
  readonly firstSequence: number | undefined;
  readonly lastSequence: number | undefined;
  /** Wall clock of the first and the last seal. */
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
  readonly lastSeal: SignedSeal | undefined;
  /** The beginning was deleted by the host, up to here. */
  readonly prunedTo: number | undefined;
  /** Bytes behind the last seal. */
  readonly tailBytes: number;
}

export const faultsMax = 100;
const batchesPerTurn = 64;

/**
 * Checks a whole chain against the host's public keys: offline, in one pass, in constant memory. Keys that an earlier
 * one introduced on the chain are followed.
 * @throws the system's error when a file cannot be read
 */
export async function verifyChain(
  folder: string,
  publicKeys: readonly Uint8Array[],
  options: VerifyOptions = {},
): Promise<Verification> {
  const verifier = new Verifier(folder, publicKeys, options);
  for (const events of verifier.run()) {
    options.onProgress?.(events);
    await turn();
  }
  return verifier.result();
}

class Verifier {
  readonly #folder: string;
  readonly #trust: Trust;
  readonly #anchor: SignedSeal | undefined;
  readonly #head: Head | undefined;
  readonly #pruned: Pruned | undefined;
  readonly #numbers: readonly number[];
  readonly #counts = new ThreadCounts();
  readonly #faults: ChainFault[] = [];
  readonly #notes: string[] = [];
  #chain: Uint8Array | undefined;
  #position: Position | undefined;
  #firstSequence: number | undefined;
  #firstMs: number | undefined;
  #lastSeal: SignedSeal | undefined;
  #batches = 0;
  #events = 0;
  #tailBytes = 0;
  #isAnchorFound = false;
  /** The last sealed event is that the host stopped: nothing can follow in the same segment's end. */
  #isStopped = false;
  /** What follows a fault is a consequence until a seal says where it goes on. */
  #isLost = false;
  /** Nothing was found yet but batches of a key that nobody vouched for. */
  #isBeginning = true;
  #foreign: { readonly run: ForeignRun; readonly at: number } | undefined;
  /** What was read since `#position` that it could not go on from. */
  #passed: { events: number; batches: number } = { events: 0, batches: 0 };
  /** The first event that the end of the last segment lacks. */
  #missing: { readonly sequence: number; readonly file: string; readonly offset: number } | undefined;

  constructor(folder: string, publicKeys: readonly Uint8Array[], options: VerifyOptions) {
    this.#folder = folder;
    this.#trust = new Trust(publicKeys);
    this.#anchor = options.anchor;
    // The head first: the chain may grow while it is read.
    this.#head = readHead(folder);
    this.#pruned = readPruned(folder);
    this.#numbers = segmentNumbers(folder);
  }

  *run(): Generator<number> {
    for (const [index, number] of this.#numbers.entries()) {
      if (this.#faults.length >= faultsMax) return;
      yield* this.#segment(number, index === this.#numbers.length - 1);
      yield this.#events;
    }
    this.#checkEnd();
    const { lost } = this.#counts;
    if (lost > 0)
      this.#notes.push(
        `${lost} events never came to the chain, as it says itself (host audit query --kind events-lost)`,
      );
  }

  result(): Verification {
    return {
      isIntact: this.#faults.length === 0,
      faults: this.#faults,
      notes: this.#notes,
      segments: this.#numbers.length,
      batches: this.#batches,
      events: this.#events,
      firstSequence: this.#firstSequence,
      lastSequence: this.#lastSeal && this.#position && this.#position.nextSequence - 1,
      firstMs: this.#firstMs,
      lastMs: this.#lastSeal?.seal.wallMs,
      lastSeal: this.#lastSeal,
      prunedTo: this.#pruned?.lastSequence,
      tailBytes: this.#tailBytes,
    };
  }

  *#segment(number: number, isLast: boolean): Generator<number> {
    const path = segmentPath(this.#folder, number);
    let reader = new SegmentReader(path);
    try {
      const head = reader.header();
      if (head === undefined) {
        this.#noHeader(path, reader.fileBytes, isLast);
        return;
      }
      this.#chain ??= head.header.chain;
      const position = this.#enter(path, number, head.header);
      let scan = new SegmentScan(reader, head.header, head.bytes, position, this.#trust, this.#counts);
      for (let batch = scan.nextBatch(); ; batch = scan.nextBatch()) {
        const before = this.#position ?? position;
        this.#judge(path, scan, batch, before, isLast);
        if (batch.end === 'end' || this.#faults.length >= faultsMax) return;
        if (batch.end !== 'seal') {
          const found = findSeal(path, batch.endOffset, head.header.chain, this.#trust);
          if (found === undefined) return;
          this.#unreadable(path, batch, before);
          reader.close();
          reader = new SegmentReader(path, found.endOffset);
          scan = new SegmentScan(reader, head.header, head.bytes, before, this.#trust, this.#counts);
          scan.resume(found.signed, sealHash(found.signed));
          this.#position = scan.position;
          this.#isLost = false;
          this.#missing = undefined;
          this.#tailBytes = 0;
        }
        if (this.#batches % batchesPerTurn === 0) yield this.#events;
      }
    } finally {
      reader.close();
    }
  }

  /** Where the segment goes on from, having told what does not fit. */
  #enter(path: string, number: number, header: SegmentHeader): Position {
    const claimed = positionOf(header);
    const expected = this.#position ?? this.#beginning(path, header);
    this.#position ??= expected;
    this.#firstSequence ??= expected.nextSequence;
    const isRight = header.number === number && equal(header.chain, this.#chain ?? header.chain);
    if (isRight && isSamePosition(claimed, expected)) return expected;
    if (!this.#isLost) this.#add(misplaced(path, number, header, expected));
    this.#isLost = true;
    if (header.firstBatch > expected.nextBatch) {
      this.#position = claimed;
      this.#passed = { events: 0, batches: 0 };
    }
    return this.#position;
  }

  #beginning(path: string, header: SegmentHeader): Position {
    const claimed = positionOf(header);
    const pruned = this.#pruned;
    if (header.firstSequence === 1) {
      const link = genesisLink(header.chain);
      return { nextSequence: 1, nextBatch: 1, link, lastSeal: noSeal };
    }
    const isSaid =
      pruned !== undefined &&
      this.#trust.holds(pruned.publicKey) &&
      equal(pruned.chain, header.chain) &&
      header.firstSequence <= pruned.lastSequence + 1;
    if (!isSaid) {
      const detail = `the chain begins at event ${header.firstSequence}, and no signed word says that the host deleted what was before`;
      this.#add({ kind: 'removed', sequence: 1, batch: 1, file: path, offset: 0, detail });
      return claimed;
    }
    if (header.firstSequence <= pruned.lastSequence) return claimed;
    return {
      nextSequence: pruned.lastSequence + 1,
      nextBatch: pruned.lastBatch + 1,
      link: pruned.lastLink,
      lastSeal: pruned.lastSeal,
    };
  }

  #judge(path: string, scan: SegmentScan, batch: Batch, before: Position, isLast: boolean): void {
    if (batch.seal !== undefined && batch.fault === undefined) {
      if (batch.brokenAt !== undefined) this.#addBatch(path, batch, before);
      if (batch.skip !== undefined) this.#addSkip(path, batch.skip, before);
      this.#accept(batch.seal, scan, batch.count);
      return;
    }
    if (batch.seal !== undefined) {
      this.#wrongSeal(path, scan, batch, batch.seal, before);
      return;
    }
    const sequence = batch.brokenAt ?? before.nextSequence + batch.count;
    const offset = batch.brokenAt === undefined ? scan.reader.entryOffset : batch.brokenOffset;
    if (isLast) {
      this.#missing = { sequence, file: path, offset };
      this.#tailBytes = scan.reader.fileBytes - batch.offset;
    } else if (batch.end === 'end' && batch.count > 0) {
      const detail = 'the segment ends here, without a seal';
      this.#add({ kind: 'truncated', sequence, batch: before.nextBatch, file: path, offset, detail });
      this.#isLost = true;
    } else if (batch.end !== 'end') this.#unreadable(path, batch, before);
  }

  #accept(signed: SignedSeal, scan: SegmentScan, count: number): void {
    this.#isLost = false;
    this.#isBeginning = false;
    this.#passed = { events: 0, batches: 0 };
    this.#endForeign(signed);
    this.#position = scan.position;
    this.#isStopped = scan.lastKind === kinds.hostStopped;
    this.#lastSeal = signed;
    this.#firstMs ??= signed.seal.wallMs;
    this.#batches += 1;
    this.#events += count;
    if (this.#anchor?.seal.batch === signed.seal.batch) this.#compare('anchor', this.#anchor, signed);
    if (this.#head?.signed.seal.batch === signed.seal.batch) this.#compare('head', this.#head.signed, signed);
  }

  #wrongSeal(path: string, scan: SegmentScan, batch: Batch, signed: SignedSeal, before: Position): void {
    // A chain that begins under another key is followed, so that what its later keys vouch for is found right.
    const isFollowed = batch.isForeign && this.#isBeginning;
    if (batch.fault === 'key') this.#addForeign(path, scan, batch, signed, before);
    else if (!this.#isLost) this.#addBatch(path, batch, before);
    this.#isLost = true;
    const isOurs = batch.fault !== 'signature' && batch.fault !== 'key' && batch.fault !== 'chain';
    if (isFollowed || (isOurs && signed.seal.batch >= before.nextBatch)) {
      scan.resume(signed, sealHash(signed));
      this.#isLost = false;
      this.#passed = { events: 0, batches: 0 };
      if (!isFollowed) this.#batches += 1;
    } else {
      scan.stay();
      this.#passed.events += batch.count;
      this.#passed.batches += 1;
    }
    this.#position = scan.position;
  }

  #addForeign(path: string, scan: SegmentScan, batch: Batch, { seal }: SignedSeal, before: Position): void {
    const { events, batches } = this.#passed;
    const sequence = before.nextSequence + events;
    if (this.#foreign?.run.takes(seal.publicKey) !== true) {
      const place = { sequence, batch: before.nextBatch + batches, file: path, offset: batch.offset };
      const run = new ForeignRun(seal.publicKey, place, batch.isForeign && this.#isBeginning);
      this.#foreign = { run, at: this.#faults.length };
    }
    const { run, at } = this.#foreign;
    run.add(sequence + batch.count - 1, batch.isForeign ? scan.keyEvents : []);
    if (at < faultsMax) this.#faults[at] = run.fault;
  }

  #endForeign({ seal }: SignedSeal): void {
    if (this.#foreign === undefined) return;
    const { run, at } = this.#foreign;
    this.#foreign = undefined;
    run.end(seal.publicKey);
    if (at < faultsMax) this.#faults[at] = run.fault;
  }

  #unreadable(path: string, batch: Batch, before: Position): void {
    if (this.#isLost) return;
    const sequence = batch.brokenAt ?? before.nextSequence + batch.count;
    const offset = batch.brokenAt === undefined ? batch.endOffset : batch.brokenOffset;
    const detail = 'what is here is neither an event nor a seal';
    this.#add({ kind: 'changed', sequence, batch: before.nextBatch, file: path, offset, detail });
    this.#isLost = true;
  }

  #noHeader(path: string, fileBytes: number, isLast: boolean): void {
    const sequence = this.#position?.nextSequence ?? 1;
    if (isLast && this.#position !== undefined) {
      this.#missing = { sequence, file: path, offset: 0 };
      this.#tailBytes = fileBytes;
      return;
    }
    const batch = this.#position?.nextBatch ?? 1;
    const detail = 'the file does not begin as a segment does';
    this.#add({ kind: 'changed', sequence, batch, file: path, offset: 0, detail });
    this.#isLost = true;
  }

  #checkEnd(): void {
    const next = this.#position ?? { nextSequence: 1, nextBatch: 1 };
    this.#checkExpected('head', this.#head?.signed, next);
    this.#checkExpected('anchor', this.#anchor, next);
    if (this.#head === undefined) this.#noHead();
    if (this.#anchor !== undefined && !this.#isAnchorFound) this.#anchorMissed(this.#anchor, next);
    if (this.#tailBytes > 0 && this.#faults.length === 0) this.#judgeTail(next);
  }

  #noHead(): void {
    this.#notes.push(
      this.#anchor === undefined
        ? 'there is no head, and no anchor was given: that nothing is missing at the end cannot be told'
        : 'there is no head: that nothing is missing behind the anchor cannot be told',
    );
    if (this.#numbers.length === 0) {
      const detail = 'the folder has neither segments nor a head';
      this.#add({ kind: 'removed', sequence: 1, batch: 1, file: this.#folder, offset: 0, detail });
    }
  }

  /** Something vouched for a batch that the chain does not come to. */
  #checkExpected(
    what: string,
    signed: SignedSeal | undefined,
    next: { nextSequence: number; nextBatch: number },
  ): void {
    if (signed === undefined) return;
    const { seal } = signed;
    if (!this.#trust.holds(seal.publicKey)) {
      // Told already, of the batches of that key.
      if (this.#foreign?.run.takes(seal.publicKey) === true) return;
      const detail = `the ${what} is signed by a key that nobody vouched for`;
      this.#add({
        kind: 'key',
        sequence: seal.firstSequence,
        batch: seal.batch,
        file: this.#folder,
        offset: 0,
        detail,
      });
      return;
    }
    if (seal.batch < next.nextBatch || this.#isEndTold) return;
    const last = seal.firstSequence + seal.count - 1;
    const missing = this.#missing ?? { sequence: next.nextSequence, file: this.#folder, offset: 0 };
    const detail = `the chain ends before event ${missing.sequence}, its ${what} says it has ${last}`;
    this.#add({ kind: 'truncated', batch: next.nextBatch, ...missing, detail });
  }

  get #isEndTold(): boolean {
    return this.#isLost || this.#faults.at(-1)?.kind === 'truncated';
  }

  #anchorMissed(anchor: SignedSeal, next: { nextBatch: number }): void {
    const { seal } = anchor;
    if (seal.batch >= next.nextBatch || this.#faults.length > 0) return;
    this.#notes.push(
      `the anchor is of batch ${seal.batch}, which was deleted (pruned); it vouches for nothing here`,
    );
  }

  #judgeTail({ nextSequence, nextBatch }: { nextSequence: number; nextBatch: number }): void {
    const bytes = this.#tailBytes;
    if (this.#missing !== undefined && this.#isStopped) {
      const detail = `${bytes} bytes lie behind the seal with which the host stopped`;
      const { sequence, file, offset } = { ...this.#missing, sequence: nextSequence };
      this.#add({ kind: 'inserted', sequence, batch: nextBatch, file, offset, detail });
      return;
    }
    this.#notes.push(
      `${bytes} bytes lie behind the last seal: being written, or left by a host that was ended; nobody was promised them`,
    );
  }

  #compare(what: string, expected: SignedSeal, found: SignedSeal): void {
    if (what === 'anchor') this.#isAnchorFound = true;
    if (isSameSeal(expected, found)) return;
    const { batch, firstSequence } = found.seal;
    const detail = `batch ${batch} is not the one that the ${what} vouches for: the chain was written anew`;
    this.#add({ kind: 'forked', sequence: firstSequence, batch, file: this.#folder, offset: 0, detail });
  }

  #addSkip(file: string, skip: Skip, { nextBatch: batch }: Position): void {
    const { sequence, offset } = skip;
    this.#add({ kind: 'skipped', sequence, batch, file, offset, detail: skipText(skip) });
  }

  #addBatch(path: string, batch: Batch, before: Position): void {
    this.#add(faultOfBatch(path, batch, before));
  }

  #add(fault: ChainFault): void {
    this.#isBeginning = false;
    if (this.#faults.length < faultsMax) this.#faults.push(fault);
  }
}

function positionOf(header: SegmentHeader): Position {
  return {
    nextSequence: header.firstSequence,
    nextBatch: header.firstBatch,
    link: header.previousLink,
    lastSeal: header.previousSeal,
  };
}

function isSamePosition(a: Position, b: Position): boolean {
  const isSameCount = a.nextSequence === b.nextSequence && a.nextBatch === b.nextBatch;
  return isSameCount && equal(a.link, b.link) && equal(a.lastSeal, b.lastSeal);
}

function misplaced(path: string, number: number, header: SegmentHeader, expected: Position): ChainFault {
  const { nextSequence, nextBatch } = expected;
  const place = { sequence: nextSequence, batch: nextBatch, file: path, offset: 0 };
  if (header.number !== number)
    return { kind: 'moved', ...place, detail: `the file's own header says it is segment ${header.number}` };
  if (header.firstSequence > nextSequence) {
    const last = header.firstSequence - 1;
    return { kind: 'removed', ...place, detail: `events ${nextSequence} to ${last} are missing before it` };
  }
  return { kind: 'changed', ...place, detail: 'the header does not follow from the segment before' };
}
