import { HostError } from '../../errors.ts';
import { AddedFunctions, AddedTypes, Body, isReserved, reservedName } from './added.ts';
import { Analyzer } from './analyze.ts';
import { bounds } from './bounds.ts';
import { type ConstReference, writeConstExpr } from './const-expr.ts';
import type { CostTable } from './costs.ts';
import { type CounterMode, Emitter } from './emit.ts';
import { branchHintSection, HintList, readHints } from './hints.ts';
import { Leaves } from './leaves.ts';
import type { ModuleParts, RangeLimits, Section, TableEntry } from './module.ts';
import { renumberNames } from './names.ts';
import { arrayBytes, arrayHeaderBytes, exceptionBytes, structBytes } from './objects.ts';
import type { MeterOptions } from './options.ts';
import { malformed, unsupported } from './refusal.ts';
import { readModule, sectionOrder } from './sections.ts';
import { writeShield } from './shield.ts';
import { type Runtime, SlowPath } from './slow-path.ts';
import { startupBytes, startupFuel } from './startup.ts';
import { substitute } from './substitutes.ts';
import { exportNames, type ModuleSummary, savedGroups, summarize } from './summary.ts';
import type { ModuleView } from './view.ts';
import { Writer } from './writer.ts';

const i32 = [0x7f];
const f64 = [0x7c];
const pageBytes = 65_536;
/** What a memory or table may reach whatever it declares: V8's bounds. */
const pagesMax = 65_536n;
const pages64Max = 262_144n;
const elementsMax = 10_000_000n;

/** A function without loops and calls is not tested at its entry if all its paths together cost no more than this. */
const briefFuelMax = 1000;
const briefPatchesMax = 1000;

type Options = MeterOptions & { readonly costs: CostTable };

/** One rewrite of one module. */
export class ModuleRewriter implements ModuleView {
  readonly bytes: Uint8Array;
  readonly costs: CostTable;
  readonly functionCount: number;
  readonly globalCount: number;
  readonly typeCount: number;
  readonly memoryCount: number;
  readonly tableCount: number;
  readonly tagCount: number;
  readonly #options: Options;
  readonly #parts: ModuleParts;
  readonly #types: AddedTypes;
  readonly #added: AddedFunctions;
  readonly #slow: SlowPath;
  readonly #runtime: Runtime;
  readonly #imports: readonly { readonly name: string; readonly type: number }[];
  readonly #features = new Set<string>();
  #unsaved: string | undefined;
  readonly #leaves: Leaves;
  readonly #hints: HintList;
  readonly #globalShift: number;
  readonly #startup: number;
  readonly #startupBytes: number;

  constructor(bytes: Uint8Array, options: Options) {
    this.bytes = bytes;
    this.#options = options;
    this.costs = options.costs;
    const parts = readModule(bytes, options.costs);
    this.#parts = parts;
    this.functionCount = parts.functions.length;
    this.globalCount = parts.globals.length;
    this.typeCount = parts.types.count;
    this.memoryCount = parts.memories.length;
    this.tableCount = parts.tables.length;
    this.tagCount = parts.tags.length;
    this.#refuseReserved();
    if (options.shieldsImports === true && parts.tags.length > 0)
      throw unsupported('tags in a module that joins components', 0);
    this.#types = new AddedTypes(parts.types.count);
    this.#imports = this.#addedImports();
    this.#globalShift = options.fuelCell === 'imported' ? 1 : 0;
    this.#runtime = this.#makeRuntime();
    this.#added = new AddedFunctions(parts.functions.length + this.#imports.length);
    this.#slow = new SlowPath(this.#types, this.#added, this.#runtime);
    this.#hints = new HintList(this.#guestHints());
    this.#startup = startupFuel(parts, options.costs);
    this.#startupBytes = startupBytes(parts);
    this.#leaves = new Leaves(parts);
  }

  // --- what the module is

