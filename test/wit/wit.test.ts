import assert from 'node:assert/strict';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { componentEmbed, componentNew, componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';
import { resolveTarget } from '../../guest-sdk/build/target.ts';
import { readWit, witFolder } from '../../guest-sdk/build/wit-text.ts';
import { wasiInterfaces } from '../../host/engine/wasi/preview2/preview2.ts';
import { host } from '../support/cli.ts';
import { componentOf } from '../support/wat.ts';

const worlds = [
  'imports',
  'handler',
  'agent',
  'async-handler',
  'async-agent',
  'watched-handler',
  'watched-agent',
];

for (const world of worlds) {
  test(`the world ${world} resolves and can be built for`, async () => {
    const core = await componentEmbed({ dummy: true, witSource: readWit(witFolder, []).text, world });
    const wit = await componentWit(await componentNew(core));
    for (const name of ['log', 'bus', 'orchestration', 'ties', 'context', 'tools']) {
      assert.ok(wit.includes(`import motehost:agent/${name}@0.1.0;`), name);
    }
    const func = world.startsWith('async-') ? 'async func' : 'func';
    assert.equal(wit.includes(`export handle: ${func}(`), world !== 'imports');
    assert.equal(wit.includes(`export start: ${func}(`), world.endsWith('agent'));
    for (const name of ['async-bus', 'async-orchestration'])
      assert.equal(wit.includes(`import motehost:agent/${name}@0.1.0;`), world.startsWith('async-'));
  });
}

const wasiWorlds: readonly (readonly [world: string, imports: number, exports: number])[] = [
  ['wasi:io/imports', 3, 0],
  ['wasi:clocks/imports', 3, 0],
  ['wasi:random/imports', 3, 0],
  ['wasi:filesystem/imports', 6, 0],
  ['wasi:sockets/imports', 11, 0],
  ['wasi:cli/imports', 27, 0],
  ['wasi:cli/command', 27, 1],
  ['wasi:http/imports', 11, 0],
  ['wasi:http/proxy', 11, 1],
];

for (const [world, imports, exports] of wasiWorlds)
  test(`${world}@0.2.0 resolves without a WIT folder, and the host offers all it imports`, async () => {
    const target = await resolveTarget('/nowhere', `${world}@0.2.0`);
    assert.ok(target.kind === 'world');
    assert.equal(target.name, `${world}@0.2.0`);
    assert.deepEqual([target.world.imports.length, target.world.exports.length], [imports, exports]);
    assert.deepEqual(
      target.world.imports.filter(({ name }) => !wasiInterfaces.includes(name)).map(({ name }) => name),
      [],
    );
  });

test('a command built against them runs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-wit-'));
  const text = `(module
    (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
    (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 8) "hello\\n")
    (func (export "wasi:cli/run@0.2.0#run") (result i32)
      (call $write (call $stdout) (i32.const 8) (i32.const 6) (i32.const 64))
      (i32.const 0)))`;
  const wit = readWit(witFolder, [], ['wasi:cli@0.2.0']).text;
  writeFileSync(join(folder, 'hello.wasm'), await componentOf(text, wit, 'wasi:cli/command@0.2.0'));
  const { code, stdout } = await host(['run', join(folder, 'hello.wasm')]);
  rmSync(folder, { recursive: true });
  assert.deepEqual([code, stdout], [0, 'hello\n']);
});

test("a folder's world may include any of them without a copy; what nothing names is left out", () => {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-wit-'));
  const textOf = (world: string): string => {
    writeFileSync(join(folder, 'world.wit'), `package my:pack@1.0.0;\n// wasi:sockets/tcp@0.2.0\n${world}\n`);
    return readWit(folder, [witFolder]).text;
  };
  const packagesOf = (text: string): string[] =>
    [...text.matchAll(/^package (\S+) \{$/gm)].map(([, name = '']) => name);
  assert.deepEqual(packagesOf(textOf('world plain { export run: func(); }')), []);
  assert.deepEqual(packagesOf(textOf('world timed { import wasi:clocks/wall-clock@0.2.0; }')), [
    'wasi:clocks@0.2.0',
    'wasi:io@0.2.0',
  ]);
  assert.ok(packagesOf(textOf('world web { include wasi:http/proxy@0.2.0; }')).includes('wasi:http@0.2.0'));
  rmSync(folder, { recursive: true });
});

test("a folder's own copy of a package goes before ours", () => {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-wit-'));
  mkdirSync(join(folder, 'deps'));
  writeFileSync(
    join(folder, 'world.wit'),
    'package my:pack@1.0.0;\nworld w { import wasi:random/random@0.2.0; }\n',
  );
  writeFileSync(
    join(folder, 'deps/random.wit'),
    'package wasi:random@0.2.0;\ninterface random { dice: func() -> u8; }\n',
  );
  assert.match(readWit(folder, [witFolder]).text, /dice: func/);
  assert.doesNotMatch(readWit(folder, [witFolder]).text, /get-random-bytes/);
  rmSync(folder, { recursive: true });
});

test('the text is the same every time', () => {
  assert.equal(readWit(witFolder, []).text, readWit(witFolder, []).text);
});

test('every interface, type and function is documented', () => {
  const item = /^\s*(interface|world|record|variant|enum|flags|resource|type|export|[%a-z][\w-]*: func)\b/;
  const undocumented: string[] = [];
  for (const file of globSync('**/*.wit', { cwd: witFolder })) {
    const lines = readFileSync(join(witFolder, file), 'utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      const isCase =
        /^\s*[a-z][\w-]*(\(.*\))?,$/.test(line) && !/^\s*(trace|debug|info|warn|error),/.test(line);
      const isDocumented = lines[index - 1]?.trim().startsWith('///') === true;
      if ((item.test(line) || (isCase && insideVariant(lines, index))) && !isDocumented)
        undocumented.push(`${file}:${index + 1} ${line.trim()}`);
    }
  }
  assert.deepEqual(undocumented, []);
});

function insideVariant(lines: readonly string[], index: number): boolean {
  const opening = lines.slice(0, index).findLast((line) => line.endsWith('{')) ?? '';
  return opening.trim().startsWith('variant');
}

test('interfaces of the agent hold plain values only: no resource, stream or future', () => {
  for (const file of globSync('*.wit', { cwd: witFolder })) {
    const code = readFileSync(join(witFolder, file), 'utf8').replace(/\/\/.*$/gm, '');
    assert.doesNotMatch(code, /\b(resource|own|borrow|stream|future)\b/, file);
  }
});

test('every variant of errors and reasons keeps a case for what comes later', () => {
  for (const file of globSync('*.wit', { cwd: witFolder })) {
    const code = readFileSync(join(witFolder, file), 'utf8').replace(/\/\/.*$/gm, '');
    for (const [, name, body] of code.matchAll(/variant ([\w-]+) \{([^}]*)\}/g)) {
      if (name !== 'precondition' && name !== 'threshold')
        assert.match(body ?? '', /\bother\(string\)/, `${file}: ${name}`);
    }
  }
});
