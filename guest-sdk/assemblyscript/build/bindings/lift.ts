import type { Primitive, TypeDef, TypeRef } from '../../../../host/engine/component/types.ts';
import {
  casesOf,
  coreTypes,
  type Emitter,
  immediate,
  membersOf,
  plus,
  primitiveText,
  typedArrayOf,
  unsigned,
} from './emitter.ts';
import { isUserClass } from './home-module.ts';

/** An expression for the value of a type that lies in memory at `at + offset`. */
export function liftMemory(emitter: Emitter, ref: TypeRef, at: string, offset: number): string {
  const def = emitter.def(ref);
  const imm = immediate(offset);
  if (def === undefined) return liftPrimitive(ref as Primitive, at, offset);
  switch (def.kind) {
    case 'list':
      if (def.length !== undefined) return `${liftFixed(emitter, ref, def)}(${plus(at, offset)})`;
      return listCall(
        emitter,
        ref,
        def,
        `load<usize>(${at}${imm})`,
        `load<usize>(${at}${immediate(offset + 4)})`,
      );
    case 'map':
      return `${liftMap(emitter, ref, def)}(load<usize>(${at}${imm}), load<usize>(${at}${immediate(offset + 4)}))`;
    case 'enum':
    case 'flags':
      return `<i32>load<${unsigned(emitter.layout(ref).size)}>(${at}${imm})`;
    case 'own':
    case 'borrow':
      return handleCall(emitter, def, `load<i32>(${at}${imm})`);
    default:
      return `${liftComposite(emitter, ref, def)}(${plus(at, offset)})`;
  }
}

function liftPrimitive(name: Primitive, at: string, offset: number): string {
  const imm = immediate(offset);
  if (name === 'bool') return `load<u8>(${at}${imm}) != 0`;
  if (name === 'string')
    return `liftString(load<usize>(${at}${imm}), load<usize>(${at}${immediate(offset + 4)}))`;
  return `load<${primitiveText(name)}>(${at}${imm})`;
}

/** An expression for a value that arrives as core values; `values` are expressions of the letters' types. */
export function liftFlat(emitter: Emitter, ref: TypeRef, values: readonly string[]): string {
  const def = emitter.def(ref);
  const [first = '0', second = '0'] = values;
  if (def === undefined) {
    if (ref === 'bool') return `(${first}) != 0`;
    if (ref === 'string') return `liftString(${first}, ${second})`;
    return `<${primitiveText(ref as Primitive)}>${first}`;
  }
  switch (def.kind) {
    case 'list':
      if (def.length !== undefined) return fixedFlat(emitter, def, values);
      return listCall(emitter, ref, def, first, second);
    case 'map':
      return `${liftMap(emitter, ref, def)}(${first}, ${second})`;
    case 'enum':
    case 'flags':
      return `<i32>${first}`;
    case 'own':
    case 'borrow':
      return handleCall(emitter, def, first);
    case 'record':
    case 'tuple': {
      let at = 0;
      const members = membersOf(def, emitter.layout(ref)).map(({ type }) => {
        const width = emitter.layout(type).flat?.length ?? 0;
        at += width;
        return liftFlat(emitter, type, values.slice(at - width, at));
      });
      return `new ${emitter.text(ref)}(${members.join(', ')})`;
    }
    default:
      return `${liftFlatCases(emitter, ref)}(${values.join(', ')})`;
  }
}

function liftComposite(emitter: Emitter, ref: TypeRef, def: TypeDef): string {
  return emitter.define('lift', ref, (name) => {
    const layout = emitter.layout(ref);
    const head = `function ${name}(at: usize): ${emitter.text(ref)} {`;
    if (def.kind === 'record' || def.kind === 'tuple') {
      const members = membersOf(def, layout).map(({ type, offset }) =>
        liftMemory(emitter, type, 'at', offset),
      );
      return `${head}\n  return new ${emitter.text(ref)}(\n${members.map((text) => `    ${text},\n`).join('')}  );\n}\n`;
    }
    const cases = casesOf(emitter, ref).map(({ type, make }) =>
      make(type === undefined ? '' : liftMemory(emitter, type, 'at', layout.payloadOffset ?? 0)),
    );
    return `${head}\n  const tag = load<${unsigned(layout.discriminantBytes ?? 1)}>(at);\n${chooseCase(cases)}}\n`;
  });
}

/** Picks by `tag`; the last case needs no question, since the host writes no other number. */
function chooseCase(values: readonly string[]): string {
  const last = values.length - 1;
  return values
    .map((value, index) =>
      index === last ? `  return ${value};\n` : `  if (tag == ${index}) return ${value};\n`,
    )
    .join('');
}

