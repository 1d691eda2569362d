import type { Budget } from '../../budget.ts';
import { Refusal } from './errno.ts';

/** Vectors of one scattered read or gathered write, as Linux's `IOV_MAX`; more fail with `inval`. */
export const vectorsMax = 1024;
const vectorBytes = 8;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

/**
 * The guest's linear memory, looked at through checks: a pointer or length outside it is `fault`, never an
 * exception of the host's. Numbers from wasm are signed and are taken as unsigned here.
 */
export class GuestMemory {
  readonly #getMemory: () => WebAssembly.Memory;
  readonly #budget: Budget;
  #memory: WebAssembly.Memory | undefined;
  #buffer: ArrayBuffer | undefined;
  #bytes = new Uint8Array(0);
  #view = new DataView(new ArrayBuffer(0));

  constructor(getMemory: () => WebAssembly.Memory, budget: Budget) {
    this.#getMemory = getMemory;
    this.#budget = budget;
  }

  /** Throws `Stopped` once the guest was stopped: its memory may be another agent's by then. */
  readonly check = (): void => this.#budget.check();

  /** Growing a memory detaches its buffer, so the views are checked on every use. */
  get bytes(): Uint8Array<ArrayBuffer> {
    this.#refresh();
    return this.#bytes;
  }

  get view(): DataView {
    this.#refresh();
    return this.#view;
  }

  /** @throws Refusal `fault` */
  slice(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    const start = pointer >>> 0;
    const end = start + (length >>> 0);
    if (end > this.bytes.length) throw new Refusal('fault');
    return this.bytes.subarray(start, end);
  }

  /** The checked start of `length` bytes, for `view`. */
  at(pointer: number, length: number): number {
    const start = pointer >>> 0;
    if (start + length > this.bytes.length) throw new Refusal('fault');
    return start;
  }

  u8(pointer: number): number {
    return this.view.getUint8(this.at(pointer, 1));
  }

  u16(pointer: number): number {
    return this.view.getUint16(this.at(pointer, 2), true);
  }

  u32(pointer: number): number {
    return this.view.getUint32(this.at(pointer, 4), true);
  }

  u64(pointer: number): bigint {
    return this.view.getBigUint64(this.at(pointer, 8), true);
  }

  setU32(pointer: number, value: number): void {
    this.view.setUint32(this.at(pointer, 4), value, true);
  }

  setU64(pointer: number, value: bigint): void {
    this.view.setBigUint64(this.at(pointer, 8), value, true);
  }

  /** A string of at most `bytesMax` bytes. @throws Refusal `fault`, `nametoolong`, `ilseq` */
  text(pointer: number, length: number, bytesMax: number): string {
    const bytes = this.slice(pointer, length);
    if (bytes.length > bytesMax) throw new Refusal('nametoolong');
    try {
      return strictUtf8.decode(bytes);
    } catch {
      throw new Refusal('ilseq');
    }
  }

  /** The buffers of an `iovec` array, each checked. @throws Refusal `fault`, `inval` */
  vectors(pointer: number, count: number): Uint8Array<ArrayBuffer>[] {
    if (count >>> 0 > vectorsMax) throw new Refusal('inval');
    const start = this.at(pointer, (count >>> 0) * vectorBytes);
    const found: Uint8Array<ArrayBuffer>[] = [];
    for (let index = 0; index < count; index += 1) {
      const vector = start + index * vectorBytes;
      found.push(this.slice(this.u32(vector), this.u32(vector + 4)));
    }
    return found;
  }

  #refresh(): void {
    this.#budget.check();
    this.#memory ??= this.#getMemory();
    const { buffer } = this.#memory;
    if (buffer === this.#buffer) return;
    this.#buffer = buffer;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }
}

export function encode(text: string): Uint8Array<ArrayBuffer> {
  return utf8.encode(text);
}
