// Counts the placements of n queens by backtracking over bit masks: recursion around a data-dependent loop.
static int place(unsigned all, unsigned columns, unsigned left, unsigned right) {
  if (columns == all) return 1;
  int count = 0;
  unsigned open = all & ~(columns | left | right);
  while (open) {
    unsigned queen = open & -open;
    open ^= queen;
    count += place(all, columns | queen, (left | queen) << 1, (right | queen) >> 1);
  }
  return count;
}

__attribute__((export_name("run"))) int run(int n) { return place((1u << n) - 1, 0, 0, 0); }
