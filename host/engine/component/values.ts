import { camelCase } from './names.ts';
import { isNullable, type Primitive, type TypeDef, type TypeRef } from './types.ts';

/** Where and why a JavaScript value does not fit its WIT type. */
export interface Misfit {
  /** `message.headers[2]`; begins with the name the check was given. */
  readonly path: string;
  readonly expected: string;
  readonly got: string;
}

const arrays: Readonly<Record<string, abstract new (...args: never[]) => ArrayLike<unknown>>> = {
  s8: Int8Array,
  u8: Uint8Array,
  s16: Int16Array,
  u16: Uint16Array,
  s32: Int32Array,
  u32: Uint32Array,
  s64: BigInt64Array,
  u64: BigUint64Array,
  f32: Float32Array,
  f64: Float64Array,
};

const integerRanges: Readonly<Record<string, readonly [min: number | bigint, max: number | bigint]>> = {
  s8: [-0x80, 0x7f],
  u8: [0, 0xff],
  s16: [-0x8000, 0x7fff],
  u16: [0, 0xffff],
  s32: [-0x80000000, 0x7fffffff],
  u32: [0, 0xffffffff],
  s64: [-(2n ** 63n), 2n ** 63n - 1n],
  u64: [0n, 2n ** 64n - 1n],
};

/**
 * Checks a value in the JavaScript conventions of `engine/linker.ts` against its type. Slow and exact: for
 * naming what is wrong after lowering refused a value, and for values that never reach a guest.
 */
export function checkValue(
  types: readonly TypeDef[],
  ref: TypeRef,
  value: unknown,
  path: string,
): Misfit | undefined {
  return new Check(types).value(ref, value, path);
}

/** A type as WIT writes it, nested types by name or kind: for messages. */
export function describeType(types: readonly TypeDef[], ref: TypeRef): string {
  if (typeof ref === 'string') return ref;
  const def = types[ref];
  if (def === undefined) return 'unknown type';
  if (def.name !== undefined) return `${def.kind} ${def.name}`;
  const short = (part: TypeRef): string =>
    typeof part === 'string' ? part : (types[part]?.name ?? types[part]?.kind ?? 'unknown');
  if (def.kind === 'list')
    return `list<${short(def.element)}${def.length === undefined ? '' : `, ${def.length}`}>`;
  if (def.kind === 'option') return `option<${short(def.type)}>`;
  if (def.kind === 'tuple') return `tuple<${def.types.map(short).join(', ')}>`;
  if (def.kind === 'map') return `map<${short(def.key)}, ${short(def.value)}>`;
  if (def.kind === 'result')
    return `result<${def.ok === undefined ? '_' : short(def.ok)}, ${def.err === undefined ? '_' : short(def.err)}>`;
  if (def.kind === 'enum') return `enum {${def.names.slice(0, 10).join(', ')}}`;
  return def.kind;
}

const textShown = 40;

function describe(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > textShown ? `${value.slice(0, textShown)}…` : value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null)
    return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return `${typeof value} ${Object.prototype.toString.call(value)}`;
}

class Check {
  readonly #types: readonly TypeDef[];

  constructor(types: readonly TypeDef[]) {
    this.#types = types;
  }

