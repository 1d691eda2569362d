// Calls and nothing else: the worst case for whatever is charged per call.
static unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

__attribute__((export_name("run"))) int run(int n) { return (int)fib((unsigned)n); }
