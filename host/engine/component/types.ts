/** Component-level types as data: they go into caches and cross threads, so a type is named by its place in a table. */

export type Primitive =
  | 'bool'
  | 's8'
  | 'u8'
  | 's16'
  | 'u16'
  | 's32'
  | 'u32'
  | 's64'
  | 'u64'
  | 'f32'
  | 'f64'
  | 'char'
  | 'string'
  | 'error-context';

/** A primitive, or the index of a `TypeDef` in the table that goes with it. A definition refers only to earlier ones. */
export type TypeRef = Primitive | number;

export interface Field {
  readonly name: string;
  readonly type: TypeRef;
}

export interface Case {
  readonly name: string;
  readonly type?: TypeRef;
}

interface Named {
  /** The WIT name, where the world gives one, and the interface that declares it (absent for the world itself). */
  readonly name?: string;
  readonly owner?: string;
}

export type TypeDef = Named &
  (
    | { readonly kind: 'record'; readonly fields: readonly Field[] }
    | { readonly kind: 'variant'; readonly cases: readonly Case[] }
    | { readonly kind: 'list'; readonly element: TypeRef; readonly length?: number }
    | { readonly kind: 'map'; readonly key: TypeRef; readonly value: TypeRef }
    | { readonly kind: 'tuple'; readonly types: readonly TypeRef[] }
    | { readonly kind: 'flags'; readonly names: readonly string[] }
    | { readonly kind: 'enum'; readonly names: readonly string[] }
    | { readonly kind: 'option'; readonly type: TypeRef }
    | { readonly kind: 'result'; readonly ok?: TypeRef; readonly err?: TypeRef }
    | { readonly kind: 'own' | 'borrow'; readonly resource: number }
    | { readonly kind: 'stream' | 'future'; readonly element?: TypeRef }
    | { readonly kind: 'resource' }
  );

/** A function's type; parameter names are kebab case, `result` is absent when it returns nothing. */
export interface FuncType {
  readonly params: readonly Field[];
  readonly result?: TypeRef;
  readonly async?: true;
}

/**
 * Whether `undefined` is a value of the type in JavaScript: `none` of an option. An option of such a type is
 * `{tag: 'none' | 'some', val}`, or `none` and `some(none)` would be the same.
 */
export function isNullable(defs: readonly TypeDef[], ref: TypeRef): boolean {
  let depth = 0;
  for (let at = ref; ; depth += 1) {
    const def = typeof at === 'number' ? defs[at] : undefined;
    if (def?.kind !== 'option') return depth % 2 === 1;
    at = def.type;
  }
}

/** The types a definition refers to, in order. */
export function partsOf(def: TypeDef): readonly TypeRef[] {
  switch (def.kind) {
    case 'record':
      return def.fields.map((field) => field.type);
    case 'variant':
      return def.cases.flatMap((one) => (one.type === undefined ? [] : [one.type]));
    case 'list':
      return [def.element];
    case 'map':
      return [def.key, def.value];
    case 'tuple':
      return def.types;
    case 'option':
      return [def.type];
    case 'result':
      return [def.ok, def.err].filter((part) => part !== undefined);
    case 'own':
    case 'borrow':
      return [def.resource];
    case 'stream':
    case 'future':
      return def.element === undefined ? [] : [def.element];
    case 'flags':
    case 'enum':
    case 'resource':
      return [];
  }
}

/** The same definition with every reference replaced. */
export function mapParts(def: TypeDef, to: (ref: TypeRef) => TypeRef): TypeDef {
  switch (def.kind) {
    case 'record':
      return { ...def, fields: def.fields.map((field) => ({ name: field.name, type: to(field.type) })) };
    case 'variant':
      return {
        ...def,
        cases: def.cases.map((one) =>
          one.type === undefined ? one : { name: one.name, type: to(one.type) },
        ),
      };
    case 'list':
      return { ...def, element: to(def.element) };
    case 'map':
      return { ...def, key: to(def.key), value: to(def.value) };
    case 'tuple':
      return { ...def, types: def.types.map(to) };
    case 'option':
      return { ...def, type: to(def.type) };
    case 'result':
      return {
        ...def,
        ...(def.ok === undefined ? {} : { ok: to(def.ok) }),
        ...(def.err === undefined ? {} : { err: to(def.err) }),
      };
    case 'own':
    case 'borrow':
      return { ...def, resource: to(def.resource) as number };
    case 'stream':
    case 'future':
      return def.element === undefined ? def : { ...def, element: to(def.element) };
    case 'flags':
    case 'enum':
    case 'resource':
      return def;
  }
}
