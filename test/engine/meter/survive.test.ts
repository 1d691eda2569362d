import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelBytes } from '../../../bench/kernels/kernels.ts';
import { meter } from '../../../host/engine/meter/meter.ts';
import { HostError } from '../../../host/errors.ts';
import { generatedModule } from '../../support/generated.ts';
import { wat } from '../../support/wat.ts';

const variedText = `(module
  (rec (type $s (struct (field (mut i32)))) (type $a (array (mut i8))))
  (type $t (func (param i32) (result i32)))
  (import "h" "f" (func $h (param i32))) (memory 1 4) (data $d "abc") (table $x 2 9 funcref) (tag $e (param i32))
  (global $g (mut i32) (i32.add (i32.const 1) (i32.const 2))) (global (ref null $s) (ref.null $s))
  (elem $el func $f) (elem (i32.const 0) func $f $f)
  (func $f (export "f") (type $t) (local v128 (ref null $a))
    (block $b (result i32)
      (try_table (result i32) (catch $e $b)
        (call $h (local.get 0))
        (memory.init $d (i32.const 0) (i32.const 0) (i32.const 2))
        (drop (table.grow $x (ref.null func) (i32.const 1)))
        (drop (memory.grow (i32.const 1)))
        (local.set 1 (i8x16.splat (i32.const 3)))
        (drop (struct.new $s (i32.const 4)))
        (loop $l (br_table $l $b (i32.const 9) (local.get 0)))
        (throw $e (global.get $g)))))
  (func (export "g") (param (ref null $t)) (result i32) (return_call_ref $t (i32.const 1) (local.get 0))))`;

/** A copy with some bits, bytes or its end changed, by a fixed sequence. */
function* damaged(bytes: Uint8Array, copies: number): Generator<Uint8Array<ArrayBuffer>> {
  let state = bytes.length;
  const below = (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  for (let copy = 0; copy < copies; copy += 1) {
    const damage = Uint8Array.from(bytes.subarray(0, copy % 4 === 3 ? below(bytes.length) : bytes.length));
    for (let hit = 0; hit <= copy % 3; hit += 1) {
      const at = below(damage.length);
      damage[at] = copy % 2 === 0 ? below(256) : (damage[at] ?? 0) ^ (1 << below(8));
    }
    yield damage;
  }
}

test('12,000 damaged modules: a typed error, or output exactly as valid as the input', async () => {
  const sources = [await wat(variedText), generatedModule(4), generatedModule(9), kernelBytes('json')];
  let slowestMs = 0;
  for (const source of sources) {
    for (const bytes of damaged(source, 3_000)) {
      const valid = WebAssembly.validate(bytes);
      const startMs = performance.now();
      try {
        const output = meter(bytes, { fuelCell: 'own' }).bytes;
        assert.equal(WebAssembly.validate(output), valid);
      } catch (error) {
        if (!(error instanceof HostError)) throw error;
        assert.ok(!valid || error.code === 'HOST_ERR_MODULE_UNSUPPORTED', error.message);
      }
      slowestMs = Math.max(slowestMs, performance.now() - startMs);
    }
  }
  assert.ok(slowestMs < 1_000, `${slowestMs} ms`);
});
