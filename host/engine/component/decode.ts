import { HostError } from '../../errors.ts';
import type {
  Component,
  CoreFunc,
  CoreInstance,
  CoreItem,
  ExternType,
  Instance,
  InstanceType,
  Item,
  Sort,
} from './component.ts';
import { type CoreSort, readCoreModule } from './core-module.ts';
import { readCanon } from './decode-canon.ts';
import {
  declare,
  outerScope,
  readCoreType,
  readExternName,
  readExternType,
  readOuterCoreType,
  readOuterType,
  readType,
} from './decode-type.ts';
import { componentBytesMax, Reader, unsupported } from './reader.ts';
import { coreExport, coreItem, definitionsMax, Scope, scopeDepthMax, TypeTable } from './scope.ts';
import { isCoreSubtype, typeOf } from './subtype.ts';

const magic = [0x00, 0x61, 0x73, 0x6d];

/** Whether the bytes begin like a component (version 13, layer 1). */
export function isComponent(bytes: Uint8Array): boolean {
  return begins(bytes, [...magic, 0x0d, 0x00, 0x01, 0x00]);
}

/** Whether the bytes begin like a core module (version 1). */
export function isCoreModule(bytes: Uint8Array): boolean {
  return begins(bytes, [...magic, 0x01, 0x00, 0x00, 0x00]);
}

function begins(bytes: Uint8Array, head: readonly number[]): boolean {
  return head.every((byte, index) => bytes[index] === byte);
}

/**
 * Decodes and validates a component: structure, bounds, sorts, names and types
 * (component-model Binary.md). Code inside core modules is left to the engine that compiles it.
 * @throws HostError `HOST_ERR_COMPONENT_MALFORMED` with the byte offset in `data`, or
 *   `HOST_ERR_COMPONENT_UNSUPPORTED` naming the feature
 */
export function decodeComponent(bytes: Uint8Array): Component {
  const reader = new Reader(bytes, 0, bytes.length);
  if (bytes.length > componentBytesMax) reader.fail(`larger than ${componentBytesMax} bytes`);
  try {
    return readComponent(reader, undefined, new TypeTable());
  } catch (error) {
    // A graph that is deeper than the stack although every single nesting limit held.
    if (error instanceof RangeError) throw new HostError('HOST_ERR_COMPONENT_UNSUPPORTED', error.message);
    throw error;
  }
}

interface Parts {
  readonly modules: Component['modules'][number][];
  readonly components: Component[];
}

function readComponent(reader: Reader, parent: Scope | undefined, table: TypeTable): Component {
  const start = reader.offset;
  if (!begins(reader.bytes.subarray(start, reader.end), magic)) reader.fail('no wasm header', start);
  if (!begins(reader.bytes.subarray(start + 4, reader.end), [0x0d, 0x00, 0x01, 0x00]))
    reader.fail('not a component of version 13', start + 4);
  reader.offset += 8;
  const scope = new Scope('component', parent, table);
  if (scope.depth > scopeDepthMax) reader.fail(`components nested deeper than ${scopeDepthMax}`);
  const parts: Parts = { modules: [], components: [] };
  while (!reader.done) {
    const id = reader.byte();
    readSection(id, reader.slice(reader.u32()), scope, parts);
  }
  return {
    bytes: reader.bytes,
    types: table.defs,
    origins: table.origins,
    imports: scope.imports,
    exports: scope.exports,
    modules: parts.modules,
    components: parts.components,
    coreInstances: scope.coreInstances,
    coreFuncs: scope.coreFuncs,
    instances: scope.instances,
    funcs: scope.funcs,
  };
}

const vectorSections: Readonly<Record<number, (reader: Reader, scope: Scope) => void>> = {
  2: readCoreInstance,
  3: readCoreType,
  5: readInstance,
  6: readAlias,
  7: readType,
  8: readCanon,
  10: readImport,
  11: readExport,
};

