/* Gives back what it gets; nothing for nothing, or for what nobody waits for. */
#include "handler.h"

bool exports_handle(message_t *message, option_list_u8_t *ret, failure_t *err) {
  (void)err;
  if (!message->reply_to.is_some) return reply_none(ret);
  return reply_bytes(ret, message->body.ptr, message->body.len);
}
