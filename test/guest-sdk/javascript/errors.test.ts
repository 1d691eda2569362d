import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { HostError } from '../../../host/errors.ts';
import { memoryHost, runBytes } from '../../support/run.ts';
import { buildScript } from '../../support/script-agent.ts';

// Every way a source can be wrong, in the words its author reads.

async function complaint(
  source: string | Readonly<Record<string, string>>,
  world: Parameters<typeof buildScript>[1] = 'handler',
): Promise<string> {
  try {
    await buildScript(source, world);
  } catch (error) {
    assert.ok(error instanceof HostError, String(error));
    assert.equal(error.code, 'HOST_ERR_BUILD_FAILED');
    return error.message;
  }
  return 'no complaint';
}

const typed = (text: string): Readonly<Record<string, string>> => ({ 'agent.ts': text });
const wanted = `  import type { Message } from 'motehost:agent';
  export function handle(message: Message): Uint8Array | undefined { … }`;

describe('an error in the source', () => {
  test('of syntax is shown with its place', async () => {
    assert.equal(
      await complaint(typed('export function handle() {\n  return f(1;\n}\n')),
      `agent.ts:2:13: Expected \`,\` or \`)\` but found \`;\`
  2 |   return f(1;
                  ^`,
    );
  });

  test('of types is shown with its place', async () => {
    const source = `import { type Message, reply } from 'motehost:agent';
export const handle = (message: Message) => reply(message.boddy);
`;
    assert.equal(
      await complaint(typed(source)),
      `agent.ts:2:59: Property 'boddy' does not exist on type 'Message'. Did you mean 'body'?
  2 | export const handle = (message: Message) => reply(message.boddy);
                                                                ^`,
    );
  });

  test('at the beginning of the program, when it is built, is shown with its place', async () => {
    const source =
      'const nothing = undefined;\nfunction read() {\n  return nothing.length;\n}\nexport const size = read();\n';
    assert.equal(
      await complaint({
        'agent.js': `import { size } from './size.js';\nexport const handle = () => size;\n`,
        'size.js': source,
      }),
      `size.js:3:10: Error: cannot read property 'length' of undefined
  3 |   return nothing.length;
               ^`,
    );
  });

  test('that asks the outside while the program is built says so', async () => {
    const asks = ['Date.now()', 'Math.random()', "console.log('x')", "log.info('x')", "bus.subscribe('x')"];
    for (const ask of asks) {
      const source = `import { bus, log } from 'motehost:agent';\nexport const early = [bus, log, ${ask}];\nexport const handle = () => early;\n`;
      assert.match(
        await complaint(source),
        /^agent\.js:2:\d+: Error: .* cannot be used while the module is built: /,
        ask,
      );
    }
  });

  test('that is a function which waits is shown with its place', async () => {
    assert.match(
      await complaint('export async function handle() {}\n'),
      /^agent\.js:1:8: a function cannot be async: .*\n {2}1 \| export async function handle/,
    );
  });
});

describe('an import', () => {
  const from = (specifier: string): Promise<string> =>
    complaint(`import { x } from '${specifier}';\nexport const handle = () => x;\n`);

  test('of an interface the world does not have names those it has', async () => {
    assert.match(
      await from('motehost:agent/bos'),
      /^agent\.js:1:20: the world has no 'motehost:agent\/bos'\n(?:.*\n){2} {2}there are: motehost:agent, motehost:agent\/log@0\.1\.0, /,
    );
  });

  test('of Node.js, of a package or of a file that is not there says what to do', async () => {
    assert.match(
      await from('node:fs'),
      /^agent\.js:1:20: 'node:fs' is part of Node\.js, and agents run without it/,
    );
    assert.match(
      await from('left-pad'),
      /^agent\.js:1:19: there is no package 'left-pad'; npm install left-pad adds it/,
    );
    assert.match(
      await from('./nowhere.js'),
      /^agent\.js:1:19: Could not resolve '\.\/nowhere\.js' in agent\.js/,
    );
    assert.match(await from('motehost:agent'), /^agent\.js:1:10: "x" is not exported by "motehost:agent"/);
  });
});