function readSection(id: number, body: Reader, scope: Scope, parts: Parts): void {
  const start = body.offset;
  if (id === 0) {
    body.name();
    return;
  }
  if (id === 1) readModule(body, scope, parts);
  else if (id === 4) {
    const component = readComponent(body, scope, scope.table);
    parts.components.push(component);
    const exports = new Map(
      [...component.exports].map(([name, one]): [string, ExternType] => [name, one.type]),
    );
    const type = { imports: component.imports, exports };
    scope.push(body, scope.components, { kind: 'defined', component, type }, 'components');
  } else if (id === 9 || id === 12) throw unsupported('component values', start);
  else {
    const read = vectorSections[id];
    if (read === undefined) body.fail(`unknown section ${id}`, start);
    for (let left = body.count('definitions', definitionsMax); left > 0; left -= 1) read(body, scope);
  }
  if (!body.done) body.fail('section is longer than what it contains');
}

function readModule(body: Reader, scope: Scope, parts: Parts): void {
  const offset = body.offset;
  if (!begins(body.bytes.subarray(offset, body.end), [...magic, 0x01, 0x00, 0x00, 0x00]))
    body.fail('no core module header', offset);
  const shape = readCoreModule(body);
  const names = new Set<string>();
  for (const one of shape.imports) {
    const name = JSON.stringify([one.module, one.name]);
    if (names.has(name)) body.fail(`duplicate import name '${one.module}:${one.name}'`, offset);
    names.add(name);
  }
  const { bytes, end } = body;
  const module = { kind: 'defined' as const, bytes, offset, length: end - offset, shape, type: shape };
  parts.modules.push(module);
  scope.push(body, scope.modules, module, 'core modules');
}

const coreSorts: Readonly<Record<number, CoreSort>> = {
  0: 'func',
  1: 'table',
  2: 'memory',
  3: 'global',
  4: 'tag',
};

function readCoreSort(reader: Reader): CoreSort {
  const at = reader.offset;
  const sort = coreSorts[reader.byte()];
  if (sort === undefined) reader.fail('unknown core sort', at);
  return sort;
}

function readCoreInstance(reader: Reader, scope: Scope): void {
  const at = reader.offset;
  const form = reader.byte();
  if (form > 1) reader.fail('unknown core instance form', at);
  const instance = form === 0 ? readCoreInstantiate(reader, scope) : readCoreInline(reader, scope);
  scope.push(reader, scope.coreInstances, instance, 'core instances');
}

function readCoreInstantiate(reader: Reader, scope: Scope): CoreInstance {
  const at = reader.offset;
  const module = scope.at(reader, scope.modules, 'module');
  const args = new Map<string, CoreInstance>();
  for (let left = reader.count('arguments', definitionsMax); left > 0; left -= 1) {
    const name = reader.name();
    if (reader.byte() !== 0x12) reader.fail('a core instantiation argument must be an instance', at);
    if (args.has(name)) reader.fail(`duplicate module instantiation argument '${name}'`, at);
    args.set(name, scope.at(reader, scope.coreInstances, 'core instance'));
  }
  for (const wanted of module.type.imports) {
    const arg = args.get(wanted.module);
    if (arg === undefined) reader.fail(`missing module instantiation argument '${wanted.module}'`, at);
    const given = coreExport(arg, wanted.name);
    if (given === undefined)
      reader.fail(`module instantiation argument '${wanted.module}' does not export '${wanted.name}'`, at);
    if (!isCoreSubtype(given, wanted.type))
      reader.fail(
        `module instantiation argument '${wanted.module}' exports '${wanted.name}' with a type mismatch`,
        at,
      );
  }
  return { kind: 'instantiate', module, args };
}

function readCoreInline(reader: Reader, scope: Scope): CoreInstance {
  const exports = new Map<string, CoreItem>();
  for (let left = reader.count('exports', definitionsMax); left > 0; left -= 1) {
    const at = reader.offset;
    const name = reader.name();
    if (exports.has(name)) reader.fail(`duplicate instantiation argument or export '${name}'`, at);
    const sort = readCoreSort(reader);
    exports.set(
      name,
      sort === 'func'
        ? { sort, node: scope.at(reader, scope.coreFuncs, 'core function') }
        : { sort, node: scope.at(reader, scope.coreAliases[sort], sort) },
    );
  }
  return { kind: 'exports', exports };
}

