// Three sorts of 2,000 numbers, n times: the library's with a comparator, a heap sort and a shell sort.
const COUNT = 2000;

function fill(items: Array<i32>, seed: u32): void {
  for (let i = 0; i < COUNT; i++) {
    seed = seed * 1664525 + 1013904223;
    items[i] = i32(seed >> 3);
  }
}

function sink(items: Array<i32>, root: i32, end: i32): void {
  while (root * 2 + 1 < end) {
    let child = root * 2 + 1;
    if (child + 1 < end && items[child] < items[child + 1]) child++;
    if (items[root] >= items[child]) return;
    const held = items[root];
    items[root] = items[child];
    items[child] = held;
    root = child;
  }
}

function heapSort(items: Array<i32>): void {
  for (let i = COUNT / 2 - 1; i >= 0; i--) sink(items, i, COUNT);
  for (let end = COUNT - 1; end > 0; end--) {
    const held = items[0];
    items[0] = items[end];
    items[end] = held;
    sink(items, 0, end);
  }
}

function shellSort(items: Array<i32>): void {
  for (let gap = COUNT / 2; gap > 0; gap /= 2) {
    for (let i = gap; i < COUNT; i++) {
      const held = items[i];
      let j = i;
      while (j >= gap && items[j - gap] > held) {
        items[j] = items[j - gap];
        j -= gap;
      }
      items[j] = held;
    }
  }
}

export function run(n: i32): i32 {
  const items = new Array<i32>(COUNT);
  let sum = 0;
  for (let round = 0; round < n; round++) {
    fill(items, round);
    items.sort((a, b) => a - b);
    sum = sum * 31 + items[COUNT / 2];
    fill(items, round + 1);
    heapSort(items);
    sum = sum * 31 + items[COUNT / 3];
    fill(items, round + 2);
    shellSort(items);
    sum = sum * 31 + items[COUNT / 4];
  }
  return sum;
}
