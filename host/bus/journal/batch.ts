import { Runs } from '../runs.ts';
import { type Mark, writeMark, writeSettled } from './record.ts';
import { RecordWriter } from './record-writer.ts';
import { blockBytes, sealBatch } from './sealed-blocks.ts';
import type { Segment } from './segment.ts';

/** What goes to the disk in one write: the records of a turn, or of the time the write before took. */
export class Batch {
  readonly writer: RecordWriter = new RecordWriter();
  segment: Segment;
  /** The first of the slots that its messages have, which lie side by side. */
  firstSlot: number;
  marks: Mark[] = [];
  settled: Runs = new Runs();
  #block: Buffer | undefined;
  #blockLength = 0;
  #done: PromiseWithResolvers<void> | undefined;

  constructor(segment: Segment) {
    this.segment = segment;
    this.firstSlot = segment.used;
  }

  get isEmpty(): boolean {
    return this.writer.length === 0 && this.marks.length === 0 && this.settled.isEmpty;
  }

  /** What is written: from `place` on. */
  get bytes(): Buffer {
    return this.#blockLength === 0 ? this.writer.bytes : (this.#block ?? this.writer.bytes);
  }

  /** How much of `bytes`. */
  get length(): number {
    return this.#blockLength === 0 ? this.writer.length : this.#blockLength;
  }

  /** Where in its segment it goes is known now: it is sealed for that place, if its segment is sealed. */
  place(): void {
    const { segment, writer } = this;
    if (segment.seal === undefined) return;
    this.#blockLength = blockBytes(segment.seal, writer.length);
    // A burst's memory is given back with the writer's.
    if (this.#block === undefined || this.#block.length < this.#blockLength)
      this.#block = Buffer.allocUnsafeSlow(blockBytes(segment.seal, writer.bytes.length));
    sealBatch(segment.seal, segment.bytes, writer.bytes.subarray(0, writer.length), this.#block);
  }

  /** Begins anew. */
  aim(segment: Segment): void {
    this.segment = segment;
    this.firstSlot = segment.used;
    const hadBytes = this.writer.bytes.length;
    this.writer.rewind(0);
    if (this.writer.bytes.length < hadBytes) this.#block = undefined;
    this.#blockLength = 0;
    this.marks = [];
    this.settled = new Runs();
    this.#done = undefined;
  }

  /** Writes what happened to messages behind the messages, and nothing more comes. */
  seal(): void {
    const { salt } = this.segment;
    for (const mark of this.marks) writeMark(this.writer, salt, mark);
    if (!this.settled.isEmpty) writeSettled(this.writer, salt, this.settled.pairs);
  }

  /** Settles with the batch; one promise for all who ask. */
  done(): Promise<void> {
    this.#done ??= Promise.withResolvers();
    return this.#done.promise;
  }

  resolve(): void {
    this.#done?.resolve();
  }

  reject(error: Error): void {
    this.#done?.reject(error);
  }
}
