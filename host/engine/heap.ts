/** Share of V8's own heap limit that guests may fill: beyond the limit V8 ends the whole process. */
const heapShareMax = 0.75;
const stepBytesMin = 16 * 1024;
const stepBytesMax = 8 * 1024 * 1024;
/** After a full collection at least this share of the room is granted, so that collections stay worth their time. */
const sparseShare = 1 / 8;

interface Heap {
  /** Bytes in use in this thread's heap, what nobody refers to any more included. */
  usedBytes(): number;
  limitBytes(): number;
  collect(kind: 'minor' | 'major'): void;
}

/** Garbage that may lie in the heap when a guest's account is opened, and is then taken for the host's. */
const garbageBytesMax = 16 * 1024 * 1024;

let heapOfThread: Heap | undefined;
/** What was in use when the last account was opened, little of it garbage. */
let cleanBytes = 0;

/** Loaded when the first guest with objects of its own runs: no other run pays for it. */
function openHeap(): Heap {
  const v8 = process.getBuiltinModule('node:v8');
  const vm = process.getBuiltinModule('node:vm');
  let gc: ((options: { readonly type: 'minor' | 'major' }) => void) | undefined;
  return {
    usedBytes: () => v8.getHeapStatistics().used_heap_size,
    limitBytes: () => v8.getHeapStatistics().heap_size_limit,
    collect: (kind) => {
      if (gc === undefined) {
        v8.setFlagsFromString('--expose-gc');
        gc = vm.runInNewContext('gc') as typeof gc;
        v8.setFlagsFromString('--no-expose-gc');
      }
      gc?.({ type: kind });
    },
  };
}

/**
 * What one guest holds of V8's heap: structs, arrays and exceptions. V8 has no limit per guest, and a full
 * heap ends the process, so the guest asks before it takes. What was granted is an upper bound of what lives;
 * when it is over the room, the heap is measured, and collected if it must be.
 *
 * The heap is the thread's: another guest that grows meanwhile may be taken for this one, though never for
 * more than this one was granted.
 */
export class HeapAccount {
  readonly #heap: Heap;
  readonly #baseBytes: number;
  readonly #limitBytes: number;
  #bytes = 0;
  #settled = false;

  constructor() {
    heapOfThread ??= openHeap();
    this.#heap = heapOfThread;
    this.#baseBytes = cleanBase(this.#heap);
    this.#limitBytes = this.#heap.limitBytes() * heapShareMax;
  }

  /** Bytes that the guest holds, at most. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Grants `needBytes` and some more, as long as the guest's total stays within `roomBytes` and V8's heap has
   * room; returns the grant, or 0. May take as long as a full collection.
   */
  grant(needBytes: number, roomBytes: number): number {
    for (const collect of [undefined, 'none', 'minor', 'major'] as const) {
      if (collect !== undefined) this.#measure(collect);
      const step = collect === 'major' ? roomBytes * sparseShare : stepBytesMin + this.#bytes / 4;
      const granted = needBytes + Math.min(stepBytesMax, Math.floor(step));
      const leastBytes = collect === 'major' ? needBytes : granted;
      if (this.#bytes + leastBytes <= roomBytes && this.#heap.usedBytes() + granted <= this.#limitBytes) {
        this.#bytes += granted;
        this.#settled = false;
        return granted;
      }
    }
    return 0;
  }

  /** Collects and measures, unless nothing was granted since the last time; whether it did. */
  settle(): boolean {
    if (this.#settled) return false;
    this.#measure('major');
    this.#settled = true;
    return true;
  }

  #measure(collect: 'none' | 'minor' | 'major'): void {
    if (collect !== 'none') this.#heap.collect(collect);
    const grownBytes = Math.max(0, this.#heap.usedBytes() - this.#baseBytes);
    this.#bytes = Math.min(this.#bytes, grownBytes);
  }
}

/** What the heap holds without the guest, cleared of garbage if there may be much: else it would pass for the host's. */
function cleanBase(heap: Heap): number {
  if (heap.usedBytes() > cleanBytes + garbageBytesMax) heap.collect('major');
  cleanBytes = heap.usedBytes();
  return cleanBytes;
}
