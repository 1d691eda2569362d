import { Runs } from '../runs.ts';
import { type Mark, writeMark, writeSettled } from './record.ts';
import { RecordWriter } from './record-writer.ts';
import type { Segment } from './segment.ts';

/** What goes to the disk in one write: the records of a turn, or of the time the write before took. */
export class Batch {
  readonly writer: RecordWriter = new RecordWriter();
  segment: Segment;
  /** The first of the slots that its messages have, which lie side by side. */
  firstSlot: number;
  marks: Mark[] = [];
  settled: Runs = new Runs();
  #done: PromiseWithResolvers<void> | undefined;

  constructor(segment: Segment) {
    this.segment = segment;
    this.firstSlot = segment.used;
  }

  get isEmpty(): boolean {
    return this.writer.length === 0 && this.marks.length === 0 && this.settled.isEmpty;
  }

  /** Begins anew. */
  aim(segment: Segment): void {
    this.segment = segment;
    this.firstSlot = segment.used;
    this.writer.rewind(0);
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
