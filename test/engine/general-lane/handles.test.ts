import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { instantiateGeneral, type PreparedGeneral } from '../../../host/engine/general-lane/general-lane.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { assemble } from '../../support/component-tools.ts';
import { budgetWith, prepareMetered } from './lane.ts';

after(stopTranspiler);

/** A component with two resource types of its own, and its built-ins as exports. */
const source = `(component
  (type $a (resource (rep i32)))
  (type $b (resource (rep i32)))
  (core func $new-a (canon resource.new $a))
  (core func $new-b (canon resource.new $b))
  (core func $rep-a (canon resource.rep $a))
  (core func $drop-a (canon resource.drop $a))
  (core module $m
    (import "" "new-a" (func $new-a (param i32) (result i32)))
    (import "" "new-b" (func $new-b (param i32) (result i32)))
    (import "" "rep-a" (func $rep-a (param i32) (result i32)))
    (import "" "drop-a" (func $drop-a (param i32)))
    (func (export "make-a") (param i32) (result i32) (call $new-a (local.get 0)))
    (func (export "make-b") (param i32) (result i32) (call $new-b (local.get 0)))
    (func (export "look-a") (param i32) (result i32) (call $rep-a (local.get 0)))
    (func (export "lose-a") (param i32) (call $drop-a (local.get 0)))
    (func (export "flood")
      (loop $more (drop (call $new-a (i32.const 1))) (br $more))))
  (core instance $i (instantiate $m (with "" (instance
    (export "new-a" (func $new-a)) (export "new-b" (func $new-b))
    (export "rep-a" (func $rep-a)) (export "drop-a" (func $drop-a))))))
  (func (export "make-a") (param "rep" s32) (result u32) (canon lift (core func $i "make-a")))
  (func (export "make-b") (param "rep" s32) (result u32) (canon lift (core func $i "make-b")))
  (func (export "look-a") (param "handle" u32) (result s32) (canon lift (core func $i "look-a")))
  (func (export "lose-a") (param "handle" u32) (canon lift (core func $i "lose-a")))
  (func (export "flood") (canon lift (core func $i "flood"))))`;

let prepared: PreparedGeneral | undefined;

async function start() {
  prepared ??= await prepareMetered(await assemble(source), new Linker());
  return await instantiateGeneral(prepared, new Linker(), budgetWith());
}

test('representations of all 32 bits come back', async () => {
  const instance = await start();
  for (const rep of [0, 1, 2 ** 30, 2 ** 31 - 1, -1, -(2 ** 31)]) {
    const handle = await instance.call('make-a', [rep]);
    assert.equal(await instance.call('look-a', [handle]), rep);
  }
});

test('all resource types of a component share their indices, and the last freed is the next', async () => {
  const instance = await start();
  assert.equal(await instance.call('make-a', [7]), 1);
  assert.equal(await instance.call('make-b', [7]), 2);
  assert.equal(await instance.call('make-a', [7]), 3);
  await instance.call('lose-a', [1]);
  assert.equal(await instance.call('make-b', [7]), 1);
});

for (const [what, handle] of [
  ['the index 0', 0],
  ['an index never given out', 5],
  ['the largest index', 2 ** 32 - 1],
  ['a handle of another type', 2],
  ['a dropped handle', 1],
] as const) {
  for (const use of ['look-a', 'lose-a']) {
    test(`${use} of ${what} traps`, async () => {
      const instance = await start();
      await instance.call('make-a', [7]);
      await instance.call('make-b', [7]);
      await instance.call('lose-a', [1]);
      await assert.rejects(instance.call(use, [handle]), {
        kind: 'canonical-abi',
        message: `unknown handle index ${handle}`,
      });
    });
  }
}

test('a component that makes handles without end traps before it fills the host', async () => {
  const instance = await start();
  await assert.rejects(instance.call('flood', []), {
    kind: 'canonical-abi',
    message: /handle table is full/,
  });
});
