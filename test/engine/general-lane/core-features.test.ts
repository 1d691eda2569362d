import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { decodeComponent } from '../../../host/engine/component/decode.ts';
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

test('globals of two types are refused when the component is read', async () => {
  const meeting = (given: string, wanted: string) =>
    assemble(`(component
      (core module $a (func $f) (table 1 1 (ref func) (ref.func $f)) (table (export "t") 3 funcref)
        (global $n i64 (i64.add (i64.const 1) (i64.const 2))) (global (export "g") ${given}))
      (core instance $a (instantiate $a))
      (core module $b (import "a" "t" (table 3 funcref)) (import "a" "g" (global ${wanted})))
      (core instance $b (instantiate $b (with "a" (instance $a)))))`);
  decodeComponent(await meeting('(mut i32) (i32.const 1)', '(mut i32)'));
  decodeComponent(await meeting('v128 (v128.const i64x2 1 2)', 'v128'));
  const right = await meeting('externref (ref.null extern)', 'externref');
  assert.doesNotThrow(() => decodeComponent(right));
  const wrong = right.slice();
  const place = wrong.findLastIndex((byte, at) => byte === 0x03 && wrong[at + 1] === 0x6f);
  wrong[place + 1] = 0x7f;
  assert.throws(() => decodeComponent(wrong), {
    code: 'HOST_ERR_COMPONENT_MALFORMED',
    message: /'g' with a type mismatch/,
  });
});

test('references of two kinds are refused when the core modules are joined', async () => {
  await assert.rejects(
    instanceOf(`(component
      (core module $a (global (export "g") externref (ref.null extern)))
      (core instance $a (instantiate $a))
      (core module $b (import "a" "g" (global funcref)))
      (core instance $b (instantiate $b (with "a" (instance $a)))))`),
    { code: 'HOST_ERR_COMPONENT_MALFORMED', message: /do not fit together/ },
  );
});

test('what ends a guest cannot be caught by it: neither what it did wrong nor what the host failed with', async () => {
  const catching = (call: string) =>
    `(block $h (try_table (catch_all $h) ${call}) (return (i32.const 1))) (i32.const 2)`;
  const text = `(component
    (import "fail" (func $fail))
    (type $thing (resource (rep i32)))
    (core func $drop (canon resource.drop $thing))
    (core func $fail (canon lower (func $fail)))
    (core module $m
      (import "" "drop" (func $drop (param i32)))
      (import "" "fail" (func $fail))
      (func (export "drop") (result i32) ${catching('(call $drop (i32.const 77))')})
      (func (export "fail") (result i32) ${catching('(call $fail)')}))
    (core instance $m (instantiate $m (with "" (instance (export "drop" (func $drop)) (export "fail" (func $fail))))))
    (func (export "drop") (result u32) (canon lift (core func $m "drop")))
    (func (export "call") (result u32) (canon lift (core func $m "fail"))))`;
  for (const [name, kind] of [
    ['drop', 'canonical-abi'],
    ['call', 'host-fault'],
  ] as const) {
    const fail = () => {
      throw new Error('the host is broken');
    };
    const linker = new Linker().define('$root', { functions: { fail }, suspending: new Set() });
    const prepared = await prepareMetered(await assemble(text), linker);
    const instance = await instantiateGeneral(prepared, linker, budgetWith());
    await assert.rejects(instance.call(name, []), (error) => error instanceof Trap && error.kind === kind);
    await assert.rejects(instance.call(name, []), { code: 'HOST_ERR_INSTANCE_CLOSED' });
  }
});
