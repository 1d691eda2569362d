import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { printWorld } from '../../../host/engine/component/print-world.ts';
import {
  componentTypeSection,
  importNames,
  worldOf,
  worldOfComponentType,
} from '../../../host/engine/component/world.ts';
import { HostError } from '../../../host/errors.ts';
import { assemble, buildComponent, bumpAllocator, embedWorld } from '../../support/component-tools.ts';

const wit = `package motehost:demo@1.2.3;
interface types { record message { id: u64, body: list<u8> } variant failure { gone, other(string) } }
interface bus { use types.{message, failure as refusal}; send: func(m: message) -> result<_, refusal>; }
interface files { resource file { constructor(path: string); read: func(n: u32) -> list<u8>; open: static func() -> file; } close: func(f: file); }
world agent { use types.{message}; import bus; import files; import log: func(text: string);
  export handle: func(m: message) -> option<string>; }`;

test('a world in a component-type section is read with its name', async () => {
  const module = await embedWorld(wit, 'agent');
  const world = worldOfComponentType(componentTypeSection(module) as Uint8Array);
  assert.equal(world.name, 'motehost:demo/agent@1.2.3');
  assert.deepEqual(importNames(world), ['$root', 'motehost:demo/bus@1.2.3', 'motehost:demo/files@1.2.3']);
  assert.deepEqual(JSON.parse(JSON.stringify(world)), world);
});

test('a world prints as WIT with used types, resources and their members', async () => {
  const world = worldOfComponentType(componentTypeSection(await embedWorld(wit, 'agent')) as Uint8Array);
  const text = printWorld(world);
  for (const line of [
    'world agent {',
    'import motehost:demo/types@1.2.3: interface {',
    'use motehost:demo/types@1.2.3.{failure as refusal};',
    'send: func(m: message) -> result<_, failure>;',
    'resource file {',
    'constructor(path: string);',
    'read: func(n: u32) -> list<u8>;',
    'open: static func() -> file;',
    'close: func(f: file);',
    'import log: func(text: string);',
    'export handle: func(m: message) -> option<string>;',
  ])
    assert.ok(text.includes(line), `${line} is not in\n${text}`);
});

test('a component has the world it was made from', async () => {
  const bytes = await buildComponent(
    `(module (memory (export "memory") 1) ${bumpAllocator} (func (export "handle") (param i64 i32 i32) (result i32) (i32.const 0)))`,
    wit,
    'agent',
  );
  const world = worldOf(decodeComponent(bytes));
  const handle = world.exports.find((item) => item.name === 'handle');
  assert.ok(handle?.kind === 'func');
  assert.deepEqual(
    handle.type.params.map((param) => param.name),
    ['m'],
  );
  const message = world.types[handle.type.params[0]?.type as number];
  assert.deepEqual(
    [message?.kind, message?.name, message?.owner],
    ['record', 'message', 'motehost:demo/types@1.2.3'],
  );
});

test('a module without a world gives none, and a component without a world is refused', async () => {
  assert.equal(componentTypeSection(await assemble('(module)')), undefined);
  assert.throws(() => worldOfComponentType(Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0)), HostError);
});

test('a world whose text would grow without end is refused instead of printed', async () => {
  const types = Array.from(
    { length: 45 },
    (_, index) => `(type $t${index + 1} (tuple (list $t${index}) (list $t${index})))`,
  );
  const component = decodeComponent(
    await assemble(`(component (type $t0 string) ${types.join(' ')} (import "f" (func (param "x" $t45))))`),
  );
  const world = worldOf(component);
  assert.ok(JSON.stringify(world).length < 20_000);
  assert.throws(() => printWorld(world), /longer than/);
});
