import { bounds } from './bounds.ts';
import { readConstExpr } from './const-expr.ts';
import type { CostTable } from './costs.ts';
import {
  type CodeBodies,
  type DataSegment,
  type ElementSegment,
  type EntityKind,
  type ExportEntry,
  entityKinds,
  type GlobalEntry,
  type ImportEntry,
  type MemoryEntry,
  type ModuleParts,
  type RangeLimits,
  type Section,
  type TableEntry,
} from './module.ts';
import { Reader } from './reader.ts';
import { malformed, unsupported } from './refusal.ts';
import { emptyTypes, readTypes, readValueType, type TypeTable } from './types.ts';

/** Section ids in the order the format prescribes. */
export const sectionOrder: readonly number[] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/** Reads everything of a module but the function bodies. */
export function readModule(bytes: Uint8Array, costs: CostTable): ModuleParts {
  return new ModuleReader(bytes, costs).read();
}

class ModuleReader {
  readonly bytes: Uint8Array;
  readonly costs: CostTable;
  sections: Section[] = [];
  types: TypeTable = emptyTypes;
  imports: ImportEntry[] = [];
  functions: number[] = [];
  importedFunctions = 0;
  importedGlobals = 0;
  tables: TableEntry[] = [];
  memories: MemoryEntry[] = [];
  globals: GlobalEntry[] = [];
  tags: number[] = [];
  exports: ExportEntry[] = [];
  start: number | undefined;
  elements: ElementSegment[] = [];
  data: DataSegment[] = [];
  #elementCount = 0;
  #constants = 0;
  #constantOperators = 0;
  code: CodeBodies = { count: 0, starts: new Int32Array(0), ends: new Int32Array(0) };

  constructor(bytes: Uint8Array, costs: CostTable) {
    this.bytes = bytes;
    this.costs = costs;
  }

  read(): ModuleParts {
    this.sections = readSections(this.bytes);
    for (const section of this.sections) this.#readSection(section);
    atMost(this.functions.length, bounds.functionsMax, 'functions', this.bytes.length);
    atMost(this.memories.length, bounds.memoriesMax, 'memories', this.bytes.length);
    if (this.code.count !== this.functions.length - this.importedFunctions)
      throw malformed('a function count that differs from the code count', this.bytes.length);
    return { ...this, functions: Int32Array.from(this.functions) };
  }

