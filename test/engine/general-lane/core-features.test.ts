import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
import { instantiateGeneral } from '../../../host/engine/general-lane/general-lane.ts';
import { stopTranspiler } from '../../../host/engine/general-lane/transpile.ts';
import type { Instance } from '../../../host/engine/instance.ts';
import { Linker } from '../../../host/engine/linker.ts';
import { assemble } from '../../support/component-tools.ts';
import { budgetWith, prepareMetered } from './lane.ts';

after(stopTranspiler);

async function instanceOf(text: string): Promise<Instance> {
  const prepared = await prepareMetered(await assemble(text), new Linker());
  return await instantiateGeneral(prepared, new Linker(), budgetWith());
}

test('one core module catches what another throws, by a tag that they share beside globals', async () => {
  const instance = await instanceOf(`(component
    (core module $thrower
      (tag (export "t") (param i32))
      (global (export "g") i32 (i32.const 4))
      (tag $other (export "other"))
      (func (export "throw") (param i32) (if (i32.eqz (local.get 0)) (then (throw $other))) (throw 0 (local.get 0))))
    (core instance $a (instantiate $thrower))
    (alias core export $a "t" (core tag $t))
    (alias core export $a "g" (core global $g))
    (alias core export $a "other" (core tag $other))
    (core module $catcher
      (import "" "g" (global $g i32))
      (import "" "other" (tag $other))
      (import "" "t" (tag $t (param i32)))
      (import "" "throw" (func $throw (param i32)))
      (func (export "f") (param i32) (result i32)
        (block $o
          (return (i32.add (global.get $g) (block $h (result i32)
            (try_table (catch $t $h) (catch $other $o) (call $throw (local.get 0)))
            (i32.const 0)))))
        (i32.const -1)))
    (core instance $b (instantiate $catcher (with "" (instance
      (export "other" (tag $other)) (export "t" (tag $t)) (export "g" (global $g)) (export "throw" (func $a "throw"))))))
    (func (export "f") (param "n" s32) (result s32) (canon lift (core func $b "f"))))`);
  assert.equal(await instance.call('f', [38]), 42);
  assert.equal(await instance.call('f', [0]), -1);
});

test('core modules may use tail calls, garbage collection, vectors and wide arithmetic, and give each other references', async () => {
  const instance = await instanceOf(`(component
    (core module $maker
      (type $pair (struct (field i32) (field i32)))
      (func (export "make") (param i32 i32) (result (ref $pair)) (struct.new $pair (local.get 0) (local.get 1)))
      (func (export "lanes") (param i32) (result v128) (i32x4.splat (local.get 0))))
    (core instance $a (instantiate $maker))
    (core module $user
      (type $pair (struct (field i32) (field i32)))
      (import "a" "make" (func $make (param i32 i32) (result (ref $pair))))
      (import "a" "lanes" (func $lanes (param i32) (result v128)))
      (func $low (param i64 i64) (result i64) (local.get 0))
      (func $sum (param (ref $pair)) (result i32)
        (i32.add (struct.get $pair 0 (local.get 0)) (struct.get $pair 1 (local.get 0))))
      (func (export "f") (param i32) (result i32)
        (return_call $sum (call $make
          (i32.wrap_i64 (call $low (i64.mul_wide_u (i64.extend_i32_u (local.get 0)) (i64.const 1))))
          (i32x4.extract_lane 3 (call $lanes (i32.const 2)))))))
    (core instance $b (instantiate $user (with "a" (instance $a))))
    (func (export "f") (param "n" u32) (result u32) (canon lift (core func $b "f"))))`);
  assert.equal(await instance.call('f', [40]), 42);
});

test('tags of two types are refused when the component is read', async () => {
  const bytes = await assemble(`(component
    (core module $a (tag (export "t") (param i32)))
    (core instance $a (instantiate $a))
    (core module $b (import "a" "t" (tag (param i32))))
    (core instance $b (instantiate $b (with "a" (instance $a)))))`);
  // The second of the two types that are written alike.
  const at = [...bytes.keys()].filter((here) => bytes[here] === 0x60 && bytes[here + 2] === 0x7f).at(-1);
  bytes[(at ?? 0) + 2] = 0x7e;
  assert.throws(() => decodeComponent(bytes), {
    code: 'HOST_ERR_COMPONENT_MALFORMED',
    message: /'t' with a type mismatch/,
  });
});

test('globals of two types are refused when the core modules are joined', async () => {
  await assert.rejects(
    instanceOf(`(component
      (core module $a (global (export "g") (mut i32) (i32.const 1)))
      (core instance $a (instantiate $a))
      (core module $b (import "a" "g" (global i64)))
      (core instance $b (instantiate $b (with "a" (instance $a)))))`),
    { code: 'HOST_ERR_COMPONENT_MALFORMED', message: /do not fit together/ },
  );
});
