/*
 * A request router. The world is in ../wit/router.wit; `router.h` is that world in C, made by the build: structs for
 * records and variants, and a prototype for each function that this file defines.
 *
 *   host run examples/router/c --input 'GET /hello/Ada'
 */
#include "router.h"

struct route {
  string_t verb, pattern;
  routing_action_t action;
};

/* The resource: the header only declares that there is such a struct. */
struct routing_router {
  string_t name;
  struct route *routes;
  size_t len;
  uint64_t hits;
};

/* Cuts the next segment off a path; false when there is none left. */
static bool next_segment(string_t *path, string_t *segment) {
  if (path->ptr == NULL) return false;
  char *slash = memchr(path->ptr, '/', path->len);
  *segment = *path;
  *path = (string_t){0};
  if (slash != NULL) {
    size_t len = slash - segment->ptr;
    *path = (string_t){slash + 1, segment->len - len - 1};
    segment->len = len;
  }
  return true;
}

static bool is(string_t text, const char *wanted) {
  return string_equals(text, string_of(wanted));
}

/* What is wrong with a pattern; NULL: nothing. */
static const char *complaint(string_t pattern) {
  if (pattern.len == 0 || pattern.ptr[0] != '/') return "a pattern begins with /";
  string_t segment;
  while (next_segment(&pattern, &segment)) {
    if (is(segment, "*") && pattern.ptr != NULL) return "* must come last";
    if (is(segment, ":")) return "a parameter needs a name";
  }
  return NULL;
}

static void add_param(list_routing_param_t *params, string_t name, string_t value) {
  params->ptr = memory_resize(params->ptr, (params->len + 1) * sizeof *params->ptr);
  params->ptr[params->len++] = (routing_param_t){string_clone(name), string_clone(value)};
}

/* Whether a path matches; the parameters are the caller's to free, also when it does not. */
static bool matches(string_t pattern, string_t path, list_routing_param_t *params) {
  string_t wanted, given;
  while (next_segment(&pattern, &wanted)) {
    string_t rest = path;
    if (!next_segment(&path, &given)) return false;
    if (is(wanted, "*")) {
      add_param(params, wanted, rest);
      return true;
    }
    if (wanted.len > 0 && wanted.ptr[0] == ':') {
      if (given.len == 0) return false;
      add_param(params, (string_t){wanted.ptr + 1, wanted.len - 1}, given);
    } else if (!string_equals(wanted, given)) {
      return false;
    }
  }
  return path.ptr == NULL;
}

/* Adds a string to a list that has none like it. */
static void add_new(list_string_t *list, string_t text) {
  for (size_t i = 0; i < list->len; i++)
    if (string_equals(list->ptr[i], text)) return;
  list->ptr = memory_resize(list->ptr, (list->len + 1) * sizeof *list->ptr);
  list->ptr[list->len++] = string_clone(text);
}

static routing_action_t clone_action(const routing_action_t *action) {
  routing_action_t copy = *action;
  switch (action->tag) {
    case ROUTING_ACTION_REPLY:
      copy.val.reply = string_clone(action->val.reply);
      break;
    case ROUTING_ACTION_REDIRECT:
      copy.val.redirect = string_clone(action->val.redirect);
      break;
    case ROUTING_ACTION_FORWARD:
      copy.val.forward.agent = string_clone(action->val.forward.agent);
      break;
  }
  return copy;
}

/* ---- the interface `routing` ---- */

routing_router_t *exports_routing_router_new(string_t *name) {
  routing_router_t *self = memory_resize(NULL, sizeof *self);
  *self = (routing_router_t){.name = TAKE(*name)};
  return self;
}

void exports_routing_router_drop(routing_router_t *self) {
  for (size_t i = 0; i < self->len; i++) {
    string_free(&self->routes[i].verb);
    string_free(&self->routes[i].pattern);
    routing_action_free(&self->routes[i].action);
  }
  free(self->routes);
  string_free(&self->name);
  free(self);
}

string_t exports_routing_router_name(routing_router_t *self) {
  return string_clone(self->name);
}

bool exports_routing_router_add(routing_router_t *self, string_t *verb, string_t *pattern,
                                routing_action_t *action, uint32_t *ret, routing_route_error_t *err) {
  const char *wrong = complaint(*pattern);
  if (wrong != NULL) {
    *err = (routing_route_error_t){ROUTING_ROUTE_ERROR_BAD_PATTERN, {.bad_pattern = string_copy(wrong)}};
    return false;
  }
  self->routes = memory_resize(self->routes, (self->len + 1) * sizeof *self->routes);
  self->routes[self->len++] = (struct route){TAKE(*verb), TAKE(*pattern), TAKE(*action)};
  *ret = self->len;
  return true;
}

bool exports_routing_router_route(routing_router_t *self, routing_request_t *request,
                                  routing_found_t *ret, routing_route_error_t *err) {
  list_string_t verbs = {0};
  for (size_t i = 0; i < self->len; i++) {
    struct route *route = &self->routes[i];
    list_routing_param_t params = {0};
    bool is_match = matches(route->pattern, request->path, &params);
    if (is_match && string_equals(route->verb, request->verb)) {
      *ret = (routing_found_t){string_clone(route->pattern), params, clone_action(&route->action)};
      self->hits++;
      list_string_free(&verbs);
      return true;
    }
    if (is_match) add_new(&verbs, route->verb);
    list_routing_param_free(&params);
  }
  *err = (routing_route_error_t){ROUTING_ROUTE_ERROR_NOT_FOUND};
  if (verbs.len > 0) *err = (routing_route_error_t){ROUTING_ROUTE_ERROR_VERB_NOT_ALLOWED, {verbs}};
  return false;
}

