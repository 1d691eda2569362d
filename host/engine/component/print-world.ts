import { HostError } from '../../errors.ts';
import { parseExternName } from './names.ts';
import type { FuncType, TypeDef, TypeRef } from './types.ts';
import type { Interface, World, WorldItem } from './world.ts';

/** Characters of text a world may become; anonymous types that share parts can grow without end when written out. */
const worldTextMax = 4 * 1024 * 1024;

const keywords: ReadonlySet<string> = new Set(
  `as async bool borrow char constructor enum error-context export f32 f64 flags from func future import include
   interface list map option own package record resource result s16 s32 s64 s8 static stream string tuple type u16
   u32 u64 u8 use variant with world _`.split(/\s+/),
);

/** A label where WIT's own words would be misread. */
const word = (name: string): string => (keywords.has(name) ? `%${name}` : name);

/**
 * The world as readable WIT: one `world` with its interfaces written in place, under their full names.
 * For people (`host inspect`); it parses as WIT except that versions stay on the names.
 * @throws HostError `HOST_ERR_COMPONENT_UNSUPPORTED` when the text would be larger than 4 MiB
 */
export function printWorld(world: World): string {
  return new WitPrinter(world).print();
}

class WitPrinter {
  readonly #world: World;
  readonly #lines: string[] = [];
  #length = 0;

  constructor(world: World) {
    this.#world = world;
  }

  print(): string {
    this.#line(0, `world ${this.#worldName()} {`);
    for (const item of this.#world.imports) this.#item('import', item);
    for (const item of this.#world.exports) this.#item('export', item);
    this.#line(0, '}');
    return `${this.#lines.join('\n')}\n`;
  }

  #worldName(): string {
    const parsed = this.#world.name === undefined ? undefined : parseExternName(this.#world.name);
    return parsed?.kind === 'interface' ? parsed.interface : 'root';
  }

  #line(depth: number, text: string): void {
    this.#grow(text.length);
    this.#lines.push('  '.repeat(depth) + text);
  }

  #grow(length: number): void {
    this.#length += length;
    if (this.#length > worldTextMax)
      throw new HostError(
        'HOST_ERR_COMPONENT_UNSUPPORTED',
        `the world is longer than ${worldTextMax} characters as text`,
      );
  }

