/* Does what it is told: `ask 100 NAME`, `send 100000 NAME`, `shout 100000 NAME` (as send, at most once). */
#include "handler.h"
#include <stdlib.h>
#include <string.h>

static uint8_t body[64];

static bool ask(long count, string_t name) {
  string_t subject = string_format("agent.%.*s", STRING_ARGS(name));
  types_payload_t question = {.body = {body, sizeof body}};
  for (long at = 0; at < count; at++) {
    types_payload_t answer;
    bus_error_t error;
    if (!bus_request(subject, question, 0, &answer, &error)) return false;
    types_payload_free(&answer);
  }
  string_free(&subject);
  return true;
}

static bool send(long count, string_t name, list_types_header_t headers) {
  types_payload_t payload = {.headers = headers, .body = {body, sizeof body}};
  option_string_t no_id = {0};
  for (long at = 0; at < count; at++) {
    string_t id;
    bus_error_t error;
    if (bus_send(name, no_id, payload, &id, &error)) string_free(&id);
    else if (error.tag == BUS_ERROR_FULL) at--; /* It has waited, and may again. */
    else return false;
  }
  return true;
}

static types_header_t at_most_once = {{"mote-delivery", 13}, {"at-most-once", 12}};

bool exports_handle(message_t *message, option_list_u8_t *ret, failure_t *err) {
  char words[128] = {0};
  memcpy(words, message->body.ptr, message->body.len < 127 ? message->body.len : 127);
  char *verb = strtok(words, " ");
  long count = atol(strtok(NULL, " "));
  string_t name = string_of(strtok(NULL, " "));
  bool done = false;
  if (strcmp(verb, "ask") == 0) done = ask(count, name);
  else if (strcmp(verb, "send") == 0) done = send(count, name, (list_types_header_t){0});
  else done = send(count, name, (list_types_header_t){&at_most_once, 1});
  return done ? reply_none(ret) : fail_unavailable(err, "the bus refused");
}
