import { Trap } from '../trap.ts';

/** Bytes one call may lift out of guest memory, so that a few guest bytes cannot fill the host's heap. */
export const liftedBytesMax: number = 128 * 1024 * 1024;
/** What a list's element takes in the host at least, whatever its size in the guest. */
export const liftedElementBytes = 16;
/** Bytes of one string or list (`MAX_STRING_BYTE_LENGTH`, `MAX_LIST_BYTE_LENGTH` of the canonical ABI). */
export const sequenceBytesMax: number = 2 ** 28 - 1;

/** The guest broke a rule of the canonical ABI. */
export function violation(what: string): Trap {
  return new Trap('canonical-abi', `the guest broke the canonical ABI: ${what}`);
}

type Realloc = (old: number, oldBytes: number, align: number, bytes: number) => number;

/** Calls that leave no way to suspend and must not call out: allocation and post-return. */
export interface Enclosure {
  enter(): void;
  leave(): void;
}

/** One memory of an instance with its allocator: what lifting and lowering work on. */
export class Abi {
  readonly #memory: WebAssembly.Memory | undefined;
  readonly #realloc: Realloc | undefined;
  readonly #enclosure: Enclosure;
  /** Fresh after `refresh`; guest code may grow the memory, which detaches them. */
  bytes: Uint8Array<ArrayBuffer> = none;
  view: DataView<ArrayBuffer> = noView;
  #units: Uint16Array<ArrayBuffer> = noUnits;
  /** Bytes the call may still lift. */
  liftable = 0;

  constructor(memory: WebAssembly.Memory | undefined, realloc: Realloc | undefined, enclosure: Enclosure) {
    this.#memory = memory;
    this.#realloc = realloc;
    this.#enclosure = enclosure;
  }

  /** Call after guest code ran. A detached buffer has length 0. */
  refresh(): void {
    if (this.bytes.length !== 0) return;
    const buffer = this.#memory?.buffer;
    if (buffer === undefined) return;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** The same bytes by two, for strings of that width; made when first needed. */
  get units(): Uint16Array<ArrayBuffer> {
    if (this.#units.buffer !== this.bytes.buffer) this.#units = new Uint16Array(this.bytes.buffer);
    return this.#units;
  }

  /** Begins lifting the values of one call. */
  beginLift(): void {
    this.liftable = liftedBytesMax;
    this.refresh();
  }

  /** Bytes that strings and lists of this call have taken so far. */
  get lifted(): number {
    return liftedBytesMax - this.liftable;
  }

  /** Counts bytes that are about to be lifted. */
  charge(bytes: number): void {
    this.liftable -= bytes;
    if (this.liftable < 0) throw violation(`one call passed more than ${liftedBytesMax} bytes`);
  }

  /** Checks a guest pointer to `size` bytes; gives it unsigned. */
  check(pointer: number, size: number, align: number, what: string): number {
    const at = pointer >>> 0;
    if (at % align !== 0) throw violation(`${what} pointer ${at} is not aligned to ${align}`);
    if (at + size > this.bytes.length) throw violation(`${what} at ${at} of ${size} bytes is out of bounds`);
    return at;
  }

  /** Asks the guest for `bytes` bytes through its `realloc`. */
  allocate(align: number, bytes: number): number {
    const realloc = this.#realloc;
    if (realloc === undefined) throw new Error('bug: a value needs memory but the plan names no realloc');
    if (bytes > sequenceBytesMax * 2) throw violation(`a value of ${bytes} bytes`);
    const pointer = this.#enclosed(realloc, align, bytes);
    this.refresh();
    return this.check(pointer, bytes, align, 'allocated');
  }

  #enclosed(realloc: Realloc, align: number, bytes: number): number {
    this.#enclosure.enter();
    try {
      return realloc(0, 0, align, bytes);
    } finally {
      this.#enclosure.leave();
    }
  }
}

const none = new Uint8Array(0);
const noUnits = new Uint16Array(0);
const noView = new DataView(new ArrayBuffer(0));
