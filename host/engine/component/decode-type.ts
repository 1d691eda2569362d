import type { ExternType, Func, Instance, ModuleType, TypeEntry } from './component.ts';
import {
  type CoreExternType,
  type CoreFuncType,
  type CoreImport,
  readCoreExternType,
  readCoreValueType,
  readRecType,
} from './core-module.ts';
import { isLabel, parseInterfaceName } from './names.ts';
import { type Reader, unsupported } from './reader.ts';
import { definitionsMax, type NamedExtern, Scope, scopeDepthMax } from './scope.ts';
import type { Case, Field, FuncType, Primitive, TypeDef, TypeRef } from './types.ts';

/** Fields of a record, cases of a variant, parameters of a function. */
const partsMax = 10_000;

const primitives: Readonly<Record<number, Primitive>> = {
  127: 'bool',
  126: 's8',
  125: 'u8',
  124: 's16',
  123: 'u16',
  122: 's32',
  121: 'u32',
  120: 's64',
  119: 'u64',
  118: 'f32',
  117: 'f64',
  116: 'char',
  115: 'string',
  100: 'error-context',
};

const keyTypes: ReadonlySet<TypeRef> = new Set<TypeRef>([
  'bool',
  's8',
  'u8',
  's16',
  'u16',
  's32',
  'u32',
  's64',
  'u64',
  'char',
  'string',
]);

/** Section 7: one `type` definition. */
export function readType(reader: Reader, scope: Scope): void {
  const code = reader.byte();
  const entry = readTypeBody(reader, scope, code);
  if (entry.kind === 'value' && typeof entry.ref === 'number') scope.localTypes.add(entry.ref);
  scope.push(reader, scope.types, entry, 'types');
}

function readTypeBody(reader: Reader, scope: Scope, code: number): TypeEntry {
  if (code === 0x40 || code === 0x43)
    return { kind: 'func', type: readFuncType(reader, scope, code === 0x43) };
  if (code === 0x41) return { kind: 'component', type: readTypeScope(reader, scope, 'component type') };
  if (code === 0x42) return { kind: 'instance', type: readTypeScope(reader, scope, 'instance type') };
  if (code === 0x3f) return readResource(reader, scope);
  const primitive = primitives[code];
  if (primitive !== undefined) return { kind: 'value', ref: primitive };
  return { kind: 'value', ref: scope.table.add(reader, readDefined(reader, scope, code)) };
}

function readResource(reader: Reader, scope: Scope): TypeEntry {
  if (scope.kind !== 'component') reader.fail('resources can only be defined within a concrete component');
  if (readCoreValueType(reader) !== 'i') reader.fail('resources can only be represented by i32');
  const flag = reader.byte();
  if (flag > 1) reader.fail('malformed destructor');
  if (flag === 1) {
    const type = scope.at(reader, scope.coreFuncs, 'core function').type;
    if (type !== undefined && (type.params !== 'i' || type.results !== ''))
      reader.fail('a destructor must have type (func (param i32))');
  }
  const index = scope.table.add(reader, { kind: 'resource' });
  scope.table.homes.set(index, scope);
  return { kind: 'resource', index };
}

function readFuncType(reader: Reader, scope: Scope, async: boolean): FuncType {
  const params = readFields(reader, scope, 'parameter');
  const at = reader.offset;
  const form = reader.byte();
  if (form === 1) {
    if (reader.byte() !== 0) reader.fail('named results', at);
    return { params, ...(async ? { async } : {}) };
  }
  if (form !== 0) reader.fail('malformed result list', at);
  const result = readValueType(reader, scope);
  if (scope.table.facts(result).borrow) reader.fail('a result cannot contain a borrow', at);
  return { params, result, ...(async ? { async } : {}) };
}

export function readResultList(reader: Reader, scope: Scope): TypeRef | undefined {
  const form = reader.byte();
  if (form === 0) return readValueType(reader, scope);
  if (form !== 1 || reader.byte() !== 0) reader.fail('malformed result list');
  return undefined;
}

