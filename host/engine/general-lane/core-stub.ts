import type { CoreExternType, CoreFuncType, CoreModuleShape } from '../component/core-module.ts';
import { Writer } from '../meter/writer.ts';

/** Name of the custom section that says which module a stub stands for. */
export const stubSection = 'motehost:stub';

const pagesMax = 65_536;
const tableMax = 10_000_000;
const valueTypes: Readonly<Record<string, number>> = {
  i: 0x7f,
  I: 0x7e,
  f: 0x7d,
  F: 0x7c,
  v: 0x7b,
  r: 0x6f,
};
const op = { unreachable: 0x00, end: 0x0b, call: 0x10 } as const;

/**
 * A core module with the same imports and exports as `shape` and next to nothing in it, of the plainest features: all
 * that a linker looks at. Globals are `i32` constants and so are tags; every reference is an `externref`.
 */
export function coreStub(shape: CoreModuleShape, index: number): Uint8Array<ArrayBuffer> {
  const stub = new CoreStub();
  for (const { module, name, type } of shape.imports) stub.import(module, name, type);
  for (const [name, type] of shape.exports) stub.export(name, type);
  return stub.finish(index);
}

/** The index that `coreStub` wrote into a module, if it made it. */
export function stubIndex(module: WebAssembly.Module): number | undefined {
  const [content] = WebAssembly.Module.customSections(module, stubSection);
  return content === undefined ? undefined : new DataView(content).getUint32(0, true);
}

type Space = 'func' | 'table' | 'memory' | 'global';
interface Entries {
  readonly body: Writer;
  count: number;
}
const empty = (): Entries => ({ body: new Writer(), count: 0 });

class CoreStub {
  readonly #typeIndices = new Map<string, number>();
  readonly #types = empty();
  readonly #imports = empty();
  readonly #exports = empty();
  readonly #code = empty();
  readonly #own: Readonly<Record<Space, Entries>> = {
    func: empty(),
    table: empty(),
    memory: empty(),
    global: empty(),
  };
  readonly #imported: Record<Space, number> = { func: 0, table: 0, memory: 0, global: 0 };

  import(module: string, name: string, type: CoreExternType): void {
    const { body } = this.#imports;
    this.#imports.count += 1;
    body.name(module);
    body.name(name);
    const space = spaceOf(type);
    body.byte(kinds[space]);
    this.#describe(body, type);
    this.#imported[space] += 1;
  }

  /** What is exported is always its own: whether it is an import given on, no linker can tell. */
  export(name: string, type: CoreExternType): void {
    const space = spaceOf(type);
    const own = this.#own[space];
    this.#describe(own.body, type);
    if (space === 'global') own.body.raw(0x41, 0, 0x0b);
    this.#exports.count += 1;
    this.#exports.body.name(name);
    this.#exports.body.byte(kinds[space]);
    this.#exports.body.u32(this.#imported[space] + own.count);
    own.count += 1;
  }

  /**
   * The generator looks in the code for what a function calls, to tell what may wait: as far as it can see, each calls
   * all that is imported.
   */
  #writeCode(): void {
    const { func } = this.#own;
    const imported = this.#imported.func;
    const all = imported + func.count;
    for (let left = func.count; left > 0; left -= 1) this.#body([all]);
    this.#body(Array.from({ length: imported }, (_, index) => index));
    func.body.u32(this.#typeIndex({ params: '', results: '' }));
    func.count += 1;
  }

  /** After `unreachable` any function may be called with nothing. */
  #body(calls: readonly number[]): void {
    const { body } = this.#code;
    this.#code.count += 1;
    const start = body.openSized();
    body.byte(0);
    for (const index of calls) {
      body.raw(op.unreachable, op.call);
      body.u32(index);
    }
    body.raw(op.unreachable, op.end);
    body.closeSized(start);
  }

  finish(index: number): Uint8Array<ArrayBuffer> {
    this.#writeCode();
    const out = new Writer();
    out.raw(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
    const { func, table, memory, global } = this.#own;
    section(out, 1, this.#types);
    section(out, 2, this.#imports);
    section(out, 3, func);
    section(out, 4, table);
    section(out, 5, memory);
    section(out, 6, global);
    section(out, 7, this.#exports);
    section(out, 10, this.#code);
    out.byte(0);
    const start = out.openSized();
    out.name(stubSection);
    for (let shift = 0; shift < 32; shift += 8) out.byte((index >>> shift) & 0xff);
    out.closeSized(start);
    return out.finish();
  }

  #describe(body: Writer, type: CoreExternType): void {
    if (type.sort === 'func') body.u32(this.#typeIndex(type.type ?? { params: '', results: '' }));
    else if (type.sort === 'table' || type.sort === 'memory') {
      if (type.sort === 'table') body.byte(0x70);
      const most = type.sort === 'table' ? tableMax : pagesMax;
      const { min, max } = type.limits;
      body.byte(max === undefined ? 0 : 1);
      body.u32(Math.min(min, most));
      if (max !== undefined) body.u32(Math.min(max, most));
    } else body.raw(0x7f, 0);
  }

  #typeIndex({ params, results }: CoreFuncType): number {
    const key = `${params}>${results}`;
    const known = this.#typeIndices.get(key);
    if (known !== undefined) return known;
    const index = this.#types.count;
    this.#types.count += 1;
    this.#typeIndices.set(key, index);
    const { body } = this.#types;
    body.byte(0x60);
    for (const letters of [params, results]) {
      body.u32(letters.length);
      for (const letter of letters) body.byte(valueTypes[letter] as number);
    }
    return index;
  }
}

const kinds: Readonly<Record<Space, number>> = { func: 0, table: 1, memory: 2, global: 3 };

function spaceOf({ sort }: CoreExternType): Space {
  return sort === 'tag' ? 'global' : sort;
}

function section(out: Writer, id: number, { body, count }: Entries): void {
  if (count === 0) return;
  out.byte(id);
  const start = out.openSized();
  out.u32(count);
  out.append(body);
  out.closeSized(start);
}
