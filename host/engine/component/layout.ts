import type { FuncType, Primitive, TypeDef, TypeRef } from './types.ts';

/**
 * Where a type's values lie in linear memory and which core values carry them
 * (component-model CanonicalABI.md: "Alignment", "Element Size", "Flattening").
 */
export interface Layout {
  /** Bytes, a multiple of `align`. */
  readonly size: number;
  readonly align: number;
  /** Core types in one letter each (i I f F = i32 i64 f32 f64); undefined when there are more than 16. */
  readonly flat: string | undefined;
  /** Byte offsets of a record's fields or a tuple's items. */
  readonly offsets?: readonly number[];
  /** Bytes of a variant's case number: 1, 2 or 4. */
  readonly discriminantBytes?: 1 | 2 | 4;
  /** Where a variant's payload begins. */
  readonly payloadOffset?: number;
}

/** More core values than this travel through memory. */
export const flatParamsMax = 16;
export const flatResultsMax = 1;

const fixed = (size: number, flat: string): Layout => ({ size, align: size, flat });

const primitiveLayouts: { readonly [name in Exclude<Primitive, 'string'>]: Layout } = {
  bool: fixed(1, 'i'),
  s8: fixed(1, 'i'),
  u8: fixed(1, 'i'),
  s16: fixed(2, 'i'),
  u16: fixed(2, 'i'),
  s32: fixed(4, 'i'),
  u32: fixed(4, 'i'),
  s64: fixed(8, 'I'),
  u64: fixed(8, 'I'),
  f32: fixed(4, 'f'),
  f64: fixed(8, 'F'),
  char: fixed(4, 'i'),
  'error-context': fixed(4, 'i'),
};

/** Layouts of a growing type table, computed as definitions are added: a definition refers only to earlier ones. */
export class Layouts {
  readonly #known: Layout[] = [];
  readonly #pointerPair: Layout;

  /** `pointerBytes` is 4, or 8 for the bound that 64-bit memories set on every type. */
  constructor(defs: readonly TypeDef[] = [], pointerBytes: 4 | 8 = 4) {
    this.#pointerPair = {
      size: 2 * pointerBytes,
      align: pointerBytes,
      flat: pointerBytes === 4 ? 'ii' : 'II',
    };
    for (const def of defs) this.add(def);
  }

  add(def: TypeDef): Layout {
    const layout = this.#compute(def);
    this.#known.push(layout);
    return layout;
  }

  of(ref: TypeRef): Layout {
    if (ref === 'string') return this.#pointerPair;
    if (typeof ref === 'string') return primitiveLayouts[ref];
    const layout = this.#known[ref];
    if (layout === undefined) throw new Error(`bug: type ${ref} has no layout`);
    return layout;
  }

  #compute(def: TypeDef): Layout {
    switch (def.kind) {
      case 'record':
        return this.record(def.fields.map((field) => field.type));
      case 'tuple':
        return this.record(def.types);
      case 'list':
        return def.length === undefined ? this.#pointerPair : this.#repeated(def.element, def.length);
      case 'map':
        return this.#pointerPair;
      case 'variant':
        return this.#variant(def.cases.map((one) => one.type));
      case 'enum':
        return this.#variant(def.names.map(() => undefined));
      case 'option':
        return this.#variant([undefined, def.type]);
      case 'result':
        return this.#variant([def.ok, def.err]);
      case 'flags':
        return flagsLayout(def.names.length);
      default:
        return primitiveLayouts.u32;
    }
  }

  /** Fields one after another, each at its own alignment; also the tuple that parameters become in memory. */
  record(types: readonly TypeRef[]): Layout {
    let size = 0;
    let align = 1;
    let flat: string | undefined = '';
    const offsets: number[] = [];
    for (const type of types) {
      const part = this.of(type);
      size = alignTo(size, part.align);
      offsets.push(size);
      size += part.size;
      if (part.align > align) align = part.align;
      flat = joinSequence(flat, part.flat);
    }
    return { size: alignTo(size, align), align, flat, offsets };
  }

  #repeated(element: TypeRef, length: number): Layout {
    const part = this.of(element);
    const few = part.flat !== undefined && part.flat.length * length <= flatParamsMax;
    return { size: part.size * length, align: part.align, flat: few ? part.flat.repeat(length) : undefined };
  }

  #variant(cases: readonly (TypeRef | undefined)[]): Layout {
    const discriminantBytes = cases.length <= 0x100 ? 1 : cases.length <= 0x10000 ? 2 : 4;
    let align = 1;
    let size = 0;
    let flat: string | undefined = '';
    for (const type of cases) {
      if (type === undefined) continue;
      const part = this.of(type);
      if (part.align > align) align = part.align;
      if (part.size > size) size = part.size;
      flat = joinEither(flat, part.flat);
    }
    const payloadOffset = alignTo(discriminantBytes, align);
    align = Math.max(align, discriminantBytes);
    return {
      size: alignTo(payloadOffset + size, align),
      align,
      flat: joinSequence('i', flat),
      discriminantBytes,
      payloadOffset,
    };
  }
}

