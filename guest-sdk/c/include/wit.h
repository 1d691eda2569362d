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

/* realloc() that ends the program when there is no more memory. */
static inline void *memory_resize(void *ptr, size_t size) {
  void *block = realloc(ptr, size);
  if (block == NULL) abort();
  return block;
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
  string_t copy = {memory_resize(NULL, text.len + 1), text.len};
  memcpy(copy.ptr, text.ptr, text.len);
  copy.ptr[text.len] = 0;
  return copy;
}

/* A C string's copy to own. */
static inline string_t string_copy(const char *text) {
  return string_clone(string_of(text));
}

/* Lengthens a string that is owned; an empty one is a good beginning. */
static inline void string_append(string_t *text, string_t more) {
  text->ptr = memory_resize(text->ptr, text->len + more.len + 1);
  memcpy(text->ptr + text->len, more.ptr, more.len);
  text->len += more.len;
  text->ptr[text->len] = 0;
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
  if (len < 0) abort();
  string_t text = {memory_resize(NULL, (size_t)len + 1), (size_t)len};
  vsnprintf(text.ptr, text.len + 1, format, again);
  va_end(again);
  return text;
}

#endif
