import { fs, os } from '../builtin.ts';
import { HostError } from '../errors.ts';
import { AddressSpace } from './address-space.ts';

/** What one process may hold of what ends it when it runs out; see `settleBounds`. */
export interface ResidenceBounds {
  /** Linear memories that exist at one time, dropped ones that are not collected yet included. */
  readonly memoriesMax: number;
  /** Suspended stacks of messages in one thread; HTTP exchanges have half as many more (`exchangesMaxOf`). */
  readonly stacksPerThreadMax: number;
  /** Bytes of all linear memories together, dropped ones that are not collected yet included; undefined: any number. */
  readonly memoryBytesMax?: number;
}

/** HTTP exchanges under way in one thread, each of which may be a suspended stack. */
export function exchangesMaxOf({ stacksPerThreadMax }: ResidenceBounds): number {
  return Math.ceil(stacksPerThreadMax * exchangesPerStack);
}

const exchangesPerStack = 0.5;

/** V8 reserves 8 GiB of addresses for each memory, of 128 TiB that a process has: 16,3xx fit side by side, and then its own heap does not; see `AddressSpace`. */
const memoriesMax = 12_000;
/** Suspended stacks are roots of every scavenge. */
const stacksPerThreadMax = 1_000;
const mappingsPerMemory = 2;
const mappingsPerStack = 2.6;
const mappingsOfHost = 1_500;
/** Of the kernel's `vm.max_map_count`, beyond which the process is aborted. */
const mappingsShareMax = 0.85;
/** Stacks may take at most this share of the mappings; the rest is for memories. */
const stacksShareMax = 0.5;

/**
 * How many memories and stacks a process may have so that
 * 2 × memories + 2.6 × stacks + 1,500 < 0.85 × `mappings`, with the stacks of messages and of HTTP exchanges.
 * The stacks are dealt out to the threads beforehand: no thread needs to ask another.
 */
export function settleBounds(mappings: number | undefined, threads: number): ResidenceBounds {
  if (mappings === undefined) return { memoriesMax, stacksPerThreadMax };
  const room = Math.max(0, mappings * mappingsShareMax - mappingsOfHost);
  const perStack = mappingsPerStack * (1 + exchangesPerStack);
  const stacks = Math.floor((room * stacksShareMax) / perStack / threads);
  const perThread = Math.min(stacksPerThreadMax, Math.max(1, stacks));
  const exchanges = exchangesMaxOf({ memoriesMax, stacksPerThreadMax: perThread });
  const left = room - (perThread + exchanges) * threads * mappingsPerStack;
  const memories = Math.ceil(left / mappingsPerMemory) - 1;
  return { memoriesMax: Math.min(memoriesMax, Math.max(1, memories)), stacksPerThreadMax: perThread };
}

