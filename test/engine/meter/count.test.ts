import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelBytes, kernels } from '../../../bench/kernels/kernels.ts';
import { fuelOf, metered } from '../../support/metered.ts';

/** The body of an exported `f` and its fuel, counted by hand: 1 to enter, 1 per operator that is not free. */
const bodies: readonly (readonly [title: string, fuel: number, body: string, fields?: string])[] = [
  ['an empty function costs its entry', 1, ''],
  ['nop, drop, block and end are free', 2, 'nop (block (drop (i32.const 1)))'],
  [
    'numbers of every kind cost 1 each',
    6,
    '(drop (i32.const 300)) (drop (i64.const -9)) (drop (f32.const 1.5)) (drop (f64.neg (f64.const 2)))',
  ],
  [
    'an arm that is not taken costs nothing',
    4,
    '(if (i32.const 0) (then (drop (i32.const 1)) (drop (i32.const 1)))) (drop (i32.const 1))',
  ],
  [
    'the arm that is taken costs its own',
    5,
    '(if (i32.const 1) (then (drop (i32.const 1)) (drop (i32.const 1))) (else (drop (i32.const 1))))',
  ],
  [
    'else is free and its arm is not',
    4,
    '(if (i32.const 0) (then (drop (i32.const 1)) (drop (i32.const 1))) (else (drop (i32.const 1))))',
  ],
  ['a branch skips what it jumps over', 3, '(block (br_if 0 (i32.const 1)) (drop (i32.const 1)))'],
  [
    'a branch out of two blocks skips both',
    4,
    '(block (block (br_if 1 (i32.const 1)) (drop (i32.const 1))) (drop (i32.const 1))) (drop (i32.const 1))',
  ],
  [
    'br_table goes to one place',
    5,
    '(block (block (br_table 0 1 (i32.const 1))) (drop (i32.const 1)) (drop (i32.const 1))) (drop (i32.const 1)) (drop (i32.const 1))',
  ],
  [
    'a switch whose ways leave for one end pays for itself and the way',
    9,
    '(block $end (block $b (block $a (br_table $a $b (call $g))) (drop (i32.const 1)) (br $end)) (drop (i32.const 1)) (drop (i32.const 1)))',
    '(func $g (result i32) (if (i32.const 0) (then (drop (call $g)))) (i32.const 1))',
  ],
  [
    'an end that a branch and an arm come to pays for neither',
    9,
    '(if (i32.const 1) (then (if (i32.const 1) (then (br_if 0 (i32.const 0)) (drop (i32.const 1))) (else (return))) (drop (i32.const 1))))',
  ],
  ['return is free and ends the count', 1, '(return) (drop (i32.const 1))'],
  [
    'a loop costs each round',
    43,
    '(local i32) (local.set 0 (i32.const 8)) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))',
  ],
  [
    'memory.fill costs its bytes, constant or not',
    111,
    '(memory.fill (i32.const 0) (i32.const 7) (i32.const 50)) (memory.fill (i32.const 0) (i32.const 7) (call $fifty))',
    '(memory 1) (func $fifty (result i32) (i32.const 50))',
  ],
  [
    'memory.copy and memory.init cost their bytes',
    19,
    '(memory.copy (i32.const 0) (i32.const 8) (i32.const 8)) (memory.init $d (i32.const 0) (i32.const 0) (i32.const 2))',
    '(memory 1) (data $d "abc")',
  ],
  ['memory.grow costs the pages it added', 5, '(drop (memory.grow (i32.const 2)))', '(memory 1 4)'],
  ['memory.grow that fails costs the operator', 3, '(drop (memory.grow (i32.const 9)))', '(memory 1 4)'],
  [
    'table.grow costs the elements it added',
    7,
    '(drop (table.grow (ref.null func) (i32.const 3)))',
    '(table 1 funcref)',
  ],
  [
    'table.fill and table.copy cost their elements',
    19,
    '(table.fill (i32.const 0) (ref.null func) (i32.const 5)) (table.copy (i32.const 0) (i32.const 4) (i32.const 5))',
    '(table 9 funcref)',
  ],
  [
    'arrays cost their elements',
    26,
    '(drop (array.new $a (i32.const 0) (i32.const 10))) (drop (array.new_default $a (i32.const 10)))',
    '(type $a (array (mut i8)))',
  ],
  [
    'array.new_fixed costs one operator',
    4,
    '(drop (array.new_fixed $a 2 (i32.const 0) (i32.const 10)))',
    '(type $a (array (mut i8)))',
  ],
  [
    'vectors cost like numbers',
    4,
    '(drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (v128.const i64x2 1 2) (v128.const i64x2 1 2)))',
  ],
  ['a call costs itself and the callee', 5, '(call $g)', '(func $g (local i32) (local.set 0 (i32.const 1)))'],
  [
    'a leaf called twice is paid twice',
    7,
    '(drop (call $g)) (drop (call $g))',
    '(func $g (result i32) (i32.const 1))',
  ],
  [
    'a leaf costs the same through a table',
    5,
    '(drop (call_indirect (result i32) (i32.const 0)))',
    '(table funcref (elem $g)) (func $g (result i32) (i32.const 1))',
  ],
  [
    'a leaf costs the same through a reference',
    5,
    '(drop (call_ref $t (ref.func $g)))',
    '(type $t (func (result i32))) (elem declare func $g) (func $g (type $t) (i32.const 1))',
  ],
  ['a tail call costs like a call', 4, '(return_call $g)', '(func $g (drop (i32.const 1)))'],
  [
    'a tail call through a table',
    5,
    '(return_call_indirect (i32.const 0))',
    '(table funcref (elem $g)) (func $g (drop (i32.const 1)))',
  ],
  [
    'what a throw skips costs nothing',
    6,
    '(block $h (try_table (catch $e $h) (call $g) (drop (i32.const 1)))) (drop (i32.const 1))',
    '(tag $e) (func $g (throw $e))',
  ],
  [
    'a legacy handler costs its own',
    8,
    'try call $g i32.const 1 drop catch $e i32.const 1 drop end i32.const 1 drop',
    '(tag $e) (func $g throw $e)',
  ],
  ['extended constants are free', 2, '(drop (global.get 0))', '(global i32 (i32.const 5))'],
];

