import type { FuncType, TypeDef, TypeRef } from '../../../host/engine/component/types.ts';

/** A type as WIT writes it; named ones by their names. */
export function witType(types: readonly TypeDef[], ref: TypeRef): string {
  if (typeof ref === 'string') return ref;
  const def = types[ref] as TypeDef;
  const of = (part: TypeRef | undefined): string => (part === undefined ? '_' : witType(types, part));
  if (def.name !== undefined) return def.name;
  switch (def.kind) {
    case 'list':
      return `list<${of(def.element)}${def.length === undefined ? '' : `, ${def.length}`}>`;
    case 'map':
      return `map<${of(def.key)}, ${of(def.value)}>`;
    case 'tuple':
      return `tuple<${def.types.map(of).join(', ')}>`;
    case 'option':
      return `option<${of(def.type)}>`;
    case 'result':
      return witResult(of, def.ok, def.err);
    case 'own':
      return of(def.resource);
    case 'borrow':
      return `borrow<${of(def.resource)}>`;
    case 'stream':
    case 'future':
      return def.element === undefined ? def.kind : `${def.kind}<${of(def.element)}>`;
    default:
      return def.kind;
  }
}

function witResult(of: (part: TypeRef | undefined) => string, ok?: TypeRef, err?: TypeRef): string {
  if (err !== undefined) return `result<${of(ok)}, ${of(err)}>`;
  return ok === undefined ? 'result' : `result<${of(ok)}>`;
}

/** `name: func(a: u32) -> string`; a resource's as `resource.name: func() -> string`, without `self`. */
export function witSignature(types: readonly TypeDef[], name: string, type: FuncType): string {
  const [, annotation, member = ''] = /^\[(\w+)\](.*)$/.exec(name) ?? [];
  const own = annotation === 'method' ? type.params.slice(1) : type.params;
  const params = own.map((param) => `${param.name}: ${witType(types, param.type)}`).join(', ');
  if (annotation === 'constructor') return `${member}: constructor(${params})`;
  const result = type.result === undefined ? '' : ` -> ${witType(types, type.result)}`;
  return `${annotation === undefined ? name : member}: ${annotation === 'static' ? 'static ' : ''}func(${params})${result}`;
}
