import type { Primitive, TypeDef, TypeRef } from '../../../../host/engine/component/types.ts';

/** Value types by WIT name. A `char` is its Unicode scalar value. */
const primitives: Readonly<Record<Exclude<Primitive, 'error-context'>, string>> = {
  bool: 'bool',
  s8: 'i8',
  u8: 'u8',
  s16: 'i16',
  u16: 'u16',
  s32: 'i32',
  u32: 'u32',
  s64: 'i64',
  u64: 'u64',
  f32: 'f32',
  f64: 'f64',
  char: 'u32',
  string: 'string',
};

/** Lists of numbers are typed arrays, which move as one block. */
const typedArrays: Readonly<Partial<Record<string, string>>> = {
  s8: 'Int8Array',
  u8: 'Uint8Array',
  s16: 'Int16Array',
  u16: 'Uint16Array',
  s32: 'Int32Array',
  u32: 'Uint32Array',
  s64: 'Int64Array',
  u64: 'Uint64Array',
  f32: 'Float32Array',
  f64: 'Float64Array',
};

/** How a module writes a named type: by its index in the type table. */
export type Naming = (ref: number, def: TypeDef) => string;

/** The AssemblyScript type of a list of this, where it is a typed array. */
export function typedArrayOf(element: TypeRef): string | undefined {
  return typeof element === 'string' ? typedArrays[element] : undefined;
}

export function primitiveText(name: Primitive): string {
  return primitives[name as keyof typeof primitives];
}

/** Whether values are references, which may be `null`; numbers and enums are not. */
export function isReference(defs: readonly TypeDef[], ref: TypeRef): boolean {
  if (typeof ref === 'string') return ref === 'string';
  const kind = (defs[ref] as TypeDef).kind;
  return kind !== 'enum' && kind !== 'flags';
}

/** Whether the type's values include `null`. */
export function isNullable(defs: readonly TypeDef[], ref: TypeRef): boolean {
  return typeof ref === 'number' && defs[ref]?.kind === 'option';
}

/** Whether an option of this puts its value into a `Box`: there is no `null` for numbers, nor two kinds of `null`. */
export function isBoxed(defs: readonly TypeDef[], inner: TypeRef): boolean {
  return !isReference(defs, inner) || isNullable(defs, inner);
}

/** A WIT type as AssemblyScript writes it. */
export function typeText(defs: readonly TypeDef[], ref: TypeRef, naming: Naming): string {
  if (typeof ref === 'string') return primitiveText(ref);
  const def = defs[ref] as TypeDef;
  const of = (part: TypeRef): string => typeText(defs, part, naming);
  switch (def.kind) {
    case 'list':
      return typedArrayOf(def.element) ?? arrayText(of(def.element));
    case 'map':
      return `Map<${of(def.key)}, ${of(def.value)}>`;
    case 'tuple':
      return `Tuple${def.types.length}<${def.types.map(of).join(', ')}>`;
    case 'option':
      return isBoxed(defs, def.type) ? `Box<${of(def.type)}> | null` : `${of(def.type)} | null`;
    case 'result':
      return `Result<${def.ok === undefined ? 'Unit' : of(def.ok)}, ${def.err === undefined ? 'Unit' : of(def.err)}>`;
    case 'own':
    case 'borrow':
      return naming(def.resource, defs[def.resource] as TypeDef);
    default:
      return naming(ref, def);
  }
}

function arrayText(element: string): string {
  return element.includes('|') ? `Array<${element}>` : `${element}[]`;
}
