import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import type { Template } from '../../../guest-sdk/build/language.ts';
import { resolveTarget, type Target } from '../../../guest-sdk/build/target.ts';
import { witDocs } from '../../../guest-sdk/build/wit-docs.ts';
import { declarationsOf } from '../../../guest-sdk/javascript/build/declarations.ts';
import { editorConfig } from '../../../guest-sdk/javascript/build/editor.ts';
import { javascript } from '../../../guest-sdk/javascript/build/javascript.ts';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { planFastLane } from '../../../host/engine/fast-lane/plan.ts';
import { memoryHost, runBytes } from '../../support/run.ts';
import { buildScript, scriptFolder, targetOf } from '../../support/script-agent.ts';
import { importsOf } from '../component-runner.ts';

const root = resolve(import.meta.dirname, '../../..');
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');

function complaints(folder: string): string {
  try {
    return execFileSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
  } catch (error) {
    return String((error as { readonly stdout: string }).stdout);
  }
}

const project = (folder: string, target: Target, entry = 'agent.ts') => ({
  folder,
  name: 'script',
  entry,
  target,
  release: false,
});

const hello = `import { log, type Message, reply, utf8 } from 'motehost:agent';
import { greeting } from './greeting.ts';
export function handle(message: Message): Uint8Array {
  log.info('greeting');
  return reply(greeting(utf8.decode(message.body)));
}
`;
const files = {
  'agent.ts': hello,
  'greeting.ts': "export const greeting = (name: string): string => 'Hello, ' + name + '!';\n",
};

for (const template of ['handler', 'agent'] as const satisfies Template[]) {
  test(`the template ${template} is built, answers, and leaves an editor nothing to say`, async () => {
    const scaffold = javascript.scaffold('greeter', template);
    assert.ok(scaffold !== undefined);
    const { folder } = scriptFolder(Object.fromEntries(scaffold));
    const target = await resolveTarget(folder, template);
    const { bytes, warnings } = await javascript.build(project(folder, target));
    assert.deepEqual(warnings, []);
    assert.equal(complaints(folder), '');
    const host = memoryHost();
    const message = { subject: 'x', body: new TextEncoder().encode('Ada') };
    const { result } = await runBytes(host, new Uint8Array(bytes), { call: { kind: 'main', message } });
    assert.equal(new TextDecoder().decode(result), 'Hello, Ada!');
    await host.close();
  });
}

test('the agent on the page about TypeScript is the template', () => {
  const page = readFileSync(join(root, 'docs/agents-in-typescript.md'), 'utf8');
  const [, source] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
  assert.equal(source, javascript.scaffold('greeter', 'handler').get('agent.ts'));
});

test('the same source gives the same bytes, in any folder and at any time', async () => {
  const source = {
    ...files,
    'agent.ts': `${hello}\nexport const kept = [Object.keys(globalThis), new Map([[{}, 1]]), Symbol('x')];\n`,
  };
  const [one, two] = [await buildScript(source), await buildScript(source)];
  assert.notEqual(one.folder, two.folder);
  assert.ok(Buffer.from(one.bytes).equals(two.bytes));
  assert.ok(!Buffer.from(one.bytes).includes(one.folder), 'the folder is not in it');
});

test('a handler is small, quick to build, runs on the fast lane and imports what it uses', async () => {
  const startedMs = performance.now();
  const { bytes, sources } = await buildScript(files);
  const tookMs = performance.now() - startedMs;
  assert.deepEqual([...sources.keys()], ['agent.ts', 'greeting.ts']);
  assert.ok(bytes.length < 1_600_000, `${bytes.length} bytes`);
  assert.ok(tookMs < 20_000, `${tookMs} ms`);
  assert.ok(!('refused' in planFastLane(decodeComponent(bytes))));
  assert.deepEqual(await importsOf(bytes), ['motehost:agent/log@0.1.0', 'motehost:agent/types@0.1.0']);
});

test('interfaces are imported when they are used: by name, or behind a global', async () => {
  const source = `import { bus, payload } from 'motehost:agent';
import { put } from 'motehost:agent/context';
export function handle() {
  put('k', new Uint8Array(1), { tag: 'always' });
  bus.request('a', payload(String(new Date()) + performance.now()), 5);
  return crypto.getRandomValues(new Uint8Array(1));
}`;
  const imports = await importsOf((await buildScript(source)).bytes);
  assert.deepEqual(imports.filter((name) => !name.includes('types') && !name.includes('poll')).sort(), [
    'motehost:agent/bus@0.1.0',
    'motehost:agent/context@0.1.0',
    'motehost:agent/log@0.1.0',
    'wasi:clocks/monotonic-clock@0.2.0',
    'wasi:clocks/wall-clock@0.2.0',
    'wasi:random/random@0.2.0',
  ]);
});

test('packages and JSON are bundled', async () => {
  const built = await buildScript({
    'agent.ts': `import { shout } from 'shouting';
import words from './words.json' with { type: 'json' };
import { reply } from 'motehost:agent';
export const handle = (): Uint8Array => reply(shout(words.hello));
`,
    'words.json': '{ "hello": "hello" }',
    'node_modules/shouting/package.json':
      '{ "name": "shouting", "version": "1.0.0", "main": "index.js", "types": "index.d.ts" }',
    'node_modules/shouting/index.js': "exports.shout = (text) => text.toUpperCase() + '!';",
    'node_modules/shouting/index.d.ts': 'export function shout(text: string): string;',
  });
  const host = memoryHost();
  const message = { subject: 'x', body: new Uint8Array() };
  const { result } = await runBytes(host, built.bytes, { call: { kind: 'main', message } });
  assert.equal(new TextDecoder().decode(result), 'HELLO!');
  await host.close();
});

