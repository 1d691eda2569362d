import { skipConstExpr } from './const-expr.ts';
import { type Reader, unsupported } from './reader.ts';

/** What a component needs to know of a core module inside it; its code is validated by the engine that compiles it. */
export interface CoreModuleShape {
  readonly imports: readonly CoreImport[];
  readonly exports: ReadonlyMap<string, CoreExternType>;
  readonly memories: readonly CoreLimits[];
  readonly tables: readonly CoreLimits[];
  /** Index in the function index space, imports first. */
  readonly start?: number;
  /** Types it declares. */
  readonly typeCount: number;
  /** Types of the functions, imported ones first. */
  readonly functions: readonly (CoreFuncType | undefined)[];
  /** Byte ranges of the sections by id, for readers who need the code or the elements. */
  readonly sections: ReadonlyMap<number, { readonly offset: number; readonly end: number }>;
  readonly exportIndices: ReadonlyMap<string, { readonly sort: CoreSort; readonly index: number }>;
}

export interface CoreImport {
  readonly module: string;
  readonly name: string;
  readonly type: CoreExternType;
}

export type CoreSort = 'func' | 'table' | 'memory' | 'global' | 'tag';

export interface CoreLimits {
  /** Pages of a memory, elements of a table. */
  readonly min: number;
  readonly max?: number;
  readonly shared: boolean;
  readonly wide: boolean;
}

export type CoreExternType =
  | { readonly sort: 'func'; readonly type: CoreFuncType | undefined }
  | { readonly sort: 'table' | 'memory'; readonly limits: CoreLimits }
  | { readonly sort: 'tag'; readonly type: CoreFuncType | undefined }
  | { readonly sort: 'global'; readonly type: CoreGlobalType };

/** `value` is a letter as in `CoreFuncType`. */
export interface CoreGlobalType {
  readonly value: string;
  readonly mutable: boolean;
}

/** `params` and `results` in one letter each: i I f F (i32 i64 f32 f64), v (v128), r (any reference). */
export interface CoreFuncType {
  readonly params: string;
  readonly results: string;
}

const coreCountMax = 1_000_000;
const coreSorts: readonly CoreSort[] = ['func', 'table', 'memory', 'global', 'tag'];
const limitPagesMax = 2 ** 53;

/** Reads the sections a linker looks at; code, data and names are passed over. */
export function readCoreModule(reader: Reader): CoreModuleShape {
  reader.offset += 8;
  const scan = new CoreScan();
  let last = 0;
  while (!reader.done) {
    const at = reader.offset;
    const id = reader.byte();
    const body = reader.slice(reader.u32());
    if (id === 0) continue;
    const order = sectionOrder.indexOf(id);
    if (order < 0) reader.fail(`unknown core section ${id}`, at);
    if (order < last) reader.fail(`core section ${id} is out of order`, at);
    last = order + 1;
    scan.sections.set(id, { offset: body.offset, end: body.end });
    scan.read(id, body);
  }
  return scan.shape();
}

/** Order in which core sections must come, by id: the tag section lies between memory and global, data count before code. */
const sectionOrder: readonly number[] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

class CoreScan {
  readonly types: (CoreFuncType | undefined)[] = [];
  readonly imports: CoreImport[] = [];
  readonly functions: (CoreFuncType | undefined)[] = [];
  readonly memories: CoreLimits[] = [];
  readonly tables: CoreLimits[] = [];
  readonly ownMemories: CoreLimits[] = [];
  readonly ownTables: CoreLimits[] = [];
  readonly exports = new Map<string, CoreExternType>();
  readonly exportIndices = new Map<string, { sort: CoreSort; index: number }>();
  readonly sections = new Map<number, { offset: number; end: number }>();
  readonly tags: (CoreFuncType | undefined)[] = [];
  readonly globals: CoreGlobalType[] = [];
  start: number | undefined;

  read(id: number, body: Reader): void {
    if (id === 1) readCoreTypes(body, this.types);
    else if (id === 2) this.readImports(body);
    else if (id === 3) this.readFunctions(body);
    else if (id === 4) this.readTables(body);
    else if (id === 5) this.readMemories(body);
    else if (id === 6) this.readGlobals(body);
    else if (id === 13) this.readTags(body);
    else if (id === 7) this.readExports(body);
    else if (id === 8) this.start = body.u32();
  }

