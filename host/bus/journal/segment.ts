import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { BlockSeal, FileSeal } from '../../block-seal.ts';

/** Sequences of a segment: its number is in the bits above. */
export const slotsMax: number = 2 ** 20;
export const segmentHeadBytes = 16;

const magic = Buffer.from('MHJ1');
const sealedMagic = Buffer.from('MHJ2');
const slotsAtFirst = 256;
const namePattern = /^(\d{8,})\.journal$/;

/** One file of a journal: which of its messages are still owed. */
export class Segment {
  readonly index: number;
  readonly path: string;
  /** Seeds the checksums of its records: what a message contains cannot pass for a record. */
  readonly salt: number;
  /** Seals what is written to it; undefined: its records lie there as they are. */
  readonly seal: FileSeal | undefined;
  /** Open while it is the one being written. */
  fd: number | undefined;
  /** Size of what is known to be on disk and good. */
  bytes = 0;
  /** A failed write may have left bytes behind `bytes`. */
  isDirty = false;
  /** Messages owed whose newest record is here. */
  live = 0;
  liveBytes = 0;
  /** Slots given out. */
  used = 0;
  #lengths = new Uint32Array(slotsAtFirst);

  constructor(folder: string, index: number, salt: number, seal?: FileSeal) {
    this.index = index;
    this.path = join(folder, segmentName(index));
    this.salt = salt;
    this.seal = seal;
  }

  /** The sequence that the next message gets. */
  get next(): number {
    return this.index * slotsMax + this.used;
  }

  /** Counts a message's record in, under the next sequence. */
  take(bytes: number): void {
    this.put(this.used, bytes);
  }

  /** Counts a message's record in under a slot not below those before. */
  put(slot: number, bytes: number): void {
    if (slot >= this.#lengths.length) this.#grow(slot);
    this.#lengths[slot] = bytes;
    this.used = slot + 1;
    this.live += 1;
    this.liveBytes += bytes;
  }

  /** Bytes of a message that is owed here; 0 when it is not. */
  lengthAt(slot: number): number {
    return slot < this.used ? (this.#lengths[slot] ?? 0) : 0;
  }

  /** Counts a message out that `put` counted in. */
  release(slot: number): void {
    this.live -= 1;
    this.liveBytes -= this.#lengths[slot] ?? 0;
    this.#lengths[slot] = 0;
  }

  #grow(slot: number): void {
    const grown = new Uint32Array(Math.min(slotsMax, Math.max(slot + 1, this.#lengths.length * 2)));
    grown.set(this.#lengths);
    this.#lengths = grown;
  }
}

export function slotOf(sequence: number): number {
  return sequence % slotsMax;
}

export function indexOf(sequence: number): number {
  return Math.floor(sequence / slotsMax);
}

export function segmentName(index: number): string {
  return `${String(index).padStart(8, '0')}.journal`;
}

/** The number of a segment's file; undefined for any other file. */
export function indexOfName(name: string): number | undefined {
  const digits = namePattern.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * The seal of one segment. Its salt is part of the name: a segment of the same number, of a journal that began anew, is
 * another file.
 */
export function sealOf(seal: BlockSeal | undefined, index: number, salt: number): FileSeal | undefined {
  return seal?.file(`${segmentName(index)}#${salt}`);
}

/** `MHJ1`, or `MHJ2` for a sealed one; the salt, four bytes of zero, and a checksum of these. */
export function segmentHead(salt: number, isSealed = false): Buffer {
  const head = Buffer.alloc(segmentHeadBytes);
  (isSealed ? sealedMagic : magic).copy(head);
  head.writeUInt32LE(salt, 4);
  head.writeUInt32LE(crc32(head.subarray(0, 12)), 12);
  return head;
}

/** What a segment's head says; undefined when it is none. */
export function headOf(bytes: Buffer): { readonly salt: number; readonly isSealed: boolean } | undefined {
  if (bytes.length < segmentHeadBytes) return undefined;
  const isSealed = bytes.subarray(0, 4).equals(sealedMagic);
  if (!isSealed && !bytes.subarray(0, 4).equals(magic)) return undefined;
  const isGood = crc32(bytes.subarray(0, 12)) === bytes.readUInt32LE(12);
  return isGood ? { salt: bytes.readUInt32LE(4), isSealed } : undefined;
}
