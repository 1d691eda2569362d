import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** The custom section that tells a compiler which branches are likely. */
export const branchHintSection = 'metadata.code.branch_hint';

interface Hint {
  readonly offset: number;
  readonly likely: number;
}

/** Collects branch hints of the rewritten functions: our own (unlikely) and the guest's, moved to where its branches went. */
export class HintList {
  readonly #entries = new Writer(1024);
  readonly #guest: ReadonlyMap<number, readonly Hint[]>;
  #functions = 0;
  #offsets: number[] = [];
  #values: number[] = [];
  #pending: readonly Hint[] = [];
  #next = 0;
  #bodyStart = 0;

  /** `guest` is what `readHints` found, or nothing. */
  constructor(guest: ReadonlyMap<number, readonly Hint[]> = new Map()) {
    this.#guest = guest;
  }

  /** Begins a function: its old index for the guest's hints (-1: none). */
  beginFunction(oldIndex: number): void {
    this.#offsets = [];
    this.#values = [];
    this.#pending = this.#guest.get(oldIndex) ?? [];
    this.#next = 0;
  }

  /** The old body starts at this byte of the module. */
  beginBody(start: number): void {
    this.#bodyStart = start;
  }

  /** Our own hint: the branch at this offset of the new body is unlikely. */
  add(offset: number): void {
    this.#offsets.push(offset);
    this.#values.push(0);
  }

  /** Module bytes [from, to) went to `offset` of the new body. */
  copied(from: number, to: number, offset: number): void {
    for (; this.#next < this.#pending.length; this.#next += 1) {
      const hint = this.#pending[this.#next] as Hint;
      const at = hint.offset + this.#bodyStart;
      if (at >= to) return;
      if (at < from) continue;
      this.#offsets.push(at - from + offset);
      this.#values.push(hint.likely);
    }
  }

  /** Ends a function under its new index. Functions come in ascending order. */
  endFunction(newIndex: number): void {
    if (this.#offsets.length === 0) return;
    const entries = this.#entries;
    this.#functions += 1;
    entries.u32(newIndex);
    entries.u32(this.#offsets.length);
    for (const [index, offset] of this.#offsets.entries()) {
      entries.u32(offset);
      entries.raw(1, this.#values[index] as number);
    }
  }

  /** The section's content after its name, or undefined if there are no hints. */
  finish(): Writer | undefined {
    if (this.#functions === 0) return undefined;
    const writer = new Writer(this.#entries.length + 5);
    writer.u32(this.#functions);
    writer.append(this.#entries);
    return writer;
  }
}

/** Reads a guest's branch hints by function index. A malformed section is worth nothing and is left out, as engines do. */
export function readHints(bytes: Uint8Array, start: number, end: number): Map<number, readonly Hint[]> {
  const found = new Map<number, readonly Hint[]>();
  try {
    const reader = new Reader(bytes, start, end);
    reader.name();
    const functions = reader.count();
    for (let entry = 0; entry < functions; entry += 1) {
      const index = reader.u32();
      found.set(index, readFunctionHints(reader));
    }
  } catch {
    return new Map();
  }
  return found;
}

function readFunctionHints(reader: Reader): Hint[] {
  const hints: Hint[] = [];
  const count = reader.count();
  for (let index = 0; index < count; index += 1) {
    const offset = reader.u32();
    reader.u32();
    const likely = reader.byte();
    const last = hints.at(-1);
    if (likely <= 1 && (last === undefined || offset > last.offset)) hints.push({ offset, likely });
  }
  return hints;
}