function flagsLayout(count: number): Layout {
  return fixed(count <= 8 ? 1 : count <= 16 ? 2 : 4, 'i');
}

export function alignTo(offset: number, align: number): number {
  return Math.ceil(offset / align) * align;
}

function joinSequence(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined || a.length + b.length > flatParamsMax) return undefined;
  return a + b;
}

/** The core types that can carry either payload: equal ones stay, i32 and f32 share i32, everything else i64. */
function joinEither(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return undefined;
  const [long, short] = a.length >= b.length ? [a, b] : [b, a];
  let joined = '';
  for (let index = 0; index < long.length; index += 1) {
    const left = long[index] as string;
    const right = short[index] ?? left;
    if (left === right) joined += left;
    else joined += (left === 'i' && right === 'f') || (left === 'f' && right === 'i') ? 'i' : 'I';
  }
  return joined;
}

/** How a function's values travel between component and core code. */
export interface CoreSignature {
  /** Core parameter and result types in letters. */
  readonly params: string;
  readonly results: string;
  /** Whether parameters or the result go through memory, and the layout of the parameters there. */
  readonly paramsInMemory: boolean;
  readonly resultInMemory: boolean;
  readonly paramsLayout: Layout;
}

/** `flatten_functype` for the synchronous ABI, as seen by the core function that is lifted or lowered. */
export function coreSignature(layouts: Layouts, type: FuncType, side: 'lift' | 'lower'): CoreSignature {
  const paramsLayout = layouts.record(type.params.map((param) => param.type));
  const resultFlat = type.result === undefined ? '' : layouts.of(type.result).flat;
  const paramsInMemory = paramsLayout.flat === undefined;
  const resultInMemory = resultFlat === undefined || resultFlat.length > flatResultsMax;
  const params = paramsLayout.flat ?? 'i';
  return {
    params: resultInMemory && side === 'lower' ? `${params}i` : params,
    results: resultInMemory ? (side === 'lift' ? 'i' : '') : resultFlat,
    paramsInMemory,
    resultInMemory,
    paramsLayout,
  };
}

/** More parameters of an import that is called asynchronously travel through memory. */
export const flatAsyncParamsMax = 4;

/**
 * `flatten_functype` for the asynchronous ABI. A lifted function gives a callback code and returns its value by
 * `task.return`, whose parameters are the flat result; `resultInMemory` then says that they are one pointer.
 * A lowered function gives a status, and writes its result where its last parameter says.
 */
export function asyncSignature(layouts: Layouts, type: FuncType, side: 'lift' | 'lower'): CoreSignature {
  const paramsLayout = layouts.record(type.params.map((param) => param.type));
  const { flat } = paramsLayout;
  const resultFlat = type.result === undefined ? '' : layouts.of(type.result).flat;
  if (side === 'lift') {
    const params = flat ?? 'i';
    return {
      params,
      results: 'i',
      paramsInMemory: flat === undefined,
      resultInMemory: resultFlat === undefined,
      paramsLayout,
    };
  }
  const paramsInMemory = flat === undefined || flat.length > flatAsyncParamsMax;
  const resultInMemory = resultFlat !== '';
  return {
    params: (paramsInMemory ? 'i' : flat) + (resultInMemory ? 'i' : ''),
    results: 'i',
    paramsInMemory,
    resultInMemory,
    paramsLayout,
  };
}
