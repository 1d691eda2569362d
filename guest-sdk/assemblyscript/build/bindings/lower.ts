import type { Primitive, TypeDef, TypeRef } from '../../../../host/engine/component/types.ts';
import {
  caseNumber,
  casesOf,
  coreTypes,
  type Emitter,
  immediate,
  isCase,
  membersOf,
  plus,
  primitiveText,
  typedArrayOf,
  unsigned,
} from './emitter.ts';
import { isUserClass } from './home-module.ts';

type ListDef = Extract<TypeDef, { readonly kind: 'list' }>;
type MapDef = Extract<TypeDef, { readonly kind: 'map' }>;

/** A statement that stores a value at `at + offset`. `value` is an expression without effects. */
export function lowerMemory(
  emitter: Emitter,
  ref: TypeRef,
  value: string,
  at: string,
  offset: number,
): string {
  const def = emitter.def(ref);
  const imm = immediate(offset);
  if (def === undefined) return storePrimitive(ref as Primitive, value, at, offset);
  switch (def.kind) {
    case 'list':
      if (def.length === undefined) return storeList(emitter, ref, def, value, at, offset);
      return `${lowerComposite(emitter, ref, def)}(${value}, ${plus(at, offset)});`;
    case 'map':
      return `store<usize>(${at}, ${spineOfMap(emitter, ref, def)}(${value})${imm}); store<i32>(${at}, ${value}.size${immediate(offset + 4)});`;
    case 'enum':
    case 'flags': {
      const type = unsigned(emitter.layout(ref).size);
      return `store<${type}>(${at}, <${type}>${numberOf(def, value)}${imm});`;
    }
    case 'own':
    case 'borrow':
      return `store<i32>(${at}, ${handleOf(emitter, def, value)}${imm});`;
    default:
      return `${lowerComposite(emitter, ref, def)}(${value}, ${plus(at, offset)});`;
  }
}

function storePrimitive(name: Primitive, value: string, at: string, offset: number): string {
  if (name === 'string') return `storeText(${plus(at, offset)}, ${value});`;
  const type = name === 'bool' ? 'u8' : primitiveText(name);
  return `store<${type}>(${at}, ${name === 'bool' ? `u8(${value})` : value}${immediate(offset)});`;
}

function storeList(
  emitter: Emitter,
  ref: TypeRef,
  def: ListDef,
  value: string,
  at: string,
  offset: number,
): string {
  const { element } = def;
  const typed = typedArrayOf(element);
  if (typed !== undefined) return `storeNumbers<${typed}>(${plus(at, offset)}, ${value});`;
  if (element === 'bool' || element === 'char')
    return `storePlain<${emitter.text(element)}>(${plus(at, offset)}, ${value});`;
  return `store<usize>(${at}, ${spine(emitter, ref, def)}(${value})${immediate(offset)}); store<i32>(${at}, ${value}.length${immediate(offset + 4)});`;
}

/**
 * Core values of a value, as core types `as` (a letter each: those of the type itself, or the wider ones that it shares
 * with other cases), after statements that compute them, which are appended to `lines`. `value` is an expression
 * without effects.
 */
export function lowerFlat(
  emitter: Emitter,
  ref: TypeRef,
  value: string,
  lines: string[],
  as: string = emitter.layout(ref).flat ?? '',
): string[] {
  const def = emitter.def(ref);
  const isFixed = def?.kind === 'list' && def.length !== undefined;
  if (isFixed) return fixedFlat(emitter, def, value, lines, as);
  if (def?.kind === 'record' || def?.kind === 'tuple')
    return membersFlat(emitter, ref, def, value, lines, as);
  if (def?.kind === 'variant' || def?.kind === 'option' || def?.kind === 'result')
    return casesFlat(emitter, ref, def, value, lines, as);
  const own = emitter.layout(ref).flat ?? '';
  return plainFlat(emitter, ref, def, value).map((one, at) =>
    widen(one, own[at] as string, as[at] as string),
  );
}

