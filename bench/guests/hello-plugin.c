// The hello as an Extism plugin: the text is its output, which the caller prints.
#include "extism.h"

static const char text[] = "Hello from a guest.\n";

__attribute__((export_name("hello"))) int hello(void) {
  u64 count = sizeof text - 1, target = extism_alloc(count);
  for (u64 at = 0; at < count; at++) store_u8(target + at, (u8)text[at]);
  output_set(target, count);
  return 0;
}