/** The kernel's bound of mappings of one process; undefined where there is none. */
export function readMappingsMax(): number | undefined {
  try {
    const value = Number(fs.readFileSync('/proc/sys/vm/max_map_count', 'utf8'));
    return Number.isSafeInteger(value) && value > 0 ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What the threads share; can be posted to a thread. */
export interface ResidenceShare {
  readonly cells: SharedArrayBuffer;
  readonly threads: number;
  readonly bounds: ResidenceBounds;
}

const memoriesCell = 0;
const pagesCell = 1;
const threadCells = 2;
const cellsPerThread = 3;
const waitingOffset = 1;
const pagesOffset = 2;
const pageBytes = 65_536;
/** Above this share of the bytes idle agents leave memory before anybody waits: a guest that grows cannot wait. */
const bytesShareIdleMax = 0.9;
/** Of the machine's memory, or of what this process may have of it. */
const machineShareMax = 0.75;

/** Bytes that the memories of a process may have together where nobody says otherwise. */
export function defaultMemoryBytesMax(): number {
  const allowed = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return Math.floor(Math.min(os.totalmem(), allowed) * machineShareMax);
}

/** What the memories of one instance have of the process's bytes. */
export class HeldMemory {
  readonly #residence: Residence;
  pages: number;

  constructor(residence: Residence, pages: number) {
    this.#residence = residence;
    this.pages = pages;
  }

  /** Takes so many pages more, or gives some back; false: the process has no room for them. */
  tryGrow(pages: number): boolean {
    if (!this.#residence.tryAcquirePages(pages)) return false;
    this.pages += pages;
    return true;
  }
}

interface Held {
  readonly memories: number;
  readonly held: HeldMemory | undefined;
}

/** For all threads of a process, made once. `threads`: how many there may be at one time, spare ones included. */
export function newResidence(
  threads: number,
  bounds: ResidenceBounds = settleBounds(readMappingsMax(), threads),
): ResidenceShare {
  const cells = new SharedArrayBuffer((threadCells + threads * cellsPerThread) * 4);
  return { cells, threads, bounds };
}

/** A collection takes tens of milliseconds: it must promise as many memories as this. */
const collectDroppedMin = 256;
/**
 * Bytes of dropped memories of one thread that wait for the collector, which itself sees nothing of what they hold.
 * To give as many back takes the thread some ten milliseconds at once.
 */
const droppedBytesMax = 256 * 1024 * 1024;
const droppedBytesMin = 64 * 1024 * 1024;
/** The same as a share of what all memories of the process may hold, between the two. */
const droppedShareMax = 1 / 16;
const collectTurns = 4;

/**
 * One thread's part in the process's bound of memories, which are counted over all threads;
 * one that was dropped counts until it was collected, for its address space is taken until then.
 */
export class Residence {
  readonly bounds: ResidenceBounds;
  readonly #cells: Int32Array<SharedArrayBuffer>;
  readonly #own: number;
  readonly #pagesMax: number;
  readonly #gone: FinalizationRegistry<Held>;
  readonly #addresses: AddressSpace;
  #dropped = 0;
  #droppedPages = 0;
  readonly #droppedPagesMax: number;
  #collecting: Promise<void> | undefined;

  /** `thread`: its number, from 0; no two threads have the same at one time. */
  constructor({ cells, threads, bounds }: ResidenceShare, thread: number) {
    if (thread < 0 || thread >= threads) throw new Error(`bug: thread ${thread} of ${threads}`);
    this.bounds = bounds;
    this.#cells = new Int32Array(cells);
    this.#own = threadCells + thread * cellsPerThread;
    this.#pagesMax = Math.floor((bounds.memoryBytesMax ?? Number.POSITIVE_INFINITY) / pageBytes);
    const droppedBytes = Math.max(droppedBytesMin, this.#pagesMax * pageBytes * droppedShareMax);
    this.#droppedPagesMax = Math.min(droppedBytesMax, droppedBytes) / pageBytes;
    this.#addresses = new AddressSpace(threads);
    this.#gone = new FinalizationRegistry(({ memories, held }) => {
      this.#dropped = Math.max(0, this.#dropped - memories);
      this.#droppedPages = Math.max(0, this.#droppedPages - (held?.pages ?? 0));
      this.releaseMemories(memories, held?.pages);
    });
  }

  /** Memories of the whole process. */
  get memories(): number {
    return Atomics.load(this.#cells, memoriesCell);
  }

  /** One more, or one less, of this thread waits for room for a memory. */
  await(by: 1 | -1): void {
    Atomics.add(this.#cells, this.#own + waitingOffset, by);
  }

  /** Whether any other thread waits for room, or bytes run short. */
  get areWaiting(): boolean {
    if (Atomics.load(this.#cells, pagesCell) > this.#pagesMax * bytesShareIdleMax) return true;
    for (let cell = threadCells + waitingOffset; cell < this.#cells.length; cell += cellsPerThread)
      if (cell !== this.#own + waitingOffset && Atomics.load(this.#cells, cell) > 0) return true;
    return false;
  }

  /** Takes room for `count` memories that are about to be made; false when there is none. Never more than the bound, whoever else asks. */
  tryAcquireMemories(count: number): boolean {
    for (;;) {
      const held = Atomics.load(this.#cells, memoriesCell);
      if (held + count > this.bounds.memoriesMax) return false;
      if (Atomics.compareExchange(this.#cells, memoriesCell, held, held + count) !== held) continue;
      Atomics.add(this.#cells, this.#own, count);
      return true;
    }
  }

  /** Takes pages of memories that grow, or are about to be made; negative ones are given back. False: there is no room. */
  tryAcquirePages(pages: number): boolean {
    const before = Atomics.add(this.#cells, pagesCell, pages);
    if (pages > 0 && before + pages > this.#pagesMax) {
      Atomics.sub(this.#cells, pagesCell, pages);
      return false;
    }
    Atomics.add(this.#cells, this.#own + pagesOffset, pages);
    return true;
  }

  /** Whether there is room for `count` more now; another thread may take it. */
  hasMemories(count: number): boolean {
    return this.memories + count <= this.bounds.memoriesMax;
  }

  /**
   * Room for `count` memories of so many pages together. `isWide`: one or more has 64-bit addresses.
   * @throws HostError `HOST_ERR_BUDGET_EXHAUSTED`
   */
  acquireMemories(count: number, pages: number = 0, isWide: boolean = false): HeldMemory {
    this.#acquireCount(count, isWide);
    if (this.tryAcquirePages(pages)) return new HeldMemory(this, pages);
    this.releaseMemories(count);
    throw this.outOfBytes(pages);
  }

  /** What a call is refused with for which this process has too few bytes. */
  outOfBytes(pages: number): HostError {
    const bytesMax = this.bounds.memoryBytesMax ?? 0;
    const heldBytes = Atomics.load(this.#cells, pagesCell) * pageBytes;
    return new HostError(
      'HOST_ERR_BUDGET_EXHAUSTED',
      `the memories of this process have ${heldBytes} of at most ${bytesMax} bytes together, and ${pages * pageBytes} more are needed; wait until an agent hibernates, or give it more with --memory-total`,
      { heldBytes, bytesMax, neededBytes: pages * pageBytes },
    );
  }

  #acquireCount(count: number, isWide: boolean): void {
    const hasAddresses = this.#addresses.hasRoom(count, isWide);
    if (hasAddresses && this.tryAcquireMemories(count)) return;
    if (this.#dropped >= collectDroppedMin) void this.collect();
    const { memories, bounds } = this;
    const full = hasAddresses
      ? `this process holds ${memories} memories of at most ${bounds.memoriesMax}`
      : `the ${memories} memories of this process leave no addresses in a row for more`;
    throw new HostError(
      'HOST_ERR_BUDGET_EXHAUSTED',
      `${full}; wait until an agent hibernates, or run more processes`,
      { memories, memoriesMax: bounds.memoriesMax },
    );
  }

  /** Room that was acquired is free again: the memories were never made, or are gone. */
  releaseMemories(count: number, pages: number = 0): void {
    if (pages > 0) this.tryAcquirePages(-pages);
    Atomics.sub(this.#cells, this.#own, count);
    Atomics.sub(this.#cells, memoriesCell, count);
  }

  /** Acquired room is free when `holder`, on which `count` memories and the pages of `held` hang, was collected. */
  releaseWith(holder: object, count: number, held?: HeldMemory): void {
    if (count > 0) this.#gone.register(holder, { memories: count, held });
  }

  /** Tells that memories of so many pages together were dropped and wait for the collector, which is called when they are too many. */
  noteDropped(count: number, pages: number = 0): void {
    this.#dropped += count;
    this.#droppedPages += pages;
    if (this.#droppedPages >= this.#droppedPagesMax) void this.collect();
  }

  /** Dropped memories of this thread that are not known to be gone. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Collects what this thread dropped; resolves when what is gone is counted. Takes tens of milliseconds of this thread. */
  collect(): Promise<void> {
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = undefined;
    });
    return this.#collecting;
  }

  async #collect(): Promise<void> {
    // What this turn of the event loop has looked at is kept alive until its end.
    await turn();
    collectGarbage();
    for (let turns = 0; turns < collectTurns; turns += 1) await turn();
    this.#dropped = 0;
    this.#droppedPages = 0;
  }

  /** Memories of the whole process, for whoever has no part in it. */
  static memoriesOf({ cells }: ResidenceShare): number {
    return Atomics.load(new Int32Array(cells), memoriesCell);
  }

  /** Bytes of them. */
  static bytesOf({ cells }: ResidenceShare): number {
    return Atomics.load(new Int32Array(cells), pagesCell) * pageBytes;
  }

  /** This thread has ended, and with it all it held: called by whoever saw it end, or by itself at last. */
  static retire({ cells }: ResidenceShare, thread: number): void {
    const all = new Int32Array(cells);
    const own = threadCells + thread * cellsPerThread;
    Atomics.sub(all, memoriesCell, Atomics.exchange(all, own, 0));
    Atomics.sub(all, pagesCell, Atomics.exchange(all, own + pagesOffset, 0));
    Atomics.store(all, own + waitingOffset, 0);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let gc: (() => void) | undefined;

function collectGarbage(): void {
  if (gc === undefined) {
    const v8 = process.getBuiltinModule('node:v8');
    const vm = process.getBuiltinModule('node:vm');
    v8.setFlagsFromString('--expose-gc');
    gc = vm.runInNewContext('gc') as () => void;
    v8.setFlagsFromString('--no-expose-gc');
  }
  gc();
}
