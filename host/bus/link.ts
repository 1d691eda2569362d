import type { MessagePort } from 'node:worker_threads';
import { Backlog } from './backlog.ts';
import { bodyOf, type Frame, FrameReader, FrameWriter } from './frame.ts';
import { RingReader, RingWriter, recordBytesMax } from './ring.ts';

/** One thread's end of the two rings between it and another; posted to a thread as it is, its port transferred. */
export interface LinkEnd {
  /** The other thread. */
  readonly thread: number;
  readonly inbound: SharedArrayBuffer;
  readonly outbound: SharedArrayBuffer;
  /** Set while the other thread sleeps. */
  readonly door: SharedArrayBuffer;
  /** Wakes the other thread. */
  readonly port: MessagePort;
}

/** Frames and bytes after which the reader is shown what was written, before the turn's end. */
const publishRecords = 64;
const publishBytes = 262_144;
const fragmentBytesMax = 65_536;

/** A record's tag is the bytes of its head, or one of these. */
const firstFragment = -1;
const nextFragment = -2;
const fragmentHeaderBytes = 8;

/** A frame that leaves in pieces. */
interface Parcel {
  readonly head: Uint8Array;
  readonly body: Uint8Array;
  sent: number;
}

/** The way to one other thread: the ring, and in order what it has no room for yet. */
export class Outbound {
  readonly #ring: RingWriter;
  readonly #writer: FrameWriter;
  readonly #backlog: Backlog;
  readonly #recordBytesMax: number;
  #parcel: Parcel | undefined;
  #isStarved = false;
  /** The reader may see more than it was woken for. */
  #isUntold = false;
  /** Records shown since the reader was last known to look. */
  #shown = 0;

  constructor(ring: SharedArrayBuffer, backlogBytesMax: number) {
    this.#ring = new RingWriter(ring);
    this.#writer = new FrameWriter(this.#ring.memory);
    this.#backlog = new Backlog(backlogBytesMax);
    this.#recordBytesMax = Math.min(fragmentBytesMax, recordBytesMax(ring));
  }

  /** Frames and bytes that wait for room. */
  get backlog(): { readonly length: number; readonly bytes: number } {
    return this.#backlog;
  }

  get isDirty(): boolean {
    return this.#isUntold || this.#ring.recordsUnpublished > 0;
  }

  /** Whether so many were written that the reader should see them now. */
  get isDue(): boolean {
    return this.#ring.recordsUnpublished >= publishRecords;
  }

  /** Whether so many bytes were written that the reader should begin now, or there is no room for more. */
  get isHeavy(): boolean {
    return this.#ring.bytesUnpublished >= publishBytes || (this.#isStarved && this.#isUntold);
  }

  /** Lets the reader see everything. @returns how many records it may not know of until it is woken or `told` */
  publish(): number {
    this.#shown += this.#ring.recordsUnpublished;
    this.#isUntold = true;
    this.#ring.publish();
    return this.#shown;
  }

  /** The reader looks, or is woken. */
  told(): void {
    this.#isUntold = false;
    this.#shown = 0;
  }

