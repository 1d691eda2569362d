/*
 * Short words for agents: answers, failures, log lines. The headers of agents' worlds include it.
 *
 *   bool exports_handle(message_t *message, option_list_u8_t *ret, failure_t *err) {
 *     if (message->body.len == 0) return fail_invalid(err, "whom shall I greet?");
 *     return reply_text(ret, "Hello!");
 *   }
 */
#ifndef MOTEHOST_H
#define MOTEHOST_H

#ifdef MOTEHOST_HANDLER
/* Answers; each returns true. The texts and bytes are copied. */
static inline bool reply_none(option_list_u8_t *ret) {
  *ret = (option_list_u8_t){0};
  return true;
}

/* Gives a string away: `reply_string(ret, string_format("Hello, %s!", name))`. */
static inline bool reply_string(option_list_u8_t *ret, string_t text) {
  *ret = (option_list_u8_t){.is_some = true, .val = {(uint8_t *)text.ptr, text.len}};
  return true;
}

static inline bool reply_bytes(option_list_u8_t *ret, const void *bytes, size_t len) {
  return reply_string(ret, string_clone((string_t){(char *)bytes, len}));
}

static inline bool reply_text(option_list_u8_t *ret, const char *text) {
  return reply_string(ret, string_copy(text));
}

/* Failures; each returns false. `fail` gives its text away, the others copy theirs. */
static inline bool fail(types_failure_t *err, uint8_t tag, string_t text) {
  /* All cases but `custom` hold one text. */
  *err = (types_failure_t){.tag = tag, .val = {.invalid = text}};
  return false;
}

static inline bool fail_invalid(types_failure_t *err, const char *text) {
  return fail(err, TYPES_FAILURE_INVALID, string_copy(text));
}

static inline bool fail_denied(types_failure_t *err, const char *text) {
  return fail(err, TYPES_FAILURE_DENIED, string_copy(text));
}

static inline bool fail_unsupported(types_failure_t *err, const char *text) {
  return fail(err, TYPES_FAILURE_UNSUPPORTED, string_copy(text));
}

static inline bool fail_unavailable(types_failure_t *err, const char *text) {
  return fail(err, TYPES_FAILURE_UNAVAILABLE, string_copy(text));
}

static inline bool fail_timed_out(types_failure_t *err, const char *text) {
  return fail(err, TYPES_FAILURE_TIMED_OUT, string_copy(text));
}

static inline bool fail_other(types_failure_t *err, const char *text) {
  return fail(err, TYPES_FAILURE_OTHER, string_copy(text));
}

#endif

#ifdef MOTEHOST_LOG
/* Lines of the log. printf works too: stdout is `info`, stderr is `error`, a line each. */
static inline void log_at(log_level_t level, const char *text) {
  log_write(level, string_of(text), (list_log_field_t){0});
}

static inline void log_trace(const char *text) { log_at(LOG_LEVEL_TRACE, text); }
static inline void log_debug(const char *text) { log_at(LOG_LEVEL_DEBUG, text); }
static inline void log_info(const char *text) { log_at(LOG_LEVEL_INFO, text); }
static inline void log_warn(const char *text) { log_at(LOG_LEVEL_WARN, text); }
static inline void log_error(const char *text) { log_at(LOG_LEVEL_ERROR, text); }
#endif

#endif
