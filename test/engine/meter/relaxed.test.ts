import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metered } from '../../support/metered.ts';

/** A function with a vector operator on constants; its result as two 64-bit numbers. */
async function run(operator: string, args: readonly string[]): Promise<{ lanes: unknown; fuel: bigint }> {
  const constants = args.map((arg) => `(v128.const ${arg})`).join(' ');
  const guest = await metered(`(module (func (export "f") (result i64 i64) (local $v v128)
    (local.set $v (${operator} ${constants}))
    (i64x2.extract_lane 0 (local.get $v)) (i64x2.extract_lane 1 (local.get $v))))`);
  const lanes = guest.run('f');
  return { lanes, fuel: guest.budget.fuelUsed };
}

async function constant(text: string): Promise<unknown> {
  const guest = await metered(`(module (func (export "f") (result i64 i64)
    (i64x2.extract_lane 0 (v128.const ${text})) (i64x2.extract_lane 1 (v128.const ${text}))))`);
  return guest.run('f');
}

const floats = ['f32x4 nan -inf 3e9 -1.5', 'f32x4 -0 5 7e37 0'];
const doubles = ['f64x2 nan -3e9', 'f64x2 -0 4e9'];
const bytes = [
  'i8x16 -128 -1 0 1 16 100 127 128 200 255 15 14 13 12 11 10',
  'i8x16 0 15 16 128 255 -1 7 3 2 1 0 4 5 6 8 9',
];
const mask = 'i64x2 0xff00f00f12345678 0x8000000000000001';
const shorts = ['i16x8 -32768 -1 0 1 16 100 127 32767', 'i16x8 -32768 15 16 128 255 -1 7 32767'];

/** Relaxed operators with the plain one that does the same, and operands on which processors differ. */
const twins: readonly (readonly [relaxed: string, plain: string, args: readonly string[]])[] = [
  ['i8x16.relaxed_swizzle', 'i8x16.swizzle', bytes],
  ['i32x4.relaxed_trunc_f32x4_s', 'i32x4.trunc_sat_f32x4_s', [floats[0] as string]],
  ['i32x4.relaxed_trunc_f32x4_u', 'i32x4.trunc_sat_f32x4_u', [floats[0] as string]],
  ['i32x4.relaxed_trunc_f64x2_s_zero', 'i32x4.trunc_sat_f64x2_s_zero', [doubles[0] as string]],
  ['i32x4.relaxed_trunc_f64x2_u_zero', 'i32x4.trunc_sat_f64x2_u_zero', [doubles[0] as string]],
  ['i8x16.relaxed_laneselect', 'v128.bitselect', [...bytes, mask]],
  ['i16x8.relaxed_laneselect', 'v128.bitselect', [...shorts, mask]],
  ['i32x4.relaxed_laneselect', 'v128.bitselect', [...shorts, mask]],
  ['i64x2.relaxed_laneselect', 'v128.bitselect', [...shorts, mask]],
  ['f32x4.relaxed_min', 'f32x4.min', floats],
  ['f32x4.relaxed_max', 'f32x4.max', floats],
  ['f64x2.relaxed_min', 'f64x2.min', doubles],
  ['f64x2.relaxed_max', 'f64x2.max', doubles],
  ['i16x8.relaxed_q15mulr_s', 'i16x8.q15mulr_sat_s', shorts],
];

for (const [relaxed, plain, args] of twins) {
  test(`${relaxed} gives what ${plain} gives, for the same fuel`, async () => {
    assert.deepEqual(await run(relaxed, args), await run(plain, args));
  });
}

// (1 + 2^-23) * (1 - 2^-23) - 1 is -2^-46 when rounded once, and 0 when rounded twice.
const sums: readonly (readonly [operator: string, args: readonly string[], result: string])[] = [
  [
    'f32x4.relaxed_madd',
    ['f32x4 0x1.000002p0 2 3 -0', 'f32x4 0x1.fffffcp-1 5 -1 0', 'f32x4 -1 1 3 -0'],
    'f32x4 0 11 0 -0',
  ],
  [
    'f32x4.relaxed_nmadd',
    ['f32x4 0x1.000002p0 2 3 -0', 'f32x4 0x1.fffffcp-1 5 -1 0', 'f32x4 1 1 -3 0'],
    'f32x4 0 -9 0 0',
  ],
  ['f64x2.relaxed_madd', ['f64x2 2 3', 'f64x2 5 0.5', 'f64x2 -1 1'], 'f64x2 9 2.5'],
  ['f64x2.relaxed_nmadd', ['f64x2 2 3', 'f64x2 5 0.5', 'f64x2 -1 1'], 'f64x2 -11 -0.5'],
  [
    'i16x8.relaxed_dot_i8x16_i7x16_s',
    [
      'i8x16 1 2 3 4 -5 6 -128 -128 9 10 11 12 -128 -128 15 16',
      'i8x16 1 2 3 4 5 6 127 127 0 1 1 0 -128 -128 2 1',
    ],
    'i16x8 5 25 11 -32512 10 11 -32768 46',
  ],
  [
    'i32x4.relaxed_dot_i8x16_i7x16_add_s',
    [
      'i8x16 1 2 3 4 -5 6 -128 -128 9 10 11 12 -128 -128 15 16',
      'i8x16 1 2 3 4 5 6 127 127 0 1 1 0 -128 -128 2 1',
      'i32x4 1 2 3 4',
    ],
    'i32x4 31 -32499 24 -32718',
  ],
];

for (const [operator, args, result] of sums) {
  test(`${operator} rounds and adds in one fixed way`, async () => {
    const { lanes, fuel } = await run(operator, args);
    assert.deepEqual(lanes, await constant(result));
    assert.equal(
      fuel,
      BigInt(1 + args.length + 2 + 4),
      'entry, constants, operator, set, two reads of a lane',
    );
  });
}

test('a relaxed operator in a loop and in a function whose callers pay leaves the count as it is', async () => {
  const guest = await metered(`(module
    (func $leaf (param v128) (result v128)
      (f32x4.relaxed_madd (local.get 0) (v128.const f32x4 1 1 1 1) (v128.const f32x4 1 2 3 4)))
    (func (export "f") (param i32) (result i32) (local $v v128)
      (loop $again
        (local.set $v (f32x4.relaxed_max (call $leaf (local.get $v)) (local.get $v)))
        (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (i32.trunc_f32_s (f32x4.extract_lane 3 (local.get $v)))))`);
  assert.equal(guest.run('f', 10), 40);
  assert.equal(guest.budget.fuelUsed, BigInt(1 + 10 * 15 + 3));
});
