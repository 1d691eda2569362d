import { fs } from '../builtin.ts';

/** What a process can address: 47 bits, whatever the machine has. */
const addressBytes = 2 ** 47;
/** What V8 asks the kernel for when it makes a memory: what it reserves for one, and some more to align it. */
const slotBytes = 2 ** 33 + 2 ** 16;
const wideSlotBytes = 2 ** 34 + 2 ** 16;
/** While less is reserved than this, holes as long as a slot are left, however memories come and go. */
const sureBytes = addressBytes * 0.4;
const wideSureBytes = addressBytes * 0.25;
/** Memories that all threads together may make between two looks. */
const unseenMax = 256;
/** With fewer holes than this there is no room: the kernel puts pages of heaps into them, too. */
const holesMin = 512;

/** What the kernel tells of this process's addresses; undefined where it does not. */
export interface AddressMap {
  /** Reserved bytes; takes microseconds. */
  reservedBytes(): number | undefined;
  /** As many lines of `FROM-TO …` as there are mappings, in order; takes tens of milliseconds. */
  mappings(): Uint8Array | undefined;
}

/**
 * One thread's view of whether the process has addresses for one more memory. Each memory reserves 8 GiB in a row (one
 * of 64-bit addresses 16), and where others lived between two that stay is a hole in which none fits again. So under
 * churn the addresses run out before 16,3xx memories fill them; and when V8 gets none, it does not say so to whoever
 * made the memory: it calls its heap full and the thread is ended, however small the heap is.
 */
export class AddressSpace {
  readonly #map: AddressMap;
  readonly #threads: number;
  /** Memories that may be made before the next look. */
  #left = 0;

  /** `threads`: how many make memories at one time. */
  constructor(threads: number, map: AddressMap = kernelMap) {
    this.#threads = threads;
    this.#map = map;
  }

  /** Whether `count` memories may be made now; `isWide`: of 64-bit addresses. */
  hasRoom(count: number, isWide = false): boolean {
    if (isWide) return count <= this.#look(wideSureBytes, wideSlotBytes);
    if (this.#left < count) this.#left = this.#look(sureBytes, slotBytes);
    if (this.#left < count) return false;
    this.#left -= count;
    return true;
  }

  #look(enoughBytes: number, slot: number): number {
    const reservedBytes = this.#map.reservedBytes();
    if (reservedBytes === undefined || reservedBytes < enoughBytes)
      return Math.max(1, Math.floor(unseenMax / this.#threads));
    const mappings = this.#map.mappings();
    const holes = mappings === undefined ? 0 : countHoles(mappings, slot);
    return holes < holesMin ? 0 : Math.floor(holes / 2 / this.#threads);
  }
}

const newline = 0x0a;
const minus = 0x2d;
const space = 0x20;
const digitNine = 0x39;

/** How many times `slot` bytes in a row are free between the mappings. */
export function countHoles(mappings: Uint8Array, slot: number): number {
  let holes = 0;
  let at = 0;
  let end = 0;
  const number = (until: number): number => {
    let value = 0;
    for (let code = mappings[at++] ?? until; code !== until; code = mappings[at++] ?? until)
      value = value * 16 + code - (code > digitNine ? 0x57 : 0x30);
    return value;
  };
  while (at < mappings.length) {
    const from = Math.min(number(minus), addressBytes);
    holes += Math.floor(Math.max(0, from - end) / slot);
    end = Math.max(end, number(space));
    const line = mappings.indexOf(newline, at);
    at = line < 0 ? mappings.length : line + 1;
  }
  return holes + Math.floor(Math.max(0, addressBytes - end) / slot);
}

let pageBytes: number | undefined;

const kernelMap: AddressMap = {
  reservedBytes: () =>
    ifTold(() => {
      pageBytes ??= readPageBytes();
      return readPages() * pageBytes;
    }),
  mappings: () => ifTold(() => fs.readFileSync('/proc/self/maps')),
};

function ifTold<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function readPages(): number {
  return Number.parseInt(fs.readFileSync('/proc/self/statm', 'latin1'), 10);
}

/** The same number in pages and in KiB; it hardly changes in between. */
function readPageBytes(): number {
  const kib = Number(/^VmSize:\s+(\d+)/m.exec(fs.readFileSync('/proc/self/status', 'latin1'))?.[1]);
  return 2 ** Math.round(Math.log2((kib * 1024) / readPages()));
}
