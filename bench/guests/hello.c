// The hello as a WASI command: one line to standard output by preview 1, from which the component is made too.
typedef unsigned int u32;
typedef struct {
  const char *text;
  u32 bytes;
} piece;

__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) int fd_write(
    int file, const piece *pieces, u32 count, u32 *written);

static const char text[] = "Hello from a guest.\n";

__attribute__((export_name("_start"))) void start(void) {
  piece line = {text, sizeof text - 1};
  u32 written;
  if (fd_write(1, &line, 1, &written) != 0) __builtin_trap();
}
