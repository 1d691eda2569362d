import type { Reader } from './reader.ts';

const end = 0x0b;
/** Immediates of the operators that a constant expression may have: integers, or fixed bytes. */
const plain: Readonly<Record<number, 'none' | 'integer' | 4 | 8>> = {
  35: 'integer', // global.get
  65: 'integer', // i32.const
  66: 'integer',
  67: 4, // f32.const
  68: 8,
  106: 'none', // i32.add, sub, mul
  107: 'none',
  108: 'none',
  124: 'none', // i64.add, sub, mul
  125: 'none',
  126: 'none',
  208: 'integer', // ref.null
  210: 'integer', // ref.func
};
/** How many integers the operators of prefix 0xFB have: objects are made, and references converted. */
const objects: Readonly<Record<number, number>> = { 0: 1, 1: 1, 6: 1, 7: 1, 8: 2, 26: 0, 27: 0, 28: 0 };
const vectorConstant = 12;

/** Passes over the initialiser of a core global or table; whether it is valid is for the engine to say. */
export function skipConstExpr(reader: Reader): void {
  for (;;) {
    const at = reader.offset;
    const code = reader.byte();
    if (code === end) return;
    const form = plain[code];
    if (form === 'integer') reader.skipInteger();
    else if (form === 4 || form === 8) reader.slice(form);
    else if (code === 0xfb) skipObject(reader, at);
    else if (code === 0xfd && reader.u32() === vectorConstant) reader.slice(16);
    else if (form !== 'none') reader.fail('an operator that no constant expression has', at);
  }
}

function skipObject(reader: Reader, at: number): void {
  const integers = objects[reader.u32()];
  if (integers === undefined) reader.fail('an operator that no constant expression has', at);
  for (let left = integers; left > 0; left -= 1) reader.skipInteger();
}
