import type { ModuleSummary } from '../meter/summary.ts';
import { borrow } from './scratch.ts';
import { blockBytes, pageBytes, type SavedMemory } from './snapshot.ts';

type Exports = WebAssembly.Instance['exports'];

const zeros = Buffer.alloc(blockBytes);
const noBlocks = new Uint32Array(0);

/**
 * What an instance of one module is before any code of the guest ran: memories with their data segments, and
 * mutable globals. Kept once per program and thread, zero blocks left out. Everything is compared with it and
 * brought back to it by the block.
 */
export class BaseImage {
  readonly #summary: ModuleSummary;
  readonly #memories: readonly MemoryImage[];
  readonly #globals: readonly (number | bigint)[];

  /** `exports` of an instance in which nothing has run. */
  constructor(summary: ModuleSummary, exports: Exports) {
    this.#summary = summary;
    this.#memories = summary.memories.map(({ exportName }) => new MemoryImage(memoryOf(exports, exportName)));
    this.#globals = this.saveGlobals(exports);
  }

  /** Pages of each memory. */
  pagesOf(exports: Exports): number[] {
    return this.#summary.memories.map(
      ({ exportName }) => memoryOf(exports, exportName).buffer.byteLength / pageBytes,
    );
  }

  get pages(): readonly number[] {
    return this.#memories.map(({ pages }) => pages);
  }

  memoriesOf(exports: Exports): WebAssembly.Memory[] {
    return this.#summary.memories.map(({ exportName }) => memoryOf(exports, exportName));
  }

  /** Copies what differs: for good, or into room that is borrowed if it is not too much. */
  saveMemories(exports: Exports, isBorrowing: boolean): SavedMemory[] {
    // What is borrowed is one place, which two memories would write to.
    const mayBorrow = isBorrowing && this.#memories.length === 1;
    return this.#memories.map((image, index) => image.save(this.#memory(exports, index), mayBorrow));
  }

  saveGlobals(exports: Exports): (number | bigint)[] {
    const values: (number | bigint)[] = [];
    for (const { readName, count } of this.#summary.globalsAccess) {
      const given: unknown = functionOf(exports, readName)();
      if (count === 1) values.push(given as number | bigint);
      else values.push(...(given as (number | bigint)[]));
    }
    return values;
  }

  /** Writes saved blocks into memories that are as the image; they are large enough. */
  restoreMemories(exports: Exports, saved: readonly SavedMemory[]): void {
    for (const [index, memory] of saved.entries()) write(this.#memory(exports, index), memory);
  }

  restoreGlobals(exports: Exports, values: readonly (number | bigint)[]): void {
    let from = 0;
    for (const { writeName, count } of this.#summary.globalsAccess) {
      functionOf(exports, writeName)(...values.slice(from, from + count));
      from += count;
    }
  }

  /** Brings everything back to the image: `saved` names the blocks that differ from it. */
  clear(exports: Exports, saved: readonly Pick<SavedMemory, 'blocks'>[]): void {
    for (const [index, { blocks }] of saved.entries())
      this.#memories[index]?.clear(this.#memory(exports, index), blocks);
    this.restoreGlobals(exports, this.#globals);
  }

  /** The blocks of each memory that differ. */
  dirty(exports: Exports): { readonly blocks: Uint32Array<ArrayBuffer> }[] {
    return this.#memories.map((image, index) => ({ blocks: image.dirty(this.#memory(exports, index)) }));
  }

  #memory(exports: Exports, index: number): Buffer<ArrayBuffer> {
    return Buffer.from(memoryOf(exports, this.#summary.memories[index]?.exportName ?? '').buffer);
  }
}

function memoryOf(exports: Exports, name: string): WebAssembly.Memory {
  const memory = exports[name];
  if (!(memory instanceof WebAssembly.Memory)) throw new Error(`bug: no memory '${name}'`);
  return memory;
}

function functionOf(exports: Exports, name: string): WebAssembly.ExportedFunction {
  const found = exports[name];
  if (typeof found !== 'function') throw new Error(`bug: no function '${name}'`);
  return found as WebAssembly.ExportedFunction;
}

function write(memory: Buffer, { blocks, bytes }: SavedMemory): void {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let index = 0; index < blocks.length; index += 1) {
    const from = index * blockBytes;
    source.copy(memory, (blocks[index] as number) * blockBytes, from, from + blockBytes);
  }
}

/** Reused from save to save: what a memory's scan found. */
let found: Uint32Array<ArrayBuffer> = new Uint32Array(256);

class MemoryImage {
  readonly pages: number;
  /** Blocks that are not zero, one after the other. */
  readonly #bytes: Buffer;
  /** Where each block lies in `#bytes`; -1 for a zero block, as are all beyond the end. */
  readonly #places: Int32Array;

  constructor({ buffer }: WebAssembly.Memory) {
    const memory = Buffer.from(buffer);
    this.pages = memory.length / pageBytes;
    this.#places = new Int32Array(memory.length / blockBytes).fill(-1);
    const parts: Buffer[] = [];
    for (let block = 0; block < this.#places.length; block += 1) {
      const part = memory.subarray(block * blockBytes, (block + 1) * blockBytes);
      if (part.equals(zeros)) continue;
      this.#places[block] = parts.length * blockBytes;
      parts.push(part);
    }
    this.#bytes = Buffer.concat(parts);
  }

  dirty(memory: Buffer): Uint32Array<ArrayBuffer> {
    const blocks = memory.length / blockBytes;
    if (found.length < blocks) found = new Uint32Array(blocks);
    let count = 0;
    for (let block = 0, at = 0; block < blocks; block += 1, at += blockBytes) {
      const place = block < this.#places.length ? (this.#places[block] as number) : -1;
      const differs =
        place < 0
          ? memory.compare(zeros, 0, blockBytes, at, at + blockBytes)
          : memory.compare(this.#bytes, place, place + blockBytes, at, at + blockBytes);
      if (differs !== 0) found[count++] = block;
    }
    return count === 0 ? noBlocks : found.slice(0, count);
  }

  save(memory: Buffer, mayBorrow: boolean): SavedMemory {
    const blocks = this.dirty(memory);
    const length = blocks.length * blockBytes;
    const bytes = (mayBorrow ? borrow(length) : undefined) ?? Buffer.allocUnsafeSlow(length);
    for (let index = 0; index < blocks.length; index += 1) {
      const at = (blocks[index] as number) * blockBytes;
      memory.copy(bytes, index * blockBytes, at, at + blockBytes);
    }
    return { pages: memory.length / pageBytes, blocks, bytes };
  }

  clear(memory: Buffer, blocks: Uint32Array): void {
    for (let index = 0; index < blocks.length; index += 1) {
      const block = blocks[index] as number;
      const at = block * blockBytes;
      const place = block < this.#places.length ? (this.#places[block] as number) : -1;
      if (place < 0) memory.fill(0, at, at + blockBytes);
      else this.#bytes.copy(memory, at, place, place + blockBytes);
    }
  }
}