/** `valtype`: a primitive, or the index of a value type. */
export function readValueType(reader: Reader, scope: Scope): TypeRef {
  const at = reader.offset;
  const code = reader.s33();
  if (code < 0) {
    const primitive = primitives[code + 128];
    if (primitive === undefined) reader.fail(`unknown value type ${code}`, at);
    return primitive;
  }
  const entry = scope.types[code];
  if (entry === undefined) reader.fail(`unknown type ${code}: type index out of bounds`, at);
  if (entry.kind !== 'value') reader.fail(`type ${code} is not a value type`, at);
  return entry.ref;
}

function readOptionalType(reader: Reader, scope: Scope): TypeRef | undefined {
  const flag = reader.byte();
  if (flag > 1) reader.fail('malformed optional type');
  return flag === 1 ? readValueType(reader, scope) : undefined;
}

function readLabel(reader: Reader, seen: Set<string>, what: string): string {
  const at = reader.offset;
  const name = reader.name();
  if (!isLabel(name)) reader.fail(`${what} name '${name.slice(0, 80)}' is not in kebab case`, at);
  const form = name.toLowerCase();
  if (seen.has(form)) reader.fail(`${what} name '${name}' conflicts with a previous name`, at);
  seen.add(form);
  return name;
}

function readLabels(reader: Reader, what: string): string[] {
  const seen = new Set<string>();
  const labels: string[] = [];
  for (let left = reader.count(`${what}s`, partsMax); left > 0; left -= 1)
    labels.push(readLabel(reader, seen, what));
  return labels;
}

function readFields(reader: Reader, scope: Scope, what: string): Field[] {
  const seen = new Set<string>();
  const fields: Field[] = [];
  for (let left = reader.count(`${what}s`, partsMax); left > 0; left -= 1)
    fields.push({ name: readLabel(reader, seen, what), type: readValueType(reader, scope) });
  return fields;
}

function readCases(reader: Reader, scope: Scope): Case[] {
  const seen = new Set<string>();
  const cases: Case[] = [];
  for (let left = reader.count('cases', partsMax); left > 0; left -= 1) {
    const name = readLabel(reader, seen, 'case');
    const type = readOptionalType(reader, scope);
    if (reader.byte() !== 0) reader.fail('malformed case');
    cases.push(type === undefined ? { name } : { name, type });
  }
  return cases;
}

function atLeastOne<T>(reader: Reader, items: readonly T[], what: string): readonly T[] {
  if (items.length === 0) reader.fail(`a ${what} must have at least one part`);
  return items;
}

function readDefined(reader: Reader, scope: Scope, code: number): TypeDef {
  switch (code) {
    case 0x72:
      return { kind: 'record', fields: atLeastOne(reader, readFields(reader, scope, 'field'), 'record') };
    case 0x71:
      return { kind: 'variant', cases: atLeastOne(reader, readCases(reader, scope), 'variant') };
    case 0x70:
      return { kind: 'list', element: readValueType(reader, scope) };
    case 0x67:
      return readFixedList(reader, scope);
    case 0x6f:
      return { kind: 'tuple', types: atLeastOne(reader, readTupleTypes(reader, scope), 'tuple') };
    case 0x6e:
      return readFlags(reader);
    case 0x6d:
      return { kind: 'enum', names: atLeastOne(reader, readLabels(reader, 'case'), 'enum') };
    case 0x6b:
      return { kind: 'option', type: readValueType(reader, scope) };
    case 0x6a:
      return readResultType(reader, scope);
    case 0x69:
    case 0x68:
      return { kind: code === 0x69 ? 'own' : 'borrow', resource: readResourceIndex(reader, scope) };
    case 0x66:
    case 0x65:
      return readEventual(reader, scope, code === 0x66 ? 'stream' : 'future');
    case 0x63:
      return readMap(reader, scope);
    default:
      return reader.fail(`unknown type 0x${code.toString(16)}`, reader.offset - 1);
  }
}

