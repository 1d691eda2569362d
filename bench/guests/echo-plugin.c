// The echo as an Extism plugin.
#include "extism.h"

__attribute__((export_name("echo"))) int echo(void) {
  u64 count = input_length(), at = 0, target = extism_alloc(count);
  for (; at + 8 <= count; at += 8) store_u64(target + at, input_load_u64(at));
  for (; at < count; at++) store_u8(target + at, input_load_u8(at));
  output_set(target, count);
  return 0;
}
