// The canonical ABI's memory rules for AssemblyScript. What the host writes lies in raw blocks of the allocator
// (`heap`), which the collector never touches: a managed object that only the host points to could be collected
// under it. What the host reads is read where it is, while the program stands still.

// @ts-ignore: set by the builder for tests that look for leaks
const counting = isDefined(MOTEHOST_COUNT_BLOCKS);

let blocks: i32 = 0;

/** Raw blocks taken and not given back; counted only in builds made for it, otherwise 0. */
export function liveBlocks(): i32 {
  return blocks;
}

export function take(bytes: usize): usize {
  if (counting) ++blocks;
  return heap.alloc(bytes);
}

export function give(block: usize): void {
  if (counting) --blocks;
  heap.free(block);
}

/** The canonical ABI's allocation function: the host calls it to put arguments and results into our memory. */
export function cabi_realloc(old: usize, oldBytes: usize, align: usize, bytes: usize): usize {
  if (oldBytes == 0) return bytes == 0 ? align : take(bytes);
  return heap.realloc(old, bytes);
}

// Blocks for what has to be laid out anew for the host, each with the one before it in its first word.
let last: usize = 0;
const linkBytes: usize = 8;

/** A raw block until the next `release`, aligned to 8. */
export function temp(bytes: usize): usize {
  const block = take(bytes + linkBytes);
  store<usize>(block, last);
  last = block;
  return block + linkBytes;
}

/** Gives back every `temp`. */
export function release(): void {
  while (last != 0) {
    const block = last;
    last = load<usize>(block);
    give(block);
  }
}

// The result of the export that ran last: the host reads it where it is. The collector goes by the object's own
// header, so the type of this root does not matter.
let held: ArrayBuffer | null = null;

/** Keeps an object alive until `post`. */
export function hold(object: usize): void {
  held = changetype<ArrayBuffer | null>(object);
}

/** Called by the host when it has read the result of an export. */
export function post(at: usize): void {
  held = null;
  release();
}

// Lifting: a copy into a managed object; the raw block goes back at once.

export function liftString(start: usize, units: usize): string {
  const text = String.UTF16.decodeUnsafe(start, units << 1);
  if (units != 0) give(start);
  return text;
}

export function liftNumbers<T>(start: usize, count: usize): T {
  const list = instantiate<T>(<i32>count);
  if (count != 0) {
    // @ts-ignore: every typed array has these
    memory.copy(list.dataStart, start, list.byteLength);
    give(start);
  }
  return list;
}

/** A list whose elements lie in memory as an array of ours has them. */
export function liftPlain<T>(start: usize, count: usize): T[] {
  const list = newList<T>(<i32>count);
  if (count != 0) {
    memory.copy(list.dataStart, start, count << alignof<T>());
    give(start);
  }
  return list;
}

/** An array of its final length, to be filled with `setItem`. */
// @ts-ignore: decorator
@inline
export function newList<T>(count: i32): T[] {
  // @ts-ignore: the runtime's own
  return changetype<T[]>(__newArray(count, alignof<T>(), idof<T[]>()));
}

/** Fills an array made with its final length; `array[i] = item` would bring the code that lets it grow. */
// @ts-ignore: decorator
@inline
export function setItem<T>(array: T[], i: i32, item: T): void {
  store<T>(array.dataStart + (<usize>i << alignof<T>()), item);
  if (isManaged<T>()) {
    // @ts-ignore: the runtime's own
    __link(changetype<usize>(array), changetype<usize>(item), true);
  }
}

export function listOf<T>(items: T[]): T[] {
  return items;
}

export function numbersOf<T, N>(items: N[]): T {
  const list = instantiate<T>(items.length);
  // @ts-ignore: every typed array has these
  memory.copy(list.dataStart, items.dataStart, list.byteLength);
  return list;
}

// Lowering: the place of what is there already.

export function storeText(at: usize, text: string): void {
  store<usize>(at, changetype<usize>(text));
  store<i32>(at, text.length, 4);
}

// @ts-ignore: decorator
@inline
export function storeNumbers<T>(at: usize, list: T): void {
  // @ts-ignore: every typed array has these
  storeBlock(at, list.dataStart, list.length);
}

// @ts-ignore: decorator
@inline
export function storePlain<T>(at: usize, list: T[]): void {
  storeBlock(at, list.dataStart, list.length);
}

function storeBlock(at: usize, start: usize, count: i32): void {
  store<usize>(at, start);
  store<i32>(at, count, 4);
}

/** The end of a program that gives a list of fixed length another one. */
export function wrongLength(length: i32, wanted: i32): void {
  throw new Error("the list has " + length.toString() + " items and must have " + wanted.toString());
}