/** Core values of what has no parts, or keeps them in memory. */
function plainFlat(emitter: Emitter, ref: TypeRef, def: TypeDef | undefined, value: string): string[] {
  if (ref === 'string') return [`changetype<usize>(${value})`, `${value}.length`];
  if (def === undefined) return [ref === 'bool' ? `i32(${value})` : value];
  if (def.kind === 'list') return listFlat(emitter, ref, def, value);
  if (def.kind === 'map') return [`${spineOfMap(emitter, ref, def)}(${value})`, `${value}.size`];
  if (def.kind === 'own' || def.kind === 'borrow') return [handleOf(emitter, def, value)];
  return [`<i32>${numberOf(def, value)}`];
}

/** A value that is asked several things is put into a local first. */
function bound(emitter: Emitter, ref: TypeRef, value: string, lines: string[]): string {
  const def = emitter.def(ref);
  const isPlain = def === undefined ? ref !== 'string' : def.kind === 'enum' || def.kind === 'flags';
  if (isPlain || /^\w+$/.test(value)) return value;
  const local = emitter.local();
  lines.push(`const ${local} = ${value};`);
  return local;
}

function listFlat(emitter: Emitter, ref: TypeRef, def: ListDef, value: string): string[] {
  const { element } = def;
  const isPlain = typedArrayOf(element) !== undefined || element === 'bool' || element === 'char';
  return [isPlain ? `${value}.dataStart` : `${spine(emitter, ref, def)}(${value})`, `${value}.length`];
}

function fixedFlat(emitter: Emitter, def: ListDef, value: string, lines: string[], as: string): string[] {
  lines.push(`if (${value}.length != ${def.length}) wrongLength(${value}.length, ${def.length});`);
  const items = Array.from({ length: def.length ?? 0 }, (_, index) => ({
    type: def.element,
    part: `${value}[${index}]`,
  }));
  return partsFlat(emitter, items, lines, as);
}

function membersFlat(
  emitter: Emitter,
  ref: TypeRef,
  def: TypeDef,
  value: string,
  lines: string[],
  as: string,
): string[] {
  const members = membersOf(def, emitter.layout(ref));
  const parts = members.map(({ name, type }) => ({ type, part: `${value}.${name}` }));
  return partsFlat(emitter, parts, lines, as);
}

function partsFlat(
  emitter: Emitter,
  parts: readonly { readonly type: TypeRef; readonly part: string }[],
  lines: string[],
  as: string,
): string[] {
  let at = 0;
  return parts.flatMap(({ type, part }) => {
    const from = at;
    at += emitter.layout(type).flat?.length ?? 0;
    return lowerFlat(emitter, type, bound(emitter, type, part, lines), lines, as.slice(from, at));
  });
}

function casesFlat(
  emitter: Emitter,
  ref: TypeRef,
  def: TypeDef,
  value: string,
  lines: string[],
  as: string,
): string[] {
  const slots = Array.from(as.slice(1), (letter) => {
    const slot = emitter.local();
    lines.push(`let ${slot}: ${coreTypes[letter]} = 0;`);
    return slot;
  });
  for (const [index, { type, payload }] of casesOf(emitter, ref).entries()) {
    if (type === undefined) continue;
    const inner: string[] = [];
    const shared = as.slice(1, 1 + (emitter.layout(type).flat?.length ?? 0));
    const values = lowerFlat(emitter, type, bound(emitter, type, payload(value), inner), inner, shared);
    const sets = values.map((one, at) => `${slots[at]} = ${one};`);
    lines.push(`if (${isCase(def, value, index)}) { ${[...inner, ...sets].join(' ')} }`);
  }
  return [widen(caseNumber(def, value), 'i', as[0] as string), ...slots];
}

/**
 * From a value's own core type to the one that travels. The upper half of a number that travels as i64 is nobody's
 * concern; it goes by the number's sign, which suits receivers that look at it all the same.
 */
