// Recursive quicksort of 4,096 numbers, n times: short unpredictable loops, recursion.
#define COUNT 4096
static int items[COUNT];

static void sort(int low, int high) {
  while (low < high) {
    int pivot = items[(low + high) >> 1], i = low, j = high;
    while (i <= j) {
      while (items[i] < pivot) i++;
      while (items[j] > pivot) j--;
      if (i > j) break;
      int held = items[i];
      items[i++] = items[j];
      items[j--] = held;
    }
    if (j - low < high - i) sort(low, j), low = i;
    else sort(i, high), high = j;
  }
}

__attribute__((export_name("run"))) int run(int n) {
  unsigned seed = 12345, sum = 0;
  for (int round = 0; round < n; round++) {
    for (int i = 0; i < COUNT; i++) seed = seed * 1664525u + 1013904223u, items[i] = (int)(seed >> 4);
    sort(0, COUNT - 1);
    for (int i = 0; i < COUNT; i += 97) sum = sum * 31 + (unsigned)items[i];
  }
  return (int)sum;
}