  shape(): CoreModuleShape {
    return {
      imports: this.imports,
      exports: this.exports,
      exportIndices: this.exportIndices,
      typeCount: this.types.length,
      functions: this.functions,
      memories: this.ownMemories,
      tables: this.ownTables,
      sections: this.sections,
      ...(this.start === undefined ? {} : { start: this.start }),
    };
  }

  readImports(body: Reader): void {
    for (let left = body.count('imports', coreCountMax); left > 0; left -= 1) {
      const module = body.name();
      const name = body.name();
      const type = readCoreExternType(body, this.types);
      this.imports.push({ module, name, type });
      if (type.sort === 'func') this.functions.push(type.type);
      else if (type.sort === 'table') this.tables.push(type.limits);
      else if (type.sort === 'memory') this.memories.push(type.limits);
      else if (type.sort === 'tag') this.tags.push(type.type);
      else if (type.sort === 'global') this.globals.push(type.type);
    }
  }

  readFunctions(body: Reader): void {
    for (let left = body.count('functions', coreCountMax); left > 0; left -= 1)
      this.functions.push(typeAt(body, this.types));
  }

  readTables(body: Reader): void {
    for (let left = body.count('tables', coreCountMax); left > 0; left -= 1) {
      const withInit = body.peek() === 0x40;
      if (withInit) body.offset += 2;
      skipRefType(body);
      const limits = readLimits(body);
      this.tables.push(limits);
      this.ownTables.push(limits);
      if (withInit) skipConstExpr(body);
    }
  }

  readMemories(body: Reader): void {
    for (let left = body.count('memories', coreCountMax); left > 0; left -= 1) {
      const limits = readLimits(body);
      this.memories.push(limits);
      this.ownMemories.push(limits);
    }
  }

  readTags(body: Reader): void {
    for (let left = body.count('tags', coreCountMax); left > 0; left -= 1) {
      body.byte();
      this.tags.push(typeAt(body, this.types));
    }
  }

  readGlobals(body: Reader): void {
    for (let left = body.count('globals', coreCountMax); left > 0; left -= 1) {
      this.globals.push(readGlobalType(body));
      skipConstExpr(body);
    }
  }

  readExports(body: Reader): void {
    for (let left = body.count('exports', coreCountMax); left > 0; left -= 1) {
      const at = body.offset;
      const name = body.name();
      const sort = coreSorts[body.byte()];
      if (sort === undefined) body.fail('unknown kind of core export');
      const index = body.u32();
      if (this.exports.has(name)) body.fail(`duplicate core export '${name}'`, at);
      this.exports.set(name, this.externAt(body, sort, index));
      this.exportIndices.set(name, { sort, index });
    }
  }

  externAt(body: Reader, sort: CoreSort, index: number): CoreExternType {
    if (sort === 'func') {
      if (index >= this.functions.length) body.fail(`unknown core function ${index}`);
      return { sort, type: this.functions[index] };
    }
    if (sort === 'table' || sort === 'memory') {
      const limits = (sort === 'table' ? this.tables : this.memories)[index];
      if (limits === undefined) body.fail(`unknown core ${sort} ${index}`);
      return { sort, limits };
    }
    if (sort === 'tag') {
      if (index >= this.tags.length) body.fail(`unknown core tag ${index}`);
      return { sort, type: this.tags[index] };
    }
    const type = this.globals[index];
    if (type === undefined) body.fail(`unknown core global ${index}`);
    return { sort, type };
  }
}

function typeAt(reader: Reader, types: readonly (CoreFuncType | undefined)[]): CoreFuncType | undefined {
  const at = reader.offset;
  const index = reader.u32();
  if (index >= types.length) reader.fail(`unknown core type ${index}`, at);
  return types[index];
}

