import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Project, Template } from '../../../guest-sdk/build/language.ts';
import { resolveTarget } from '../../../guest-sdk/build/target.ts';
import { generateBindings } from '../../../guest-sdk/c/build/bindings.ts';
import { c } from '../../../guest-sdk/c/build/c.ts';
import { host } from '../../support/cli.ts';
import { folderOf, skip, worldOf } from './c-project.ts';

const worlds: Readonly<Record<string, string>> = { handler: 'handler', agent: 'agent', cli: 'command' };
const router = join(import.meta.dirname, '../../../examples/router');

async function newProject(template: Template, more: Readonly<Record<string, string>> = {}): Promise<Project> {
  const files = c.scaffold('greeter', template);
  assert.ok(files !== undefined);
  const folder = folderOf({ ...Object.fromEntries(files), ...more });
  const target = await resolveTarget(folder, worlds[template] as string);
  return { folder, name: 'greeter', entry: c.entry, target, release: true };
}

async function run(bytes: Uint8Array, args: readonly string[], input = ''): ReturnType<typeof host> {
  const file = join(folderOf({}), 'program.wasm');
  writeFileSync(file, bytes);
  return host(['run', file, ...args], { input });
}

/** An agent whose `handle` is this code. */
const handlerOf = (body: string): Record<string, string> => ({
  'agent.c': `#include "handler.h"\n#include <time.h>\nbool exports_handle(message_t *message, option_list_u8_t *ret, failure_t *err) {\n${body}\n}\n`,
});

