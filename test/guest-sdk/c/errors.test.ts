import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { resolveTarget, type Target } from '../../../guest-sdk/build/target.ts';
import { buildProgram } from '../../../guest-sdk/c/build/build-program.ts';
import { findClang } from '../../../guest-sdk/c/build/clang.ts';
import { HostError } from '../../../host/errors.ts';
import { folderOf, skip, worldOf } from './c-project.ts';

const handler = await resolveTarget('.', 'handler');
const plain = await worldOf('package a:b; world plain { export run: func(); }', 'plain');
const include = '#include "handler.h"\n';
const prototype = 'bool exports_handle(message_t *message, option_list_u8_t *ret, failure_t *err)';

/** The error of a build of this `agent.c`. */
async function errorOf(
  source: string,
  target: Target = handler,
  more: Record<string, string> = {},
): Promise<HostError> {
  const folder = folderOf({ 'agent.c': source, ...more });
  const error = await buildProgram({ folder, entry: 'agent.c', target, release: false }).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof HostError, String(error));
  return error;
}

async function assertRefused(
  source: string,
  lines: readonly string[],
  target?: Target,
  more?: Record<string, string>,
): Promise<void> {
  const { code, message } = await errorOf(source, target, more);
  assert.equal(message, lines.join('\n'));
  assert.equal(code, 'HOST_ERR_BUILD_FAILED');
}

describe('errors in C', { skip }, () => {
  test('a syntax error has its place, its line and a mark, also after letters of two bytes', () =>
    assertRefused(`${include}${prototype} {\n  return reply_text(ret, "é" x);\n}\n`, [
      "agent.c:3:30: expected ')'",
      '  3 |   return reply_text(ret, "é" x);',
      '                                   ^',
      "agent.c:3:20: note: to match this '('",
      '  3 |   return reply_text(ret, "é" x);',
      '                         ^',
    ]));

  test('a missing export is shown as it must look', () =>
    assertRefused(include, [
      "agent.c: world 'motehost:agent/handler@0.1.0' needs 'exports_handle', and no source has it; it looks like this:",
      `    ${prototype}`,
    ]));

  test('an export of another type is told what the world declares', () =>
    assertRefused(`${include}int exports_handle(message_t *message) {\n  return 1;\n}\n`, [
      "agent.c:2:5: conflicting types for 'exports_handle'",
      '  2 | int exports_handle(message_t *message) {',
      '          ^',
      "  world 'motehost:agent/handler@0.1.0' declares it so:",
      `    ${prototype}`,
    ]));

  test('an export of another type is found without the header too', () =>
    assertRefused('int exports_handle(int message) {\n  return 1;\n}\n', [
      "agent.c: 'exports_handle' is not as world 'motehost:agent/handler@0.1.0' declares it; include \"handler.h\", and the compiler shows where:",
      `    ${prototype}`,
    ]));

  test('a header that is not there is told the one that is', () =>
    assertRefused('#include "agent.h"\n', [
      "agent.c:1:10: 'agent.h' file not found",
      '  1 | #include "agent.h"',
      '               ^',
      '  the header of world \'motehost:agent/handler@0.1.0\' is "handler.h"',
    ]));

  test('functions that are nowhere, or twice', async () => {
    const body = `${prototype} {\n  greet();\n  return true;\n}\n`;
    assert.match((await errorOf(include + body)).message, /^agent\.c:3:3: .*function 'greet'/);
    await assertRefused(`${include}void greet(void);\n${body}`, [
      "agent.c: 'greet' is declared and used, but neither in your sources nor in the C library for WebAssembly",
    ]);
    const whole = `${include}${prototype} {\n  return true;\n}\n`;
    const lines = [
      "other.c: 'exports_handle' is defined in agent.c too; make one of them static, or take it away",
    ];
    await assertRefused(whole, lines, handler, { 'other.c': whole });
  });

  test('what the world has no place for is refused by name, with the cure', async () => {
    const run = (body: string): string =>
      `#include "plain.h"\n#include <time.h>\nvoid exports_run(void) {\n  ${body}\n}\n`;
    await assertRefused(
      run('printf("hi");'),
      [
        "agent.c: world 'a:b/plain' has no place to print to, and the program uses printf: import motehost:agent/log@0.1.0 in the world, and stdout and stderr become log lines",
      ],
      plain,
    );
    await assertRefused(
      run('if (time(NULL) == 3 || fopen("x", "r")) abort();'),
      [
        "agent.c: world 'a:b/plain' does not have what the program uses of the system:",
        '  time, clock_gettime (clock_time_get): import wasi:clocks/wall-clock@0.2.0 and wasi:clocks/monotonic-clock@0.2.0 in the world',
        '  fopen, open, stat (path_open): keep what must last in motehost:agent/context, or build a command: world = "command"',
      ],
      plain,
    );
  });

  test('a command without main is shown one', () =>
    assertRefused(
      '#include <stdio.h>\n',
      [
        "agent.c: a command begins in 'main', and no source has it; it looks like this:",
        '    int main(int argc, char **argv)',
      ],
      { kind: 'command' },
    ));

  test('streams, futures and async functions are refused by name', async () => {
    for (const [world, words] of [
      ['export run: func(x: stream<u8>);', "stream<u8> yet: world 'a:b/s' needs it for 'run'"],
      ['export run: func() -> result<list<future<u8>>>;', "future<u8> yet: world 'a:b/s' needs it for 'run'"],
      ['import h: interface { f: async func(); }', "async functions yet: world 'a:b/s' needs it for 'h#f'"],
    ] as const) {
      const target = await worldOf(`package a:b; world s { ${world} }`, 's');
      await assertRefused('', [`C has no ${words}; leave that function out of the world`], target);
    }
  });

  test('what is missing of the toolchain is told with the commands that install it', async () => {
    const { program } = await findClang();
    /** A clang that works but for one thing. */
    const sdk = (flag: string): string => {
      const folder = folderOf({ 'bin/clang': `#!/bin/sh\nexec ${program} "$@" ${flag}\n` });
      chmodSync(join(folder, 'bin/clang'), 0o755);
      return folder;
    };
    const cases: readonly (readonly [Record<string, string>, RegExp])[] = [
      [
        { PATH: '/nowhere' },
        /^clang is not installed; Debian and Ubuntu: sudo apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32; macOS: brew install llvm/,
      ],
      [
        { CLANG: '/nowhere/clang' },
        /^CLANG says \/nowhere\/clang, and there is no such program; correct or unset CLANG; /,
      ],
      [
        { WASI_SDK_PATH: sdk('-resource-dir=/nowhere/99') },
        /builtins.* is not installed; Debian and Ubuntu: sudo apt-get install libclang-rt-99-dev-wasm32; /,
      ],
      [
        { WASI_SDK_PATH: sdk('-fuse-ld=nothing') },
        /^the linker for WebAssembly \(wasm-ld\) is not installed; .* install lld; /,
      ],
    ];
    for (const [env, message] of cases) {
      const before = { ...process.env };
      Object.assign(process.env, env);
      try {
        const error = await errorOf(`${include}${prototype} {\n  return true;\n}\n`);
        assert.match(error.message, message);
        assert.equal(error.code, 'HOST_ERR_TOOL_MISSING');
      } finally {
        for (const name of Object.keys(env)) {
          if (before[name] === undefined) delete process.env[name];
          else process.env[name] = before[name];
        }
      }
    }
  });
});
