// CRC-32 with a table over 16 KiB, n times: a loop that is one chain of dependent loads.
#define BYTES 16384
static unsigned char text[BYTES];
static unsigned table[256];

__attribute__((export_name("run"))) int run(int n) {
  for (unsigned i = 0; i < 256; i++) {
    unsigned value = i;
    for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ 0xedb88320u : value >> 1;
    table[i] = value;
  }
  for (int i = 0; i < BYTES; i++) text[i] = (unsigned char)(i * 13 + 7);
  unsigned crc = 0xffffffffu;
  for (int round = 0; round < n; round++)
    for (int i = 0; i < BYTES; i++) crc = table[(crc ^ text[i]) & 255] ^ crc >> 8;
  return (int)~crc;
}
