import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { instantiateFast } from '../../../host/engine/fast-lane/fast-lane.ts';
import { planFastLane } from '../../../host/engine/fast-lane/plan.ts';
import { instantiateGeneral } from '../../../host/engine/general-lane/general-lane.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import type { Instance } from '../../../host/engine/instance.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { buildComponent } from '../../support/component-tools.ts';
import { echoComponent, echoHost } from '../../support/echo-component.ts';
import { budgetWith, prepareMetered } from './lane.ts';

// JavaScript calls `then` of whatever a promise resolves with; a guest may give that name to anything.

after(stopTranspiler);

const things = 'test:then/things';

const wit = `package test:then;
  interface things {
    resource thing { constructor(n: u32); then: func(n: u32) -> u32; zero: static func() -> thing; }
    then: func(n: u32) -> u32;
  }
  world probe { export things; export then: func(a: u32, b: u32) -> u32; export make: func(n: u32) -> u32; }`;

const wat = `(module
  (import "[export]${things}" "[resource-new]thing" (func $new (param i32) (result i32)))
  (func (export "then") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "make") (param i32) (result i32) (i32.const 7))
  (func (export "${things}#then") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func (export "${things}#[constructor]thing") (param i32) (result i32) (call $new (local.get 0)))
  (func (export "${things}#[static]thing.zero") (result i32) (call $new (i32.const 0)))
  (func (export "${things}#[method]thing.then") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))`;

test('a component may export functions and methods named then', async () => {
  const prepared = await prepareMetered(await buildComponent(wat, wit, 'probe'), new Linker());
  const instance = await instantiateGeneral(prepared, new Linker(), budgetWith());
  assert.equal(await instance.call('make', [1]), 7);
  assert.equal(await instance.call('then', [2, 3]), 5);
  assert.equal(await instance.call(`${things}#then`, [2]), 3);
  for (const [member, args, held] of [
    ['[constructor]thing', [40], 40],
    ['[static]thing.zero', [], 0],
  ] as const) {
    const thing = await instance.call(`${things}#${member}`, args);
    assert.equal(await instance.call(`${things}#[method]thing.then`, [thing, 2]), held + 2);
  }
});

test('a record with a field named then is data in both lanes, from promises of the host too', async () => {
  const echo = await echoComponent('record pair { then: u8, name: string }', ['pair', 'option<pair>']);
  const linker = new Linker().define(echoHost, {
    functions: { echo0: async (value: unknown) => value, echo1: async (value: unknown) => value },
    suspending: new Set(['echo0', 'echo1']),
  });
  const plan = planFastLane(decodeComponent(echo.bytes));
  assert.ok(!('refused' in plan), 'refused' in plan ? plan.refused : '');
  const { offset, length } = plan.module;
  const module = new WebAssembly.Module(echo.bytes.slice(offset, offset + length));
  const lanes: Instance[] = [
    await instantiateFast(plan, module, linker, budgetWith()),
    await instantiateGeneral(await prepareMetered(echo.bytes, linker), linker, budgetWith()),
  ];
  const pair: unknown = JSON.parse('{ "then": 5, "name": "x" }');
  for (const lane of lanes)
    for (const name of ['echo0', 'relay0', 'echo1', 'relay1'])
      assert.deepEqual(await lane.call(name, [pair]), pair);
});
