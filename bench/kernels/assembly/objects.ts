// Builds and sums binary trees of virtual-method objects, n times: allocation, tracing, indirect calls.
class Tree {
  sum(): i32 {
    return 1;
  }
}

class Fork extends Tree {
  constructor(
    private left: Tree,
    private right: Tree,
    private weight: i32,
  ) {
    super();
  }
  sum(): i32 {
    return this.left.sum() + this.right.sum() + this.weight;
  }
}

function grow(depth: i32): Tree {
  return depth == 0 ? new Tree() : new Fork(grow(depth - 1), grow(depth - 1), depth);
}

export function run(n: i32): i32 {
  const kept = grow(8);
  let sum = 0;
  for (let round = 0; round < n; round++) sum += grow(8).sum() ^ round;
  return sum + kept.sum();
}
