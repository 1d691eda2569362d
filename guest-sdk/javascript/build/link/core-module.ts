import { Reader } from '../../../../host/engine/meter/reader.ts';
import type { Writer } from '../../../../host/engine/meter/writer.ts';

/** A core module's parts, as far as joining modules needs them. Indices are the module's own. */
export interface CoreModule {
  readonly bytes: Uint8Array;
  /** Each function type in its binary form. */
  readonly types: readonly Uint8Array[];
  readonly imports: readonly CoreImport[];
  /** Type indices of the functions defined here. */
  readonly functions: readonly number[];
  /** Binary forms of the tables' and memories' types. */
  readonly tables: readonly Uint8Array[];
  readonly memories: readonly Uint8Array[];
  readonly globals: readonly CoreGlobal[];
  readonly exports: ReadonlyMap<string, CoreExport>;
  readonly elements: readonly ElementSegment[];
  readonly bodies: readonly Range[];
  readonly data: readonly DataSegment[];
  /** Whether a function of it runs at instantiation. */
  readonly hasStart: boolean;
}

export type CoreSort = 'func' | 'table' | 'memory' | 'global';

export interface CoreImport {
  readonly module: string;
  readonly name: string;
  readonly sort: CoreSort;
  /** The type index of a function; 0 otherwise. */
  readonly type: number;
}

export interface CoreExport {
  readonly sort: CoreSort;
  readonly index: number;
}

export interface CoreGlobal {
  /** Value type and mutability in binary form. */
  readonly type: Uint8Array;
  readonly init: Constant;
}

/** A constant expression: a number and the values of globals, added. */
export interface Constant {
  readonly value: number;
  readonly globals: readonly number[];
}

/** Functions put into a table at instantiation. */
export interface ElementSegment {
  readonly table: number;
  readonly offset: Constant;
  readonly functions: readonly number[];
}

export interface DataSegment {
  /** Undefined: not copied at instantiation. */
  readonly offset: Constant | undefined;
  readonly content: Range;
}

/** Bytes [start, end) of the module. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

const sorts: readonly CoreSort[] = ['func', 'table', 'memory', 'global'];
const section = {
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
} as const;

const constantOperator = { end: 0x0b, globalGet: 0x23, i32: 0x41, i32Add: 0x6a } as const;

/**
 * Reads a module the toolchain made: functions with plain types, plain numbers in globals and offsets.
 * @throws Error for anything else, which only another version of the toolchain could bring
 */
export function readCoreModule(bytes: Uint8Array): CoreModule {
  const sections = sectionsOf(bytes);
  const list = <T>(id: number, read: (reader: Reader) => T): T[] => {
    const reader = sections.get(id);
    return reader === undefined ? [] : Array.from({ length: reader.count() }, () => read(reader));
  };
  const hasStart = sections.has(section.start);
  const types = list(section.type, readType);
  const imports = list(section.import, readImport);
  const functions = list(section.function, (reader) => reader.u32());
  const tables = list(section.table, (reader) => slice(reader, skipTable));
  const memories = list(section.memory, (reader) => slice(reader, skipLimits));
  const globals = list(section.global, readGlobal);
  const exports = new Map(list(section.export, readExport));
  const elements = list(section.element, readElement);
  const bodies = list(section.code, readBody);
  const data = list(section.data, readData);
  return {
    bytes,
    types,
    imports,
    functions,
    tables,
    memories,
    globals,
    exports,
    elements,
    bodies,
    data,
    hasStart,
  };
}

/** Writes the module with other names for its imports. */
export function copyImports(
  bytes: Uint8Array,
  out: Writer,
  rename: (wanted: CoreImport) => readonly [module: string, name: string],
): void {
  const reader = new Reader(bytes, 8);
  out.copy(bytes, 0, 8);
  while (!reader.done) {
    const start = reader.pos;
    const id = reader.byte();
    const size = reader.u32();
    const body = new Reader(bytes, reader.pos, reader.pos + size);
    reader.skip(size);
    if (id !== section.import) {
      out.copy(bytes, start, reader.pos);
      continue;
    }
    out.byte(id);
    const open = out.openSized();
    const count = body.count();
    out.u32(count);
    for (let index = 0; index < count; index += 1) {
      const wanted = readImport(body);
      for (const part of rename(wanted)) out.name(part);
      out.copy(bytes, wanted.typeStart, body.pos);
    }
    out.closeSized(open);
  }
}

