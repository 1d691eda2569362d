import { Body } from '../../../host/engine/meter/added.ts';
import { Reader } from '../../../host/engine/meter/reader.ts';
import type { Writer } from '../../../host/engine/meter/writer.ts';
import type { AddedBody, Part } from './link/link.ts';

/**
 * What the engine gets wrong between the component model and JavaScript, put right by functions that take the
 * place of its own, by name, in the joined module:
 * - A `u64` or `s64` becomes a Number and loses digits. Here it travels as a string of 16 hexadecimal digits, which
 *   the prelude makes a BigInt of.
 * - An exported resource that comes back as `own` is looked for under its handle instead of its representation.
 */
export function repairsOf(engine: Part, adapter: Part): ReadonlyMap<string, AddedBody> {
  return new Map([
    ['wit_dylib_push_u64', pushDigits(engine)],
    ['wit_dylib_push_s64', pushDigits(engine)],
    ['wit_dylib_pop_u64', popDigits(engine)],
    ['wit_dylib_pop_s64', popDigits(engine)],
    ['wit_dylib_push_own', pushOwn(engine, adapter)],
  ]);
}

/** A function that ends the instance. */
export const trap: AddedBody = (out) => {
  locals(out, 0).op(op.unreachable).end();
};

/** A function that does nothing. */
export const nothing: AddedBody = (out) => {
  locals(out, 0).end();
};

/** (at): a seed of zeros, two words of 64 bits. */
export const zeroSeed: AddedBody = (out) => {
  const body = locals(out, 0);
  for (const offset of [0, 8]) body.localGet(0).i64(0).op(op.i64Store, 3, offset);
  body.end();
};

const op = {
  unreachable: 0x00,
  loop: 0x03,
  brIf: 0x0d,
  return: 0x0f,
  localSet: 0x21,
  localTee: 0x22,
  i32Load: 0x28,
  i32Load8U: 0x2d,
  i64Store: 0x37,
  i32Store8: 0x3a,
  i32Eq: 0x46,
  i32GtU: 0x4b,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32And: 0x71,
  i64Or: 0x84,
  i64Shl: 0x86,
  i64ShrU: 0x88,
  i32WrapI64: 0xa7,
  i64ExtendI32U: 0xad,
} as const;

const emptyBlock = 0x40;
const valueType = { i32: 0x7f, i64: 0x7e } as const;
const digitCount = 16;
const zero = '0'.charCodeAt(0);
/** How much further 'a' is from '0' than ten. */
const letterGap = 'a'.charCodeAt(0) - zero - 10;

/** (call, value): puts the value's digits onto the call's stack as a string. */
function pushDigits(engine: Part): AddedBody {
  return (out, indices) => {
    const [call, value, at, left, digit] = [0, 1, 2, 3, 4];
    const body = locals(out, 3);
    // The engine frees the string's bytes.
    body
      .i32(0)
      .i32(0)
      .i32(1)
      .i32(digitCount)
      .call(indices.exported(engine, 'cabi_realloc'))
      .op(op.localSet, at);
    body.i32(digitCount).op(op.localSet, left);
    body.op(op.loop).op(emptyBlock);
    body.localGet(at).localGet(left).i32(1).op(op.i32Sub).op(op.localTee, left).op(op.i32Add);
    body.localGet(value).op(op.i32WrapI64).i32(15).op(op.i32And).op(op.localTee, digit);
    body.localGet(digit).i32(9).op(op.i32GtU).i32(letterGap).op(op.i32Mul).op(op.i32Add);
    body.i32(zero).op(op.i32Add).op(op.i32Store8, 0, 0);
    body.localGet(value).i64(4).op(op.i64ShrU).op(op.localSet, value);
    body.localGet(left).op(op.brIf, 0).end();
    body
      .localGet(call)
      .localGet(at)
      .i32(digitCount)
      .call(indices.exported(engine, 'wit_dylib_push_string'))
      .end();
  };
}

