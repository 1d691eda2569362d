import type { Body } from './added.ts';
import type { Substitute } from './substitutes.ts';

/** Vector operators from here on are relaxed: processors may differ in what they give. */
export const relaxedMin = 0x100;

const shuffle = 13;
const i16x8Add = 142;
const lowProducts = 156;
const highProducts = 157;
const pairSums = 126;
const i32x4Add = 174;

/** The plain operator with the same operands whose result the relaxed one may always give. */
const plainOperators: ReadonlyMap<number, number> = new Map([
  [0x100, 14], // i8x16.swizzle
  [0x101, 248], // i32x4.trunc_sat_f32x4_s
  [0x102, 249],
  [0x103, 252], // i32x4.trunc_sat_f64x2_s_zero
  [0x104, 253],
  [0x109, 82], // v128.bitselect
  [0x10a, 82],
  [0x10b, 82],
  [0x10c, 82],
  [0x10d, 232], // f32x4.min
  [0x10e, 233],
  [0x10f, 244], // f64x2.min
  [0x110, 245],
  [0x111, 130], // i16x8.q15mulr_sat_s
]);

/** What multiplies, and what joins the product to the third operand: rounded twice, never fused. */
const products: ReadonlyMap<number, { readonly multiply: number; readonly join: number }> = new Map([
  [0x105, { multiply: 230, join: 228 }], // f32x4.relaxed_madd
  [0x106, { multiply: 230, join: 229 }],
  [0x107, { multiply: 242, join: 240 }], // f64x2.relaxed_madd
  [0x108, { multiply: 242, join: 241 }],
]);

const dot = 0x112;
const dotAdd = 0x113;
const v128 = [0x7b];

/** The plain operator that stands for a relaxed one; undefined where it takes several. */
export function plainTwin(code: number): number | undefined {
  return plainOperators.get(code);
}

/** A function that does the same as a relaxed operator, if it needs one. */
export function relaxedFunction(code: number): Substitute | undefined {
  const product = products.get(code);
  if (product !== undefined)
    return { params: [v128, v128, v128], results: [v128], write: (body) => writeProduct(body, product) };
  if (code !== dot && code !== dotAdd) return undefined;
  const adds = code === dotAdd;
  const params = adds ? [v128, v128, v128] : [v128, v128];
  return { params, results: [v128], write: (body) => writeDot(body, adds) };
}

/** The product comes second: that is the order in which it is taken away. */
function writeProduct(body: Body, { multiply, join }: { multiply: number; join: number }): void {
  body.op(0).localGet(2).localGet(0).localGet(1).op(0xfd, multiply).op(0xfd, join).end();
}

/** Products of signed bytes, those side by side added in 16 bits; `adds`: again so, in 32 bits, to a third operand. */
function writeDot(body: Body, adds: boolean): void {
  const low = adds ? 3 : 2;
  const high = low + 1;
  body.op(1, 2, ...v128);
  body.localGet(0).localGet(1).op(0xfd, lowProducts).op(0x21, low);
  body.localGet(0).localGet(1).op(0xfd, highProducts).op(0x21, high);
  for (const first of [0, 2]) {
    body.localGet(low).localGet(high).op(0xfd, shuffle);
    for (let lane = first; lane < 32; lane += 4) body.writer.raw(lane, lane + 1);
  }
  body.op(0xfd, i16x8Add);
  if (adds) body.op(0xfd, pairSums).localGet(2).op(0xfd, i32x4Add);
  body.end();
}
