import { Writer } from '../../../../host/engine/meter/writer.ts';
import { type Renumbering, renumberCode } from './code.ts';
import type { Constant, CoreExport, CoreImport, CoreModule, CoreSort } from './core-module.ts';

/** One module of those that are joined, and where its imports come from. */
export interface Part {
  readonly module: CoreModule;
  /** Who answers an import: another part's export, or a name the joined module imports or is given. */
  resolve(wanted: CoreImport): Source;
  /** Operators of its code that others take the place of; none have immediates. */
  readonly operators?: ReadonlyMap<number, number>;
}

export type Source =
  | { readonly kind: 'part'; readonly part: Part; readonly name: string }
  | { readonly kind: 'import'; readonly module: string; readonly name: string }
  /** A function written for it. */
  | { readonly kind: 'added'; readonly body: AddedBody };

/** Writes a function body, after its size. The same body for the same type is written once. */
export type AddedBody = (out: Writer, indices: Indices) => void;

/** Where things are in the joined module. */
export interface Indices {
  readonly stackPointer: number;
  exported(part: Part, name: string): number;
  imported(part: Part, module: string, name: string): number;
}

export interface Joined {
  readonly parts: readonly Part[];
  /** The part that defines memory, table and globals. */
  readonly main: Part;
  /** What the joined module exports: part and name there, by name. */
  readonly exports: ReadonlyMap<string, { readonly part: Part; readonly name: string }>;
}

/**
 * Joins modules that share one memory and one table into one module: imports that another part answers become
 * direct calls. The joined module has no start function.
 */
export function joinModules(joined: Joined): Uint8Array<ArrayBuffer> {
  return new Joiner(joined).write();
}

/** A renumbering while it is filled in. */
interface Filling extends Renumbering {
  readonly types: number[];
  readonly functions: number[];
  readonly globals: number[];
}

interface Global {
  /** Value type and mutability in binary form. */
  readonly type: Uint8Array;
  readonly value: number;
}

interface DefinedFunction {
  readonly type: number;
  readonly write: (out: Writer) => void;
}

const sortCodes: Readonly<Record<CoreSort, number>> = { func: 0, table: 1, memory: 2, global: 3 };

class Joiner {
  readonly #joined: Joined;
  readonly #types: Uint8Array[] = [];
  readonly #typeIndices = new Map<string, number>();
  readonly #imports: { readonly module: string; readonly name: string; readonly type: number }[] = [];
  readonly #importIndices = new Map<string, number>();
  readonly #functions: DefinedFunction[] = [];
  readonly #globals: Global[] = [];
  /** A part's imported and defined functions by their index there. */
  readonly #added = new Map<AddedBody, Map<number, number>>();
  readonly #renumberings = new Map<Part, Filling>();