list_string_t exports_routing_router_patterns(routing_router_t *self) {
  list_string_t list = {memory_resize(NULL, self->len * sizeof *list.ptr + 1), self->len};
  for (size_t i = 0; i < self->len; i++) list.ptr[i] = string_clone(self->routes[i].pattern);
  return list;
}

uint64_t exports_routing_router_hits(routing_router_t *self) {
  return self->hits;
}

/* ---- the agent ---- */

static void add(routing_router_t *router, const char *verb, const char *pattern, routing_action_t action) {
  string_t owned_verb = string_copy(verb), owned_pattern = string_copy(pattern);
  exports_routing_router_add(router, &owned_verb, &owned_pattern, &action, &(uint32_t){0}, NULL);
}

static routing_router_t *default_router(void) {
  static routing_router_t *router;
  if (router != NULL) return router;
  string_t name = string_copy("default");
  router = exports_routing_router_new(&name);
  add(router, "GET", "/hello/:name", (routing_action_t){ROUTING_ACTION_REPLY, {string_copy("Hello, {name}!")}});
  add(router, "GET", "/old/*", (routing_action_t){ROUTING_ACTION_REDIRECT, {.redirect = string_copy("/new")}});
  add(router, "POST", "/orders", (routing_action_t){ROUTING_ACTION_FORWARD, {.forward = {string_copy("orders"), 500}}});
  add(router, "GET", "/admin/*", (routing_action_t){ROUTING_ACTION_DENY});
  return router;
}

/* The parameter that `text` begins with, as in `{name}`; NULL for none. */
static const routing_param_t *leading_param(string_t text, list_routing_param_t params) {
  for (size_t i = 0; i < params.len; i++) {
    size_t len = params.ptr[i].name.len;
    if (text.len < len + 2 || text.ptr[0] != '{' || text.ptr[len + 1] != '}') continue;
    if (memcmp(text.ptr + 1, params.ptr[i].name.ptr, len) == 0) return &params.ptr[i];
  }
  return NULL;
}

/* The text with each `{name}` replaced by the parameter of that name. */
static string_t fill(string_t text, list_routing_param_t params) {
  string_t filled = {0};
  while (text.len > 0) {
    const routing_param_t *param = leading_param(text, params);
    size_t width = param == NULL ? 1 : param->name.len + 2;
    string_append(&filled, param == NULL ? (string_t){text.ptr, 1} : param->value);
    text = (string_t){text.ptr + width, text.len - width};
  }
  return filled;
}

static bool act(const routing_found_t *found, option_list_u8_t *ret, failure_t *err) {
  const routing_action_t *action = &found->action;
  switch (action->tag) {
    case ROUTING_ACTION_REPLY:
      return reply_string(ret, fill(action->val.reply, found->params));
    case ROUTING_ACTION_REDIRECT:
      return reply_string(ret, string_format("-> %.*s", STRING_ARGS(action->val.redirect)));
    case ROUTING_ACTION_FORWARD:
      return reply_string(ret, string_format("=> %.*s (%u ms)", STRING_ARGS(action->val.forward.agent),
                                             action->val.forward.timeout_ms));
    default:
      return fail_denied(err, "no way");
  }
}

static bool refuse(string_t path, const routing_route_error_t *error, failure_t *err) {
  if (error->tag != ROUTING_ROUTE_ERROR_VERB_NOT_ALLOWED)
    return fail(err, TYPES_FAILURE_INVALID, string_format("no route for %.*s", STRING_ARGS(path)));
  string_t text = string_copy("use ");
  list_string_t verbs = error->val.verb_not_allowed;
  for (size_t i = 0; i < verbs.len; i++) {
    if (i > 0) string_append(&text, string_of(", "));
    string_append(&text, verbs.ptr[i]);
  }
  return fail(err, TYPES_FAILURE_UNSUPPORTED, text);
}

bool exports_handle(message_t *message, option_list_u8_t *ret, failure_t *err) {
  string_t body = {(char *)message->body.ptr, message->body.len};
  char *space = memchr(body.ptr, ' ', body.len);
  if (space == NULL) return fail_invalid(err, "VERB PATH, please");
  size_t len = space - body.ptr;
  routing_request_t request = {.verb = {body.ptr, len}, .path = {space + 1, body.len - len - 1}};
  if (memchr(request.path.ptr, ' ', request.path.len) != NULL) return fail_invalid(err, "VERB PATH, please");

  routing_found_t found;
  routing_route_error_t error;
  if (!exports_routing_router_route(default_router(), &request, &found, &error)) {
    refuse(request.path, &error, err);
    routing_route_error_free(&error);
    return false;
  }
  log_field_t field = {string_of("pattern"), found.pattern};
  log_write(LOG_LEVEL_INFO, string_of("routed"), (list_log_field_t){&field, 1});
  bool is_ok = act(&found, ret, err);
  routing_found_free(&found);
  return is_ok;
}
