// The allocator under the collector, made for many small programs side by side: what it has not given out it has not
// touched. Blocks come from lists of free ones by size, else from the lower end of memory never used; one that is
// freed grows together with free neighbours, or becomes memory never used again.
//
// A block begins with a word: its bytes behind that word, and two bits. A free one has its neighbours in the list
// behind the word, and in its last word where it begins, for its right neighbour, whose bit `leftFree` says so.
import { BLOCK_MAXSIZE } from "rt/common";
import { E_ALLOCATION_TOO_LARGE } from "util/error";

// @ts-ignore: decorator
@inline const word: usize = 4;
/** What follows a block's first word is aligned to this. */
// @ts-ignore: decorator
@inline const unit: usize = 16;
// @ts-ignore: decorator
@inline const bytesMin: usize = unit - word;
// @ts-ignore: decorator
@inline const free: usize = 1;
// @ts-ignore: decorator
@inline const leftFree: usize = 2;
// @ts-ignore: decorator
@inline const bits: usize = free | leftFree;
/** Sizes of so many units and more share a list with others. */
// @ts-ignore: decorator
@inline const unitsShared: usize = 16;
// @ts-ignore: decorator
@inline const lists: usize = 64;
/** Blocks of a shared list that are tried before a larger one is cut. */
// @ts-ignore: decorator
@inline const triesMax: i32 = 8;
// @ts-ignore: decorator
@inline const pageShift: usize = 16;
// @ts-ignore: decorator
@inline const pageMask: usize = 0xffff;
// @ts-ignore: decorator
@inline const pagesMax: i32 = 0xffff;

/** A bit for each list that has blocks. */
// @ts-ignore: decorator
@lazy let filled: u64 = 0;
/** Where the memory never used begins, as a block would; 0: nothing was asked for yet. */
// @ts-ignore: decorator
@lazy let top: usize = 0;
/** Where it ends. */
// @ts-ignore: decorator
@lazy let limit: usize = 0;

// @ts-ignore: decorator
@inline
function base(): usize {
  return (__heap_base + (unit - 1)) & ~(unit - 1);
}

// @ts-ignore: decorator
@inline
function endOf(pages: i32): usize {
  return <usize>min(pages, pagesMax) << pageShift;
}

// Memory that somebody else grew before the first block is theirs.
function begin(): void {
  const start = base() + lists * word + bytesMin;
  const end = (start + unit + pageMask) & ~pageMask;
  const missing = <i32>(end >> pageShift) - memory.size();
  if (missing > 0 && memory.grow(missing) < 0) unreachable();
  top = start;
  limit = end;
}

// @ts-ignore: decorator
@inline
function bytesOf(block: usize): usize {
  return load<usize>(block) & ~bits;
}

// @ts-ignore: decorator
@inline
function rightOf(block: usize, bytes: usize): usize {
  return block + word + bytes;
}

/** The list for blocks of a size: each of few units has one of its own, then two share a power of two. */
function listOf(bytes: usize): usize {
  const units = (bytes + word) / unit;
  if (units < unitsShared) return units;
  const power = <usize>(31 - clz<u32>(<u32>units));
  return unitsShared + ((power - 4) << 1) + ((units >> (power - 1)) & 1);
}

// @ts-ignore: decorator
@inline
function headOf(list: usize): usize {
  return base() + list * word;
}

function insert(block: usize, bytes: usize): void {
  const list = listOf(bytes);
  const head = headOf(list);
  const next = load<usize>(head);
  store<usize>(block, 0, word);
  store<usize>(block, next, 2 * word);
  if (next != 0) store<usize>(next, block, word);
  store<usize>(head, block);
  filled |= (<u64>1) << list;
}

function remove(block: usize): void {
  const previous = load<usize>(block, word);
  const next = load<usize>(block, 2 * word);
  if (next != 0) store<usize>(next, previous, word);
  if (previous != 0) {
    store<usize>(previous, next, 2 * word);
    return;
  }
  const list = listOf(bytesOf(block));
  store<usize>(headOf(list), next);
  if (next == 0) filled &= ~((<u64>1) << list);
}

/** A free block of at least so many bytes; 0: there is none. */
function search(bytes: usize): usize {
  let list = listOf(bytes);
  if (list >= unitsShared) {
    let block = load<usize>(headOf(list));
    for (let tries = triesMax; block != 0 && tries != 0; --tries) {
      if (bytesOf(block) >= bytes) return block;
      block = load<usize>(block, 2 * word);
    }
    ++list;
    if (list == lists) return 0;
  }
  const larger = filled & ((<u64>-1) << list);
  return larger == 0 ? 0 : load<usize>(headOf(<usize>ctz(larger)));
}