  constructor(joined: Joined) {
    this.#joined = joined;
    for (const part of joined.parts) {
      if (part.module.hasStart) throw new Error('bug: a part has a start function');
      const types = part.module.types.map((type) => this.#typeIndex(type));
      this.#renumberings.set(part, {
        types,
        functions: [],
        globals: [],
        operators: part.operators ?? new Map(),
      });
    }
    for (const part of joined.parts) this.#takeImports(part);
    for (const part of joined.parts) this.#takeDefined(part);
    for (const part of joined.parts) this.#resolveLinks(part);
  }

  #typeIndex(type: Uint8Array): number {
    const key = type.join();
    const known = this.#typeIndices.get(key);
    if (known !== undefined) return known;
    this.#typeIndices.set(key, this.#types.length);
    return this.#types.push(type) - 1;
  }

  #of(part: Part): Filling {
    return this.#renumberings.get(part) as Filling;
  }

  /** Imported functions come first in the index space, so they are known before any defined one is counted. */
  #takeImports(part: Part): void {
    const { types } = this.#of(part);
    for (const wanted of functionImports(part)) {
      const source = part.resolve(wanted);
      if (source.kind !== 'import') continue;
      const key = `${source.module}\0${source.name}`;
      if (this.#importIndices.has(key)) continue;
      this.#importIndices.set(key, this.#imports.length);
      this.#imports.push({ module: source.module, name: source.name, type: types[wanted.type] as number });
    }
  }

  #takeDefined(part: Part): void {
    const { module } = part;
    const to = this.#of(part);
    const imported = functionImports(part).length;
    module.functions.forEach((type, index) => {
      const body = module.bodies[index];
      if (body === undefined) throw new Error('bug: a function has no body');
      const write = (out: Writer): void => renumberCode(module.bytes, body, to, out);
      to.functions[imported + index] = this.#add({ type: to.types[type] as number, write });
    });
  }

  #add(added: DefinedFunction): number {
    return this.#functions.push(added) - 1 + this.#imports.length;
  }

  #resolveLinks(part: Part): void {
    const to = this.#of(part);
    functionImports(part).forEach((wanted, index) => {
      to.functions[index] = this.#functionOf(part.resolve(wanted), to.types[wanted.type] as number);
    });
    const globals = part.module.imports.filter(({ sort }) => sort === 'global');
    globals.forEach((wanted, index) => {
      to.globals[index] = this.#globalOf(part, wanted);
    });
    // Values refer to imported globals and earlier ones only.
    part.module.globals.forEach(({ type, init }, index) => {
      to.globals[globals.length + index] = this.#globals.length;
      this.#globals.push({ type, value: this.#valueOf(part, init) });
    });
  }

  #functionOf(source: Source, type: number): number {
    if (source.kind === 'import')
      return this.#importIndices.get(`${source.module}\0${source.name}`) as number;
    if (source.kind === 'part') return this.#exported(source.part, source.name);
    const { body } = source;
    const known = this.#added.get(body) ?? new Map<number, number>();
    this.#added.set(body, known);
    const index = known.get(type) ?? this.#add({ type, write: (out) => body(out, this.#indices) });
    known.set(type, index);
    return index;
  }

  get #indices(): Indices {
    const { main } = this.#joined;
    const pointer = exportOf(main, '__stack_pointer', 'global').index;
    return {
      stackPointer: this.#of(main).globals[pointer] as number,
      exported: (part, name) => this.#exported(part, name),
      imported: (part, module, name) => {
        const index = functionImports(part).findIndex((one) => one.module === module && one.name === name);
        if (index < 0) throw new Error(`bug: nobody imports ${module} ${name}`);
        return this.#of(part).functions[index] as number;
      },
    };
  }

  #exported(part: Part, name: string): number {
    const found = exportOf(part, name, 'func');
    return this.#of(part).functions[found.index] as number;
  }

  #globalOf(part: Part, wanted: CoreImport): number {
    const source = part.resolve(wanted);
    if (source.kind !== 'part' || source.part !== this.#joined.main)
      throw new Error(`bug: nobody answers the global ${wanted.module} ${wanted.name}`);
    return this.#of(source.part).globals[exportOf(source.part, source.name, 'global').index] as number;
  }

  write(): Uint8Array<ArrayBuffer> {
    const out = new Writer(2 ** 20);
    out.raw(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
    const main = this.#joined.main.module;
    const list = <T>(id: number, items: readonly T[], write: (item: T, index: number) => void): void => {
      out.byte(id);
      const start = out.openSized();
      out.u32(items.length);
      items.forEach(write);
      out.closeSized(start);
    };
    const raw = (item: Uint8Array): void => out.copy(item, 0, item.length);
    list(1, this.#types, raw);
    list(2, this.#imports, ({ module, name, type }) => {
      out.name(module);
      out.name(name);
      out.byte(sortCodes.func);
      out.u32(type);
    });
    list(3, this.#functions, ({ type }) => out.u32(type));
    list(4, main.tables, raw);
    list(5, main.memories, raw);
    list(6, this.#globals, ({ type, value }) => {
      raw(type);
      writeI32(out, value);
    });
    list(7, [...this.#joined.exports], ([name, { part, name: inner }]) =>
      this.#writeExport(out, name, part, inner),
    );
    list(9, this.#elements(), ({ offset, functions }) => {
      out.u32(0);
      writeI32(out, offset);
      out.u32(functions.length);
      for (const index of functions) out.u32(index);
    });
    list(10, this.#functions, ({ write }) => {
      const start = out.openSized();
      write(out);
      out.closeSized(start);
    });
    list(11, this.#data(), ({ part, offset, start, end }) => {
      out.u32(0);
      writeI32(out, offset);
      out.u32(end - start);
      out.copy(part.module.bytes, start, end);
    });
    return out.finish();
  }

  #writeExport(out: Writer, name: string, part: Part, inner: string): void {
    const { sort, index } = exportOf(part, inner);
    if (sort !== 'func' && part !== this.#joined.main) throw new Error(`bug: ${name} is not the main part's`);
    out.name(name);
    out.byte(sortCodes[sort]);
    out.u32(sort === 'func' ? (this.#of(part).functions[index] as number) : index);
  }

  /** A constant's number: the globals it names never change before instantiation ends. */
  #valueOf(part: Part, { value, globals }: Constant): number {
    const { globals: to } = this.#of(part);
    return globals.reduce((sum, index) => sum + (this.#globals[to[index] as number] as Global).value, value);
  }

  #elements(): { readonly offset: number; readonly functions: readonly number[] }[] {
    return this.#joined.parts.flatMap((part) =>
      part.module.elements
        .filter(({ table, functions }) => functions.length > 0 && isMainTable(part, table, this.#joined.main))
        .map(({ offset, functions }) => ({
          offset: this.#valueOf(part, offset),
          functions: functions.map((index) => this.#of(part).functions[index] as number),
        })),
    );
  }

  #data(): { readonly part: Part; readonly offset: number; readonly start: number; readonly end: number }[] {
    return this.#joined.parts.flatMap((part) =>
      part.module.data.flatMap(({ offset, content }) => {
        if (content.start === content.end) return [];
        if (offset === undefined) throw new Error('bug: a data segment that code copies');
        return [{ part, offset: this.#valueOf(part, offset), ...content }];
      }),
    );
  }
}

/** Whether a part's table is the shared one, not one of its own or of the toolchain's indirections. */
function isMainTable(part: Part, table: number, main: Part): boolean {
  if (part === main) return true;
  const wanted = part.module.imports.filter(({ sort }) => sort === 'table')[table];
  if (wanted === undefined) return false;
  const source = part.resolve(wanted);
  return source.kind === 'part' && source.part === main;
}

function functionImports(part: Part): CoreImport[] {
  return part.module.imports.filter(({ sort }) => sort === 'func');
}

function exportOf(part: Part, name: string, sort?: CoreSort): CoreExport {
  const found = part.module.exports.get(name);
  if (found === undefined || (sort !== undefined && found.sort !== sort))
    throw new Error(`bug: the JavaScript engine has no ${sort ?? 'export'} ${name}`);
  return found;
}

function writeI32(out: Writer, value: number): void {
  out.byte(0x41);
  out.signed(value);
  out.byte(0x0b);
}
