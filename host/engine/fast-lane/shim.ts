import type { CoreFunc, CoreInstance, CoreItem, CoreModule } from '../component/component.ts';
import { Reader } from '../component/reader.ts';
import { coreItem } from '../component/scope.ts';

/**
 * The two helper modules that wit-component puts around a guest whose imports need the guest's own memory:
 * a shim (a table, and functions that pass their parameters to one of its slots) and a fixup (fills the table
 * once the guest exists, and may call the guest's `_initialize`). They are known by structure, not by name.
 */
type Instantiated = Extract<CoreInstance, { kind: 'instantiate' }>;
type Defined = Extract<CoreModule, { kind: 'defined' }>;

export interface Shim {
  /** Slot of the table each function calls, by function index. */
  readonly slots: readonly number[];
  /** Fuel one pass through each function costs: 1 to enter, 1 for every operator. */
  readonly charges: readonly number[];
}

export interface Fixup {
  /** The import (module, name) that ends up in each slot of the imported table. */
  readonly slots: ReadonlyMap<number, { readonly module: string; readonly name: string }>;
  /** Absent where there is nothing to fill: it only calls the start function. */
  readonly table?: { readonly module: string; readonly name: string };
  readonly start?: { readonly module: string; readonly name: string };
  /**
   * Fuel its initialisation costs: 1 to enter it, for each segment 1 for the offset and 1 an element, 1 to call
   * the start function.
   */
  readonly charge: number;
}

const shimFunctionsMax = 10_000;

/** Reads a shim, or gives undefined when the module is anything else. */
export function readShim(module: Defined): Shim | undefined {
  const { shape } = module;
  if (shape.imports.length > 0 || shape.start !== undefined || shape.memories.length > 0) return undefined;
  if (shape.tables.length !== 1 || shape.functions.length > shimFunctionsMax) return undefined;
  if ([6, 9, 11, 13].some((id) => shape.sections.has(id))) return undefined;
  const code = shape.sections.get(10);
  const slots: number[] = [];
  const charges: number[] = [];
  if (code === undefined) return undefined;
  const reader = new Reader(module.bytes, code.offset, code.end);
  if (reader.u32() !== shape.functions.length) return undefined;
  for (const type of shape.functions) {
    const slot = type === undefined ? undefined : readPassing(reader.slice(reader.u32()), type.params.length);
    if (slot === undefined) return undefined;
    slots.push(slot);
    charges.push(1 + (type?.params.length ?? 0) + 2);
  }
  return { slots, charges };
}

/** A body of `local.get 0 … n-1, i32.const slot, call_indirect`, and nothing else. */
function readPassing(body: Reader, params: number): number | undefined {
  if (body.u32() !== 0) return undefined;
  for (let index = 0; index < params; index += 1)
    if (body.byte() !== 0x20 || body.u32() !== index) return undefined;
  if (body.byte() !== 0x41) return undefined;
  const slot = body.s33();
  if (body.byte() !== 0x11) return undefined;
  body.u32();
  if (body.u32() !== 0 || body.byte() !== 0x0b || !body.done) return undefined;
  return slot;
}

/** Reads a fixup, or gives undefined when the module is anything else. */
export function readFixup(module: Defined): Fixup | undefined {
  const { shape } = module;
  if ([3, 4, 5, 6, 7, 10, 11, 13].some((id) => shape.sections.has(id))) return undefined;
  const tables = shape.imports.filter((one) => one.type.sort === 'table');
  const functions = shape.imports.filter((one) => one.type.sort === 'func');
  const [table] = tables;
  if (tables.length + functions.length !== shape.imports.length) return undefined;
  if (table === undefined && (functions.length !== 1 || shape.start === undefined)) return undefined;
  const elements = shape.sections.get(9);
  const slots = new Map<number, { module: string; name: string }>();
  let charge = 0;
  if (elements !== undefined) {
    const fuel = readSlots(new Reader(module.bytes, elements.offset, elements.end), functions, slots);
    if (fuel === undefined) return undefined;
    charge += fuel;
  }
  if (shape.start !== undefined) charge += 1;
  if (charge > 0) charge += 1;
  const start = shape.start === undefined ? undefined : functions[shape.start];
  if (shape.start !== undefined && start === undefined) return undefined;
  return {
    slots,
    charge,
    ...(table === undefined ? {} : { table }),
    ...(start === undefined ? {} : { start }),
  };
}

function readSlots(
  reader: Reader,
  functions: readonly { readonly module: string; readonly name: string }[],
  slots: Map<number, { module: string; name: string }>,
): number | undefined {
  let fuel = 0;
  for (let left = reader.count('element segments', shimFunctionsMax); left > 0; left -= 1) {
    // Only active segments of function indices for table 0, at a constant offset.
    if (reader.u32() !== 0 || reader.byte() !== 0x41) return undefined;
    const offset = reader.s33();
    if (reader.byte() !== 0x0b) return undefined;
    const count = reader.count('elements', shimFunctionsMax);
    fuel += 1 + count;
    for (let index = 0; index < count; index += 1) {
      const target = functions[reader.u32()];
      if (target === undefined) return undefined;
      slots.set(offset + index, { module: target.module, name: target.name });
    }
  }
  return reader.done ? fuel : undefined;
}

/** The core functions that fill the slots of a shim's table, and the fixup's start function. */
export interface Filled {
  readonly slots: ReadonlyMap<number, CoreFunc>;
  readonly start?: CoreFunc;
}

/** Follows a fixup's imports to what they are given; undefined when it does not fill the table of `shim`. */
export function fillShim(fixup: Fixup, instance: Instantiated, shim: CoreInstance): Filled | undefined {
  const table = fixup.table === undefined ? undefined : argument(instance, fixup.table);
  if (table === undefined || table.sort === 'func' || table.node.instance !== shim) return undefined;
  const slots = new Map<number, CoreFunc>();
  for (const [slot, name] of fixup.slots) {
    const item = argument(instance, name);
    if (item?.sort !== 'func') return undefined;
    slots.set(slot, item.node);
  }
  const start = fixup.start === undefined ? undefined : argument(instance, fixup.start);
  if (fixup.start !== undefined && start?.sort !== 'func') return undefined;
  return { slots, ...(start?.sort === 'func' ? { start: start.node } : {}) };
}

/** What an instantiation passes for one import of its module. */
export function argument(
  instance: Instantiated,
  wanted: { readonly module: string; readonly name: string },
): CoreItem | undefined {
  const arg = instance.args.get(wanted.module);
  return arg === undefined ? undefined : coreItem(arg, wanted.name);
}