for (const [title, fuel, body, fields = ''] of bodies) {
  test(`${title} (${fuel})`, async () => {
    assert.equal(await fuelOf(`(module ${fields} (func (export "f") ${body}))`), fuel);
  });
}

const startups: readonly (readonly [title: string, fuel: number, fields: string])[] = [
  [
    'a module that needs no code costs nothing',
    0,
    '(memory 1) (data (i32.const 0) "a") (global i32 (i32.const 1)) (func)',
  ],
  ['a start function costs 2 before its own', 4, '(start $s) (func $s (drop (i32.const 1)))'],
  ['a global that needs code costs it', 4, '(global i32 (i32.add (i32.const 1) (i32.const 2)))'],
  [
    'an array in a global costs its elements',
    13,
    '(type $a (array i8)) (global (ref $a) (array.new_default $a (i32.const 10)))',
  ],
];

for (const [title, fuel, fields] of startups) {
  test(`${title} (${fuel})`, async () => {
    const { budget } = await metered(`(module ${fields})`);
    assert.equal(Number(budget.fuelUsed), fuel);
  });
}

for (const kernel of kernels) {
  const { size, result, fuelStart, fuelRun } = kernel.check;
  test(`kernel ${kernel.name} counts what Wasmtime counted, for any slice`, async () => {
    for (const fuelSlice of fuelRun > 1_000_000n ? [2n ** 60n] : [2n ** 60n, 997n, 1n]) {
      const { budget, run } = await metered(kernelBytes(kernel.name), { fuelSlice, fuelMax: 2n ** 61n });
      assert.equal(budget.fuelUsed, fuelStart);
      assert.equal(run('run', size), result);
      assert.equal(budget.fuelUsed - fuelStart, fuelRun);
    }
  });
}
