import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { instantiateGeneral } from '../../../host/engine/general-lane/general-lane.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import type { Instance } from '../../../host/engine/instance.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { Trap } from '../../../host/engine/trap.ts';
import { assemble } from '../../support/component-tools.ts';
import { budgetWith, prepareMetered } from './lane.ts';

after(stopTranspiler);

async function instanceOf(text: string): Promise<Instance> {
  const prepared = await prepareMetered(await assemble(text), new Linker());
  return await instantiateGeneral(prepared, new Linker(), budgetWith());
}

/** A component that exports types by itself, between instances and functions that use them. */
const typed = `(component
  (type $thing (resource (rep i32)))
  (type $other (resource (rep i32)))
  (core func $new (canon resource.new $thing))
  (core func $newOther (canon resource.new $other))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "newOther" (func $newOther (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
    (func (export "forge") (result i32) (call $newOther (i32.const 7)))
    (func (export "point") (param i32 i32) (result i32)
      (i32.store (i32.const 0) (local.get 1)) (i32.store (i32.const 4) (local.get 0)) (i32.const 0)))
  (core instance $m (instantiate $m (with "" (instance
    (export "new" (func $new)) (export "newOther" (func $newOther))))))
  (func $five (result u32) (canon lift (core func $m "forge")))
  (instance $first (export "f" (func $five)))
  (type $pair (record (field "x" u32) (field "y" u32)))
  (export $thing' "thing" (type $thing))
  (export $point "point" (type $pair))
  (export "first" (instance $first))
  (func (export "make") (param "n" u32) (result (own $thing')) (canon lift (core func $m "make")))
  (func (export "forge-THING") (result (own $thing')) (canon lift (core func $m "forge")))
  (func (export "flip") (param "p" $point) (result $point)
    (canon lift (core func $m "point") (memory (core memory $m "memory")))))`;

test('types that a component exports by itself are taken, and so are the functions that use them', async () => {
  const instance = await instanceOf(typed);
  assert.deepEqual(await instance.call('flip', [{ x: 1, y: 2 }]), { x: 2, y: 1 });
  assert.equal(await instance.call('first#f', []), 1);
  assert.ok((await instance.call('make', [3])) instanceof Object);
});

test('a resource that a guest returns must be one it has, and names may have capitals', async () => {
  const instance = await instanceOf(typed);
  await assert.rejects(
    instance.call('forge-THING', []),
    (error) =>
      error instanceof Trap && error.kind === 'canonical-abi' && /handle index 1/.test(error.message),
  );
});