function sectionsOf(bytes: Uint8Array): Map<number, Reader> {
  const reader = new Reader(bytes, 8);
  const sections = new Map<number, Reader>();
  while (!reader.done) {
    const id = reader.byte();
    const size = reader.u32();
    sections.set(id, new Reader(bytes, reader.pos, reader.pos + size));
    reader.skip(size);
  }
  return sections;
}

function readType(reader: Reader): Uint8Array {
  return slice(reader, () => {
    if (reader.byte() !== 0x60) throw unknown('a type that is no function type');
    reader.skip(reader.count());
    reader.skip(reader.count());
  });
}

function readImport(reader: Reader): CoreImport & { readonly typeStart: number } {
  const module = reader.name();
  const name = reader.name();
  const typeStart = reader.pos;
  const sort = sortOf(reader.byte());
  const type = sort === 'func' ? reader.u32() : 0;
  if (sort === 'table') skipTable(reader);
  else if (sort === 'memory') skipLimits(reader);
  else if (sort === 'global') reader.skip(2);
  return { module, name, sort, type, typeStart };
}

function readGlobal(reader: Reader): CoreGlobal {
  const type = slice(reader, () => reader.skip(2));
  return { type, init: readConstant(reader) };
}

function readExport(reader: Reader): [string, CoreExport] {
  return [reader.name(), { sort: sortOf(reader.byte()), index: reader.u32() }];
}

function readElement(reader: Reader): ElementSegment {
  const flags = reader.u32();
  if (flags !== 0 && flags !== 2) throw unknown(`an element segment of kind ${flags}`);
  const table = flags === 2 ? reader.u32() : 0;
  const offset = readConstant(reader);
  if (flags === 2) reader.skip(1);
  return { table, offset, functions: Array.from({ length: reader.count() }, () => reader.u32()) };
}

function readBody(reader: Reader): Range {
  return range(reader, reader.u32());
}

function readData(reader: Reader): DataSegment {
  const flags = reader.u32();
  if (flags > 1) throw unknown(`a data segment of kind ${flags}`);
  const offset = flags === 0 ? readConstant(reader) : undefined;
  return { offset, content: range(reader, reader.u32()) };
}

function readConstant(reader: Reader): Constant {
  const globals: number[] = [];
  let value = 0;
  for (;;) {
    const operator = reader.byte();
    if (operator === constantOperator.i32) value += reader.signed(32);
    else if (operator === constantOperator.globalGet) globals.push(reader.u32());
    else if (operator === constantOperator.end) return { value, globals };
    else if (operator !== constantOperator.i32Add) throw unknown(`operator ${operator} in a constant`);
  }
}

function skipTable(reader: Reader): void {
  reader.skip(1);
  skipLimits(reader);
}

function skipLimits(reader: Reader): void {
  const flags = reader.byte();
  if (flags > 1) throw unknown(`limits of kind ${flags}`);
  reader.u32();
  if (flags === 1) reader.u32();
}

function slice(reader: Reader, skip: (reader: Reader) => void): Uint8Array {
  const start = reader.pos;
  skip(reader);
  return reader.bytes.subarray(start, reader.pos);
}

function range(reader: Reader, length: number): Range {
  const start = reader.pos;
  reader.skip(length);
  return { start, end: reader.pos };
}

function sortOf(byte: number): CoreSort {
  const sort = sorts[byte];
  if (sort === undefined) throw unknown(`a definition of kind ${byte}`);
  return sort;
}

function unknown(what: string): Error {
  return new Error(`bug: the JavaScript engine's module has ${what}`);
}
