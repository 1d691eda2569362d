import { camelCase } from '../../host/engine/component/names.ts';
import { isNullable, type TypeDef, type TypeRef } from '../../host/engine/component/types.ts';
import { fc } from './properties.ts';

/** A value type as a tree, to be written as WIT. */
export type WitType =
  | { readonly kind: 'primitive'; readonly name: string }
  | { readonly kind: 'record'; readonly fields: readonly WitType[] }
  | { readonly kind: 'variant'; readonly cases: readonly (WitType | undefined)[] }
  | { readonly kind: 'enum' | 'flags'; readonly count: number }
  | { readonly kind: 'tuple'; readonly types: readonly WitType[] }
  | { readonly kind: 'list'; readonly element: WitType; readonly length?: number }
  | { readonly kind: 'map'; readonly key: string; readonly value: WitType }
  | { readonly kind: 'option'; readonly type: WitType }
  | { readonly kind: 'result'; readonly ok: WitType | undefined; readonly err: WitType | undefined };

export interface WitTypeOptions {
  /** Lists of fixed length and maps, which not every tool knows. Default true. */
  readonly recent?: boolean;
}

const primitives = 'bool s8 u8 s16 u16 s32 u32 s64 u64 f32 f64 char string'.split(' ');
const keys = 'bool u8 s32 u64 char string'.split(' ');

/** Any value type a few levels deep. */
export function witType(options: WitTypeOptions = {}): fc.Arbitrary<WitType> {
  const recent = options.recent ?? true;
  const { type } = fc.letrec<{ type: WitType }>((tie) => {
    const maybe = fc.option(tie('type'), { nil: undefined, freq: 2 });
    const list = fc.record({ kind: fc.constant('list' as const), element: tie('type') });
    const fixed = fc.record({
      kind: fc.constant('list' as const),
      element: tie('type'),
      length: fc.integer({ min: 1, max: 5 }),
    });
    const map = fc.record({
      kind: fc.constant('map' as const),
      key: fc.constantFrom(...keys),
      value: tie('type'),
    });
    const primitive = fc.constantFrom(...primitives).map((name): WitType => ({ kind: 'primitive', name }));
    return {
      type: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        primitive,
        fc.record({
          kind: fc.constant('record' as const),
          fields: fc.array(tie('type'), { minLength: 1, maxLength: 6 }),
        }),
        fc.record({
          kind: fc.constant('variant' as const),
          cases: fc.array(maybe, { minLength: 1, maxLength: 5 }),
        }),
        fc.record({ kind: fc.constant('enum' as const), count: fc.constantFrom(1, 3, 256, 257) }),
        fc.record({
          kind: fc.constant('flags' as const),
          count: fc.constantFrom(1, 7, 8, 9, 16, 17, 31, 32),
        }),
        fc.record({
          kind: fc.constant('tuple' as const),
          types: fc.array(tie('type'), { minLength: 1, maxLength: 5 }),
        }),
        list,
        fc.record({ kind: fc.constant('option' as const), type: tie('type') }),
        fc.record({ kind: fc.constant('result' as const), ok: maybe, err: maybe }),
        ...(recent ? [fixed, map] : []),
      ),
    };
  });
  return type;
}

/** WIT text for some types: declarations for an interface, and how each type is referred to. */
export function writeWit(types: readonly WitType[]): {
  readonly declarations: string;
  readonly refs: readonly string[];
} {
  const declarations: string[] = [];
  const declare = (kind: string, parts: readonly string[]): string => {
    const name = `t${declarations.length}`;
    declarations.push(`${kind} ${name} { ${parts.join(', ')} }`);
    return name;
  };
  const labels = (count: number): string[] => Array.from({ length: count }, (_, index) => `part-${index}`);
  const write = (type: WitType): string => {
    switch (type.kind) {
      case 'primitive':
        return type.name;
      case 'record':
        return declare(
          'record',
          type.fields.map(write).map((text, index) => `part-${index}: ${text}`),
        );
      case 'variant':
        return declare(
          'variant',
          type.cases.map((one, index) => `part-${index}${one === undefined ? '' : `(${write(one)})`}`),
        );
      case 'enum':
      case 'flags':
        return declare(type.kind, labels(type.count));
      case 'tuple':
        return `tuple<${type.types.map(write).join(', ')}>`;
      case 'list':
        return `list<${write(type.element)}${type.length === undefined ? '' : `, ${type.length}`}>`;
      case 'map':
        return `map<${type.key}, ${write(type.value)}>`;
      case 'option':
        return `option<${write(type.type)}>`;
      case 'result': {
        const ok = type.ok === undefined ? '_' : write(type.ok);
        if (type.err === undefined) return ok === '_' ? 'result' : `result<${ok}>`;
        return `result<${ok}, ${write(type.err)}>`;
      }
    }
  };
  const refs = types.map(write);
  return { declarations: declarations.join('\n'), refs };
}

