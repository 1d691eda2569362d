import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BuildResult } from '../../guest-sdk/assemblyscript/build/build-agent.ts';
import { HostError } from '../../host/errors.ts';
import { writtenAgent } from '../support/written-agent.ts';
import { buildTestAgent, importsOf } from './component-runner.ts';

const echoBytesMax = 8 * 1024;
const fullBytesMax = 24 * 1024;

test('an echo component stays under 8 KB and imports nothing but the log', async () => {
  const { bytes } = await buildTestAgent('echo');
  assert.ok(bytes.length <= echoBytesMax, `${bytes.length} bytes`);
  assert.deepEqual(await importsOf(bytes), ['motehost:agent/log@0.1.0', 'motehost:agent/types@0.1.0']);
});

test('an agent that uses every interface stays under 24 KB', async () => {
  const { bytes } = await buildTestAgent('full');
  assert.ok(bytes.length <= fullBytesMax, `${bytes.length} bytes`);
});

test('the same source gives the same bytes, wherever it lies', async () => {
  const source = { 'assembly/index.ts': echo };
  for (const release of [true, false]) {
    const [first, second] = [await build(source, { release }), await build(source, { release })];
    assert.deepEqual(first.bytes, second.bytes);
  }
});

test('the files that went in are named', async () => {
  const built = await build({
    'assembly/index.ts': `import { answer } from "./answer";\n${echo.replace('message.body', 'answer')}`,
    'assembly/answer.ts': 'export const answer = "42";\n',
    'assembly/unused.ts': 'export const unused = 1;\n',
  });
  assert.deepEqual([...built.sources.keys()], ['assembly/answer.ts', 'assembly/index.ts']);
});

test('interfaces can be imported by their WIT name, with or without the version', async () => {
  const { bytes } = await build({
    'assembly/index.ts': `
      import { Level, write } from "motehost:agent/log@0.1.0";
      import { Failure, Message } from "motehost:agent/types";
      import { Result } from "motehost:std";
      import { now } from "wasi:clocks/wall-clock@0.2.0";
      export function handle(message: Message): Result<Uint8Array | null, Failure> {
        write(Level.info, now().seconds.toString(), []);
        return Result.ok<Uint8Array | null, Failure>(message.body);
      }`,
  });
  assert.deepEqual(await importsOf(bytes), [
    'motehost:agent/log@0.1.0',
    'motehost:agent/types@0.1.0',
    'wasi:clocks/wall-clock@0.2.0',
  ]);
});

test('an agent that asks the monotonic clock imports no pollable', async () => {
  const { bytes } = await build({
    'assembly/index.ts': `${echo.replace('message.body', 'performance.now().toString()')}`,
  });
  const { componentWit } = await import('@bytecodealliance/jco-transpile/wasm-tools');
  const wit = await componentWit(bytes);
  assert.match(wit, /import wasi:clocks\/monotonic-clock@0\.2\.0/);
  assert.doesNotMatch(wit, /wasi:io|pollable/);
});

const echo = `import { Message, Reply, reply } from "motehost:agent";
export function handle(message: Message): Reply {
  return reply(message.body);
}
`;

const signature = `; it looks like this:
  import { Message, Reply, reply } from "motehost:agent";
  export function handle(message: Message): Reply { return reply("…"); }`;

