import { HostError } from '../../errors.ts';
import { type FuncType, isNullable, type Primitive, type TypeDef, type TypeRef } from '../component/types.ts';
import { camelCase } from './js-names.ts';

/** A world's types, and whether an object is of the resource type at an index. */
export interface ValueTypes {
  readonly defs: readonly TypeDef[];
  readonly isResource: (resource: number, value: object) => boolean;
}

/**
 * Checks the arguments of a call against their WIT types, in the conventions of `linker.ts`: jco itself
 * converts silently (a string becomes a number) or fails half-way with the guest already entered.
 * @throws HostError `HOST_ERR_VALUE_INVALID` naming the parameter and where in it
 */
export function checkArguments(
  types: ValueTypes,
  functionName: string,
  type: FuncType,
  args: readonly unknown[],
): void {
  if (args.length !== type.params.length)
    throw new HostError(
      'HOST_ERR_VALUE_INVALID',
      `${functionName} takes ${type.params.length} arguments, not ${args.length}`,
    );
  type.params.forEach((param, at) => {
    const wrong = misfit(types, param.type, args[at], param.name);
    if (wrong !== undefined) throw new HostError('HOST_ERR_VALUE_INVALID', `${functionName}: ${wrong}`);
  });
}

type Shape = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Shape => typeof value === 'object' && value !== null;

/** Undefined, or one line that says what does not fit. Types are finite trees, so the recursion ends with them. */
function misfit(types: ValueTypes, ref: TypeRef, value: unknown, path: string): string | undefined {
  if (typeof ref === 'string') return fitsPrimitive(ref, value) ? undefined : `${path} is not a ${ref}`;
  const def = types.defs[ref];
  if (def === undefined) throw new Error(`bug: no type ${ref}`);
  const part = (inner: TypeRef | undefined, held: unknown, at: string) =>
    inner === undefined
      ? held === undefined
        ? undefined
        : `${at} carries a value but should not`
      : misfit(types, inner, held, at);
  const first = <T>(items: readonly T[], check: (item: T, at: number) => string | undefined) => {
    for (const [at, item] of items.entries()) {
      const wrong = check(item, at);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };
  switch (def.kind) {
    case 'record':
      if (!isObject(value)) return `${path} is not a record`;
      return first(def.fields, ({ name, type }) =>
        part(type, value[camelCase(name)], `${path}.${camelCase(name)}`),
      );
    case 'variant': {
      const chosen = isObject(value) ? def.cases.find(({ name }) => name === value.tag) : undefined;
      if (chosen === undefined)
        return `${path} has none of the tags ${def.cases.map((c) => c.name).join(', ')}`;
      return part(chosen.type, (value as Shape).val, `${path}.val`);
    }
    case 'result': {
      const tag = isObject(value) ? value.tag : undefined;
      if (tag !== 'ok' && tag !== 'err') return `${path} is not a result {tag: 'ok' | 'err', val}`;
      return part(def[tag], (value as Shape).val, `${path}.val`);
    }
    case 'option': {
      if (!isNullable(types.defs, def.type))
        return value === undefined ? undefined : part(def.type, value, path);
      const tag = isObject(value) ? value.tag : undefined;
      if (tag === 'none') return undefined;
      return tag === 'some'
        ? part(def.type, (value as Shape).val, `${path}.val`)
        : `${path} is not {tag: 'some' | 'none'}`;
    }
    case 'tuple':
      if (!Array.isArray(value) || value.length !== def.types.length)
        return `${path} is not a tuple of ${def.types.length}`;
      return first(def.types, (type, at) => part(type, value[at], `${path}[${at}]`));
    case 'list':
      return misfitList(types, def, value, path);
    case 'map':
      return value instanceof Map
        ? first(
            [...value],
            ([key, held], at) =>
              part(def.key, key, `${path}[${at}]`) ?? part(def.value, held, `${path}[${at}]`),
          )
        : `${path} is not a Map`;
    case 'flags': {
      if (!isObject(value)) return `${path} is not an object of booleans`;
      const known = new Set(def.names.map(camelCase));
      return first(Object.entries(value), ([name, held]) =>
        known.has(name) && (typeof held === 'boolean' || held === undefined)
          ? undefined
          : `${path}.${name} is not one of its flags`,
      );
    }
    case 'enum':
      return def.names.includes(value as string) ? undefined : `${path} is none of ${def.names.join(', ')}`;
    case 'own':
    case 'borrow': {
      const isFit = isObject(value) && types.isResource(def.resource, value);
      return isFit ? undefined : `${path} is not a resource '${types.defs[def.resource]?.name ?? ''}'`;
    }
    case 'stream':
    case 'future':
      return isObject(value) ? undefined : `${path} is not a ${def.kind}`;
    case 'resource':
      throw new Error('bug: a resource type is no value type');
  }
}

const typedArrays: Readonly<
  Partial<Record<TypeRef, abstract new (...args: never[]) => { readonly length: number }>>
> = {
  u8: Uint8Array,
  s8: Int8Array,
  u16: Uint16Array,
  s16: Int16Array,
  u32: Uint32Array,
  s32: Int32Array,
  u64: BigUint64Array,
  s64: BigInt64Array,
  f32: Float32Array,
  f64: Float64Array,
};

function misfitList(
  types: ValueTypes,
  def: TypeDef & { readonly kind: 'list' },
  value: unknown,
  path: string,
): string | undefined {
  const packed = typedArrays[def.element];
  const isPacked = packed !== undefined && value instanceof packed;
  if (!isPacked && !Array.isArray(value)) return `${path} is not a list`;
  const list = value as { readonly length: number };
  if (def.length !== undefined && list.length !== def.length) return `${path} has not ${def.length} elements`;
  if (isPacked) return undefined;
  for (const [at, item] of (value as readonly unknown[]).entries()) {
    const wrong = misfit(types, def.element, item, `${path}[${at}]`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

const integerBounds: Readonly<Partial<Record<Primitive, readonly [number, number]>>> = {
  u8: [0, 0xff],
  s8: [-0x80, 0x7f],
  u16: [0, 0xffff],
  s16: [-0x8000, 0x7fff],
  u32: [0, 0xffff_ffff],
  s32: [-0x8000_0000, 0x7fff_ffff],
};

function fitsPrimitive(type: Primitive, value: unknown): boolean {
  const bounds = integerBounds[type];
  if (bounds !== undefined)
    return Number.isInteger(value) && (value as number) >= bounds[0] && (value as number) <= bounds[1];
  switch (type) {
    case 'u64':
      return typeof value === 'bigint' && BigInt.asUintN(64, value) === value;
    case 's64':
      return typeof value === 'bigint' && BigInt.asIntN(64, value) === value;
    case 'f32':
    case 'f64':
      return typeof value === 'number';
    case 'bool':
      return typeof value === 'boolean';
    case 'string':
      return typeof value === 'string';
    case 'char':
      return typeof value === 'string' && [...value].length === 1 && value.isWellFormed();
    default:
      return isObject(value);
  }
}
