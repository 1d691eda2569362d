import { bounds } from './bounds.ts';
import type { CostTable } from './costs.ts';
import { arrayBytes, structBytes } from './objects.ts';
import type { Reader } from './reader.ts';
import { malformed, unsupported } from './refusal.ts';
import { readHeapType, type TypeTable } from './types.ts';
import type { Writer } from './writer.ts';

/** What a constant expression does, as far as fuel, renumbering and snapshots care. */
export interface ConstExpr {
  readonly start: number;
  readonly end: number;
  readonly operators: number;
  /** One numeric constant, which Wasmtime evaluates without running code. */
  readonly simple: boolean;
  /** The value of a single i32.const or i64.const. */
  readonly value: number | undefined;
  /** A single `ref.null`. */
  readonly isNull: boolean;
  /** What it leaves, if that is an i32 known beforehand. */
  readonly result: number | undefined;
  /** Fuel when it has to be run as code. */
  readonly fuel: number;
  /** Bytes of the object heap that it takes. */
  readonly heapBytes: number;
  /** Byte ranges of function and global indices, in order. */
  readonly references: readonly ConstReference[];
}

export interface ConstReference {
  readonly kind: 'function' | 'global';
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

/** What a constant expression is read against. */
export interface ConstContext {
  readonly costs: CostTable;
  readonly types: TypeTable;
  /** The value of global `index` if it is an i32 known beforehand. */
  globalValue(index: number): number | undefined;
}

interface Scan {
  readonly context: ConstContext;
  readonly references: ConstReference[];
  /** The operand stack: i32 values known beforehand, undefined for everything else. */
  readonly operands: (number | undefined)[];
  heapBytes: number;
  operators: number;
  elements: number;
  value: number | undefined;
  simple: boolean;
  isNull: boolean;
}

/** Reads a constant expression up to and with its `end`. */
export function readConstExpr(reader: Reader, context: ConstContext): ConstExpr {
  const start = reader.pos;
  const scan: Scan = {
    context,
    references: [],
    operands: [],
    heapBytes: 0,
    operators: 0,
    elements: 0,
    value: undefined,
    simple: false,
    isNull: false,
  };
  for (let opcode = reader.byte(); opcode !== 0x0b; opcode = reader.byte()) {
    scan.operators += 1;
    if (scan.operators > bounds.operatorsPerConstantMax)
      throw unsupported(`constants of more than ${bounds.operatorsPerConstantMax} operators`, start);
    readConstOperator(reader, opcode, scan);
  }
  const { costs } = context;
  const single = scan.operators === 1;
  return {
    start,
    end: reader.pos,
    operators: scan.operators,
    simple: single && scan.simple,
    value: single ? scan.value : undefined,
    isNull: single && scan.isNull,
    result: scan.operands.at(-1),
    heapBytes: scan.heapBytes,
    fuel: scan.operators * costs.operator + scan.elements * costs.arrayPerElement,
    references: scan.references,
  };
}

const plainConstOperators = new Set([0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e]);

function readConstOperator(reader: Reader, opcode: number, scan: Scan): void {
  const at = reader.pos - 1;
  scan.value = undefined;
  scan.simple = opcode >= 0x41 && opcode <= 0x44;
  scan.isNull = opcode === 0xd0;
  if (opcode === 0x41 || opcode === 0x42) readIntegerConst(reader, opcode, scan);
  else if (opcode === 0x43) skipOperand(reader, 4, scan);
  else if (opcode === 0x44) skipOperand(reader, 8, scan);
  else if (opcode === 0x23) addReference(reader, 'global', scan);
  else if (opcode === 0xd2) addReference(reader, 'function', scan);
  else if (opcode === 0xd0) readNull(reader, scan);
  else if (opcode === 0xfb) readGcConst(reader, scan);
  else if (opcode === 0xfd) readVectorConst(reader, scan);
  else if (plainConstOperators.has(opcode)) fold(opcode, scan.operands);
  else throw malformed(`operator 0x${opcode.toString(16)} in a constant expression`, at);
}

function readNull(reader: Reader, scan: Scan): void {
  readHeapType(reader);
  scan.operands.push(undefined);
}

function readIntegerConst(reader: Reader, opcode: number, scan: Scan): void {
  scan.value = reader.signed(opcode === 0x41 ? 32 : 64);
  scan.operands.push(opcode === 0x41 ? scan.value : undefined);
}

function skipOperand(reader: Reader, bytes: number, scan: Scan): void {
  reader.skip(bytes);
  scan.operands.push(undefined);
}

/** add, sub and mul of i32; 64-bit values are not followed. */
function fold(opcode: number, operands: (number | undefined)[]): void {
  const right = operands.pop();
  const left = operands.pop();
  if (left === undefined || right === undefined || opcode > 0x6c) operands.push(undefined);
  else if (opcode === 0x6a) operands.push((left + right) | 0);
  else operands.push(opcode === 0x6b ? (left - right) | 0 : Math.imul(left, right));
}

function addReference(reader: Reader, kind: 'function' | 'global', scan: Scan): void {
  const start = reader.pos;
  const index = reader.u32();
  scan.references.push({ kind, index, start, end: reader.pos });
  scan.operands.push(kind === 'global' ? scan.context.globalValue(index) : undefined);
}

function readVectorConst(reader: Reader, scan: Scan): void {
  const at = reader.pos - 1;
  if (reader.u32() !== 12) throw malformed('a vector operator in a constant expression', at);
  skipOperand(reader, 16, scan);
  scan.simple = true;
}

function readGcConst(reader: Reader, scan: Scan): void {
  const at = reader.pos - 1;
  const code = reader.u32();
  if (code === 0 || code === 1) readStructConst(reader, code, scan);
  else if (code >= 6 && code <= 8) readArrayConst(reader, code, scan);
  else if (code < 26 || code > 28) throw unsupported(`GC operator ${code} in a constant expression`, at);
  else replaceOperand(scan.operands);
}

function readStructConst(reader: Reader, code: number, scan: Scan): void {
  const { types } = scan.context;
  const type = objectType(reader, types);
  if (code === 0) drop(scan.operands, types.fieldCounts[type] as number);
  scan.heapBytes += structBytes(types, type);
  scan.operands.push(undefined);
}

function readArrayConst(reader: Reader, code: number, scan: Scan): void {
  const { types } = scan.context;
  const at = reader.pos;
  const type = objectType(reader, types);
  const length = code === 8 ? reader.u32() : scan.operands.pop();
  if (length === undefined) throw unsupported('an array whose constant length is not known beforehand', at);
  if (code !== 7) drop(scan.operands, code === 8 ? length : 1);
  if (code !== 8) scan.elements += length >>> 0;
  scan.heapBytes += arrayBytes(types, type, length >>> 0);
  scan.operands.push(undefined);
}

function objectType(reader: Reader, types: TypeTable): number {
  const at = reader.pos;
  const type = reader.u32();
  if (type >= types.count) throw malformed('an unknown type', at);
  return type;
}

/** ref.i31 and the conversions: one in, one out. */
function replaceOperand(operands: (number | undefined)[]): void {
  operands.pop();
  operands.push(undefined);
}

function drop(operands: (number | undefined)[], count: number): void {
  operands.length = Math.max(0, operands.length - count);
}

/** Writes a constant expression with its function and global indices renumbered. */
export function writeConstExpr(
  writer: Writer,
  bytes: Uint8Array,
  expr: ConstExpr,
  renumber: (reference: ConstReference) => number,
): void {
  let from = expr.start;
  for (const reference of expr.references) {
    writer.copy(bytes, from, reference.start);
    writer.u32(renumber(reference));
    from = reference.end;
  }
  writer.copy(bytes, from, expr.end);
}