describe('building C', { skip }, () => {
  test('every template builds without a warning and runs', async (t) => {
    const sizes: string[] = [];
    for (const [template, args, input, wanted] of [
      ['handler', ['--input', 'Ada'], '', 'Hello, Ada!'],
      ['agent', ['--input', 'Ada'], '', 'Hello, Ada! You are number 1.'],
      ['cli', [], 'a line\n', 'A LINE\n'],
    ] as const) {
      const { bytes, warnings, sources } = await c.build(await newProject(template));
      assert.deepEqual(warnings, []);
      assert.deepEqual([...sources.keys()], ['agent.c']);
      const { stdout, stderr } = await run(bytes, args, input);
      assert.equal(stdout, wanted, stderr);
      sizes.push(`${template} ${bytes.length}`);
    }
    const echo = await newProject(
      'handler',
      handlerOf('  return reply_bytes(ret, message->body.ptr, message->body.len);'),
    );
    sizes.push(`echo ${(await c.build(echo)).bytes.length}`);
    t.diagnostic(`bytes: ${sizes.join(', ')}`);
  });

  test('the page about agents in C shows the agent that a new folder has', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/agents-in-c.md'), 'utf8');
    assert.equal(/```c\n([\s\S]*?)```/.exec(page)?.[1], c.scaffold('greeter', 'handler').get('agent.c'));
  });

  test('comments of the WIT are in the header', async () => {
    const wit = `package test:words@0.1.0;
interface shelf {
  /// A book.
  record book {
    /// Its name, as \`/*\` has it.
    title: string,
  }
  /// Takes one.
  /// And keeps it.
  take: func(one: book);
}
world w { import shelf; }`;
    const target = await worldOf(wit, 'w');
    const { header } = generateBindings(target);
    assert.match(
      header,
      /\/\* record book\n {3}A book\. \*\/\ntypedef struct \{\n {2}\/\* Its name, as `\/ \*` has it\. \*\/\n {2}string_t title;/,
    );
    assert.match(
      header,
      /\/\* take: func\(one: book\)\n {3}Takes one\.\n {3}And keeps it\. \*\/\nvoid shelf_take\(/,
    );
  });

  test('the same sources give the same bytes in any folder; a release keeps no names', async () => {
    const source = handlerOf('  printf("%s\\n", __FILE__);\n  return reply_none(ret);');
    for (const release of [true, false]) {
      const one = await c.build({ ...(await newProject('handler', source)), release });
      const other = await c.build({ ...(await newProject('handler', source)), release });
      assert.deepEqual(Buffer.from(one.bytes), Buffer.from(other.bytes));
      assert.equal(Buffer.from(one.bytes).includes('exports_handle'), !release);
      assert.equal(Buffer.from(one.bytes).includes('/tmp'), false);
    }
  });

  test('every source beside the entry is compiled, and headers are among the sources', async () => {
    const project = await newProject('handler', {
      ...handlerOf('  return reply_text(ret, greeting());'),
      'greeting.c': '#include "include/my greeting.h"\nconst char *greeting(void) {\n  return "moin";\n}\n',
      'include/my greeting.h': 'const char *greeting(void);\n',
    });
    const source = readFileSync(join(project.folder, 'agent.c'), 'utf8');
    writeFileSync(join(project.folder, 'agent.c'), `#include "include/my greeting.h"\n${source}`);
    const { bytes, sources } = await c.build(project);
    assert.deepEqual([...sources.keys()], ['agent.c', 'greeting.c', 'include/my greeting.h']);
    assert.equal((await run(bytes, [])).stdout, 'moin');
  });

  test('stdout and stderr are lines of the log: long ones broken, what is no UTF-8 marked', async () => {
    const body = `  printf("pi is %.2f", 3.14159);
  puts(", roughly");
  fprintf(stderr, "bad \\xff byte\\n");
  for (int i = 0; i < 600; i++) printf("\\u00e9");
  puts("");
  printf("%d\\n", time(NULL) > 1000000000);
  return reply_none(ret);`;
    const { bytes } = await c.build(await newProject('handler', handlerOf(body)));
    const { stderr } = await run(bytes, []);
    const lines = stderr.split('\n').filter((line) => line.startsWith('['));
    assert.deepEqual(lines.slice(0, 2), ['[info] pi is 3.14, roughly', '[error] bad ? byte']);
    const long = lines.slice(2, -1).map((line) => line.replace('[info] ', ''));
    assert.equal(long.join(''), 'é'.repeat(600));
    assert.equal(lines.at(-1), '[info] 1');
  });

  test('an assertion that fails says so and traps', async () => {
    const { bytes } = await c.build(
      await newProject('handler', {
        'agent.c': handlerOf('  assert(message->body.len == 7);\n  return reply_none(ret);')[
          'agent.c'
        ]?.replace('<time.h>', '<assert.h>') as string,
      }),
    );
    const { stderr, code } = await run(bytes, []);
    assert.match(
      stderr,
      /\[error\] Assertion failed: message->body\.len == 7 \(agent\.c: exports_handle: 4\)/,
    );
    assert.match(stderr, /host: trap: unreachable/);
    assert.equal(code, 134);
  });

  test('a stack that is too deep traps', async () => {
    const source = `#include "handler.h"
static int deep(volatile char *above) {
  volatile char here[1024];
  here[0] = above[0] + 1;
  return here[0] == 0 && above[1] == 1 ? 0 : deep(here) + here[0];
}
bool exports_handle(message_t *message, option_list_u8_t *ret, failure_t *err) {
  char start[2] = {0, 0};
  return deep(start) != 0 && reply_none(ret);
}
`;
    const { bytes } = await c.build(await newProject('handler', { 'agent.c': source }));
    const { stderr, code } = await run(bytes, []);
    assert.match(stderr, /host: trap: /);
    assert.equal(code, 134);
  });

  test('editors find header and glue in build/', async () => {
    const project = await newProject('handler');
    const files = await c.writeTypes(project);
    assert.deepEqual(files, ['build/handler.h', 'build/handler_glue.c', 'build/wit.h', 'build/motehost.h']);
    assert.match(
      readFileSync(join(project.folder, 'build/handler.h'), 'utf8'),
      /^bool exports_handle\(message_t \*message, /m,
    );
    assert.match(readFileSync(join(project.folder, 'compile_flags.txt'), 'utf8'), /^-Ibuild$/m);
  });

  test('a world of two hundred functions is written in at most 100 ms', async (t) => {
    const target = await resolveTarget('.', 'handler');
    assert.ok(target.kind === 'world');
    const item = target.world.imports.find((one) => one.name === 'motehost:agent/bus@0.1.0');
    assert.ok(item?.kind === 'interface');
    const many = Array.from({ length: 40 }, (_, at) =>
      item.interface.functions.map(({ name, type }) => ({ name: `${name}-${at}`, type })),
    ).flat();
    const bus = { ...item, interface: { ...item.interface, functions: many } };
    const world = { ...target.world, imports: target.world.imports.map((one) => (one === item ? bus : one)) };
    const before = performance.now();
    generateBindings({ world, name: target.name });
    const took = performance.now() - before;
    t.diagnostic(`${many.length} functions in ${took.toFixed(1)} ms`);
    assert.ok(took < 100);
  });

  test('the router answers as its README says', async (t) => {
    const target = await resolveTarget(router, 'router');
    const project = { folder: join(router, 'c'), name: 'router-c', entry: c.entry, target, release: true };
    const { bytes, warnings } = await c.build(project);
    assert.deepEqual(warnings, []);
    t.diagnostic(`${bytes.length} bytes`);
    for (const [input, answer] of [
      ['GET /hello/Ada', /^Hello, Ada!$/],
      ['GET /old/page', /^-> \/new$/],
      ['POST /orders', /^=> orders \(500 ms\)$/],
      ['GET /admin/keys', /failed: denied: no way/],
      ['GET /orders', /failed: unsupported: use POST/],
      ['GET /nowhere', /failed: invalid: no route for \/nowhere/],
      ['nonsense', /failed: invalid: VERB PATH, please/],
    ] as const) {
      const { stdout, stderr } = await run(bytes, ['--input', input]);
      assert.match(stdout === '' ? stderr : stdout, answer);
    }
  });
});
