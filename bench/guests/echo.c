// The smallest component that takes and gives bytes: a list<u8> in, a copy of it out, nothing imported.
typedef unsigned char u8;
typedef unsigned int u32;

// One object, so that a small message touches one page of the machine.
static struct {
  u32 used;
  u32 answer[2];
  u8 heap[32768] __attribute__((aligned(16)));
} state;

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, u32 old_bytes, u32 align, u32 bytes) {
  u32 from = (state.used + align - 1) & -align;
  if (from + bytes > sizeof state.heap) __builtin_trap();
  state.used = from + bytes;
  if (old) __builtin_memcpy(state.heap + from, old, old_bytes < bytes ? old_bytes : bytes);
  return state.heap + from;
}

__attribute__((export_name("echo"))) u32 *echo(const u8 *bytes, u32 count) {
  u8 *copy = cabi_realloc(0, 0, 1, count);
  __builtin_memcpy(copy, bytes, count);
  state.answer[0] = (u32)copy;
  state.answer[1] = count;
  return state.answer;
}

// After the host has read the answer nothing of the call is needed any more.
__attribute__((export_name("cabi_post_echo"))) void after_echo(u32 *gone) {
  (void)gone;
  state.used = 0;
}