test('functions that the world imports and exports without an interface are called by the world’s name', async () => {
  const wit =
    'package a:b@1.0.0; world w { import twice: func(n: u32) -> u64; export run-it: func(n: u32) -> u64; }';
  const { bytes } = await buildScript(
    {
      'agent.ts':
        "import { twice } from 'a:b/w';\nexport const runIt = (n: number): bigint => twice(n) + 1n;\n",
    },
    { wit },
  );
  assert.deepEqual(planFastLane(decodeComponent(bytes)) instanceof Object, true);
});

test('an editor knows a world with every kind of type, and the declarations hold together', async () => {
  const wit = `package a:b@1.0.0;
interface kinds {
  record point { x: s32, label: option<string>, far: option<option<u8>> }
  variant shape { dot, circle(f64), many(list<point>) }
  enum colour { red, dark-blue }
  flags style { bold, under-lined }
  type id = u64;
  resource pen { constructor(c: colour); draw: func(s: shape) -> result<id, string>; spare: static func() -> pen; delete: func(); }
  %import: func(p: borrow<pen>, all: tuple<list<u8>, list<s64>, result<_, colour>>) -> option<style>;
}
interface drawing { use kinds.{pen, point, id}; draw: func(p: pen, at: list<option<point>>) -> result<tuple<id, char>>; }
world w { import kinds; export drawing; export %default: func(m: list<bool>) -> f32; }`;
  const target = await targetOf({ wit });
  const source = `import { type Colour, import as bring, Pen, type Point, type Shape } from 'a:b/kinds';
import type { Exports } from 'motehost:world';
const colour: Colour = 'dark-blue';
const shape: Shape = { tag: 'many', val: [{ x: 1, far: { tag: 'some', val: 5 } }] };
const pen = new Pen(colour);
const id: bigint = pen.draw(shape) + Pen.spare().draw({ tag: 'dot' });
pen.delete();
const bold: boolean | undefined = bring(pen, [new Uint8Array(), new BigInt64Array(), { tag: 'err', val: 'red' }])?.bold;
console.log(id, bold);
export default (all: boolean[]): number => all.length;
export const drawing: Exports['drawing'] = {
  draw: (given: Pen, at: (Point | undefined)[]) => [given.draw({ tag: 'circle', val: at.length }), 'x'],
};
`;
  const { folder } = scriptFolder({ 'agent.ts': source, 'tsconfig.json': editorConfig() });
  await javascript.writeTypes(project(folder, target));
  assert.equal(complaints(folder), '');
  writeFileSync(
    join(folder, 'agent.ts'),
    source.replace("'dark-blue'", "'darkBlue'").replace('+ Pen', '+ 1 + Pen'),
  );
  assert.match(complaints(folder), /agent\.ts\(3,\d+\): error TS2820[\s\S]*agent\.ts\(6,\d+\): error/);
});

test('comments of the WIT are in the declarations', async () => {
  const wit = `package test:words@0.1.0;
interface shelf {
  /// A book.
  record book {
    /// Its name.
    title: string,
  }
  /// Takes one.
  /// And keeps it.
  take: func(one: book) -> result;
  /// Where they are.
  resource place {
    /// Goes there.
    go: func();
  }
}
world w { import shelf; }`;
  const target = await targetOf({ wit });
  const text = declarationsOf(target.world, witDocs(target.wit));
  assert.match(text, /\/\*\* A book\. \*\/\n {2}export interface Book \{\n {4}\/\*\* Its name\. \*\//);
  assert.match(
    text,
    / \* Takes one\.\n {3}\* And keeps it\.\n {3}\* @throws CallError whose payload is undefined\n/,
  );
  assert.match(
    text,
    /\/\*\* Where they are\. \*\/\n {2}export class Place \{[^}]*\/\*\* Goes there\. \*\/\n {4}go\(\): void;/,
  );
});

test('an editor understands the router', async () => {
  const { folder } = scriptFolder({ 'tsconfig.json': editorConfig() });
  cpSync(join(root, 'examples/router/typescript/agent.ts'), join(folder, 'agent.ts'));
  mkdirSync(join(folder, 'wit'));
  cpSync(join(root, 'examples/router/wit/router.wit'), join(folder, 'wit/router.wit'));
  await javascript.writeTypes(project(folder, await resolveTarget(folder, 'router')));
  assert.equal(complaints(folder), '');
  assert.match(
    readFileSync(join(folder, 'build/types/world.d.ts'), 'utf8'),
    /add\(verb: string, pattern: string, action: Action\): number;/,
  );
});

test('types are written again only when they changed', async () => {
  const { folder } = scriptFolder(files);
  const target = await resolveTarget(folder, 'handler');
  const written = await javascript.writeTypes(project(folder, target));
  const path = join(folder, written[0] as string);
  writeFileSync(path, '');
  await javascript.writeTypes(project(folder, target));
  assert.notEqual(readFileSync(path, 'utf8'), '');
});