function widen(value: string, from: string, to: string): string {
  if (from === to) return value;
  if (from === 'f') return to === 'i' ? `reinterpret<i32>(${value})` : `<i64><u64>reinterpret<u32>(${value})`;
  return from === 'F' ? `reinterpret<i64>(${value})` : `<i64>(${value})`;
}

function lowerComposite(emitter: Emitter, ref: TypeRef, def: TypeDef): string {
  return emitter.define('lower', ref, (name) => {
    const layout = emitter.layout(ref);
    const head = `function ${name}(value: ${emitter.text(ref)}, at: usize): void {\n`;
    if (def.kind === 'list') return `${head}${fixedItems(emitter, def)}}\n`;
    if (def.kind === 'record' || def.kind === 'tuple') {
      const stores = membersOf(def, layout).map(({ name: member, type, offset }) => {
        const lines: string[] = [];
        const own = bound(emitter, type, `value.${member}`, lines);
        return `  ${[...lines, lowerMemory(emitter, type, own, 'at', offset)].join(' ')}\n`;
      });
      return `${head}${stores.join('')}}\n`;
    }
    const size = unsigned(layout.discriminantBytes ?? 1);
    const cases = casesOf(emitter, ref).flatMap(({ type, payload }, index) => {
      if (type === undefined) return [];
      const lines: string[] = [];
      const own = bound(emitter, type, payload('value'), lines);
      const store = lowerMemory(emitter, type, own, 'at', layout.payloadOffset ?? 0);
      return [`  if (${isCase(def, 'value', index)}) { ${[...lines, store].join(' ')} }\n`];
    });
    return `${head}  store<${size}>(at, <${size}>${caseNumber(def, 'value')});\n${cases.join('')}}\n`;
  });
}

function fixedItems(emitter: Emitter, { element, length }: ListDef): string {
  const { size } = emitter.layout(element);
  return `  if (value.length != ${length}) wrongLength(value.length, ${length});
  for (let i = 0; i < ${length}; i++, at += ${size}) { const item = value[i]; ${lowerMemory(emitter, element, 'item', 'at', 0)} }
`;
}

/** The function that lays a list's elements out one after another. */
function spine(emitter: Emitter, ref: TypeRef, { element }: ListDef): string {
  return emitter.define('spine', ref, (name) => {
    const { size } = emitter.layout(element);
    return `function ${name}(list: ${emitter.text(ref)}): usize {
  const count = list.length;
  if (count == 0) return 8;
  const start = temp(<usize>count * ${size});
  for (let i = 0, at = start; i < count; i++, at += ${size}) { const item = list[i]; ${lowerMemory(emitter, element, 'item', 'at', 0)} }
  return start;
}
`;
  });
}

function spineOfMap(emitter: Emitter, ref: TypeRef, def: MapDef): string {
  return emitter.define('spine', ref, (name) => {
    const { offsets = [], size } = emitter.model.layouts.record([def.key, def.value]);
    return `function ${name}(map: ${emitter.text(ref)}): usize {
  const keys = map.keys();
  const count = keys.length;
  if (count == 0) return 8;
  const start = temp(<usize>count * ${size});
  for (let i = 0, at = start; i < count; i++, at += ${size}) {
    const key = keys[i];
    const item = map.get(key);
    ${lowerMemory(emitter, def.key, 'key', 'at', 0)}
    ${lowerMemory(emitter, def.value, 'item', 'at', offsets[1] ?? 0)}
  }
  return start;
}
`;
  });
}

/** An enum's number; of flags those bits that have names: others mean nothing, and some receivers end over them. */
function numberOf(def: TypeDef, value: string): string {
  if (def.kind !== 'flags' || def.names.length === 32) return value;
  return `(${value} & ${2 ** def.names.length - 1})`;
}

function handleOf(
  { model }: Emitter,
  def: Extract<TypeDef, { readonly kind: 'own' | 'borrow' }>,
  value: string,
): string {
  if (isUserClass(model, def.resource)) return `hand${def.resource}(${value})`;
  return `${value}.${def.kind === 'own' ? '__give' : '__lend'}()`;
}
