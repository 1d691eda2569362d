// The smallest component that takes and gives bytes: a list<u8> in, a copy of it out, nothing imported.
typedef unsigned char u8;
typedef unsigned int u32;

static u8 heap[32768] __attribute__((aligned(16)));
static u32 used;
static u32 answer[2];

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, u32 old_bytes, u32 align, u32 bytes) {
  u32 from = (used + align - 1) & -align;
  if (from + bytes > sizeof heap) __builtin_trap();
  used = from + bytes;
  if (old) __builtin_memcpy(heap + from, old, old_bytes < bytes ? old_bytes : bytes);
  return heap + from;
}

__attribute__((export_name("echo"))) u32 *echo(const u8 *bytes, u32 count) {
  u8 *copy = cabi_realloc(0, 0, 1, count);
  __builtin_memcpy(copy, bytes, count);
  answer[0] = (u32)copy;
  answer[1] = count;
  return answer;
}

// After the host has read the answer nothing of the call is needed any more.
__attribute__((export_name("cabi_post_echo"))) void after_echo(u32 *gone) {
  (void)gone;
  used = 0;
}