/** `sortidx`: any definition that a component can pass on. */
function readItem(reader: Reader, scope: Scope): Item {
  const at = reader.offset;
  const sort = reader.byte();
  if (sort === 0) {
    if (reader.byte() !== 0x11) reader.fail('only core modules can be passed or exported', at);
    return { sort: 'module', node: scope.at(reader, scope.modules, 'module') };
  }
  if (sort === 1) return { sort: 'func', node: scope.at(reader, scope.funcs, 'function') };
  if (sort === 2) throw unsupported('component values', at);
  if (sort === 3) return { sort: 'type', node: scope.at(reader, scope.types, 'type') };
  if (sort === 4) return { sort: 'component', node: scope.at(reader, scope.components, 'component') };
  if (sort === 5) return { sort: 'instance', node: scope.at(reader, scope.instances, 'instance') };
  return reader.fail('unknown sort', at);
}

function readInstance(reader: Reader, scope: Scope): void {
  const at = reader.offset;
  const form = reader.byte();
  if (form > 1) reader.fail('unknown instance form', at);
  const instance = form === 0 ? readInstantiate(reader, scope) : readInline(reader, scope);
  scope.push(reader, scope.instances, instance, 'instances');
}

function readInstantiate(reader: Reader, scope: Scope): Instance {
  const at = reader.offset;
  const component = scope.at(reader, scope.components, 'component');
  const args = new Map<string, Item>();
  for (let left = reader.count('arguments', definitionsMax); left > 0; left -= 1) {
    const name = reader.name();
    if (args.has(name)) reader.fail(`duplicate instantiation argument '${name}'`, at);
    args.set(name, readItem(reader, scope));
  }
  for (const [name, wanted] of component.type.imports) {
    const given = args.get(name);
    if (given === undefined) reader.fail(`missing import named '${name}'`, at);
    if (!scope.table.comparison.isSubtype(typeOf(given), wanted))
      reader.fail(`instantiation argument '${name}' does not match the import's type`, at);
  }
  return { kind: 'instantiate', component, args, type: { exports: component.type.exports } };
}

function readInline(reader: Reader, scope: Scope): Instance {
  const inner = new Scope('instance type', scope, scope.table);
  const exports = new Map<string, Item>();
  for (let left = reader.count('exports', definitionsMax); left > 0; left -= 1) {
    const name = readExternName(reader);
    const item = readItem(reader, scope);
    inner.addExport(reader, name, typeOf(item), item);
    exports.set(name.name, item);
  }
  return { kind: 'exports', exports, type: { exports: inner.exportTypes } };
}

function readAlias(reader: Reader, scope: Scope): void {
  const at = reader.offset;
  const code = reader.byte();
  const coreCode = code === 0 ? reader.byte() : undefined;
  const target = reader.byte();
  if (target === 0) readExportAlias(reader, scope, code, coreCode, at);
  else if (target === 1 && coreCode !== undefined) readCoreExportAlias(reader, scope, coreCode, at);
  else if (target === 2) readOuterAlias(reader, scope, code, coreCode, at);
  else reader.fail('unknown alias target', at);
}

function readCoreExportAlias(reader: Reader, scope: Scope, coreCode: number, at: number): void {
  const sort = coreSorts[coreCode];
  if (sort === undefined) reader.fail('unknown core sort', at);
  const instance = scope.at(reader, scope.coreInstances, 'core instance');
  const name = reader.name();
  const item = coreItem(instance, name);
  if (item === undefined) reader.fail(`core instance has no export named '${name}'`, at);
  if (item.sort !== sort) reader.fail(`export '${name}' of the core instance is not a ${sort}`, at);
  if (item.sort === 'func') scope.push<CoreFunc>(reader, scope.coreFuncs, item.node, 'core functions');
  else scope.push(reader, scope.coreAliases[item.sort], item.node, item.sort);
}

const sortCodes: Readonly<Record<number, Sort>> = { 1: 'func', 3: 'type', 4: 'component', 5: 'instance' };

