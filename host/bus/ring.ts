/**
 * A byte ring of one writer and one reader in shared memory. A record is two words (length of its bytes, a tag of
 * the writer's) and its bytes, padded to 8 and never cut at the end of the memory. Both ends count bytes modulo
 * 2^32 and keep what they last saw of the other, so a record costs no atomic access; `publish` and `release` do,
 * once per batch.
 */

const headWord = 0;
const tailWord = 32;
const starvedWord = 48;
const headerBytes = 256;
const recordHeaderBytes = 8;
/** Instead of a length: nothing more before the end of the memory. */
const skipMark = 0xffff_ffff;

export const ringBytesDefault = 1_048_576;
const ringBytesMin = 256;
const ringBytesMax = 1_073_741_824;

/** Memory of a ring. @param capacityBytes a power of two, 256 to 2^30 */
export function createRing(capacityBytes: number = ringBytesDefault): SharedArrayBuffer {
  if (capacityBytes < ringBytesMin || capacityBytes > ringBytesMax || !isPowerOfTwo(capacityBytes))
    throw new Error(`bug: a ring holds a power of two of bytes, not ${capacityBytes}`);
  return new SharedArrayBuffer(headerBytes + capacityBytes);
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(value) && (value & (value - 1)) === 0;
}

function padded(bytes: number): number {
  return (bytes + 7) & ~7;
}

/** Bytes of the longest record that always finds room in an empty half of the ring. */
export function recordBytesMax(ring: SharedArrayBuffer): number {
  return (ring.byteLength - headerBytes) / 4 - recordHeaderBytes;
}

/** The writing end; exactly one thread may hold it. */
export class RingWriter {
  /** The ring's whole memory; `reserve` answers with offsets into it. */
  readonly memory: Buffer<SharedArrayBuffer>;
  readonly #words: Int32Array;
  readonly #capacity: number;
  #head: number;
  #seenTail: number;
  #publishedHead: number;
  #records = 0;

  constructor(ring: SharedArrayBuffer) {
    this.memory = Buffer.from(ring);
    this.#words = new Int32Array(ring);
    this.#capacity = ring.byteLength - headerBytes;
    this.#head = Atomics.load(this.#words, headWord);
    this.#publishedHead = this.#head;
    this.#seenTail = Atomics.load(this.#words, tailWord);
  }

  /** Records committed since the last `publish`. */
  get recordsUnpublished(): number {
    return this.#records;
  }

  get bytesUnpublished(): number {
    return (this.#head - this.#publishedHead) >>> 0;
  }

  /**
   * Room for a record of at most `bytesMax`: the offset of its bytes in `memory` (8-aligned), or -1 when the ring is
   * too full now. Nothing is taken before `commit`.
   */
  reserve(bytesMax: number): number {
    const need = recordHeaderBytes + padded(bytesMax);
    const index = this.#head & (this.#capacity - 1);
    const toEnd = this.#capacity - index;
    if (need <= toEnd) return this.#hasRoom(need) ? headerBytes + index + recordHeaderBytes : -1;
    if (!this.#hasRoom(toEnd + need)) return -1;
    this.#words[(headerBytes + index) >> 2] = skipMark | 0;
    this.#head = (this.#head + toEnd) | 0;
    return headerBytes + recordHeaderBytes;
  }

  #hasRoom(bytes: number): boolean {
    const most = this.#capacity - bytes;
    if ((this.#head - this.#seenTail) >>> 0 <= most) return true;
    this.#seenTail = Atomics.load(this.#words, tailWord);
    return (this.#head - this.#seenTail) >>> 0 <= most;
  }

  /** Ends the reserved record with `bytes` of bytes; the reader sees it after `publish`. */
  commit(bytes: number, tag: number): void {
    const word = (headerBytes + (this.#head & (this.#capacity - 1))) >> 2;
    this.#words[word] = bytes;
    this.#words[word + 1] = tag;
    this.#head = (this.#head + recordHeaderBytes + padded(bytes)) | 0;
    this.#records += 1;
  }

  /** Lets the reader see all committed records. */
  publish(): void {
    if (this.#head === this.#publishedHead) return;
    this.#publishedHead = this.#head;
    this.#records = 0;
    Atomics.store(this.#words, headWord, this.#head);
  }

  /**
   * Asks the reader to say when half of the ring is free, after everything was published. False when that is so
   * already: the writer goes on.
   */
  starve(): boolean {
    this.publish();
    Atomics.store(this.#words, starvedWord, 1);
    this.#seenTail = Atomics.load(this.#words, tailWord);
    if ((this.#head - this.#seenTail) >>> 0 > this.#capacity / 2) return true;
    Atomics.store(this.#words, starvedWord, 0);
    return false;
  }
}

/** The reading end; exactly one thread may hold it. */
export class RingReader {
  /** The ring's whole memory; `at` is an offset into it. */
  readonly memory: Buffer<SharedArrayBuffer>;
  /** Of the record `next` found: offset of its bytes, their number, the writer's tag. */
  at = 0;
  bytes = 0;
  tag = 0;
  readonly #words: Int32Array;
  readonly #capacity: number;
  #tail: number;
  #seenHead: number;
  #releasedTail: number;

  constructor(ring: SharedArrayBuffer) {
    this.memory = Buffer.from(ring);
    this.#words = new Int32Array(ring);
    this.#capacity = ring.byteLength - headerBytes;
    this.#tail = Atomics.load(this.#words, tailWord);
    this.#releasedTail = this.#tail;
    this.#seenHead = Atomics.load(this.#words, headWord);
  }

  /** Whether there is a published record; one atomic load. */
  get isPending(): boolean {
    return Atomics.load(this.#words, headWord) !== this.#tail;
  }

  /** Bytes read and not yet given back to the writer. */
  get bytesUnreleased(): number {
    return (this.#tail - this.#releasedTail) >>> 0;
  }

  /** Moves to the next record; false when there is none. Its bytes stay as they are until `release`. */
  next(): boolean {
    for (;;) {
      if (this.#tail === this.#seenHead) {
        this.#seenHead = Atomics.load(this.#words, headWord);
        if (this.#tail === this.#seenHead) return false;
      }
      const index = this.#tail & (this.#capacity - 1);
      const word = (headerBytes + index) >> 2;
      const bytes = (this.#words[word] as number) >>> 0;
      if (bytes !== skipMark) {
        this.#take(headerBytes + index + recordHeaderBytes, bytes, this.#words[word + 1] as number);
        return true;
      }
      this.#tail = (this.#tail + this.#capacity - index) | 0;
    }
  }

  #take(at: number, bytes: number, tag: number): void {
    if (at + bytes > this.memory.length) throw new Error('bug: a ring record beyond its memory');
    this.at = at;
    this.bytes = bytes;
    this.tag = tag;
    this.#tail = (this.#tail + recordHeaderBytes + padded(bytes)) | 0;
  }

  /** Gives what was read back to the writer. True when the writer waits for room and half of the ring is free now. */
  release(): boolean {
    if (this.#tail === this.#releasedTail) return false;
    this.#releasedTail = this.#tail;
    Atomics.store(this.#words, tailWord, this.#tail);
    if (Atomics.load(this.#words, starvedWord) === 0) return false;
    const used = (Atomics.load(this.#words, headWord) - this.#tail) >>> 0;
    return used <= this.#capacity / 2 && Atomics.exchange(this.#words, starvedWord, 0) === 1;
  }
}
