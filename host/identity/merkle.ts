import { sha256 } from './curves.ts';

export const hashBytes = 32;
/** Leaves of one tree. */
export const leavesMax = 256;
/** Hashes on the path of one leaf. */
export const pathMax = 8;

// RFC 6962: a leaf and an inner node never have the same hash.
const leafMark = 0;
const nodeMark = 1;

const nodeInput = new Uint8Array(1 + 2 * hashBytes);
nodeInput[0] = nodeMark;
let leafInput = Buffer.alloc(1024, leafMark);

/** SHA-256 of 0 and the entry. */
export function leafHash(entry: Uint8Array): Buffer {
  if (leafInput.length <= entry.length) leafInput = Buffer.alloc(entry.length * 2, leafMark);
  leafInput.set(entry, 1);
  return sha256(leafInput.subarray(0, entry.length + 1));
}

/** SHA-256 of 1, the left and the right. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + hashBytes);
  return sha256(nodeInput);
}

/**
 * All levels of the tree over the leaves, the root's last. A node without a right neighbour rises as it is: the same
 * tree as RFC 6962's, whatever the count.
 */
export function treeLevels(leaves: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  const levels: (readonly Uint8Array[])[] = [leaves];
  for (let level = leaves; level.length > 1; ) {
    const above: Uint8Array[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const [left, right] = [level[at], level[at + 1]];
      if (left !== undefined) above.push(right === undefined ? left : nodeHash(left, right));
    }
    levels.push(above);
    level = above;
  }
  return levels;
}

/** The neighbours on the way from a leaf to the root, the leaf's first. */
export function pathOf(levels: readonly (readonly Uint8Array[])[], index: number): readonly Uint8Array[] {
  const path: Uint8Array[] = [];
  for (let level = 0, at = index; level < levels.length - 1; level++, at >>>= 1) {
    const neighbour = levels[level]?.[at ^ 1];
    if (neighbour !== undefined) path.push(neighbour);
  }
  return path;
}

/** The root that a leaf and its path lead to; undefined when there is no such place in a tree of `count` leaves. */
export function rootFrom(
  leaf: Uint8Array,
  index: number,
  count: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (index < 0 || index >= count) return undefined;
  let hash = leaf;
  let step = 0;
  for (let at = index, width = count; width > 1; at >>>= 1, width = (width + 1) >>> 1) {
    if ((at ^ 1) >= width) continue;
    const neighbour = path[step++];
    if (neighbour === undefined) return undefined;
    hash = (at & 1) === 0 ? nodeHash(hash, neighbour) : nodeHash(neighbour, hash);
  }
  return step === path.length ? hash : undefined;
}