const character = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 });
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 200 }));

const primitiveValues: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  bool: fc.boolean(),
  s8: fc.integer({ min: -0x80, max: 0x7f }),
  u8: fc.integer({ min: 0, max: 0xff }),
  s16: fc.integer({ min: -0x8000, max: 0x7fff }),
  u16: fc.integer({ min: 0, max: 0xffff }),
  s32: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  u32: fc.integer({ min: 0, max: 0xffffffff }),
  s64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  u64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  f32: fc.float(),
  f64: fc.double(),
  char: character,
  string: text,
};

const numbers: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  s8: fc.int8Array(),
  u8: fc.uint8Array(),
  s16: fc.int16Array(),
  u16: fc.uint16Array(),
  s32: fc.int32Array(),
  u32: fc.uint32Array(),
  s64: fc.bigInt64Array(),
  u64: fc.bigUint64Array(),
  f32: fc.float32Array({ noNaN: true }),
  f64: fc.float64Array({ noNaN: true }),
};

/** Any value of a type, in the JavaScript conventions both lanes share. */
export function witValue(types: readonly TypeDef[], ref: TypeRef): fc.Arbitrary<unknown> {
  if (typeof ref === 'string') return primitiveValues[ref] ?? fc.constant(undefined);
  const of = (part: TypeRef): fc.Arbitrary<unknown> => witValue(types, part);
  const payload = (tag: string, part: TypeRef | undefined): fc.Arbitrary<unknown> =>
    part === undefined ? fc.constant({ tag }) : of(part).map((val) => ({ tag, val }));
  const def = types[ref];
  switch (def?.kind) {
    case 'record':
      return fc
        .tuple(...def.fields.map((field) => of(field.type)))
        .map((values) =>
          Object.fromEntries(def.fields.map((field, index) => [camelCase(field.name), values[index]])),
        );
    case 'tuple':
      return fc.tuple(...def.types.map(of));
    case 'variant':
      return fc.oneof(...def.cases.map((one) => payload(one.name, one.type)));
    case 'enum':
      return fc.constantFrom(...def.names);
    case 'flags':
      return fc
        .tuple(...def.names.map(() => fc.boolean()))
        .map((values) =>
          Object.fromEntries(def.names.map((name, index) => [camelCase(name), values[index]])),
        );
    case 'list': {
      if (def.length !== undefined)
        return fc.tuple(...Array.from({ length: def.length }, () => of(def.element)));
      const typed = typeof def.element === 'string' ? numbers[def.element] : undefined;
      return typed ?? fc.array(of(def.element), { maxLength: 6 });
    }
    case 'map':
      return fc
        .array(fc.tuple(of(def.key), of(def.value)), { maxLength: 4 })
        .map((entries) => new Map(entries));
    case 'option': {
      if (isNullable(types, def.type))
        return fc.oneof(fc.constant({ tag: 'none' }), payload('some', def.type));
      return fc.option(of(def.type), { nil: undefined });
    }
    case 'result':
      return fc.oneof(resultCase(of, 'ok', def.ok), resultCase(of, 'err', def.err));
    default:
      return fc.constant(undefined);
  }
}

function resultCase(
  of: (part: TypeRef) => fc.Arbitrary<unknown>,
  tag: string,
  part: TypeRef | undefined,
): fc.Arbitrary<unknown> {
  return part === undefined ? fc.constant({ tag, val: undefined }) : of(part).map((val) => ({ tag, val }));
}
