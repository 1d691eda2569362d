import type { CommonTemplate, Template } from '../../build/language.ts';
import { languageFlags } from './build-program.ts';
import { findSysroot } from './clang.ts';
import { generatedFolder } from './explain.ts';

/** A new agent's folder: file names and texts, without its manifest. */
export function scaffold(name: string, template: Template): ReadonlyMap<string, string> {
  if (template === 'async') throw new Error(`there is no template '${template}'`);
  const made = templates[template];
  return new Map([
    ['agent.c', made.source],
    ['compile_flags.txt', editorFlags()],
    ['.gitignore', 'build/\n'],
    ['README.md', readmeOf(name, made.use, made.header)],
  ]);
}

/** What clangd, the language server of most editors, compiles with. */
function editorFlags(): string {
  const { sysroot, triple } = findSysroot() ?? { sysroot: '/usr', triple: 'wasm32-wasi' };
  return [`--target=${triple}`, `--sysroot=${sysroot}`, ...languageFlags, `-I${generatedFolder}`, ''].join(
    '\n',
  );
}

function readmeOf(name: string, use: string, header: string | undefined): string {
  const about =
    header === undefined
      ? ''
      : `\n\`build/${header}\` is the world in C: what the agent may call and what it must define. It is made again by\neach build and by \`host types\`.\n`;
  return `# ${name}

\`\`\`
host dev                   # build, run, and again whenever a file changes
host run . ${use}
host build --release       # build/${name}.wasm, the smallest it gets
host inspect build/${name}.wasm
\`\`\`

\`agent.c\` and every \`.c\` file beside it are the program, \`agent.toml\` says what it is and what it may use.
${about}\`build/\` can be deleted at any time.
`;
}

const handlerSource = `#include "handler.h"

/* Called for each message; what it gives to \`ret\` goes to whoever asked. */
bool exports_handle(message_t *message, option_list_u8_t *ret, failure_t *err) {
  string_t name = {(char *)message->body.ptr, message->body.len};
  if (name.len == 0) return fail_invalid(err, "whom shall I greet?");

  printf("greeting %.*s\\n", STRING_ARGS(name)); /* a line of the log */
  return reply_string(ret, string_format("Hello, %.*s!", STRING_ARGS(name)));
}
`;

const agentSource = `#include "agent.h"

static unsigned greeted;

/* Called once, before any message. */
bool exports_start(config_t *config, failure_t *err) {
  (void)err;
  printf("%.*s starts\\n", STRING_ARGS(config->name));
  return true;
}

/* Called for each message; what it gives to \`ret\` goes to whoever asked. */
bool exports_handle(message_t *message, option_list_u8_t *ret, failure_t *err) {
  string_t name = {(char *)message->body.ptr, message->body.len};
  if (name.len == 0) return fail_invalid(err, "whom shall I greet?");

  greeted += 1;
  return reply_string(ret, string_format("Hello, %.*s! You are number %u.", STRING_ARGS(name), greeted));
}

/* Called once, before an orderly end. */
void exports_stop(stop_reason_t *reason) {
  printf("stops (reason %d) after %u greetings\\n", reason->tag, greeted);
}
`;

const commandSource = `#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Called once; what it returns is the exit code. */
int main(int argc, char **argv) {
  for (int byte = getchar(); byte != EOF; byte = getchar()) putchar(toupper(byte));
  return argc > 1 && strcmp(argv[1], "--fail") == 0;
}
`;

const httpSource = `#include "proxy.h"

/* Called for each request; \`out\` takes the answer. What is taken or given away is not dropped here. */
void exports_incoming_handler_handle(types_incoming_request_t *request, types_response_outparam_t *out) {
  types_outgoing_response_t response = types_outgoing_response_new(types_fields_new());
  types_outgoing_body_t body;
  types_outgoing_response_body(response, &body);
  types_response_outparam_set(
      TAKE(*out), (result_types_outgoing_response_types_error_code_t){.val.ok = response});

  option_string_t path = types_incoming_request_path_with_query(*request);
  string_t text = string_format("Hello from %.*s\\n", STRING_ARGS(path.is_some ? path.val : string_of("/")));
  option_string_free(&path);

  streams_output_stream_t stream;
  types_outgoing_body_write(body, &stream);
  streams_output_stream_blocking_write_and_flush(stream, (list_u8_t){(uint8_t *)text.ptr, text.len}, NULL);
  streams_output_stream_drop(stream);
  types_outgoing_body_finish(body, (option_types_fields_t){0}, NULL);
  string_free(&text);
}
`;

interface Made {
  readonly source: string;
  readonly use: string;
  readonly header?: string;
}

const templates: Readonly<Record<CommonTemplate, Made>> = {
  handler: {
    source: handlerSource,
    use: '--input world     # one message with the body "world"',
    header: 'handler.h',
  },
  agent: {
    source: agentSource,
    use: '--input world     # one message with the body "world"',
    header: 'agent.h',
  },
  http: { source: httpSource, use: '                  # host dev serves it', header: 'proxy.h' },
  cli: { source: commandSource, use: '< README.md       # with a standard input' },
};

export const templateNames: readonly Template[] = Object.keys(templates) as Template[];