function readFixedList(reader: Reader, scope: Scope): TypeDef {
  const element = readValueType(reader, scope);
  const length = reader.u32();
  if (length === 0) reader.fail('fixed-length lists must be longer than zero elements');
  return { kind: 'list', element, length };
}

function readTupleTypes(reader: Reader, scope: Scope): TypeRef[] {
  const types: TypeRef[] = [];
  for (let left = reader.count('types', partsMax); left > 0; left -= 1)
    types.push(readValueType(reader, scope));
  return types;
}

function readFlags(reader: Reader): TypeDef {
  const names = readLabels(reader, 'flag');
  if (names.length === 0 || names.length > 32) reader.fail('flags must have 1 to 32 names');
  return { kind: 'flags', names };
}

function readResultType(reader: Reader, scope: Scope): TypeDef {
  const ok = readOptionalType(reader, scope);
  const err = readOptionalType(reader, scope);
  return { kind: 'result', ...(ok === undefined ? {} : { ok }), ...(err === undefined ? {} : { err }) };
}

export function readResourceIndex(reader: Reader, scope: Scope): number {
  const at = reader.offset;
  const entry = scope.at(reader, scope.types, 'type');
  if (entry.kind !== 'resource') reader.fail('type index is not a resource', at);
  return entry.index;
}

function readEventual(reader: Reader, scope: Scope, kind: 'stream' | 'future'): TypeDef {
  const element = readOptionalType(reader, scope);
  if (element === undefined) return { kind };
  if (scope.table.facts(element).borrow) reader.fail(`a ${kind} cannot contain a borrow`);
  if (kind === 'stream' && element === 'char') reader.fail('`stream<char>` is not valid at this time');
  return { kind, element };
}

function readMap(reader: Reader, scope: Scope): TypeDef {
  const key = readValueType(reader, scope);
  if (!keyTypes.has(key)) reader.fail('invalid map key type');
  return { kind: 'map', key, value: readValueType(reader, scope) };
}

/** Component and instance types: declarations in a scope of their own. */
function readTypeScope(
  reader: Reader,
  parent: Scope,
  kind: 'component type' | 'instance type',
): { imports: ReadonlyMap<string, ExternType>; exports: ReadonlyMap<string, ExternType> } {
  const scope = new Scope(kind, parent, parent.table);
  if (scope.depth > scopeDepthMax) reader.fail(`components and types nested deeper than ${scopeDepthMax}`);
  for (let left = reader.count('declarations', definitionsMax); left > 0; left -= 1)
    readDeclaration(reader, scope);
  return { imports: scope.imports, exports: scope.exportTypes };
}

function readDeclaration(reader: Reader, scope: Scope): void {
  const at = reader.offset;
  const code = reader.byte();
  if (code === 0) readCoreType(reader, scope);
  else if (code === 1) readType(reader, scope);
  else if (code === 2) readTypeAlias(reader, scope);
  else if (code === 3 && scope.kind === 'component type') {
    const name = readExternName(reader);
    const type = readExternType(reader, scope);
    scope.addImport(reader, name, type);
    declare(reader, scope, name.name, type);
  } else if (code === 4) {
    const name = readExternName(reader);
    const type = readExternType(reader, scope);
    scope.addExport(reader, name, type, undefined);
    declare(reader, scope, name.name, type);
  } else reader.fail(`unknown declaration 0x${code.toString(16)}`, at);
}

/** Aliases inside a type: `export` of an instance or type, `outer` of a type or core type. */
function readTypeAlias(reader: Reader, scope: Scope): void {
  const at = reader.offset;
  const sort = reader.byte();
  if (sort === 0) {
    if (reader.byte() !== 0x10 || reader.byte() !== 2)
      reader.fail('an alias in a type must be of a type', at);
    readOuterCoreType(reader, scope);
    return;
  }
  const target = reader.byte();
  if (target === 0 && (sort === 3 || sort === 5)) {
    const instance = scope.at(reader, scope.instances, 'instance');
    const name = reader.name();
    const type = instance.type.exports.get(name);
    if (type?.sort !== (sort === 3 ? 'type' : 'instance'))
      reader.fail(`instance does not export '${name}' as this sort`, at);
    if (type.sort === 'type') scope.push(reader, scope.types, type.type, 'types');
    else if (type.sort === 'instance')
      scope.push(reader, scope.instances, { kind: 'alias', instance, name, type: type.type }, 'instances');
    return;
  }
  if (target !== 2 || sort !== 3) reader.fail('this alias is not allowed in a type', at);
  readOuterType(reader, scope);
}