/** An import's or export's type: `core:externtype`. */
export function readCoreExternType(
  reader: Reader,
  types: readonly (CoreFuncType | undefined)[],
): CoreExternType {
  const kind = reader.byte();
  if (kind === 0) return { sort: 'func', type: typeAt(reader, types) };
  if (kind === 1) {
    skipRefType(reader);
    return { sort: 'table', limits: readLimits(reader) };
  }
  if (kind === 2) return { sort: 'memory', limits: readLimits(reader) };
  if (kind === 3) return { sort: 'global', type: readGlobalType(reader) };
  if (kind !== 4) reader.fail(`unknown kind of core import ${kind}`);
  reader.byte();
  return { sort: 'tag', type: typeAt(reader, types) };
}

function readGlobalType(reader: Reader): CoreGlobalType {
  return { value: readCoreValueType(reader), mutable: reader.byte() !== 0 };
}

function readLimits(reader: Reader): CoreLimits {
  const flags = reader.byte();
  if (flags > 15) reader.fail(`unknown limits flags ${flags}`);
  const wide = (flags & 4) !== 0;
  const min = wide ? readWide(reader) : reader.u32();
  const max = (flags & 1) === 0 ? undefined : wide ? readWide(reader) : reader.u32();
  if ((flags & 8) !== 0) reader.u32();
  return { min, shared: (flags & 2) !== 0, wide, ...(max === undefined ? {} : { max }) };
}

function readWide(reader: Reader): number {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = reader.byte();
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return Math.min(value, limitPagesMax);
  }
  return reader.fail('integer representation too long');
}

const numberTypes: Readonly<Record<number, string>> = {
  127: 'i',
  126: 'I',
  125: 'f',
  124: 'F',
  123: 'v',
};

/** One core value type as a letter (see `CoreFuncType`). */
export function readCoreValueType(reader: Reader): string {
  const letter = numberTypes[reader.peek()];
  if (letter === undefined) {
    skipRefType(reader);
    return 'r';
  }
  reader.offset += 1;
  return letter;
}

function skipRefType(reader: Reader): void {
  const at = reader.offset;
  const code = reader.byte();
  if (code === 0x63 || code === 0x64) reader.s33();
  else if (code < 0x68 || code > 0x75) reader.fail(`unknown core type 0x${code.toString(16)}`, at);
}

/** Reads a vector of recursive types; only function types are kept, the others hold their place. */
function readCoreTypes(reader: Reader, types: (CoreFuncType | undefined)[]): void {
  for (let left = reader.count('core types', coreCountMax); left > 0; left -= 1) readRecType(reader, types);
}

/** One `core:rectype`: a group, a `sub`, or a plain composite type. */
export function readRecType(reader: Reader, types: (CoreFuncType | undefined)[]): void {
  if (reader.peek() !== 0x4e) {
    types.push(readSubType(reader));
    return;
  }
  reader.offset += 1;
  for (let left = reader.count('core types', coreCountMax); left > 0; left -= 1)
    types.push(readSubType(reader));
}

function readSubType(reader: Reader): CoreFuncType | undefined {
  const code = reader.peek();
  if (code !== 0x50 && code !== 0x4f) return readCompositeType(reader);
  reader.offset += 1;
  for (let left = reader.count('supertypes', coreCountMax); left > 0; left -= 1) reader.u32();
  return readCompositeType(reader);
}

function readCompositeType(reader: Reader): CoreFuncType | undefined {
  const at = reader.offset;
  const code = reader.byte();
  if (code === 0x60) return { params: readTypeVector(reader), results: readTypeVector(reader) };
  if (code === 0x5f) {
    for (let left = reader.count('fields', coreCountMax); left > 0; left -= 1) skipField(reader);
    return undefined;
  }
  if (code === 0x5e) {
    skipField(reader);
    return undefined;
  }
  if (code === 0x65) throw unsupported('shared core types', at);
  return reader.fail(`unknown core type form 0x${code.toString(16)}`, at);
}

function readTypeVector(reader: Reader): string {
  let letters = '';
  for (let left = reader.count('core types', coreCountMax); left > 0; left -= 1)
    letters += readCoreValueType(reader);
  return letters;
}

function skipField(reader: Reader): void {
  const code = reader.peek();
  if (code === 0x78 || code === 0x77) reader.offset += 1;
  else readCoreValueType(reader);
  reader.byte();
}