  #item(direction: 'import' | 'export', item: WorldItem): void {
    if (item.kind === 'func') this.#line(1, `${direction} ${word(item.name)}: ${this.#func(item.type)};`);
    else if (item.kind === 'type') this.#type(1, item.name, item.type, undefined);
    else if (item.kind === 'interface') this.#interface(direction, item.name, item.interface);
    else this.#line(1, `// ${direction} ${item.name}: a ${item.kind}`);
  }

  #interface(direction: string, name: string, one: Interface): void {
    const full = parseExternName(name)?.kind === 'interface';
    if (one.functions.length === 0 && one.types.length === 0) {
      this.#line(1, full ? `${direction} ${name};` : `${direction} ${word(name)}: interface {}`);
      return;
    }
    this.#line(1, `${direction} ${full ? name : word(name)}: interface {`);
    for (const { name: typeName, type } of one.types) this.#type(2, typeName, type, name);
    const resources = new Set(
      one.types.filter(({ type }) => this.#isResource(type)).map((type) => type.name),
    );
    for (const resource of resources) this.#members(resource, one);
    for (const { name: funcName, type } of one.functions) {
      if (parseExternName(funcName)?.kind === 'label')
        this.#line(2, `${word(funcName)}: ${this.#func(type)};`);
    }
    this.#line(1, '}');
  }

  #isResource(ref: TypeRef): boolean {
    return typeof ref === 'number' && this.#world.types[ref]?.kind === 'resource';
  }

  #members(resource: string, one: Interface): void {
    const lines: string[] = [];
    for (const { name, type } of one.functions) {
      const parsed = parseExternName(name);
      if (parsed?.kind === 'constructor' && parsed.resource === resource)
        lines.push(`constructor${this.#params(type.params)}${this.#constructorResult(type)};`);
      if (parsed?.kind === 'method' && parsed.resource === resource)
        lines.push(`${word(parsed.member)}: ${this.#func({ ...type, params: type.params.slice(1) })};`);
      if (parsed?.kind === 'static' && parsed.resource === resource)
        lines.push(`${word(parsed.member)}: static ${this.#func(type)};`);
    }
    if (lines.length === 0) return;
    this.#line(2, `resource ${word(resource)} {`);
    for (const line of lines) this.#line(3, line);
    this.#line(2, '}');
  }

  #constructorResult(type: FuncType): string {
    const def = typeof type.result === 'number' ? this.#world.types[type.result] : undefined;
    return def?.kind === 'result' && type.result !== undefined ? ` -> ${this.#ref(type.result)}` : '';
  }

  #func(type: FuncType): string {
    const result = type.result === undefined ? '' : ` -> ${this.#ref(type.result)}`;
    return `${type.async === true ? 'async ' : ''}func${this.#params(type.params)}${result}`;
  }

  #params(params: FuncType['params']): string {
    return `(${params.map((param) => `${word(param.name)}: ${this.#ref(param.type)}`).join(', ')})`;
  }

  /** A named type's declaration, or where it comes from. */
  #type(depth: number, name: string, ref: TypeRef, owner: string | undefined): void {
    const def = typeof ref === 'number' ? this.#world.types[ref] : undefined;
    if (def === undefined) this.#line(depth, `type ${word(name)} = ${this.#ref(ref)};`);
    else if (def.owner !== owner) this.#use(depth, name, def);
    else if (def.name !== name) this.#line(depth, `type ${word(name)} = ${word(def.name as string)};`);
    else this.#declare(depth, name, def);
  }

  #use(depth: number, name: string, def: TypeDef): void {
    const origin = word(def.name as string);
    const renamed = def.name === name ? origin : `${origin} as ${word(name)}`;
    if (def.owner === undefined) this.#line(depth, `type ${word(name)} = ${origin};`);
    else this.#line(depth, `use ${def.owner}.{${renamed}};`);
  }

  #declare(depth: number, name: string, def: TypeDef): void {
    const block = (kind: string, lines: readonly string[]): void => {
      this.#line(depth, `${kind} ${word(name)} {`);
      for (const line of lines) this.#line(depth + 1, `${line},`);
      this.#line(depth, '}');
    };
    if (def.kind === 'record')
      block(
        'record',
        def.fields.map((field) => `${word(field.name)}: ${this.#ref(field.type)}`),
      );
    else if (def.kind === 'variant')
      block(
        'variant',
        def.cases.map((one) => word(one.name) + (one.type === undefined ? '' : `(${this.#ref(one.type)})`)),
      );
    else if (def.kind === 'enum' || def.kind === 'flags') block(def.kind, def.names.map(word));
    else if (def.kind === 'resource') {
      const has = this.#world.imports
        .concat(this.#world.exports)
        .some((item) => hasMembers(item, def.owner, name));
      if (!has) this.#line(depth, `resource ${word(name)};`);
    } else this.#line(depth, `type ${word(name)} = ${this.#body(def)};`);
  }

  #ref(ref: TypeRef): string {
    const def = typeof ref === 'number' ? (this.#world.types[ref] as TypeDef) : undefined;
    const text = def === undefined ? String(ref) : def.name === undefined ? this.#body(def) : word(def.name);
    this.#grow(text.length);
    return text;
  }

  #body(def: TypeDef): string {
    switch (def.kind) {
      case 'list':
        return `list<${this.#ref(def.element)}${def.length === undefined ? '' : `, ${def.length}`}>`;
      case 'map':
        return `map<${this.#ref(def.key)}, ${this.#ref(def.value)}>`;
      case 'tuple':
        return `tuple<${def.types.map((type) => this.#ref(type)).join(', ')}>`;
      case 'option':
        return `option<${this.#ref(def.type)}>`;
      case 'result':
        return this.#result(def.ok, def.err);
      case 'own':
        return this.#ref(def.resource);
      case 'borrow':
        return `borrow<${this.#ref(def.resource)}>`;
      case 'stream':
      case 'future':
        return def.element === undefined ? def.kind : `${def.kind}<${this.#ref(def.element)}>`;
      default:
        return `/* an unnamed ${def.kind} */`;
    }
  }

  #result(ok: TypeRef | undefined, err: TypeRef | undefined): string {
    if (ok === undefined && err === undefined) return 'result';
    if (err === undefined) return `result<${this.#ref(ok as TypeRef)}>`;
    return `result<${ok === undefined ? '_' : this.#ref(ok)}, ${this.#ref(err)}>`;
  }
}

function hasMembers(item: WorldItem, owner: string | undefined, resource: string): boolean {
  if (item.kind !== 'interface' || item.name !== owner) return false;
  return item.interface.functions.some(({ name }) => {
    const parsed = parseExternName(name);
    return parsed !== undefined && 'resource' in parsed && parsed.resource === resource;
  });
}
