import { hashBytes, sha256, writeSha256 } from './chain-hash.ts';

const pair: Buffer = Buffer.alloc(1 + 2 * hashBytes, 1);

function parent(left: Uint8Array, right: Uint8Array): Buffer {
  pair.set(left, 1);
  pair.set(right, 1 + hashBytes);
  return sha256(pair);
}

/** A step from a leaf to its root: the neighbour, and on which side of us it is. */
export interface Step {
  readonly hash: Uint8Array;
  readonly isLeft: boolean;
}

/**
 * The root of RFC 6962 §2.1 over leaf hashes, `count` of them end to end in `leaves`; at least one. An odd node moves
 * up unpaired, which gives the RFC's tree. `leaves` is overwritten.
 */
export function merkleRoot(leaves: Buffer, count: number): Buffer {
  let width = count;
  while (width > 1) {
    const pairs = width >> 1;
    for (let index = 0; index < pairs; index++) {
      leaves.copy(pair, 1, index * 2 * hashBytes, (index + 1) * 2 * hashBytes);
      writeSha256(pair, leaves, index * hashBytes);
    }
    if (width % 2 === 1) leaves.copy(leaves, pairs * hashBytes, (width - 1) * hashBytes, width * hashBytes);
    width = pairs + (width % 2);
  }
  return Buffer.from(leaves.subarray(0, hashBytes));
}

/** The neighbours on the way from leaf `index` to the root. */
export function merklePath(leaves: readonly Uint8Array[], index: number): Step[] {
  const path: Step[] = [];
  let level = leaves;
  for (let at = index; level.length > 1; at >>= 1) {
    const neighbour = level[at ^ 1];
    if (neighbour !== undefined) path.push({ hash: neighbour, isLeft: at % 2 === 1 });
    level = levelAbove(level);
  }
  return path;
}

function levelAbove(level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let index = 0; index < level.length; index += 2) {
    const [left, right] = [level[index], level[index + 1]];
    if (left !== undefined) above.push(right === undefined ? left : parent(left, right));
  }
  return above;
}

/** Where a path leads from a leaf hash. */
export function rootOf(leaf: Uint8Array, path: readonly Step[]): Uint8Array {
  let at = leaf;
  for (const { hash, isLeft } of path) at = isLeft ? parent(hash, at) : parent(at, hash);
  return at;
}

/** On which sides the neighbours of leaf `index` of `count` lie: a path says no more about the place than this. */
export function sidesOf(index: number, count: number): boolean[] {
  const sides: boolean[] = [];
  for (let at = index, width = count; width > 1; at >>= 1, width = (width + 1) >> 1)
    if ((at ^ 1) < width) sides.push(at % 2 === 1);
  return sides;
}