function liftFlatCases(emitter: Emitter, ref: TypeRef): string {
  return emitter.define('liftFlat', ref, (name) => {
    const flat = emitter.layout(ref).flat ?? '';
    const params = [...flat].map(
      (letter, index) => `${index === 0 ? 'tag' : `p${index}`}: ${coreTypes[letter]}`,
    );
    const cases = casesOf(emitter, ref).map(({ type, make }) => {
      if (type === undefined) return make('');
      const own = emitter.layout(type).flat ?? '';
      const payload = [...own].map((letter, index) =>
        narrow(`p${index + 1}`, flat[index + 1] as string, letter),
      );
      return make(liftFlat(emitter, type, payload));
    });
    return `function ${name}(${params.join(', ')}): ${emitter.text(ref)} {\n${chooseCase(cases)}}\n`;
  });
}

/** From the core type that travels to the payload's own. */
function narrow(value: string, from: string, to: string): string {
  if (from === to) return value;
  if (from === 'i') return `reinterpret<f32>(${value})`;
  if (to === 'i') return `<i32>${value}`;
  return to === 'f' ? `reinterpret<f32>(<i32>${value})` : `reinterpret<f64>(${value})`;
}

type ListDef = Extract<TypeDef, { readonly kind: 'list' }>;

function listCall(emitter: Emitter, ref: TypeRef, def: ListDef, start: string, count: string): string {
  const typed = typedArrayOf(def.element);
  if (typed !== undefined) return `liftNumbers<${typed}>(${start}, ${count})`;
  if (def.element === 'bool' || def.element === 'char')
    return `liftPlain<${emitter.text(def.element)}>(${start}, ${count})`;
  return `${liftList(emitter, ref, def)}(${start}, ${count})`;
}

function liftList(emitter: Emitter, ref: TypeRef, { element }: ListDef): string {
  return emitter.define('lift', ref, (name) => {
    const text = emitter.text(element);
    const { size } = emitter.layout(element);
    return `function ${name}(start: usize, count: usize): ${emitter.text(ref)} {
  const list = newList<${text}>(<i32>count);
  if (count == 0) return list;
  for (let i: usize = 0, at = start; i < count; i++, at += ${size}) setItem<${text}>(list, <i32>i, ${liftMemory(emitter, element, 'at', 0)});
  give(start);
  return list;
}
`;
  });
}

function liftFixed(emitter: Emitter, ref: TypeRef, def: ListDef): string {
  return emitter.define('lift', ref, (name) => {
    const { size } = emitter.layout(def.element);
    const text = emitter.text(def.element);
    const typed = typedArrayOf(def.element);
    const set =
      typed === undefined
        ? `setItem<${text}>(list, i, `
        : `store<${text}>(list.dataStart + <usize>i * ${size}, `;
    return `function ${name}(start: usize): ${emitter.text(ref)} {
  const list = ${typed === undefined ? `newList<${text}>(${def.length})` : `new ${typed}(${def.length})`};
  for (let i = 0, at = start; i < ${def.length}; i++, at += ${size}) ${set}${liftMemory(emitter, def.element, 'at', 0)});
  return list;
}
`;
  });
}

/** A fixed list of few items travels item by item. */
function fixedFlat(emitter: Emitter, def: ListDef, values: readonly string[]): string {
  const text = emitter.text(def.element);
  const width = emitter.layout(def.element).flat?.length ?? 1;
  const items = Array.from({ length: def.length ?? 0 }, (_, index) =>
    liftFlat(emitter, def.element, values.slice(index * width, (index + 1) * width)),
  );
  const typed = typedArrayOf(def.element);
  return typed === undefined
    ? `listOf<${text}>([${items.join(', ')}])`
    : `numbersOf<${typed}, ${text}>([${items.join(', ')}])`;
}

function liftMap(emitter: Emitter, ref: TypeRef, def: Extract<TypeDef, { readonly kind: 'map' }>): string {
  return emitter.define('lift', ref, (name) => {
    const { offsets = [], size } = emitter.model.layouts.record([def.key, def.value]);
    const text = emitter.text(ref);
    return `function ${name}(start: usize, count: usize): ${text} {
  const map = new ${text}();
  if (count == 0) return map;
  for (let i: usize = 0, at = start; i < count; i++, at += ${size}) {
    const key = ${liftMemory(emitter, def.key, 'at', 0)};
    map.set(key, ${liftMemory(emitter, def.value, 'at', offsets[1] ?? 0)});
  }
  give(start);
  return map;
}
`;
  });
}

/** An object for a handle: one of ours to the host's resource, or the user's own behind a number. */
function handleCall(
  { model }: Emitter,
  def: Extract<TypeDef, { readonly kind: 'own' | 'borrow' }>,
  handle: string,
): string {
  const verb = isUserClass(model, def.resource)
    ? { own: 'takeBack', borrow: 'look' }[def.kind]
    : { own: 'adopt', borrow: 'borrow' }[def.kind];
  return `${verb}${def.resource}(${handle})`;
}
