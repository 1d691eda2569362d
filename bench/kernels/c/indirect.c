// n calls through a table of sixteen tiny functions: the cost of a call that is known only when it happens.
typedef unsigned (*step)(unsigned, unsigned);
static unsigned s0(unsigned a, unsigned b) { return a + b; }
static unsigned s1(unsigned a, unsigned b) { return a - b; }
static unsigned s2(unsigned a, unsigned b) { return a ^ b; }
static unsigned s3(unsigned a, unsigned b) { return a * (b | 1); }
static unsigned s4(unsigned a, unsigned b) { return a << (b & 7); }
static unsigned s5(unsigned a, unsigned b) { return a >> (b & 7) | 1; }
static unsigned s6(unsigned a, unsigned b) { return a | b << 3; }
static unsigned s7(unsigned a, unsigned b) { return ~a + b; }
static unsigned s8(unsigned a, unsigned b) { return a > b ? a : b + 1; }
static unsigned s9(unsigned a, unsigned b) { return (a & 0xffff) + (b >> 16); }
static unsigned s10(unsigned a, unsigned b) { return a * 33 + b; }
static unsigned s11(unsigned a, unsigned b) { return (a << 13 | a >> 19) ^ b; }
static unsigned s12(unsigned a, unsigned b) { return a + (b << 7); }
static unsigned s13(unsigned a, unsigned b) { return b - a; }
static unsigned s14(unsigned a, unsigned b) { return a ^ b >> 5; }
static unsigned s15(unsigned a, unsigned b) { return (a ^ b) * 2654435761u; }
static const step steps[16] = {s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15};

__attribute__((export_name("run"))) int run(int n) {
  unsigned value = 1, seed = 7;
  for (int i = 0; i < n; i++) {
    seed = seed * 1664525u + 1013904223u;
    value = steps[seed >> 28](value, seed);
  }
  return (int)value;
}
