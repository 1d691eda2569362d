import { indexOf, type Segment, slotOf } from './segment.ts';

interface Moved {
  readonly segment: Segment;
  readonly bytes: number;
}

/** Which messages are owed, and in which segment the newest record of each is. */
export class Ledger {
  /** By number, oldest first. */
  readonly segments: Map<number, Segment> = new Map();
  /** Messages whose record is no longer in the segment their sequence names. */
  readonly #moved = new Map<number, Moved>();

  get oldest(): Segment | undefined {
    for (const segment of this.segments.values()) return segment;
    return undefined;
  }

  get live(): number {
    let live = 0;
    for (const segment of this.segments.values()) live += segment.live;
    return live;
  }

  get liveBytes(): number {
    let bytes = 0;
    for (const segment of this.segments.values()) bytes += segment.liveBytes;
    return bytes;
  }

  get diskBytes(): number {
    let bytes = 0;
    for (const segment of this.segments.values()) bytes += segment.bytes;
    return bytes;
  }

  add(segment: Segment): void {
    this.segments.set(segment.index, segment);
  }

  remove(segment: Segment): void {
    this.segments.delete(segment.index);
  }

  /** Bytes of an owed message's record; 0 when nothing is owed. */
  bytesOf(sequence: number): number {
    const own = this.segments.get(indexOf(sequence))?.lengthAt(slotOf(sequence)) ?? 0;
    return own !== 0 ? own : (this.#moved.get(sequence)?.bytes ?? 0);
  }

  /** Whether a message is owed and its newest record is in this segment. */
  isIn(sequence: number, segment: Segment): boolean {
    if (indexOf(sequence) === segment.index) return segment.lengthAt(slotOf(sequence)) !== 0;
    return this.#moved.get(sequence)?.segment === segment;
  }

  /** The segment that an owed message's newest record is in. */
  segmentOf(sequence: number): Segment | undefined {
    const own = this.segments.get(indexOf(sequence));
    return own !== undefined && own.lengthAt(slotOf(sequence)) !== 0
      ? own
      : this.#moved.get(sequence)?.segment;
  }

  /** Nothing more is owed for it. @returns the bytes of its record; 0 when nothing was owed */
  release(sequence: number): number {
    const own = this.segments.get(indexOf(sequence));
    const slot = slotOf(sequence);
    const bytes = own?.lengthAt(slot) ?? 0;
    if (own !== undefined && bytes !== 0) {
      own.release(slot);
      return bytes;
    }
    const moved = this.#moved.get(sequence);
    if (moved === undefined) return 0;
    moved.segment.live -= 1;
    moved.segment.liveBytes -= moved.bytes;
    this.#moved.delete(sequence);
    return moved.bytes;
  }

  /** Its newest record is in another segment than the one its sequence names. */
  put(sequence: number, segment: Segment, bytes: number): void {
    this.#moved.set(sequence, { segment, bytes });
    segment.live += 1;
    segment.liveBytes += bytes;
  }
}