/** The scope an outer alias counts to, and whether that passes out of a component that is being defined. */
export function outerScope(reader: Reader, scope: Scope): { target: Scope; crosses: boolean } {
  const at = reader.offset;
  let count = reader.u32();
  let target: Scope | undefined = scope;
  let crosses = false;
  for (; count > 0 && target !== undefined; count -= 1) {
    if (target.kind === 'component') crosses = true;
    target = target.parent;
  }
  if (target === undefined) reader.fail('invalid outer alias count', at);
  return { target, crosses };
}

export function readOuterType(reader: Reader, scope: Scope): void {
  const at = reader.offset;
  const { target, crosses } = outerScope(reader, scope);
  const entry = scope.at(reader, target.types, 'type');
  if (crosses && mentionsResource(scope, entry))
    reader.fail('an outer alias out of a component cannot refer to resources', at);
  scope.push(reader, scope.types, entry, 'types');
}

export function readOuterCoreType(reader: Reader, scope: Scope): void {
  const { target } = outerScope(reader, scope);
  scope.push(reader, scope.coreTypes, scope.at(reader, target.coreTypes, 'core type'), 'core types');
}

function mentionsResource(scope: Scope, entry: TypeEntry): boolean {
  if (entry.kind === 'value') return scope.table.facts(entry.ref).resource;
  if (entry.kind === 'resource') return true;
  if (entry.kind !== 'func') return false;
  const refs = entry.type.params.map((param) => param.type);
  if (entry.type.result !== undefined) refs.push(entry.type.result);
  return refs.some((ref) => scope.table.facts(ref).resource);
}

/** `nameattributes`: the name, and whether it says which interface it implements. Attributes do not matter otherwise. */
export function readExternName(reader: Reader): NamedExtern {
  const at = reader.offset;
  const form = reader.byte();
  if (form > 2) reader.fail('malformed import or export name', at);
  const name = reader.name();
  return { name, implements: form === 2 && readAttributes(reader) };
}

function readAttributes(reader: Reader): boolean {
  const seen = new Set<number>();
  for (let left = reader.count('attributes', 3); left > 0; left -= 1) {
    const at = reader.offset;
    const kind = reader.byte();
    if (kind > 2 || seen.has(kind)) reader.fail('unknown or repeated name attribute', at);
    seen.add(kind);
    const text = reader.name();
    if (kind === 0 && parseInterfaceName(text) === undefined) reader.fail('malformed interface name', at);
    if (kind === 1 && !/^[0-9A-Za-z.+-]*$/.test(text)) reader.fail('malformed version suffix', at);
  }
  return seen.has(0);
}

/** `externtype`: the type of an import or export. */
export function readExternType(reader: Reader, scope: Scope): ExternType {
  const at = reader.offset;
  const code = reader.byte();
  if (code === 0) {
    if (reader.byte() !== 0x11) reader.fail('only core modules can be imported or exported', at);
    const entry = scope.at(reader, scope.coreTypes, 'core type');
    if (entry.kind !== 'module') reader.fail('core type index is not a module type', at);
    return { sort: 'module', type: entry.type };
  }
  if (code === 2) throw unsupported('component values', at);
  if (code === 3) return readTypeBound(reader, scope);
  const kind = code === 1 ? 'func' : code === 4 ? 'component' : code === 5 ? 'instance' : undefined;
  if (kind === undefined) reader.fail(`unknown import or export type 0x${code.toString(16)}`, at);
  const entry = scope.at(reader, scope.types, 'type');
  if (entry.kind !== kind) reader.fail(`type index is not a ${kind} type`, at);
  if (entry.kind === 'func') return { sort: 'func', type: entry.type };
  if (entry.kind === 'component') return { sort: 'component', type: entry.type };
  return { sort: 'instance', type: (entry as Extract<TypeEntry, { kind: 'instance' }>).type };
}

