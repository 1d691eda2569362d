/*
 * What every generated header builds on: strings, and memory that crosses the boundary of a component.
 *
 * All of it is memory of malloc: whoever owns a value frees it, or gives it away. An empty value (all bytes zero)
 * holds nothing, and freeing it does nothing.
 */
#ifndef WIT_H
#define WIT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* UTF-8, not ended by a zero byte: print it with printf("%.*s", STRING_ARGS(text)). */
typedef struct {
  char *ptr;
  size_t len;
} string_t;

#define STRING_ARGS(text) (int)(text).len, (text).ptr

/* Moves a value out of where it lies and leaves an empty one there: the way to keep what would be freed. */
#define TAKE(place)                                \
  __extension__({                                  \
    __typeof__(place) taken_ = (place);            \
    __builtin_memset(&(place), 0, sizeof (place)); \
    taken_;                                        \
  })

/* free() for pointers that came over the boundary: those of empty lists may be small numbers. */
static inline void memory_free(void *ptr) {
  if ((uintptr_t)ptr > 8) free(ptr);
}

static inline void string_free(string_t *text) {
  memory_free(text->ptr);
  *text = (string_t){0};
}

/* Looks at a C string; owns nothing. For arguments, which are only read. */
static inline string_t string_of(const char *text) {
  return (string_t){(char *)text, strlen(text)};
}

/* A copy to own. */
static inline string_t string_clone(string_t text) {
  string_t copy = {malloc(text.len + 1), text.len};
  if (copy.ptr == NULL) abort();
  memcpy(copy.ptr, text.ptr, text.len);
  copy.ptr[text.len] = 0;
  return copy;
}

/* A C string's copy to own. */
static inline string_t string_copy(const char *text) {
  return string_clone(string_of(text));
}

static inline bool string_equals(string_t a, string_t b) {
  return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* A new string as printf writes it. */
__attribute__((format(printf, 1, 2))) static inline string_t string_format(const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int len = vsnprintf(NULL, 0, format, args);
  va_end(args);
  string_t text = {len < 0 ? NULL : malloc((size_t)len + 1), len < 0 ? 0 : (size_t)len};
  if (text.ptr == NULL) abort();
  vsnprintf(text.ptr, text.len + 1, format, again);
  va_end(again);
  return text;
}

#endif