  #readSection(section: Section): void {
    const reader = new Reader(this.bytes, section.start, section.end);
    if (section.id !== 1) reader.typeCount = this.types.count;
    if (section.id === 1) this.types = readTypes(reader);
    else if (section.id === 2) each(reader, 'imports', bounds.importsMax, () => this.#readImport(reader));
    else if (section.id === 3)
      each(reader, 'functions', bounds.functionsMax, () => this.functions.push(this.#functionType(reader)));
    else if (section.id === 4)
      each(reader, 'tables', bounds.tablesMax, () => this.tables.push(this.#readTable(reader)));
    else if (section.id === 5)
      each(reader, 'memories', bounds.memoriesMax, () => this.memories.push(readMemory(reader, false)));
    else if (section.id === 13) each(reader, 'tags', bounds.tagsMax, () => this.#readTag(reader));
    else if (section.id === 6)
      each(reader, 'globals', bounds.globalsMax, () => this.globals.push(this.#readGlobal(reader)));
    else if (section.id === 7)
      each(reader, 'exports', bounds.exportsMax, () => this.exports.push(this.#readExport(reader)));
    else if (section.id === 8) this.#readStart(reader);
    else if (section.id === 9)
      each(reader, 'element segments', bounds.elementSegmentsMax, () =>
        this.elements.push(this.#readElements(reader)),
      );
    else if (section.id === 10) this.code = readBodies(reader);
    else if (section.id === 11)
      each(reader, 'data segments', bounds.dataSegmentsMax, () => this.data.push(this.#readData(reader)));
  }

  #readImport(reader: Reader): void {
    const module = reader.name();
    const name = reader.name();
    const at = reader.pos;
    const code = reader.byte();
    const kind = entityKinds[code];
    if (code === 0x20) throw unsupported('exact function imports', at);
    if (name === '' && (code === 0x7f || code === 0x7e)) throw unsupported('compact imports', at);
    if (kind === undefined) throw malformed('an unknown import kind', at);
    this.imports.push({ module, name, kind, index: this.#readImported(reader, kind) });
  }

  #readImported(reader: Reader, kind: EntityKind): number {
    if (kind === 'function') {
      this.importedFunctions += 1;
      return this.functions.push(this.#functionType(reader)) - 1;
    }
    if (kind === 'table') return this.tables.push(readTableType(reader, true)) - 1;
    if (kind === 'memory') return this.memories.push(readMemory(reader, true)) - 1;
    if (kind === 'global') {
      this.importedGlobals += 1;
      return this.globals.push(readGlobalType(reader, true)) - 1;
    }
    this.#readTag(reader);
    return this.tags.length - 1;
  }

  #functionType(reader: Reader): number {
    const at = reader.pos;
    const type = reader.u32();
    if (type >= this.types.count || (this.types.paramCounts[type] as number) < 0)
      throw malformed('a function without a function type', at);
    return type;
  }

  #functionIndex(reader: Reader): number {
    const at = reader.pos;
    const index = reader.u32();
    if (index >= this.functions.length) throw malformed('an unknown function', at);
    return index;
  }

  #readStart(reader: Reader): void {
    this.start = this.#functionIndex(reader);
    reader.finish('a start section');
  }

  #readTag(reader: Reader): void {
    if (reader.byte() !== 0) throw malformed('an unknown tag attribute', reader.pos - 1);
    this.tags.push(this.#functionType(reader));
  }

  #readTable(reader: Reader): TableEntry {
    if (reader.peek() !== 0x40) return readTableType(reader, false);
    reader.byte();
    if (reader.byte() !== 0) throw malformed('an unknown table form', reader.pos - 1);
    const table = readTableType(reader, false);
    return { ...table, init: this.#constExpr(reader) };
  }

  #readGlobal(reader: Reader): GlobalEntry {
    const global = readGlobalType(reader, false);
    return { ...global, init: this.#constExpr(reader) };
  }

  globalValue(index: number): number | undefined {
    const global = this.globals[index];
    return global?.mutable === false && global.type.code === 0x7f ? global.init?.result : undefined;
  }

  #constExpr(reader: Reader): ReturnType<typeof readConstExpr> {
    const expr = readConstExpr(reader, this);
    this.#constants += 1;
    this.#constantOperators += expr.operators;
    atMost(this.#constants, bounds.constantsMax, 'constant expressions', expr.start);
    atMost(this.#constantOperators, bounds.constantOperatorsMax, 'constant operators', expr.start);
    for (const { kind, index, start } of expr.references) {
      const count = kind === 'function' ? this.functions.length : this.globals.length;
      if (index >= count) throw malformed(`an unknown ${kind}`, start);
    }
    return expr;
  }

  #readExport(reader: Reader): ExportEntry {
    const name = reader.name();
    const at = reader.pos;
    const kind = entityKinds[reader.byte()];
    if (kind === undefined) throw malformed('an unknown export kind', at);
    const index = reader.u32();
    if (index >= this.#count(kind)) throw malformed(`an export of an unknown ${kind}`, at);
    return { name, kind, index };
  }

  #count(kind: EntityKind): number {
    if (kind === 'function') return this.functions.length;
    if (kind === 'table') return this.tables.length;
    if (kind === 'memory') return this.memories.length;
    return kind === 'global' ? this.globals.length : this.tags.length;
  }

  #readElements(reader: Reader): ElementSegment {
    const start = reader.pos;
    const flags = reader.u32();
    if (flags > 7) throw malformed('unknown element segment flags', start);
    const active = (flags & 1) === 0;
    const table = active && flags & 2 ? reader.u32() : 0;
    const offset = active ? this.#constExpr(reader) : undefined;
    if (flags & 3) {
      if (flags & 4) readValueType(reader);
      else if (reader.byte() !== 0) throw malformed('an unknown element kind', reader.pos - 1);
    }
    const itemsStart = reader.pos;
    const functions: number[] = [];
    const exprs: ElementSegment['exprs'][number][] = [];
    const count = reader.count();
    this.#elementCount += count;
    atMost(this.#elementCount, bounds.elementsMax, 'elements', start);
    for (let index = 0; index < count; index += 1) {
      if (flags & 4) exprs.push(this.#constExpr(reader));
      else functions.push(this.#functionIndex(reader));
    }
    return { flags, start, end: reader.pos, table, offset, itemsStart, functions, exprs };
  }

  #readData(reader: Reader): DataSegment {
    const start = reader.pos;
    const flags = reader.u32();
    if (flags > 2) throw malformed('unknown data segment flags', start);
    const memory = flags === 2 ? reader.u32() : 0;
    const offset = flags === 1 ? undefined : this.#constExpr(reader);
    const bytesLength = reader.u32();
    reader.skip(bytesLength);
    return { start, end: reader.pos, memory, offset, bytesLength };
  }
}

/** Reads all of a section's entries. */
function each(reader: Reader, what: string, max: number, read: () => void): void {
  const at = reader.pos;
  const count = reader.count();
  atMost(count, max, what, at);
  for (let index = 0; index < count; index += 1) read();
  reader.finish('a section');
}

function atMost(count: number, max: number, what: string, at: number): void {
  if (count > max) throw unsupported(`more than ${max} ${what}`, at);
}

function readSections(bytes: Uint8Array): Section[] {
  const reader = new Reader(bytes);
  const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  for (const [offset, expected] of header.entries()) {
    if (reader.done || reader.byte() !== expected) throw malformed('no core module header', offset);
  }
  atMost(bytes.length, bounds.moduleBytesMax, 'bytes', 0);
  const sections: Section[] = [];
  let customs = 0;
  let rank = -1;
  while (!reader.done) {
    const at = reader.pos;
    const section = readSection(reader);
    if (section.id === 0) atMost(++customs, bounds.customSectionsMax, 'custom sections', at);
    else {
      const next = sectionOrder.indexOf(section.id);
      if (next < 0) throw malformed(`an unknown section ${section.id}`, at);
      if (next <= rank) throw malformed('a section out of order', at);
      rank = next;
    }
    sections.push(section);
  }
  return sections;
}

function readSection(reader: Reader): Section {
  const id = reader.byte();
  const size = reader.u32();
  const start = reader.pos;
  reader.skip(size);
  const end = reader.pos;
  const name = id === 0 ? new Reader(reader.bytes, start, end).name() : '';
  return { id, start, end, name };
}

function readLimits(reader: Reader, what: string): RangeLimits {
  const at = reader.pos;
  const flags = reader.byte();
  if (flags & 2) throw unsupported(`a shared ${what} (threads)`, at);
  if (flags & 8) throw unsupported(`a ${what} with custom page sizes`, at);
  if (flags > 5) throw malformed('unknown limits flags', at);
  const index64 = (flags & 4) !== 0;
  const read = () => (index64 ? reader.u64() : BigInt(reader.u32()));
  return { min: read(), max: flags & 1 ? read() : undefined, index64 };
}

function readTableType(reader: Reader, imported: boolean): TableEntry {
  const typeStart = reader.pos;
  const type = readValueType(reader);
  if (type.code >= 0x7b) throw malformed('a table of something other than references', typeStart);
  const typeEnd = reader.pos;
  return { imported, type, typeStart, typeEnd, limits: readLimits(reader, 'table'), init: undefined };
}

function readMemory(reader: Reader, imported: boolean): MemoryEntry {
  return { imported, limits: readLimits(reader, 'memory') };
}

function readGlobalType(reader: Reader, imported: boolean): GlobalEntry {
  const typeStart = reader.pos;
  const type = readValueType(reader);
  const mutability = reader.byte();
  if (mutability & 2) throw unsupported('a shared global (threads)', reader.pos - 1);
  if (mutability > 1) throw malformed('unknown global mutability', reader.pos - 1);
  return { imported, type, mutable: mutability === 1, typeStart, typeEnd: reader.pos, init: undefined };
}

function readBodies(reader: Reader): CodeBodies {
  const count = reader.count();
  atMost(count, bounds.functionsMax, 'functions', reader.pos);
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  for (let index = 0; index < count; index += 1) {
    const size = reader.u32();
    atMost(size, bounds.bodyBytesMax, 'bytes in one function', reader.pos);
    starts[index] = reader.pos;
    reader.skip(size);
    ends[index] = reader.pos;
  }
  reader.finish('a code section');
  return { count, starts, ends };
}