/** Makes a block of `bytes` that is in no list free; `left`: its bit `leftFree`. */
function release(block: usize, bytes: usize, left: usize): void {
  let right = rightOf(block, bytes);
  if (right != top && (load<usize>(right) & free) != 0) {
    remove(right);
    right = rightOf(right, bytesOf(right));
  }
  if (left != 0) {
    block = load<usize>(block - word);
    remove(block);
  }
  if (right == top) {
    top = block;
    return;
  }
  bytes = right - block - word;
  store<usize>(block, bytes | free);
  store<usize>(right - word, block);
  store<usize>(right, load<usize>(right) | leftFree);
  insert(block, bytes);
}

/** Cuts off what a used block of `bytes` has beyond `wanted`. */
function trim(block: usize, bytes: usize, wanted: usize): void {
  const left = load<usize>(block) & leftFree;
  if (bytes == wanted) {
    store<usize>(block, bytes | left);
    return;
  }
  store<usize>(block, wanted | left);
  const rest = rightOf(block, wanted);
  release(rest, bytes - wanted - word, 0);
}

/** Takes a block out of its list, whole: what is cut off it is given back by `trim`. */
function take(block: usize): void {
  remove(block);
  const right = rightOf(block, bytesOf(block));
  store<usize>(right, load<usize>(right) & ~leftFree);
}

/** Makes the memory never used long enough for a block. */
function grow(bytes: usize): void {
  const pages = memory.size();
  const isAlone = endOf(pages) == limit;
  const short = isAlone ? bytes + 2 * word - (limit - top) : bytes + word + unit;
  const needed = <i32>((short + pageMask) >> pageShift);
  if (memory.grow(max(pages, needed)) < 0 && memory.grow(needed) < 0) unreachable();
  if (!isAlone) {
    leaveRest();
    top = endOf(pages) + bytesMin;
  }
  limit = endOf(memory.size());
}

// Somebody else has the memory behind ours: what is left of ours becomes a block, and a word ends it.
function leaveRest(): void {
  const last = limit - word;
  const rest = top;
  store<usize>(last, 0);
  top = 0;
  if (rest != last) release(rest, last - rest - word, 0);
}

function bytesFor(size: usize): usize {
  if (size > BLOCK_MAXSIZE) throw new Error(E_ALLOCATION_TOO_LARGE);
  return size <= bytesMin ? bytesMin : ((size + word + (unit - 1)) & ~(unit - 1)) - word;
}

function allocate(bytes: usize): usize {
  if (top == 0) begin();
  const found = search(bytes);
  if (found != 0) {
    take(found);
    trim(found, bytesOf(found), bytes);
    return found + word;
  }
  if (bytes + word > limit - top - word) grow(bytes);
  const block = top;
  store<usize>(block, bytes);
  top = rightOf(block, bytes);
  return block + word;
}

/** The word before what was given out. */
function usedBlock(at: usize): usize {
  const block = at - word;
  assert(at != 0 && (at & (unit - 1)) == 0 && (load<usize>(block) & free) == 0);
  return block;
}

/** Whether a block could be made longer where it is. */
function extend(block: usize, bytes: usize, wanted: usize): bool {
  const right = rightOf(block, bytes);
  if (right == top) {
    if (wanted - bytes > limit - top - word) return false;
    top = rightOf(block, wanted);
    store<usize>(block, wanted | (load<usize>(block) & leftFree));
    return true;
  }
  const info = load<usize>(right);
  const together = bytes + word + (info & ~bits);
  if ((info & free) == 0 || together < wanted) return false;
  take(right);
  trim(block, together, wanted);
  return true;
}

function move(at: usize, bytes: usize, wanted: usize): usize {
  const target = allocate(wanted);
  memory.copy(target, at, bytes);
  __free(at);
  return target;
}

// @ts-ignore: decorator
@global @unsafe
export function __alloc(size: usize): usize {
  return allocate(bytesFor(size));
}

// @ts-ignore: decorator
@global @unsafe
export function __realloc(at: usize, size: usize): usize {
  const wanted = bytesFor(size);
  const block = usedBlock(at);
  const bytes = bytesOf(block);
  // What the program began with is never given back.
  if (at < __heap_base) return move(at, min(bytes, wanted), wanted);
  if (wanted <= bytes) trim(block, bytes, wanted);
  else if (!extend(block, bytes, wanted)) return move(at, bytes, wanted);
  return at;
}

// @ts-ignore: decorator
@global @unsafe
export function __free(at: usize): void {
  if (at < __heap_base) return;
  const block = usedBlock(at);
  release(block, bytesOf(block), load<usize>(block) & leftFree);
}
