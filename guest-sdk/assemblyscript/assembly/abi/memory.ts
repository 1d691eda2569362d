// The canonical ABI's memory rules for AssemblyScript. What crosses the border lies in raw blocks of the
// allocator (`heap`), which the collector never touches: a managed object that only the host points to could
// be collected under it.

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

/** Where imports put results that do not fit a register: read it before the next call of an import. */
export const results: usize = memory.data(64, 8);

// Lifting: a copy into a managed object; the raw block goes back at once.

export function liftString(at: usize): string {
  const start = load<usize>(at);
  const units = load<usize>(at, 4);
  const text = String.UTF16.decodeUnsafe(start, units << 1);
  if (units != 0) give(start);
  return text;
}

export function liftOptionString(at: usize): string | null {
  return load<u8>(at) == 0 ? null : liftString(at + 4);
}

export function liftBytes(at: usize): Uint8Array {
  const start = load<usize>(at);
  const length = load<usize>(at, 4);
  const bytes = new Uint8Array(<i32>length);
  if (length != 0) {
    memory.copy(bytes.dataStart, start, length);
    give(start);
  }
  return bytes;
}

export function liftOptionBytes(at: usize): Uint8Array | null {
  return load<u8>(at) == 0 ? null : liftBytes(at + 4);
}

/** An array of its final length, to be filled with `setItem`. */
// @ts-ignore: decorator
@inline
export function newList<T>(count: i32): T[] {
  // @ts-ignore: the runtime's own
  return changetype<T[]>(__newArray(count, alignof<usize>(), idof<T[]>()));
}

/** Fills an array made with its final length; `array[i] = item` would bring the code that lets it grow. */
// @ts-ignore: decorator
@inline
export function setItem<T>(array: T[], i: i32, item: T): void {
  store<usize>(array.dataStart + (<usize>i << alignof<usize>()), changetype<usize>(item));
  // @ts-ignore: the runtime's own
  __link(changetype<usize>(array), changetype<usize>(item), true);
}

// Arguments of imports are not copied: the host reads them where they are, and nothing is collected
// while it does.

// @ts-ignore: decorator
@inline
export function optionStart(text: string | null): usize {
  return changetype<usize>(text);
}

// @ts-ignore: decorator
@inline
export function optionLength(text: string | null): i32 {
  return text === null ? 0 : text.length;
}

// Lowering results of exports: a copy into a raw block that `cabi_post_…` gives back.

export function lowerString(text: string, at: usize): void {
  const bytes = <usize>text.length << 1;
  lowerBlock(changetype<usize>(text), bytes, at);
  store<i32>(at, text.length, 4);
}

export function lowerBytes(bytes: Uint8Array, at: usize): void {
  lowerBlock(bytes.dataStart, bytes.length, at);
}

function lowerBlock(from: usize, bytes: usize, at: usize): void {
  const block: usize = bytes == 0 ? 8 : take(bytes);
  memory.copy(block, from, bytes);
  store<usize>(at, block);
  store<usize>(at, bytes, 4);
}

/** Gives back what `lowerString` or `lowerBytes` wrote. */
export function giveLowered(at: usize): void {
  if (load<u32>(at, 4) != 0) give(load<usize>(at));
}