  #refuseReserved(): void {
    for (const { module, name } of this.#parts.imports) {
      if (isReserved(module) || isReserved(name)) throw unsupported(`the reserved name ${reservedName}`, 0);
    }
    for (const { name } of this.#parts.exports) {
      if (isReserved(name)) throw unsupported(`the reserved name ${reservedName}`, 0);
    }
  }

  #addedImports(): { name: string; type: number }[] {
    const { code, memories, tables, tags, types } = this.#parts;
    const imports: { name: string; type: number }[] = [];
    if (code.count > 0) {
      imports.push({ name: 'out', type: this.#types.index([], [i32]) });
      imports.push({ name: 'pause', type: this.#types.index([], []) });
    }
    if (this.#options.shieldsImports === true)
      imports.push({ name: 'escaped', type: this.#types.index([[0x6f]], []) });
    if (types.hasObjects || tags.length > 0)
      imports.push({ name: 'allocate', type: this.#types.index([f64], [f64]) });
    const section = this.#parts.sections.find(({ id }) => id === 10);
    if (section === undefined) return imports;
    const ask = () => this.#types.index([i32], [i32]);
    const content = this.bytes.subarray(section.start, section.end);
    if (memories.length > 0 && content.includes(0x40)) imports.push({ name: 'grow_memory', type: ask() });
    if (tables.length > 0 && mentionsTableGrow(content)) imports.push({ name: 'grow_table', type: ask() });
    return imports;
  }

  #makeRuntime(): Runtime {
    const { importedFunctions, importedGlobals, globals } = this.#parts;
    const index = (name: string) => {
      const place = this.#imports.findIndex((entry) => entry.name === name);
      return place < 0 ? -1 : importedFunctions + place;
    };
    return {
      fuelGlobal: this.#globalShift === 1 ? importedGlobals : globals.length,
      out: index('out'),
      pause: index('pause'),
      growMemory: index('grow_memory'),
      growTable: index('grow_table'),
      heapGlobal: globals.length + 1,
      allocate: index('allocate'),
      escaped: index('escaped'),
    };
  }

  #guestHints(): ReturnType<typeof readHints> | undefined {
    const section = this.#parts.sections.find(({ id, name }) => id === 0 && name === branchHintSection);
    if (section === undefined || section.end - section.start > bounds.hintBytesMax) return undefined;
    return readHints(this.bytes, section.start, section.end);
  }

  // --- ModuleView: index spaces and prices

  paramCount(type: number): number {
    return this.#parts.types.paramCounts[type] as number;
  }

  functionParams(index: number): number {
    return this.paramCount(this.#parts.functions[index] as number);
  }

  memory64(index: number): boolean {
    return this.#parts.memories[index]?.limits.index64 ?? false;
  }

  table64(index: number): boolean {
    return this.#parts.tables[index]?.limits.index64 ?? false;
  }

  callee(index: number): number {
    if (this.#isShielded(index)) return this.#shield(index);
    const twin = this.#leaves.twin(index);
    return twin >= 0 ? this.#twinIndex(index) : this.#moved(index);
  }

  calleeFuel(index: number): number {
    if (index < this.#parts.importedFunctions) return this.#options.importCharges?.[index] ?? 0;
    return this.#leaves.fuel(index);
  }

  prepaid(index: number): boolean {
    return this.#leaves.fuel(index) > 0;
  }

  reference(index: number): number {
    if (this.#isShielded(index)) return this.#shield(index);
    return this.#importCharge(index) > 0 ? this.#chargingImport(index) : this.#moved(index);
  }

  globalIndex(index: number): number {
    return index < this.#parts.importedGlobals ? index : index + this.#globalShift;
  }

  chargeHelper(perUnit: number, wide: boolean): number {
    return this.#slow.charge(perUnit, wide);
  }

  structBytes(type: number): number {
    return structBytes(this.#parts.types, type);
  }

  arrayBytes(type: number, length: number): number {
    return arrayBytes(this.#parts.types, type, length);
  }

  exceptionBytes(tag: number): number {
    return exceptionBytes(this.paramCount(this.#parts.tags[tag] as number));
  }

  allocateHelper(): number {
    return this.#slow.allocate();
  }

  allocateArrayHelper(type: number): number {
    return this.#slow.allocateArray(arrayHeaderBytes, this.#parts.types.sizes[type] as number);
  }

  substitute(prefix: number, code: number): number {
    return substitute(this.#types, this.#added, prefix, code);
  }

  growMemoryHelper(memory: number): number {
    const limits = this.#memoryLimits(memory);
    const max = least(limits.max, limits.index64 ? pages64Max : pagesMax);
    return this.#slow.growMemory(memory, max, limits.index64, {
      asked: this.costs.extra.pageGrown,
      added: this.costs.memoryGrowPerPage,
    });
  }

  growTableHelper(table: number): number {
    this.#unsaved ??= 'it changes a table';
    const entry = this.#parts.tables[table] as TableEntry;
    const limits = this.#tableLimits(entry);
    const element = [...this.bytes.subarray(entry.typeStart, entry.typeEnd)];
    return this.#slow.growTable(table, element, least(limits.max, elementsMax), limits.index64, {
      asked: this.costs.extra.tableElementGrown,
      added: this.costs.tableGrowPerElement,
    });
  }

  feature(name: string): void {
    this.#features.add(name);
  }

  unsaved(reason: string): void {
    this.#unsaved ??= reason;
  }

  #moved(index: number): number {
    return index < this.#parts.importedFunctions ? index : index + this.#imports.length;
  }

  #importCharge(index: number): number {
    return index < this.#parts.importedFunctions ? (this.#options.importCharges?.[index] ?? 0) : 0;
  }

  // --- functions of our own

  #isShielded(index: number): boolean {
    return this.#runtime.escaped >= 0 && index < this.#parts.importedFunctions;
  }

  /** The function that stands before an import whose exceptions must not get out. */
  #shield(index: number): number {
    const type = this.#parts.functions[index] as number;
    const targets = { foreignTag: 0, escaped: this.#runtime.escaped };
    return this.#added.index(`shield ${index}`, () => ({
      type,
      write: (writer) => writeShield(writer, index, this.paramCount(type), targets),
    }));
  }

  /** A function that charges for an import and calls it, for where it is used as a value. */
  #chargingImport(index: number): number {
    const type = this.#parts.functions[index] as number;
    return this.#added.index(`import ${index}`, () => ({
      type,
      write: (writer) => {
        const body = new Body(writer).op(0).charge(this.#runtime.fuelGlobal, this.#importCharge(index));
        for (let param = 0; param < this.paramCount(type); param += 1) body.localGet(param);
        body.call(index).end();
      },
    }));
  }

  /** The body of a leaf without its charge, for callers that have paid. */
  #twinIndex(index: number): number {
    const type = this.#parts.functions[index] as number;
    return this.#added.index(`twin ${index}`, () => ({
      type,
      write: (writer) => this.#twins.push({ index, writer }),
    }));
  }

  readonly #twins: { readonly index: number; readonly writer: Writer }[] = [];

  get #hasStart(): boolean {
    return this.#startup + this.#startupBytes > 0;
  }

  /** What the host runs after instantiation: the initialisation's fuel, then the guest's start function. */
  #startFunction(): number | undefined {
    if (!this.#hasStart) return undefined;
    const { start } = this.#parts;
    const { fuelGlobal, heapGlobal } = this.#runtime;
    const type = this.#types.index([], []);
    const allocate = this.#startupBytes > 0 ? this.#slow.allocate() : -1;
    const refuel = this.#parts.code.count > 0 ? this.#slow.refuel() : -1;
    return this.#added.index('start', () => ({
      type,
      write: (writer) => {
        const body = new Body(writer).op(0).charge(fuelGlobal, this.#startup);
        if (refuel >= 0) body.test(fuelGlobal, refuel);
        if (this.#startupBytes > 0) body.charge(heapGlobal, this.#startupBytes).test(heapGlobal, allocate);
        if (start !== undefined) body.call(this.reference(start));
        body.end();
      },
    }));
  }

  #readGlobals(group: number, globals: readonly number[]): number {
    const type = this.#types.index([], this.#typesOf(globals));
    return this.#added.index(`read globals ${group}`, () => ({
      type,
      write: (writer) => {
        const body = new Body(writer).op(0);
        for (const index of globals) body.globalGet(this.globalIndex(index));
        body.end();
      },
    }));
  }

  #writeGlobals(group: number, globals: readonly number[]): number {
    const type = this.#types.index(this.#typesOf(globals), []);
    return this.#added.index(`write globals ${group}`, () => ({
      type,
      write: (writer) => {
        const body = new Body(writer).op(0);
        for (const [param, index] of globals.entries())
          body.localGet(param).globalSet(this.globalIndex(index));
        body.end();
      },
    }));
  }

  /** Of numeric globals: one byte each. */
  #typesOf(globals: readonly number[]): readonly (readonly number[])[] {
    return globals.map((index) => [this.#parts.globals[index]?.type.code ?? 0]);
  }

  // --- the rewrite

  /** Reads every function body without writing. */
  scan(): void {
    const analyzer = new Analyzer(this);
    this.#eachBody((index, start, end) => analyzer.analyze(index, start, end));
  }

  summary(): ModuleSummary {
    return summarize(this.#parts, this.#features, this.#unsaved, this.#hasStart);
  }

  #eachBody(visit: (index: number, start: number, end: number) => void): void {
    const { code, importedFunctions } = this.#parts;
    for (let body = 0; body < code.count; body += 1)
      visit(importedFunctions + body, code.starts[body] as number, code.ends[body] as number);
  }

  rewrite(): Uint8Array<ArrayBuffer> {
    const code = this.#rewriteCode();
    const made = new Map<number, Writer>();
    // The order matters: later ones may add functions and types that the earlier sections list.
    made.set(9, this.#elementSection());
    made.set(6, this.#globalSection());
    made.set(4, this.#tableSection());
    made.set(11, this.#dataSection());
    made.set(7, this.#exportSection());
    made.set(10, this.#finishCode(code));
    made.set(5, this.#memorySection());
    made.set(3, this.#functionSection());
    made.set(2, this.#importSection());
    made.set(1, this.#typeSection());
    return this.#assemble(made);
  }

  #rewriteCode(): Writer {
    const analyzer = new Analyzer(this);
    this.#leaves.find(analyzer);
    const { code } = this.#parts;
    const section = this.#parts.sections.find(({ id }) => id === 10);
    const writer = new Writer(
      section === undefined ? 64 : Math.ceil((section.end - section.start) * 1.5) + 1024,
    );
    if (code.count === 0) return writer;
    const target = {
      fuelGlobal: this.#runtime.fuelGlobal,
      heapGlobal: this.#runtime.heapGlobal,
      refuel: this.#slow.refuel(),
      refuelLocal: this.#slow.refuelLocal(),
    };
    const emitter = new Emitter(writer, this.bytes, target, this.#hints);
    this.#eachBody((index, start, end) => {
      analyzer.analyze(index, start, end);
      this.#hints.beginFunction(index);
      const { mode, tests } = this.#counterMode(analyzer, index);
      const sizeBytes = emitter.body(analyzer, start, end, mode, tests);
      if (sizeBytes > bounds.meteredBodyBytesMax)
        throw unsupported('a function too large to be metered', start);
      if (writer.length > bounds.codeBytesMax) throw unsupported('more code than can be metered', start);
      this.#hints.endFunction(this.#moved(index));
    });
    return writer;
  }

  #counterMode(analyzer: Analyzer, index: number): { mode: CounterMode; tests: boolean } {
    if (this.#leaves.fuel(index) > 0 && !this.#leaves.addressed(index)) return { mode: 'none', tests: false };
    if (this.#leaves.fuel(index) > 0) return { mode: 'cell', tests: false };
    if (analyzer.locals >= 49_999) return { mode: 'cell', tests: true };
    return { mode: 'local', tests: !isBrief(analyzer) };
  }

  /** Appends the added functions' bodies; writing one may add another. */
  #finishCode(code: Writer): Writer {
    const { functions } = this.#added;
    const bodies = new Writer(1024);
    const analyzer = new Analyzer(this);
    for (let place = 0; place < functions.length; place += 1) {
      const sized = bodies.openSized();
      const before = this.#twins.length;
      functions[place]?.write(bodies);
      const twin = this.#twins[before];
      if (twin === undefined) bodies.closeSized(sized);
      else {
        bodies.length = sized - 5;
        this.#writeTwin(bodies, analyzer, twin.index);
      }
    }
    const section = new Writer(code.length + bodies.length + 5);
    section.u32(this.#parts.code.count + functions.length);
    section.append(code);
    section.append(bodies);
    return section;
  }

  #writeTwin(writer: Writer, analyzer: Analyzer, index: number): void {
    const { code, importedFunctions } = this.#parts;
    const body = index - importedFunctions;
    const { fuelGlobal, heapGlobal } = this.#runtime;
    const target = { fuelGlobal, heapGlobal, refuel: -1, refuelLocal: -1 };
    analyzer.analyze(index, code.starts[body] as number, code.ends[body] as number);
    const emitter = new Emitter(writer, this.bytes, target, new HintList());
    emitter.body(analyzer, code.starts[body] as number, code.ends[body] as number, 'none', false);
  }

  // --- sections

  #section(id: number): Section | undefined {
    return this.#parts.sections.find((section) => section.id === id);
  }

  /** The content of a section after its count. */
  #rest(writer: Writer, id: number): void {
    const section = this.#section(id);
    if (section === undefined) return;
    let pos = section.start;
    while ((this.bytes[pos++] as number) >= 0x80);
    writer.copy(this.bytes, pos, section.end);
  }

  #typeSection(): Writer {
    const writer = new Writer();
    writer.u32(this.#parts.types.groups + this.#types.count);
    this.#rest(writer, 1);
    this.#types.append(writer);
    return writer;
  }

  #importSection(): Writer {
    const writer = new Writer();
    const tags = this.#runtime.escaped < 0 ? 0 : 1;
    writer.u32(this.#parts.imports.length + this.#imports.length + this.#globalShift + tags);
    this.#rest(writer, 2);
    for (const { name, type } of this.#imports) {
      writer.name(reservedName);
      writer.name(name);
      writer.byte(0);
      writer.u32(type);
    }
    if (this.#globalShift === 1) {
      writer.name(reservedName);
      writer.name('fuel');
      writer.raw(3, 0x7e, 1);
    }
    if (tags === 1) {
      writer.name(reservedName);
      writer.name('foreign');
      writer.raw(4, 0);
      writer.u32(this.#types.index([[0x6f]], []));
    }
    return writer;
  }

  #functionSection(): Writer {
    const writer = new Writer();
    const { functions } = this.#added;
    writer.u32(this.#parts.code.count + functions.length);
    this.#rest(writer, 3);
    for (const { type } of functions) writer.u32(type);
    return writer;
  }

  #expr(writer: Writer, expr: Parameters<typeof writeConstExpr>[2] | undefined): void {
    if (expr === undefined) return;
    writeConstExpr(writer, this.bytes, expr, (reference: ConstReference) =>
      reference.kind === 'function' ? this.reference(reference.index) : this.globalIndex(reference.index),
    );
  }

  #tableSection(): Writer {
    const writer = new Writer();
    const defined = this.#parts.tables.filter(({ imported }) => !imported);
    writer.u32(defined.length);
    for (const table of defined) {
      if (table.init !== undefined) writer.raw(0x40, 0);
      writer.copy(this.bytes, table.typeStart, table.typeEnd);
      writeLimits(writer, this.#tableLimits(table));
      this.#expr(writer, table.init);
    }
    return writer;
  }

  #memorySection(): Writer {
    const writer = new Writer();
    const { memories } = this.#parts;
    writer.u32(memories.filter(({ imported }) => !imported).length);
    for (const [index, { imported }] of memories.entries()) {
      if (!imported) writeLimits(writer, this.#memoryLimits(index));
    }
    return writer;
  }

  #memoryLimits(index: number): RangeLimits {
    const memory = this.#parts.memories[index];
    if (memory === undefined) throw malformed('an unknown memory', 0);
    const { memoryBytesMax } = this.#options;
    if (memory.imported || memoryBytesMax === undefined) return memory.limits;
    return clamp(memory.limits, Math.floor(memoryBytesMax / pageBytes), 'memory', 'pages of 64 KiB');
  }

  #tableLimits(table: TableEntry): RangeLimits {
    const { tableElementsMax } = this.#options;
    if (table.imported || tableElementsMax === undefined) return table.limits;
    return clamp(table.limits, tableElementsMax, 'table', 'elements');
  }

  #globalSection(): Writer {
    const writer = new Writer();
    const defined = this.#parts.globals.filter(({ imported }) => !imported);
    const own = this.#globalShift === 0 ? 1 : 0;
    const heap = this.#runtime.allocate < 0 ? 0 : 1;
    writer.u32(defined.length + own + heap);
    for (const { typeStart, typeEnd, init } of defined) {
      writer.copy(this.bytes, typeStart, typeEnd);
      this.#expr(writer, init);
    }
    for (let added = 0; added < own + heap; added += 1) writer.raw(0x7e, 1, 0x42, 0, 0x0b);
    return writer;
  }

  #exportSection(): Writer {
    const writer = new Writer();
    const { exports, memories, tables } = this.#parts;
    const added: [name: string, kind: number, index: number][] = [];
    if (this.#globalShift === 0) added.push([exportNames.fuel, 3, this.#runtime.fuelGlobal]);
    const start = this.#startFunction();
    if (start !== undefined) added.push([exportNames.start, 0, start]);
    for (const [group, globals] of savedGroups(this.#parts).entries()) {
      added.push([exportNames.readGlobals(group), 0, this.#readGlobals(group, globals)]);
      added.push([exportNames.writeGlobals(group), 0, this.#writeGlobals(group, globals)]);
    }
    for (const index of memories.keys()) added.push([exportNames.memory(index), 2, index]);
    for (const index of tables.keys()) added.push([exportNames.table(index), 1, index]);
    writer.u32(exports.length + added.length);
    for (const { name, kind, index } of exports) {
      const moved =
        kind === 'function' ? this.reference(index) : kind === 'global' ? this.globalIndex(index) : index;
      writeExport(writer, name, kindCodes[kind], moved);
    }
    for (const [name, kind, index] of added) writeExport(writer, name, kind, index);
    return writer;
  }

  #elementSection(): Writer {
    const writer = new Writer();
    const { elements } = this.#parts;
    writer.u32(elements.length);
    for (const segment of elements) {
      const head = segment.offset;
      writer.copy(this.bytes, segment.start, head?.start ?? segment.itemsStart);
      this.#expr(writer, head);
      if (head !== undefined) writer.copy(this.bytes, head.end, segment.itemsStart);
      writer.u32(segment.functions.length + segment.exprs.length);
      for (const index of segment.functions) writer.u32(this.reference(index));
      for (const expr of segment.exprs) this.#expr(writer, expr);
    }
    return writer;
  }

  #dataSection(): Writer {
    const section = this.#section(11);
    const writer = new Writer(section === undefined ? 16 : section.end - section.start + 64);
    const { data } = this.#parts;
    writer.u32(data.length);
    for (const segment of data) {
      const head = segment.offset;
      writer.copy(this.bytes, segment.start, head?.start ?? segment.end);
      this.#expr(writer, head);
      if (head !== undefined) writer.copy(this.bytes, head.end, segment.end);
    }
    return writer;
  }

  // --- the module

  #assemble(made: ReadonlyMap<number, Writer>): Uint8Array<ArrayBuffer> {
    const total = [...made.values()].reduce((sum, { length }) => sum + length, this.bytes.length / 4 + 1024);
    const writer = new Writer(Math.ceil(total));
    writer.raw(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
    let next = 0;
    const upTo = (rank: number) => {
      for (; next < rank; next += 1) this.#writeMade(writer, sectionOrder[next] as number, made);
    };
    for (const section of this.#parts.sections) {
      if (section.id === 0) this.#writeCustom(writer, section);
      else {
        upTo(sectionOrder.indexOf(section.id));
        next += 1;
        this.#writeOriginal(writer, section, made);
      }
    }
    upTo(sectionOrder.length);
    return writer.finish();
  }

  /** A section the module did not have, if there is something in it now. */
  #writeMade(writer: Writer, id: number, made: ReadonlyMap<number, Writer>): void {
    const content = made.get(id);
    if (content === undefined || content.bytes[0] === 0) return;
    if (id === 10) this.#writeHints(writer);
    writeSection(writer, id, content);
  }

  #writeOriginal(writer: Writer, section: Section, made: ReadonlyMap<number, Writer>): void {
    if (section.id === 8) return;
    if (section.id === 10) this.#writeHints(writer);
    const content = made.get(section.id);
    if (content !== undefined) writeSection(writer, section.id, content);
    else this.#copySection(writer, section);
  }

  #copySection(writer: Writer, section: Section): void {
    writer.byte(section.id);
    writer.u32(section.end - section.start);
    writer.copy(this.bytes, section.start, section.end);
  }

  #writeHints(writer: Writer): void {
    const content = this.#hints.finish();
    if (content !== undefined) writeCustom(writer, branchHintSection, content);
  }

  #writeCustom(writer: Writer, section: Section): void {
    if (stale.test(section.name)) return;
    if (section.name !== 'name') {
      this.#copySection(writer, section);
      return;
    }
    const content = renumberNames(this.bytes, section.start, section.end, {
      function: (index) => this.#moved(index),
      global: (index) => this.globalIndex(index),
    });
    if (content !== undefined) writeCustom(writer, 'name', content);
  }
}

/** Custom sections that give code offsets or function indices of the old module. */
const stale =
  /^(metadata\.code\.|\.debug_|reloc\.|linking$|dylink|sourceMappingURL$|external_debug_info$|compilationHints$)/;

const kindCodes = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;

function writeExport(writer: Writer, name: string, kind: number, index: number): void {
  writer.name(name);
  writer.byte(kind);
  writer.u32(index);
}

function writeSection(writer: Writer, id: number, content: Writer): void {
  writer.byte(id);
  writer.u32(content.length);
  writer.append(content);
}

function writeCustom(writer: Writer, name: string, content: Writer): void {
  const whole = new Writer(content.length + name.length + 8);
  whole.name(name);
  whole.append(content);
  writeSection(writer, 0, whole);
}

/** No loop, no call, little to pay: the test of whoever calls the function is soon enough. */
function isBrief({ loops, calls, bulks, plan }: Analyzer): boolean {
  return loops + calls + bulks === 0 && plan.count <= briefPatchesMax && plan.fuel <= briefFuelMax;
}

const least = (a: bigint | undefined, b: bigint): bigint => (a === undefined || a > b ? b : a);

function writeLimits(writer: Writer, { min, max, index64 }: RangeLimits): void {
  writer.byte((index64 ? 4 : 0) | (max === undefined ? 0 : 1));
  writer.u64(min);
  if (max !== undefined) writer.u64(max);
}

function clamp(limits: RangeLimits, most: number, what: string, unit: string): RangeLimits {
  const max = BigInt(most);
  if (limits.min > max) {
    throw new HostError(
      'HOST_ERR_LIMIT_TOO_SMALL',
      `the module's ${what} begins with ${limits.min} ${unit}, but ${most} are allowed: raise the limit`,
      { what, min: limits.min, max: most },
    );
  }
  return { ...limits, max: limits.max === undefined || limits.max > max ? max : limits.max };
}

/** Whether the bytes 0xFC 0x0F occur: `table.grow`, or by chance something else. */
function mentionsTableGrow(content: Uint8Array): boolean {
  for (let at = content.indexOf(0xfc); at >= 0; at = content.indexOf(0xfc, at + 1)) {
    if (content[at + 1] === 0x0f) return true;
  }
  return false;
}