function readTypeBound(reader: Reader, scope: Scope): ExternType {
  const bound = reader.byte();
  if (bound === 0) return { sort: 'type', type: scope.at(reader, scope.types, 'type') };
  if (bound !== 1) reader.fail('unknown type bound');
  return { sort: 'type', type: { kind: 'resource', index: scope.table.add(reader, { kind: 'resource' }) } };
}

/** An import or an export of a type adds to the index space of its sort. */
export function declare(reader: Reader, scope: Scope, name: string, type: ExternType): void {
  if (type.sort === 'type') scope.push(reader, scope.types, type.type, 'types');
  else if (type.sort === 'func')
    scope.push<Func>(reader, scope.funcs, { kind: 'import', name, type: type.type }, 'functions');
  else if (type.sort === 'instance')
    scope.push<Instance>(reader, scope.instances, { kind: 'import', name, type: type.type }, 'instances');
  else if (type.sort === 'component')
    scope.push(reader, scope.components, { kind: 'import', name, type: type.type }, 'components');
  else scope.push(reader, scope.modules, { kind: 'import', name, type: type.type }, 'core modules');
}

/** Section 3: one `core:type`, a module type or a core type proper. */
export function readCoreType(reader: Reader, scope: Scope): void {
  if (reader.peek() === 0x50) {
    reader.offset += 1;
    scope.push(
      reader,
      scope.coreTypes,
      { kind: 'module', type: readModuleType(reader, scope) },
      'core types',
    );
    return;
  }
  if (reader.peek() === 0x00) reader.offset += 1;
  const types: (CoreFuncType | undefined)[] = [];
  readRecType(reader, types);
  for (const type of types) scope.push(reader, scope.coreTypes, { kind: 'func', type }, 'core types');
}

function readModuleType(reader: Reader, scope: Scope): ModuleType {
  const types: (CoreFuncType | undefined)[] = [];
  const imports: CoreImport[] = [];
  const imported = new Set<string>();
  const exports = new Map<string, CoreExternType>();
  for (let left = reader.count('declarations', definitionsMax); left > 0; left -= 1) {
    const at = reader.offset;
    const code = reader.byte();
    if (code === 0) {
      const module = reader.name();
      const name = reader.name();
      const key = JSON.stringify([module, name]);
      if (imported.has(key)) reader.fail(`duplicate import name '${module}:${name}'`, at);
      imported.add(key);
      imports.push({ module, name, type: readCoreExternType(reader, types) });
    } else if (code === 1) readRecType(reader, types);
    else if (code === 2) readModuleTypeAlias(reader, scope, types);
    else if (code === 3) {
      const name = reader.name();
      if (exports.has(name)) reader.fail(`duplicate export name '${name}'`, at);
      exports.set(name, readCoreExternType(reader, types));
    } else reader.fail(`unknown declaration 0x${code.toString(16)}`, at);
  }
  return { imports, exports };
}

function readModuleTypeAlias(reader: Reader, scope: Scope, types: (CoreFuncType | undefined)[]): void {
  const at = reader.offset;
  if (reader.byte() !== 0x10 || reader.byte() !== 1) reader.fail('unknown alias in a module type', at);
  const count = reader.u32();
  const local = count === 0 ? types : undefined;
  let target: Scope | undefined = scope;
  for (let left = count; left > 1 && target !== undefined; left -= 1) target = target.parent;
  const index = reader.u32();
  if (local !== undefined) {
    if (index >= local.length) reader.fail(`unknown core type ${index}`, at);
    types.push(local[index]);
    return;
  }
  const entry = target?.coreTypes[index];
  if (entry === undefined) reader.fail(`unknown core type ${index}: index or count out of bounds`, at);
  if (entry.kind !== 'func') reader.fail('an alias in a module type cannot be of a module type', at);
  types.push(entry.type);
}