describe('an export', () => {
  const because = (reason: string): RegExp =>
    new RegExp(
      `world 'motehost:agent/handler@0\\.1\\.0' needs the export 'handle' \\(${reason}\\); it looks like this:`,
    );

  test('that is missing is shown as it should be', async () => {
    for (const source of [
      'export const handel = () => undefined;\n',
      typed('export function handel() {}\n'),
    ]) {
      const text = await complaint(source);
      assert.match(text, because('there is none'));
      assert.ok(text.endsWith(`\n${wanted}`), text);
    }
  });

  test('that is no function is shown with its place and as it should be', async () => {
    const text = await complaint('\nexport const handle = 5;\n');
    assert.match(text, because('it is a number'));
    assert.ok(text.startsWith('agent.js:2:14: '));
    assert.ok(text.endsWith(`  2 | export const handle = 5;\n                   ^\n${wanted}`), text);
  });

  test('of another type is shown with its place and as it should be', async () => {
    const text = await complaint(
      typed(`import type { Message } from 'motehost:agent';
export function handle(message: Message): string {
  return message.subject;
}
`),
    );
    assert.match(text, because("Type 'string' is not assignable to type 'Uint8Array'"));
    assert.ok(text.startsWith('agent.ts:2:17: '), text);
    assert.ok(text.endsWith(wanted), text);
  });

  test('of a resource that lacks a method is shown as it should be', async () => {
    const wit = `package a:b@1.0.0;
interface routing {
  resource router { constructor(name: string); add: func(paths: list<string>) -> u32; hits: static func() -> u64; }
  count: func(all: list<u8>) -> option<s32>;
}
world w { export routing; }`;
    const text = await complaint(
      'class Router { static hits() { return 0n; } }\nexport const routing = { Router, count() {} };\n',
      { wit },
    );
    assert.match(
      text,
      /^agent\.js:2:14: world 'a:b\/w@1\.0\.0' needs the export 'routing\.Router\.prototype\.add' \(there is none\)/,
    );
    assert.ok(
      text.endsWith(`
  class Router { constructor(name: string); add(paths: string[]): number; static hits(): bigint }
  export const routing = { Router, count };`),
      text,
    );
  });
});

describe('a world', () => {
  test('the engine cannot serve is refused by name', async () => {
    const refusals = {
      'export f: func(a: list<u8, 4>);': /a list has a fixed length/,
      'export f: func(a: stream<u8>);': /a stream is a stream/,
      'export f: async func();': /the function 'f' is async/,
      'export f: func(); export f: interface { g: func(); }': /./,
    };
    for (const [items, reason] of Object.entries(refusals)) {
      const wit = `package a:b@1.0.0; world w { ${items} }`;
      await assert.rejects(buildScript('export const f = () => 1;', { wit }), { message: reason });
    }
  });
});

describe('an uncaught error', () => {
  const source = {
    'agent.ts': `import { type Message, Failure, utf8 } from 'motehost:agent';
import { explode } from './lib/explode.ts';

export function handle(message: Message): Uint8Array | undefined {
  const text = utf8.decode(message.body);
  if (text === 'fail') throw Failure.custom('gone', 'it is gone', new Uint8Array([1]));
  if (text === 'payload') throw { tag: 'denied', val: 'no' };
  if (text === 'wrong') return 5 as never;
  if (text === 'text') throw 'just a text';
  return explode(text);
}
`,
    'lib/explode.ts': `export interface Unused { readonly a: 1 }

export function explode(text: string): never {
  throw new RangeError(\`\${text} is too much\`, { cause: new Error('deeper') });
}
`,
  };

  test('is in the log with its places in the sources, and ends the instance', async () => {
    const { bytes } = await buildScript(source);
    const host = memoryHost();
    const ask = async (text: string) => {
      const message = { subject: 'x', body: new TextEncoder().encode(text) };
      return await runBytes(host, bytes, { call: { kind: 'main', message } });
    };
    const burst = await ask('x');
    assert.equal(burst.outcome.kind, 'trap');
    assert.deepEqual(burst.stderr.trimEnd().split('\n'), [
      '[error] handle threw RangeError: x is too much',
      '[error]     at explode (lib/explode.ts:4)',
      '[error]     at handle (agent.ts:10)',
      '[error] caused by Error: deeper',
      '[error]     at explode (lib/explode.ts:4)',
      '[error]     at handle (agent.ts:10)',
    ]);
    assert.match(
      (await ask('wrong')).stderr,
      /^\[error\] handle threw TypeError: the returned value: expected a Uint8Array, got 5\n/,
    );
    assert.match((await ask('text')).stderr, /^\[error\] handle threw what is no Error: just a text\n/);
    for (const [text, failure] of Object.entries({
      fail: { tag: 'custom', val: { code: 'gone', message: 'it is gone', detail: new Uint8Array([1]) } },
      payload: { tag: 'denied', val: 'no' },
    })) {
      const { outcome, stderr } = await ask(text);
      assert.equal(stderr, '');
      assert.ok(outcome.kind === 'error', outcome.kind);
      assert.deepEqual(outcome.failure, failure);
    }
    await host.close();
  });
});

test('a machine without the engine is told what to do', () => {
  const engine = new URL('../../../guest-sdk/javascript/build/engine.ts', import.meta.url);
  const code = `Object.defineProperty(process, 'platform', { value: 'sunos' });
    const { loadEngine } = await import(${JSON.stringify(engine.href)});
    try { loadEngine(); } catch (error) { console.log(error.code, error.message); }`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  assert.match(
    stdout,
    /^HOST_ERR_TOOL_MISSING componentize-qjs cannot be loaded on sunos-.*npm ci --include=optional/,
  );
});