  /** False: the backlog is full and the frame is not on its way. */
  post(frame: Frame): boolean {
    const headBytesMax = this.#writer.measure(frame);
    if (this.#backlog.length === 0 && this.#write(frame, headBytesMax)) return true;
    if (!this.#backlog.push(frame, headBytesMax + bodyOf(frame).length)) return false;
    this.drain();
    return true;
  }

  /** Moves what waits into the ring as far as there is room; asks the reader to say when there is more. */
  drain(): void {
    while (this.#backlog.first !== undefined) {
      if (this.#moveFirst(this.#backlog.first)) this.#backlog.shift();
      else if (this.#starve()) return;
    }
  }

  /** The reader said that there is room. */
  resume(): void {
    this.#isStarved = false;
    this.drain();
  }

  #starve(): boolean {
    if (this.#isStarved) return true;
    this.#shown += this.#ring.recordsUnpublished;
    this.#isUntold = this.isDirty;
    this.#isStarved = this.#ring.starve();
    return this.#isStarved;
  }

  #moveFirst(frame: Frame): boolean {
    if (this.#parcel === undefined) {
      const headBytesMax = this.#writer.measure(frame);
      if (headBytesMax + bodyOf(frame).length <= this.#recordBytesMax)
        return this.#write(frame, headBytesMax);
      this.#parcel = parcelOf(frame);
    }
    return this.#writeParcel(this.#parcel);
  }

  /** Writes a frame as one record; false when it has no room or is too long for one. */
  #write(frame: Frame, headBytesMax: number): boolean {
    const body = bodyOf(frame);
    const bytesMax = headBytesMax + body.length;
    if (bytesMax > this.#recordBytesMax) return false;
    const at = this.#ring.reserve(bytesMax);
    if (at === -1) return false;
    const headBytes = this.#writer.write(frame, at);
    if (headBytes > headBytesMax) throw new Error('bug: a frame longer than it was measured');
    if (body.length > 0) this.#writer.writeBody(body);
    this.#ring.commit(headBytes + body.length, headBytes);
    return true;
  }

  /** Writes as many pieces as there is room for; true when the last one is written. */
  #writeParcel(parcel: Parcel): boolean {
    const { head, body } = parcel;
    const total = head.length + body.length;
    do {
      const isFirst = parcel.sent === 0;
      const ownBytes = isFirst ? fragmentHeaderBytes : 0;
      const bytes = Math.min(total - parcel.sent, this.#recordBytesMax - ownBytes);
      const at = this.#ring.reserve(ownBytes + bytes);
      if (at === -1) return false;
      if (isFirst) this.#writer.writeLengths(at, head.length, body.length);
      copyParcel(parcel, bytes, this.#ring.memory, at + ownBytes);
      this.#ring.commit(ownBytes + bytes, isFirst ? firstFragment : nextFragment);
      parcel.sent += bytes;
    } while (parcel.sent < total);
    this.#parcel = undefined;
    return true;
  }
}

function parcelOf(frame: Frame): Parcel {
  const sizer = new FrameWriter(Buffer.alloc(0));
  const memory = Buffer.alloc(sizer.measure(frame));
  const writer = new FrameWriter(memory);
  writer.measure(frame);
  return { head: memory.subarray(0, writer.write(frame, 0)), body: bodyOf(frame), sent: 0 };
}

/** The next `bytes` bytes of head and body as one run. */
function copyParcel({ head, body, sent }: Parcel, bytes: number, memory: Uint8Array, at: number): void {
  const fromHead = Math.max(0, Math.min(head.length - sent, bytes));
  if (fromHead > 0) memory.set(head.subarray(sent, sent + fromHead), at);
  if (fromHead === bytes) return;
  const bodyAt = sent + fromHead - head.length;
  memory.set(body.subarray(bodyAt, bodyAt + bytes - fromHead), at + fromHead);
}

/** A frame that arrives in pieces. */
interface Assembly {
  readonly head: Buffer;
  readonly body: Uint8Array;
  received: number;
}

/** The way from one other thread. */
export class Inbound {
  readonly #ring: RingReader;
  readonly #reader: FrameReader;
  #assembly: Assembly | undefined;

  constructor(ring: SharedArrayBuffer) {
    this.#ring = new RingReader(ring);
    this.#reader = new FrameReader(this.#ring.memory);
  }

  get isPending(): boolean {
    return this.#ring.isPending;
  }

  /** Bytes read whose room the writer does not have back yet. */
  get bytesUnreleased(): number {
    return this.#ring.bytesUnreleased;
  }

  /** Whether `take` found one; a fragment that ends no frame counts, and `take` answers undefined. */
  next(): boolean {
    return this.#ring.next();
  }

  /** The frame that the record found by `next` ends; copied out. */
  take(): Frame | undefined {
    const { at, bytes, tag } = this.#ring;
    return tag >= 0 ? this.#reader.read(at, tag, bytes - tag) : this.#assemble(at, bytes, tag);
  }

  /** Gives the room back; true when the writer is to be woken. */
  release(): boolean {
    return this.#ring.release();
  }

  #assemble(at: number, bytes: number, tag: number): Frame | undefined {
    const { memory } = this.#ring;
    let from = at;
    if (tag === firstFragment) {
      this.#assembly = startAssembly(memory.readUInt32LE(at), memory.readUInt32LE(at + 4));
      from += fragmentHeaderBytes;
    }
    const assembly = this.#assembly;
    if (assembly === undefined) throw new Error('bug: a piece of a frame that did not begin');
    paste(assembly, memory.subarray(from, at + bytes));
    if (assembly.received < assembly.head.length + assembly.body.length) return undefined;
    this.#assembly = undefined;
    return new FrameReader(assembly.head).readHead(0, assembly.head.length, assembly.body);
  }
}

function startAssembly(headBytes: number, bodyBytes: number): Assembly {
  return { head: Buffer.alloc(headBytes), body: new Uint8Array(bodyBytes), received: 0 };
}

function paste(assembly: Assembly, piece: Uint8Array): void {
  const { head, body, received } = assembly;
  const toHead = Math.max(0, Math.min(head.length - received, piece.length));
  if (toHead > 0) head.set(piece.subarray(0, toHead), received);
  if (toHead < piece.length) body.set(piece.subarray(toHead), received + toHead - head.length);
  assembly.received += piece.length;
}