function readExportAlias(
  reader: Reader,
  scope: Scope,
  code: number,
  coreCode: number | undefined,
  at: number,
): void {
  if (code === 2) throw unsupported('component values', at);
  const sort = coreCode === 0x11 ? 'module' : coreCode === undefined ? sortCodes[code] : undefined;
  if (sort === undefined) reader.fail('unknown sort', at);
  const instance = scope.at(reader, scope.instances, 'instance');
  const name = reader.name();
  const type = instance.type.exports.get(name);
  if (type === undefined) reader.fail(`instance has no export named '${name.slice(0, 80)}'`, at);
  if (type.sort !== sort) reader.fail(`export '${name}' of the instance is not a ${sort}`, at);
  pushAlias(reader, scope, instance, name, type);
}

function pushAlias(reader: Reader, scope: Scope, instance: Instance, name: string, type: ExternType): void {
  const alias = { kind: 'alias' as const, instance, name };
  if (type.sort === 'type') scope.push(reader, scope.types, type.type, 'types');
  else if (type.sort === 'func') scope.push(reader, scope.funcs, { ...alias, type: type.type }, 'functions');
  else if (type.sort === 'instance')
    scope.push(reader, scope.instances, { ...alias, type: type.type }, 'instances');
  else if (type.sort === 'component')
    scope.push(reader, scope.components, { ...alias, type: type.type }, 'components');
  else scope.push(reader, scope.modules, { ...alias, type: type.type }, 'core modules');
}

function readOuterAlias(
  reader: Reader,
  scope: Scope,
  code: number,
  coreCode: number | undefined,
  at: number,
): void {
  if (code === 3 || coreCode === 0x10) {
    if (code === 3) readOuterType(reader, scope);
    else readOuterCoreType(reader, scope);
    return;
  }
  const { target } = outerScope(reader, scope);
  if (coreCode === 0x11)
    scope.push(reader, scope.modules, scope.at(reader, target.modules, 'module'), 'core modules');
  else if (code === 4)
    scope.push(reader, scope.components, scope.at(reader, target.components, 'component'), 'components');
  else reader.fail('an outer alias must be of a type, a module or a component', at);
}

function readImport(reader: Reader, scope: Scope): void {
  const name = readExternName(reader);
  const type = renamed(reader, scope, readExternType(reader, scope));
  scope.addImport(reader, name, type);
  declare(reader, scope, name.name, type);
}

function readExport(reader: Reader, scope: Scope): void {
  const at = reader.offset;
  const name = readExternName(reader);
  const item = readItem(reader, scope);
  const flag = reader.byte();
  if (flag > 1) reader.fail('malformed export', at);
  const inferred = typeOf(item);
  const type = renamed(reader, scope, flag === 1 ? readExternType(reader, scope) : inferred);
  if (flag === 1 && !scope.table.comparison.isSubtype(inferred, type))
    reader.fail(`ascribed type of export '${name.name}' is not compatible`, at);
  scope.addExport(reader, name, type, item);
  pushExported(reader, scope, item, type);
}

/** An import or export of a type is a type of its own name, although equal. */
function renamed(reader: Reader, scope: Scope, type: ExternType): ExternType {
  if (type.sort !== 'type') return type;
  const entry = scope.table.rename(reader, type.type);
  if (entry.kind === 'value' && entry !== type.type && typeof entry.ref === 'number')
    scope.localTypes.add(entry.ref);
  return { sort: 'type', type: entry };
}

/** An export adds to the index space of its sort, with the type it was given. */
function pushExported(reader: Reader, scope: Scope, item: Item, type: ExternType): void {
  if (item.sort === 'type') {
    scope.push(reader, scope.types, type.sort === 'type' ? type.type : item.node, 'types');
  } else if (item.sort === 'func' && type.sort === 'func')
    scope.push(reader, scope.funcs, { ...item.node, type: type.type }, 'functions');
  else if (item.sort === 'instance' && type.sort === 'instance')
    scope.push(reader, scope.instances, { ...item.node, type: type.type as InstanceType }, 'instances');
  else if (item.sort === 'component' && type.sort === 'component')
    scope.push(reader, scope.components, { ...item.node, type: type.type }, 'components');
  else if (item.sort === 'module') scope.push(reader, scope.modules, item.node, 'core modules');
}
