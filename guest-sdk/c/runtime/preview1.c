/*
 * What the C library asks of the system, answered by the world of an agent: stdout and stderr are lines of the
 * log, time and entropy come from the clocks and the random source. Each stands in for the WASI import of its name;
 * only what a program uses is linked. What is not here stays an import, and the build refuses it by name.
 *
 * The build defines LOG, WALL_CLOCK, MONOTONIC_CLOCK and RANDOM as the names of the world's interfaces, where it has them.
 */
#include <stdint.h>
#include <string.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name))) extern
#define STAND_IN(name) int32_t __imported_wasi_snapshot_preview1_##name

enum { SUCCESS = 0, BAD_FILE = 8, INVALID = 28, NOT_SEEKABLE = 70 };

static void end_lines(void);

static int32_t standard_file(int32_t fd) {
  return fd >= 0 && fd <= 2 ? SUCCESS : BAD_FILE;
}

STAND_IN(fd_close)(int32_t fd) {
  return standard_file(fd);
}

STAND_IN(fd_seek)(int32_t fd, int64_t offset, int32_t whence, int32_t result) {
  (void)offset, (void)whence, (void)result;
  return standard_file(fd) == SUCCESS ? NOT_SEEKABLE : BAD_FILE;
}

/* A terminal, so that stdout is written line by line. */
STAND_IN(fd_fdstat_get)(int32_t fd, int32_t result) {
  struct { uint8_t type; uint16_t flags; uint64_t rights, inheriting; } stat = {.type = 2};
  if (standard_file(fd) == SUCCESS) memcpy((void *)result, &stat, sizeof stat);
  return standard_file(fd);
}

/* No environment, no arguments. */
static int32_t none(int32_t count, int32_t bytes) {
  *(uint32_t *)count = 0;
  *(uint32_t *)bytes = 0;
  return SUCCESS;
}

STAND_IN(environ_sizes_get)(int32_t count, int32_t bytes) {
  return none(count, bytes);
}

STAND_IN(args_sizes_get)(int32_t count, int32_t bytes) {
  return none(count, bytes);
}

STAND_IN(environ_get)(int32_t list, int32_t bytes) {
  (void)list, (void)bytes;
  return SUCCESS;
}

STAND_IN(args_get)(int32_t list, int32_t bytes) {
  (void)list, (void)bytes;
  return SUCCESS;
}

STAND_IN(sched_yield)(void) {
  return SUCCESS;
}

/* An agent has no exit code: it ends as abort() would end it. */
_Noreturn void __imported_wasi_snapshot_preview1_proc_exit(int32_t code) {
  (void)code;
  end_lines();
  __builtin_trap();
}

#ifdef LOG
IMPORT(LOG, "write") void log_line(int32_t level, const char *text, size_t len, void *fields, size_t count);

enum { LEVEL_INFO = 2, LEVEL_ERROR = 4 };

/* What stdout and stderr have of a line so far. */
static struct line {
  size_t len;
  char text[1024];
} lines[2];

/* Bytes of the UTF-8 character at `text`; 0 when it is none, or more than `left`. */
static size_t character(const unsigned char *text, size_t left) {
  unsigned char first = text[0];
  size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (len > left) return 0;
  for (size_t i = 1; i < len; i++)
    if ((text[i] & 0xc0) != 0x80) return 0;
  if (len < 3) return len;
  unsigned char second = text[1];
  if (first == 0xe0 && second < 0xa0) return 0;
  if (first == 0xed && second > 0x9f) return 0;
  if (first == 0xf0 && second < 0x90) return 0;
  if (first == 0xf4 && second > 0x8f) return 0;
  return len;
}

/* Log lines are UTF-8: other bytes become question marks. */
static void write_line(struct line *line, size_t len) {
  for (size_t i = 0; i < len;) {
    size_t width = character((unsigned char *)line->text + i, len - i);
    if (width == 0) line->text[i] = '?';
    i += width == 0 ? 1 : width;
  }
  log_line(line == lines ? LEVEL_INFO : LEVEL_ERROR, line->text, len, NULL, 0);
  line->len -= len;
  memmove(line->text, line->text + len, line->len);
}

/* A line that does not fit is broken between two characters. */
static void break_line(struct line *line) {
  size_t len = line->len;
  for (int back = 0; back < 3 && ((unsigned char)line->text[len - 1] & 0xc0) == 0x80; back++) len--;
  if ((unsigned char)line->text[len - 1] >= 0xc0) len--;
  else len = line->len;
  write_line(line, len);
}

static void put(struct line *line, char byte) {
  if (byte == '\n') {
    write_line(line, line->len);
    return;
  }
  line->text[line->len++] = byte;
  if (line->len == sizeof line->text) break_line(line);
}

STAND_IN(fd_write)(int32_t fd, int32_t parts, int32_t count, int32_t result) {
  if (fd != 1 && fd != 2) return BAD_FILE;
  size_t written = 0;
  struct { const char *ptr; size_t len; } *part = (void *)parts;
  for (int32_t i = 0; i < count; i++) {
    for (size_t at = 0; at < part[i].len; at++) put(&lines[fd - 1], part[i].ptr[at]);
    written += part[i].len;
  }
  *(size_t *)result = written;
  return SUCCESS;
}

static void end_lines(void) {
  for (int i = 0; i < 2; i++)
    if (lines[i].len > 0) write_line(&lines[i], lines[i].len);
}
#else
/* Nowhere to write. The build has refused programs that print; what is left is the library's own last words. */
_Noreturn STAND_IN(fd_write)(int32_t fd, int32_t parts, int32_t count, int32_t result) {
  (void)fd, (void)parts, (void)count, (void)result;
  __builtin_trap();
}

static void end_lines(void) {}
#endif

#if defined(WALL_CLOCK) && defined(MONOTONIC_CLOCK)
struct instant {
  uint64_t seconds;
  uint32_t nanoseconds;
};

IMPORT(WALL_CLOCK, "now") void wall_now(struct instant *now);
IMPORT(WALL_CLOCK, "resolution") void wall_resolution(struct instant *tick);
IMPORT(MONOTONIC_CLOCK, "now") uint64_t monotonic_now(void);
IMPORT(MONOTONIC_CLOCK, "resolution") uint64_t monotonic_resolution(void);

enum { REALTIME = 0, MONOTONIC = 1 };

STAND_IN(clock_time_get)(int32_t clock, int64_t precision, int32_t result) {
  (void)precision;
  struct instant now;
  if (clock == REALTIME) {
    wall_now(&now);
    *(uint64_t *)result = now.seconds * 1000000000 + now.nanoseconds;
  } else if (clock == MONOTONIC) {
    *(uint64_t *)result = monotonic_now();
  } else {
    return INVALID;
  }
  return SUCCESS;
}

STAND_IN(clock_res_get)(int32_t clock, int32_t result) {
  struct instant tick;
  if (clock == REALTIME) {
    wall_resolution(&tick);
    *(uint64_t *)result = tick.seconds * 1000000000 + tick.nanoseconds;
  } else if (clock == MONOTONIC) {
    *(uint64_t *)result = monotonic_resolution();
  } else {
    return INVALID;
  }
  return SUCCESS;
}
#endif

#ifdef RANDOM
IMPORT(RANDOM, "get-random-u64") uint64_t random_bits(void);

STAND_IN(random_get)(int32_t place, int32_t len) {
  for (int32_t at = 0; at < len; at += 8) {
    uint64_t bits = random_bits();
    memcpy((char *)place + at, &bits, len - at < 8 ? len - at : 8);
  }
  return SUCCESS;
}
#endif
