import { bounds } from './bounds.ts';
import type { Reader } from './reader.ts';
import { malformed, unsupported } from './refusal.ts';

const { typesMax } = bounds;

/** Composite types by index: what the rewriter must know about each. */
export interface TypeTable {
  readonly count: number;
  /** How many recursion groups the section holds, which is the section's own count. */
  readonly groups: number;
  /** Parameters of a function type; -1 for a struct or array. */
  readonly paramCounts: Int32Array;
  readonly resultCounts: Int32Array;
  /** Bytes of a struct's fields, or of one element of an array, as V8 lays them out; 0 for a function. */
  readonly sizes: Float64Array;
  readonly fieldCounts: Int32Array;
  /** Whether there are structs or arrays. */
  readonly hasObjects: boolean;
}

export const emptyTypes: TypeTable = {
  count: 0,
  groups: 0,
  paramCounts: new Int32Array(0),
  resultCounts: new Int32Array(0),
  sizes: new Float64Array(0),
  fieldCounts: new Int32Array(0),
  hasObjects: false,
};

/** Reads the type section's content (recursion groups, subtypes, func, struct, array). */
export function readTypes(reader: Reader): TypeTable {
  const start = reader.pos;
  const count = countTypes(reader);
  reader.pos = start;
  reader.typeCount = count;
  return readCountedTypes(reader);
}

/** Types may name later ones, so that they are counted before they are checked. */
function countTypes(reader: Reader): number {
  return readCountedTypes(reader).count;
}

function readCountedTypes(reader: Reader): TypeTable {
  const groups = reader.count();
  const bound = Math.min(reader.end - reader.pos, typesMax);
  const table = {
    count: 0,
    groups,
    paramCounts: new Int32Array(bound),
    resultCounts: new Int32Array(bound),
    sizes: new Float64Array(bound),
    fieldCounts: new Int32Array(bound),
    hasObjects: false,
  };
  for (let group = 0; group < groups; group += 1) {
    if (reader.peek() === 0x4e) {
      reader.byte();
      const size = reader.count();
      for (let member = 0; member < size; member += 1) readSubType(reader, table);
    } else readSubType(reader, table);
  }
  reader.finish('a type section');
  return table;
}

interface GrowingTypes {
  count: number;
  readonly paramCounts: Int32Array;
  readonly resultCounts: Int32Array;
  readonly sizes: Float64Array;
  readonly fieldCounts: Int32Array;
  hasObjects: boolean;
}

function readSubType(reader: Reader, table: GrowingTypes): void {
  const form = reader.peek();
  if (form === 0x50 || form === 0x4f) {
    reader.byte();
    const supers = reader.count();
    for (let index = 0; index < supers; index += 1) reader.u32();
  }
  readCompositeType(reader, table);
}

function readCompositeType(reader: Reader, table: GrowingTypes): void {
  const at = reader.pos;
  const form = reader.byte();
  const index = table.count;
  table.count += 1;
  if (table.count > typesMax) throw unsupported(`more than ${typesMax} types`, at);
  table.paramCounts[index] = -1;
  if (form === 0x60) {
    table.paramCounts[index] = skipValueTypes(reader);
    table.resultCounts[index] = skipValueTypes(reader);
  } else if (form === 0x5f) {
    const fields = reader.count();
    let bytes = 0;
    for (let field = 0; field < fields; field += 1) bytes += fieldBytes(reader);
    table.sizes[index] = bytes;
    table.fieldCounts[index] = fields;
    table.hasObjects = true;
  } else if (form === 0x5e) {
    table.sizes[index] = fieldBytes(reader);
    table.hasObjects = true;
  } else if (form === 0x5d) throw unsupported('stack switching (continuation types)', at);
  else if (form === 0x65) throw unsupported('shared types', at);
  else if (form === 0x4c || form === 0x4d) throw unsupported('custom descriptors', at);
  else throw malformed(`an unknown type form 0x${form.toString(16)}`, at);
}

function skipValueTypes(reader: Reader): number {
  const count = reader.count();
  for (let index = 0; index < count; index += 1) readValueType(reader);
  return count;
}

/** Reads a field type; its size with what alignment may add. */
function fieldBytes(reader: Reader): number {
  const form = reader.peek();
  const packed = form === 0x78 || form === 0x77;
  const code = packed ? reader.byte() : readValueType(reader).code;
  reader.byte();
  if (packed) return form === 0x78 ? 1 : 2;
  if (code === 0x7f || code === 0x7d) return 4;
  return code === 0x7b ? 16 : 8;
}

/** Skips a heap type; returns it (negative: abstract, as a signed byte; otherwise a type index). */
export function readHeapType(reader: Reader): number {
  const at = reader.pos;
  const first = reader.peek();
  if (first === 0x65) throw unsupported('shared types', at);
  if (first === 0x62) throw unsupported('exact types', at);
  const heapType = reader.signed(33);
  if (heapType === -0x18 || heapType === -0x0b) throw unsupported('stack switching (cont references)', at);
  if (heapType < 0 && (heapType < -0x17 || heapType > -0x0c)) throw malformed('an unknown heap type', at);
  if (heapType >= reader.typeCount) throw malformed('an unknown type', at);
  return heapType;
}

/** A value type: its first byte, and the heap type for references. */
export interface ValueType {
  readonly code: number;
  readonly heapType: number;
}

const referenceShorthand = new Set([0x74, 0x73, 0x72, 0x71, 0x70, 0x6f, 0x6e, 0x6d, 0x6c, 0x6b, 0x6a, 0x69]);

/** Reads a value type. */
export function readValueType(reader: Reader): ValueType {
  const at = reader.pos;
  const code = reader.byte();
  if (code >= 0x7b && code <= 0x7f) return { code, heapType: 0 };
  if (code === 0x63 || code === 0x64) return { code, heapType: readHeapType(reader) };
  if (referenceShorthand.has(code)) return { code, heapType: code - 0x80 };
  if (code === 0x68 || code === 0x75) throw unsupported('stack switching (cont references)', at);
  if (code === 0x65) throw unsupported('shared types', at);
  throw malformed(`an unknown value type 0x${code.toString(16)}`, at);
}

const typeNames: Readonly<Record<number, string>> = {
  127: 'i32',
  126: 'i64',
  125: 'f32',
  124: 'f64',
  123: 'v128',
  116: 'nullexnref',
  115: 'nullfuncref',
  114: 'nullexternref',
  113: 'nullref',
  112: 'funcref',
  111: 'externref',
  110: 'anyref',
  109: 'eqref',
  108: 'i31ref',
  107: 'structref',
  106: 'arrayref',
  105: 'exnref',
};

/** A value type as text: `i32`, `funcref`, `(ref null 3)`. */
export function typeName(type: ValueType): string {
  const shorthand = typeNames[type.code];
  if (shorthand !== undefined) return shorthand;
  const heap =
    type.heapType >= 0
      ? String(type.heapType)
      : (typeNames[type.heapType + 0x80] ?? 'ref').replace(/ref$/, '');
  return type.code === 0x63 ? `(ref null ${heap})` : `(ref ${heap})`;
}
