import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { instantiateGeneral } from '../../../host/engine/general-lane/general-lane.ts';
import { instanceParents } from '../../../host/engine/general-lane/instance-tree.ts';
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

const counter = `(component $Counter
  (core module $m (global $n (mut i32) (i32.const 0))
    (func (export "next") (result i32)
      (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))
  (core instance $m (instantiate $m))
  (func (export "next") (result u32) (canon lift (core func $m "next"))))`;

test('start functions call other components of the same program, in the order of definition', async () => {
  const instance = await instanceOf(`(component ${counter}
    (component $Ranked
      (import "next" (func $next (result u32)))
      (core func $next (canon lower (func $next)))
      (core module $m
        (import "" "next" (func $next (result i32)))
        (global $rank (mut i32) (i32.const 0))
        (func $start (global.set $rank (call $next)))
        (start $start)
        (func (export "rank") (result i32) (global.get $rank))
        (func (export "again") (result i32) (call $next)))
      (core instance $m (instantiate $m (with "" (instance (export "next" (func $next))))))
      (func (export "rank") (result u32) (canon lift (core func $m "rank")))
      (func (export "again") (result u32) (canon lift (core func $m "again"))))
    (instance $counter (instantiate $Counter))
    (instance $a (instantiate $Ranked (with "next" (func $counter "next"))))
    (instance $b (instantiate $Ranked (with "next" (func $counter "next"))))
    (func (export "a") (alias export $a "rank"))
    (func (export "b") (alias export $b "rank"))
    (func (export "again") (alias export $a "again")))`);
  assert.equal(await instance.call('b', []), 2);
  assert.equal(await instance.call('a', []), 1);
  assert.equal(await instance.call('again', []), 3);
});

const isEntryTrap = (error: unknown): boolean =>
  error instanceof Trap && error.kind === 'canonical-abi' && /cannot enter/.test(error.message);

test('a component that calls one inside it, or is called by it, traps', async () => {
  const outward = await instanceOf(`(component ${counter}
    (instance $counter (instantiate $Counter))
    (core func $next (canon lower (func $counter "next")))
    (core module $m (import "" "next" (func $next (result i32))) (func (export "f") (result i32) (call $next)))
    (core instance $m (instantiate $m (with "" (instance (export "next" (func $next))))))
    (func (export "f") (result u32) (canon lift (core func $m "f"))))`);
  await assert.rejects(outward.call('f', []), isEntryTrap);
  const inward = await instanceOf(`(component
    (core module $m (func (export "one") (result i32) (i32.const 1)))
    (core instance $m (instantiate $m))
    (func $one (result u32) (canon lift (core func $m "one")))
    (component $Child
      (import "one" (func $one (result u32)))
      (core func $one (canon lower (func $one)))
      (core module $m (import "" "one" (func $one (result i32))) (func (export "f") (result i32) (call $one)))
      (core instance $m (instantiate $m (with "" (instance (export "one" (func $one))))))
      (func (export "f") (result u32) (canon lift (core func $m "f"))))
    (instance $child (instantiate $Child (with "one" (func $one))))
    (func (export "f") (alias export $child "f")))`);
  await assert.rejects(inward.call('f', []), isEntryTrap);
});

test('instances are numbered in the order they are made, an exported one once', async () => {
  const bytes = await assemble(`(component
    (component $Leaf)
    (component $Pair (component $Leaf) (instance $a (instantiate $Leaf)) (export "a" (instance $a)) (instance (instantiate $Leaf)))
    (instance (instantiate $Leaf))
    (instance (instantiate $Pair))
    (instance (instantiate $Leaf)))`);
  assert.deepEqual(instanceParents(decodeComponent(bytes)), [-1, 0, 0, 2, 2, 0]);
  const open = await assemble('(component (import "c" (component $c)) (instance (instantiate $c)))');
  assert.deepEqual(instanceParents(decodeComponent(open)), []);
});

const throwing = (attempt: string) => `(component
  (component $Thrower
    (core module $m (tag $t (param i32)) (func (export "f") (param i32) (if (local.get 0) (then (throw $t (i32.const 1))))))
    (core instance $m (instantiate $m))
    (func (export "f") (param "n" u32) (canon lift (core func $m "f"))))
  (component $Caller
    (import "f" (func $f (param "n" u32)))
    (core func $f (canon lower (func $f)))
    (core module $m (import "" "f" (func $f (param i32)))
      (func (export "g") (param i32) (result i32) ${attempt}))
    (core instance $m (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "g") (param "n" u32) (result u32) (canon lift (core func $m "g"))))
  (instance $thrower (instantiate $Thrower))
  (instance $caller (instantiate $Caller (with "f" (func $thrower "f"))))
  (func (export "g") (alias export $caller "g")))`;

test('an exception does not get from one component into another: it ends the whole', async () => {
  const instance = await instanceOf(
    throwing(`(block $caught
      (try_table (catch_all $caught) (call $f (local.get 0)))
      (return (i32.const 1)))
    (i32.const 2)`),
  );
  assert.equal(await instance.call('g', [0]), 1);
  await assert.rejects(
    instance.call('g', [1]),
    (error) => error instanceof Trap && error.kind === 'uncaught-exception',
  );
  await assert.rejects(instance.call('g', [0]), { code: 'HOST_ERR_INSTANCE_CLOSED' });
});
