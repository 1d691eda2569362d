import type { CostTable } from './costs.ts';
import type { Reader } from './reader.ts';
import { malformed, unsupported } from './refusal.ts';
import { readHeapType } from './types.ts';
import type { Writer } from './writer.ts';

/** What a constant expression does, as far as fuel, renumbering and snapshots care. */
export interface ConstExpr {
  readonly start: number;
  readonly end: number;
  /** One numeric constant, which Wasmtime evaluates without running code. */
  readonly simple: boolean;
  /** The value of a single i32.const or i64.const. */
  readonly value: number | undefined;
  /** A single `ref.null`. */
  readonly isNull: boolean;
  /** Fuel when it has to be run as code. */
  readonly fuel: number;
  /** Byte ranges of function and global indices, in order. */
  readonly references: readonly ConstReference[];
}

export interface ConstReference {
  readonly kind: 'function' | 'global';
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

interface Scan {
  readonly references: ConstReference[];
  operators: number;
  elements: number;
  value: number | undefined;
  simple: boolean;
  isNull: boolean;
}

/** Reads a constant expression up to and with its `end`. */
export function readConstExpr(reader: Reader, costs: CostTable): ConstExpr {
  const start = reader.pos;
  const scan: Scan = {
    references: [],
    operators: 0,
    elements: 0,
    value: undefined,
    simple: false,
    isNull: false,
  };
  for (let opcode = reader.byte(); opcode !== 0x0b; opcode = reader.byte()) {
    scan.operators += 1;
    readConstOperator(reader, opcode, scan);
  }
  const single = scan.operators === 1;
  return {
    start,
    end: reader.pos,
    simple: single && scan.simple,
    value: single ? scan.value : undefined,
    isNull: single && scan.isNull,
    fuel: scan.operators * costs.operator + scan.elements * costs.arrayPerElement,
    references: scan.references,
  };
}

const plainConstOperators = new Set([0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e]);

function readConstOperator(reader: Reader, opcode: number, scan: Scan): void {
  const at = reader.pos - 1;
  const length = scan.value;
  scan.value = undefined;
  scan.simple = opcode >= 0x41 && opcode <= 0x44;
  scan.isNull = opcode === 0xd0;
  if (opcode === 0x41) scan.value = reader.signed(32);
  else if (opcode === 0x42) scan.value = reader.signed(64);
  else if (opcode === 0x43) reader.skip(4);
  else if (opcode === 0x44) reader.skip(8);
  else if (opcode === 0x23) addReference(reader, 'global', scan);
  else if (opcode === 0xd2) addReference(reader, 'function', scan);
  else if (opcode === 0xd0) readHeapType(reader);
  else if (opcode === 0xfb) readGcConst(reader, length ?? 0, scan);
  else if (opcode === 0xfd) readVectorConst(reader, scan);
  else if (!plainConstOperators.has(opcode))
    throw malformed(`operator 0x${opcode.toString(16)} in a constant expression`, at);
}

function addReference(reader: Reader, kind: 'function' | 'global', scan: Scan): void {
  const start = reader.pos;
  const index = reader.u32();
  scan.references.push({ kind, index, start, end: reader.pos });
}

function readVectorConst(reader: Reader, scan: Scan): void {
  const at = reader.pos - 1;
  if (reader.u32() !== 12) throw malformed('a vector operator in a constant expression', at);
  reader.skip(16);
  scan.simple = true;
}

function readGcConst(reader: Reader, length: number, scan: Scan): void {
  const at = reader.pos - 1;
  const code = reader.u32();
  if (code === 0 || code === 1) reader.u32();
  else if (code === 6 || code === 7) {
    reader.u32();
    scan.elements += length >>> 0;
  } else if (code === 8) {
    reader.u32();
    reader.u32();
  } else if (code !== 26 && code !== 27 && code !== 28)
    throw unsupported(`GC operator ${code} in a constant expression`, at);
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
