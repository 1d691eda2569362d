// Copies and counts 16 KiB byte by byte, n times: loops of a handful of instructions.
#define BYTES 16384
static unsigned char source[BYTES], target[BYTES];
static unsigned counts[256];

__attribute__((export_name("run"))) int run(int n) {
  for (int i = 0; i < BYTES; i++) source[i] = (unsigned char)(i * i >> 3);
  for (int round = 0; round < n; round++) {
    for (int i = 0; i < BYTES; i++) target[i] = source[i] ^ (unsigned char)round;
    for (int i = 0; i < BYTES; i++) counts[target[i]]++;
  }
  unsigned sum = 0;
  for (int i = 0; i < 256; i++) sum = sum * 31 + counts[i], counts[i] = 0;
  return (int)sum;
}