const mistakes: readonly (readonly [title: string, source: string, expected: string | RegExp])[] = [
  [
    'a syntax error shows file, line, column and the line itself',
    echo.replace('message.body)', 'message.body'),
    `assembly/index.ts:3:24: ')' expected.\n  3 |   return reply(message.body;\n                             ^`,
  ],
  [
    'a missing export shows the signature it must have',
    echo.replace('handle', 'handel'),
    `assembly/index.ts: world 'motehost:agent/handler@0.1.0' needs the export 'handle' (there is none)${signature}`,
  ],
  [
    'a wrong parameter shows the signature it must have',
    echo.replace('message: Message', 'text: string').replace('message.body', 'text'),
    `assembly/index.ts: world 'motehost:agent/handler@0.1.0' needs the export 'handle' (Type 'Message' is not assignable to type 'string')${signature}`,
  ],
  [
    'a wrong result shows the signature it must have',
    echo.replace('): Reply', '): Uint8Array').replace('reply(message.body)', 'message.body'),
    `assembly/index.ts: world 'motehost:agent/handler@0.1.0' needs the export 'handle' (Type 'Uint8Array' is not assignable to type 'Reply')${signature}`,
  ],
  [
    'an error in the body is shown where it is, and only there',
    echo.replace('reply(message.body)', 'reply(message.bodi)'),
    /^assembly\/index\.ts:3:15: the type of an argument is not known[^\n]+\n {2}3 \| {3}return reply\(message\.bodi\);\n *\^$/,
  ],
  [
    'a wrong interface name lists the right ones',
    `import { send } from "motehost:agent/buss@0.1.0";\n${echo}`,
    /^assembly\/index\.ts:1:22: there is no module 'motehost:agent\/buss@0\.1\.0'\n.*\n.*\n {2}there are: motehost:agent, .*motehost:agent\/bus@0\.1\.0/,
  ],
  [
    'a wrong version lists the right ones',
    `import { send } from "motehost:agent/bus@9.0.0";\n${echo}`,
    /there is no module 'motehost:agent\/bus@9\.0\.0'[\s\S]+motehost:agent\/bus@0\.1\.0/,
  ],
  [
    'imports from outside the world are refused by name',
    `@external("env", "secret") declare function secret(): i32;\n${echo.replace('message.body', 'secret().toString()')}`,
    /^the program declares imports that world 'motehost:agent\/handler@0\.1\.0' does not have: env secret; /,
  ],
  [
    'a wrong function of a right interface is refused',
    `@external("motehost:agent/log@0.1.0", "wirte") declare function wirte(): i32;\n${echo.replace('message.body', 'wirte().toString()')}`,
    /^cannot make a component of it: .*wirte/s,
  ],
  [
    'a missing file is named',
    `import { x } from "./nope";\n${echo}`,
    /^assembly\/index\.ts:1:19: there is no module 'assembly\/nope'/,
  ],
  [
    'a body of the wrong type is refused in words',
    echo.replace('message.body', '5'),
    /^a body is a string or a Uint8Array$/m,
  ],
];

for (const [title, source, expected] of mistakes) {
  test(title, async () => {
    await assert.rejects(build({ 'assembly/index.ts': source }), (error: unknown) => {
      assert.ok(error instanceof HostError);
      assert.equal(error.code, 'HOST_ERR_BUILD_FAILED');
      if (typeof expected === 'string') assert.equal(error.message, expected);
      else assert.match(error.message, expected);
      assert.doesNotMatch(error.message, /motehost-glue|~lib/, 'inner names stay inside');
      return true;
    });
  });
}

test('a missing entry file says which, and how to name another', async () => {
  await assert.rejects(
    build({ 'assembly/other.ts': echo }),
    /there is no .*assembly\/index\.ts; .*agent\.toml/,
  );
});

test('after an error the same process builds the next agent', async () => {
  await assert.rejects(build({ 'assembly/index.ts': 'export function' }));
  assert.ok((await build({ 'assembly/index.ts': echo })).bytes.length > 0);
});

function build(
  files: Readonly<Record<string, string>>,
  options: { readonly release?: boolean; readonly world?: string } = {},
): Promise<BuildResult> {
  return writtenAgent(files, options);
}

test('an error that arises in generic code of the library says in which, and with which type', async () => {
  const source = echo.replace('message.body', 'new Array<Foo>().sort().length.toString()');
  await assert.rejects(build({ 'assembly/index.ts': `class Foo {}\n${source}` }), (error: Error) => {
    assert.match(
      error.message,
      /types 'Foo' and 'Foo'.* \(in the library's \w+, called with one of your types\)/,
    );
    return true;
  });
});

test('an export that is wrong in two ways is shown once', async () => {
  const source = 'export function handle(x: i32): i32 { return x; }';
  await assert.rejects(build({ 'assembly/index.ts': source }), (error: Error) => {
    assert.equal(error.message.match(/needs the export 'handle'/g)?.length, 1);
    return true;
  });
});