/** (call) -> value: takes a string of digits from the call's stack. */
function popDigits(engine: Part): AddedBody {
  return (out, indices) => {
    const [call, at, end, digit, value] = [0, 1, 2, 3, 4];
    const stack = indices.stackPointer;
    const body = locals(out, 3, 1);
    body.globalGet(stack).i32(16).op(op.i32Sub).globalSet(stack);
    body.localGet(call).globalGet(stack).call(indices.exported(engine, 'wit_dylib_pop_string'));
    body.globalGet(stack).op(op.i32Load, 2, 0).op(op.localTee, at).op(op.i32Add).op(op.localSet, end);
    body.globalGet(stack).i32(16).op(op.i32Add).globalSet(stack);
    body.op(op.loop).op(emptyBlock);
    body.localGet(at).op(op.i32Load8U, 0, 0).i32(zero).op(op.i32Sub).op(op.localTee, digit);
    body.localGet(digit).i32(9).op(op.i32GtU).i32(letterGap).op(op.i32Mul).op(op.i32Sub).op(op.i64ExtendI32U);
    body.localGet(value).i64(4).op(op.i64Shl).op(op.i64Or).op(op.localSet, value);
    body.localGet(at).i32(1).op(op.i32Add).op(op.localTee, at).localGet(end).op(op.i32Eq).op(i32Eqz);
    body.op(op.brIf, 0).end();
    body.localGet(value).end();
  };
}

const i32Eqz = 0x45;

/**
 * (call, type, handle): the object behind a handle that the agent now owns. It is lent to the call first; giving
 * up the handle then takes it out of the engine's table.
 */
function pushOwn(engine: Part, adapter: Part): AddedBody {
  return (out, indices) => {
    const [call, type, handle] = [0, 1, 2];
    const body = locals(out, 0);
    for (const resource of exportedResources(adapter)) {
      const { module, name } = resource;
      body.localGet(type).i32(resource.type).op(op.i32Eq).if();
      body.localGet(call).localGet(type);
      body.localGet(handle).call(indices.imported(adapter, module, `[resource-rep]${name}`));
      body.call(indices.exported(engine, 'wit_dylib_push_borrow'));
      body.localGet(handle).call(indices.imported(adapter, module, `[resource-drop]${name}`));
      body.op(op.return).end();
    }
    body
      .localGet(call)
      .localGet(type)
      .localGet(handle)
      .call(indices.exported(engine, 'wit_dylib_push_own'))
      .end();
  };
}

interface ExportedResource {
  /** The engine's number for it. */
  readonly type: number;
  /** The module its functions are imported from: `[export]a:b/c@0.1.0`. */
  readonly module: string;
  readonly name: string;
}

/** The resources whose destructors the adapter exports; each destructor hands its number to the engine first thing. */
function exportedResources({ module }: Part): ExportedResource[] {
  const imported = module.imports.filter(({ sort }) => sort === 'func').length;
  return [...module.exports].flatMap(([exportName, { index }]) => {
    const [owner, name] = exportName.split('[dtor]');
    const body = module.bodies[index - imported];
    if (owner === undefined || name === undefined || body === undefined) return [];
    const reader = new Reader(module.bytes, body.start, body.end);
    if (reader.u32() !== 0 || reader.byte() !== 0x41)
      throw new Error(`bug: ${exportName} is not as expected`);
    return [{ type: reader.signed(32), module: `[export]${owner.replace(/#$/, '') || '$root'}`, name }];
  });
}

function locals(out: Writer, i32s: number, i64s = 0): Body {
  const groups = [
    [i32s, valueType.i32],
    [i64s, valueType.i64],
  ].filter(([count]) => count !== 0);
  out.u32(groups.length);
  for (const [count = 0, type = 0] of groups) {
    out.u32(count);
    out.byte(type);
  }
  return new Body(out);
}
