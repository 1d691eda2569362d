import type { Body } from './added.ts';
import type { Substitute } from './substitutes.ts';

const i64 = [0x7e];
const low32 = 0xffff_ffff;
const add = 0x7c;
const sub = 0x7d;
const mul = 0x7e;
const and = 0x83;
const shiftSigned = 0x87;
const shift = 0x88;
const less = 0x54;
const extend = 0xad;

/** Functions that do what the operators of wide arithmetic do (prefix 0xFC), each low half first. */
const functions: ReadonlyMap<number, Substitute> = new Map([
  [19, { params: [i64, i64, i64, i64], results: [i64, i64], write: writeAdd }],
  [20, { params: [i64, i64, i64, i64], results: [i64, i64], write: writeSubtract }],
  [21, { params: [i64, i64], results: [i64, i64], write: (body: Body) => writeProduct(body, true) }],
  [22, { params: [i64, i64], results: [i64, i64], write: (body: Body) => writeProduct(body, false) }],
]);

/** The function for an operator of prefix 0xFC, if it is one of wide arithmetic. */
export function wideFunction(code: number): Substitute | undefined {
  return functions.get(code);
}

/** The sum's low half is less than a summand's where it overflowed. */
function writeAdd(body: Body): void {
  body.op(1, 1, ...i64);
  body.localGet(0).localGet(2).op(add).op(0x22, 4);
  body.localGet(1).localGet(3).op(add);
  body.localGet(4).localGet(0).op(less).op(extend).op(add).end();
}

function writeSubtract(body: Body): void {
  body.op(0);
  body.localGet(0).localGet(2).op(sub);
  body.localGet(1).localGet(3).op(sub);
  body.localGet(0).localGet(2).op(less).op(extend).op(sub).end();
}

/** By halves of 32 bits; a negative factor, read as unsigned, is too large by 2^64, which is taken off the high half. */
function writeProduct(body: Body, isSigned: boolean): void {
  const middle = 2;
  const low = (local: number) => body.localGet(local).i64(low32).op(and);
  const high = (local: number) => body.localGet(local).i64(32).op(shift);
  body.op(1, 1, ...i64);
  body.localGet(0).localGet(1).op(mul);
  high(0);
  low(1).op(mul);
  low(0);
  low(1).op(mul).i64(32).op(shift).op(add).op(0x21, middle);
  high(0);
  high(1).op(mul);
  high(middle).op(add);
  low(0);
  high(1).op(mul);
  low(middle).op(add).i64(32).op(shift).op(add);
  if (isSigned)
    for (const [one, other] of [
      [0, 1],
      [1, 0],
    ] as const)
      body.localGet(one).i64(63).op(shiftSigned).localGet(other).op(and).op(sub);
  body.end();
}
