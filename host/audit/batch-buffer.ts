import type { SignedSeal } from './seal.ts';
import type { SegmentHeader } from './segment.ts';

/** Bytes on their way to one segment: whole batches, each with its seal. */
export class BatchBuffer {
  bytes: Buffer = Buffer.alloc(256 * 1024);
  length = 0;
  /** The segment to be made for it; undefined when it goes on in the open one. */
  begins: SegmentHeader | undefined;
  /** The last seal in it. */
  lastSeal: SignedSeal | undefined;
  firstSequence = 0;
  events = 0;
  /** Told when it is on the disk. */
  readonly waiters: (() => void)[] = [];

  /** Where to write `length` bytes. */
  reserve(length: number): number {
    const at = this.length;
    if (at + length > this.bytes.length) {
      const wider = Buffer.alloc(Math.max(this.bytes.length * 2, at + length));
      this.bytes.copy(wider, 0, 0, at);
      this.bytes = wider;
    }
    this.length = at + length;
    return at;
  }

  add(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.bytes.set(bytes, at);
  }

  reset(): void {
    this.length = 0;
    this.begins = undefined;
    this.lastSeal = undefined;
    this.events = 0;
    this.waiters.length = 0;
  }
}