  value(ref: TypeRef, value: unknown, path: string): Misfit | undefined {
    if (typeof ref === 'string')
      return fitsPrimitive(ref, value) ? undefined : this.#misfit(ref, value, path);
    const def = this.#types[ref] as TypeDef;
    switch (def.kind) {
      case 'record':
        return isObject(value)
          ? this.#each(def.fields, (field) => [
              field.type,
              value[camelCase(field.name)],
              `${path}.${camelCase(field.name)}`,
            ])
          : this.#misfit(ref, value, path);
      case 'tuple':
        return isSequence(value) && value.length === def.types.length
          ? this.#each(def.types, (type, index) => [type, value[index], `${path}[${index}]`])
          : this.#misfit(ref, value, path);
      case 'list':
        return (
          this.#list(def.element, def.length, value, path) ??
          (this.#isList(def, value) ? undefined : this.#misfit(ref, value, path))
        );
      case 'map':
        return value instanceof Map
          ? this.#map(def.key, def.value, value, path)
          : this.#misfit(ref, value, path);
      case 'flags':
        return isObject(value) && def.names.every((name) => isFlag(value[camelCase(name)]))
          ? undefined
          : this.#misfit(ref, value, path);
      case 'enum':
        return def.names.includes(value as string) ? undefined : this.#misfit(ref, value, path);
      case 'option':
        return this.#option(def.type, ref, value, path);
      case 'variant': {
        const found = isObject(value) ? def.cases.find((one) => one.name === value.tag) : undefined;
        return found === undefined ? this.#misfit(ref, value, path) : this.#payload(found.type, value, path);
      }
      case 'result': {
        const tag = isObject(value) ? value.tag : undefined;
        if (tag !== 'ok' && tag !== 'err') return this.#misfit(ref, value, path);
        return this.#payload(tag === 'ok' ? def.ok : def.err, value, path);
      }
      default:
        return this.#misfit(ref, value, path);
    }
  }

  #misfit(ref: TypeRef, value: unknown, path: string): Misfit {
    return { path, expected: describeType(this.#types, ref), got: describe(value) };
  }

  #payload(type: TypeRef | undefined, value: unknown, path: string): Misfit | undefined {
    return type === undefined ? undefined : this.value(type, (value as { val?: unknown }).val, `${path}.val`);
  }

  #option(type: TypeRef, ref: TypeRef, value: unknown, path: string): Misfit | undefined {
    if (!isNullable(this.#types, type))
      return value === undefined || value === null ? undefined : this.value(type, value, path);
    if (!isObject(value) || (value.tag !== 'none' && value.tag !== 'some'))
      return this.#misfit(ref, value, path);
    return value.tag === 'none' ? undefined : this.value(type, value.val, `${path}.val`);
  }

  #isList(def: { readonly element: TypeRef; readonly length?: number }, value: unknown): boolean {
    if (def.length !== undefined) return isSequence(value) && value.length === def.length;
    const Numbers = typeof def.element === 'string' ? arrays[def.element] : undefined;
    return Array.isArray(value) || (Numbers !== undefined && value instanceof Numbers);
  }

  #list(element: TypeRef, length: number | undefined, value: unknown, path: string): Misfit | undefined {
    const items = Array.isArray(value) ? value : length !== undefined && isSequence(value) ? value : [];
    for (let index = 0; index < items.length; index += 1) {
      // A path is only made for what is not seen at once to fit: lists are long.
      if (typeof element === 'string' && fitsPrimitive(element, items[index])) continue;
      const misfit = this.value(element, items[index], `${path}[${index}]`);
      if (misfit !== undefined) return misfit;
    }
    return undefined;
  }

  #map(key: TypeRef, value: TypeRef, map: ReadonlyMap<unknown, unknown>, path: string): Misfit | undefined {
    for (const [oneKey, oneValue] of map) {
      const misfit =
        this.value(key, oneKey, `${path} key`) ?? this.value(value, oneValue, `${path}[${describe(oneKey)}]`);
      if (misfit !== undefined) return misfit;
    }
    return undefined;
  }

  #each<T>(
    parts: readonly T[],
    of: (part: T, index: number) => readonly [ref: TypeRef, value: unknown, path: string],
  ): Misfit | undefined {
    for (let index = 0; index < parts.length; index += 1) {
      const misfit = this.value(...of(parts[index] as T, index));
      if (misfit !== undefined) return misfit;
    }
    return undefined;
  }
}

function fitsPrimitive(type: Primitive, value: unknown): boolean {
  const range = integerRanges[type];
  if (range !== undefined) {
    const right = typeof range[0] === 'bigint' ? typeof value === 'bigint' : Number.isInteger(value);
    return right && (value as number) >= range[0] && (value as number) <= range[1];
  }
  if (type === 'bool') return typeof value === 'boolean';
  if (type === 'string') return typeof value === 'string';
  if (type === 'char') return typeof value === 'string' && isOneCharacter(value);
  return (type === 'f32' || type === 'f64') && typeof value === 'number';
}

function isOneCharacter(text: string): boolean {
  const code = text.codePointAt(0);
  return code !== undefined && !(code >= 0xd800 && code <= 0xdfff) && text.length === (code > 0xffff ? 2 : 1);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isSequence(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

function isFlag(value: unknown): boolean {
  return value === undefined || typeof value === 'boolean';
}
