import { type Primitive, partsOf, type TypeDef, type TypeRef } from '../../../host/engine/component/types.ts';
import type { World } from '../../../host/engine/component/world.ts';
import { Scope, snakeCase } from './names.ts';
import { interfacePrefixes } from './prefixes.ts';

const primitiveNames: Readonly<Record<Primitive, string>> = {
  bool: 'bool',
  s8: 'int8_t',
  u8: 'uint8_t',
  s16: 'int16_t',
  u16: 'uint16_t',
  s32: 'int32_t',
  u32: 'uint32_t',
  s64: 'int64_t',
  u64: 'uint64_t',
  f32: 'float',
  f64: 'double',
  char: 'uint32_t',
  string: 'string_t',
  'error-context': 'int32_t',
};

/** What a value owns or refers to besides its own bytes. */
export interface Holdings {
  readonly memory: boolean;
  /** A handle it must drop. */
  readonly own: boolean;
  /** A handle lent for the time of a call. */
  readonly borrow: boolean;
}

/** What the glue offers for a resource. */
export interface ResourceNames {
  /** The C type of its handles. */
  readonly handle: string;
  /** Drops a handle. */
  readonly drop: string;
  /** Of an exported one: from object to handle, and back. */
  readonly make: string;
  readonly rep: string;
}

const nothing: Holdings = { memory: false, own: false, borrow: false };
const nameLengthMax = 72;

/**
 * The C types of a world. Their layout in memory is the canonical ABI's, so a list crosses the boundary as it
 * lies. Types that WIT does not name are called by what they are made of and declared once.
 */
export class CTypes {
  readonly defs: readonly TypeDef[];
  readonly prefixes: ReadonlyMap<string, string>;
  readonly scope: Scope = Scope.file();
  readonly #names: string[] = [];
  readonly #holdings: Holdings[] = [];
  /** Types without a WIT name by what they are made of. */
  readonly #structural = new Map<string, string>();
  readonly #exported: ReadonlySet<number>;
  readonly #imported: ReadonlySet<string>;
  readonly #frees = new Map<string, string>();
  readonly #resources = new Map<number, ResourceNames>();
  readonly #constants = new Map<string, readonly string[]>();

  constructor(world: World) {
    this.defs = world.types;
    this.prefixes = interfacePrefixes(world);
    this.#exported = exportedTypes(world);
    this.#imported = new Set(world.imports.map((item) => item.name));
    for (const [index, def] of world.types.entries()) {
      this.#names.push(this.#nameOf(index, def));
      this.#holdings.push(this.#holdingsOf(def));
    }
    for (const index of world.types.keys()) this.#claimConstants(index);
    for (const index of world.types.keys()) if (this.isFreed(index)) this.freeName(index);
    for (const [index, def] of world.types.entries()) if (def.kind === 'resource') this.#claimResource(index);
  }

  /** The C type of a value. */
  of(ref: TypeRef): string {
    return typeof ref === 'string' ? primitiveNames[ref] : (this.#names[ref] as string);
  }

  def(ref: TypeRef): TypeDef | undefined {
    return typeof ref === 'string' ? undefined : this.defs[ref];
  }

  holdings(ref: TypeRef): Holdings {
    if (ref === 'string') return { ...nothing, memory: true };
    return typeof ref === 'string' ? nothing : (this.#holdings[ref] as Holdings);
  }

  /** Whether a resource, or a type, is declared by an interface that this world exports and does not import. */
  isExported(index: number): boolean {
    return this.#exported.has(index);
  }

  /** Whether values are freed by a function of their own; handles are dropped. */
  isFreed(ref: TypeRef): boolean {
    const kind = this.def(ref)?.kind;
    const { memory, own } = this.holdings(ref);
    return kind !== 'own' && kind !== 'borrow' && (memory || own);
  }

  resource(index: number): ResourceNames {
    return this.#resources.get(index) as ResourceNames;
  }

  /** Function that frees a value: `types_message_free`. */
  freeName(ref: TypeRef): string {
    const type = this.of(ref);
    const known = type === 'string_t' ? 'string_free' : this.#frees.get(type);
    if (known !== undefined) return known;
    const name = this.scope.claim(`${type.replace(/_t$/, '')}_free`);
    this.#frees.set(type, name);
    return name;
  }

  /** Names of a variant's, enum's or flags' cases: `LOG_LEVEL_INFO`. */
  constants(index: number): readonly string[] {
    return this.#constants.get(this.#names[index] as string) ?? [];
  }

  /** Names of the members of a record, or of the union of a variant: `content_type`. */
  members(index: number): readonly string[] {
    const scope = Scope.inner();
    return labelsOf(this.defs[index] as TypeDef).map((label) => scope.claim(snakeCase(label)));
  }

  /** What an interface's functions and types begin with; the world's own begin with nothing. */
  prefix(owner: string | undefined): string {
    return owner === undefined ? '' : `${this.prefixes.get(owner) ?? snakeCase(owner)}_`;
  }

  /** `prefix` and name, without saying the same twice: `bus_error` of `bus`. */
  joined(prefix: string, name: string): string {
    const snake = snakeCase(name);
    return `${snake}_`.startsWith(prefix) ? snake : prefix + snake;
  }

  #nameOf(index: number, def: TypeDef): string {
    if (def.kind === 'own') return this.#handleName(def.resource);
    if (def.kind === 'borrow') {
      const resource = this.#names[def.resource] as string;
      return this.isExported(def.resource) ? `${resource} *` : resource;
    }
    if (isStructural(def)) return this.#structuralName(def);
    const both = this.isExported(index) && def.owner !== undefined && this.#imported.has(def.owner);
    const base = this.joined(this.prefix(def.owner), def.name ?? def.kind);
    return this.scope.claim(`${both ? 'exports_' : ''}${base}_t`);
  }

  #handleName(resource: number): string {
    const name = this.#names[resource] as string;
    if (!this.isExported(resource)) return name;
    return this.#named(`own ${resource}`, `${name.replace(/_t$/, '')}_own`);
  }

  #structuralName(def: TypeDef): string {
    const isResult = def.kind === 'result';
    const parts = isResult ? [def.ok, def.err] : partsOf(def);
    const length = def.kind === 'list' ? def.length : def.kind === 'tuple' ? parts.length : undefined;
    const kind = `${def.kind}${length ?? ''}`;
    const key = [kind, ...parts.map((part) => this.#key(part))].join(' ');
    return this.#named(key, [kind, ...parts.map((part) => this.#word(part))].join('_'));
  }

  /** One name for each key: the wished one, or its kind and a number where that would be long. */
  #named(key: string, wished: string): string {
    const known = this.#structural.get(key);
    if (known !== undefined) return known;
    const short =
      wished.length <= nameLengthMax ? wished : `${key.split(' ', 1)[0]}_no${this.#structural.size}`;
    const name = this.scope.claim(`${short}_t`);
    this.#structural.set(key, name);
    return name;
  }

  /** What a type is called inside another's name: WIT's word for a primitive, else the C name. */
  #word(ref: TypeRef | undefined): string {
    if (ref === undefined) return 'void';
    if (typeof ref === 'string') return snakeCase(ref);
    const name = (this.#names[ref] as string).replace(/_t(_\d*)?( \*)?$/, '');
    return this.defs[ref]?.kind === 'borrow' ? `${name}_borrow` : name;
  }

  /** Differs where types differ, unlike words: `%u8` may be a record's name. */
  #key(ref: TypeRef | undefined): string {
    if (typeof ref !== 'number') return ref ?? '_';
    return this.defs[ref]?.kind === 'borrow' ? `&${this.#names[ref]}` : `#${this.#names[ref]}`;
  }

  #holdingsOf(def: TypeDef): Holdings {
    if (def.kind === 'resource') return nothing;
    if (def.kind === 'own') return { ...nothing, own: true };
    if (def.kind === 'borrow') return { ...nothing, borrow: !this.isExported(def.resource) };
    const parts = partsOf(def).map((part) => this.holdings(part));
    const isBlock = def.kind === 'map' || (def.kind === 'list' && def.length === undefined);
    return {
      memory: isBlock || parts.some((part) => part.memory),
      own: parts.some((part) => part.own),
      borrow: parts.some((part) => part.borrow),
    };
  }

  #claimResource(index: number): void {
    const base = (this.#names[index] as string).replace(/_t(_\d*)?$/, '');
    const handle = this.isExported(index) ? `${base}_own` : base;
    this.#resources.set(index, {
      handle: this.#handleName(index),
      drop: this.scope.claim(`${handle}_drop`),
      make: this.scope.claim(`${base}_own_new`),
      rep: this.scope.claim(`${base}_own_rep`),
    });
  }

  #claimConstants(index: number): void {
    const def = this.defs[index] as TypeDef;
    if (def.kind !== 'variant' && def.kind !== 'enum' && def.kind !== 'flags') return;
    const base = (this.#names[index] as string).replace(/_t(_\d*)?$/, '').toUpperCase();
    const names = labelsOf(def).map((label) => this.scope.claim(`${base}_${snakeCase(label).toUpperCase()}`));
    this.#constants.set(this.#names[index] as string, names);
  }
}

/** Types whose identity is their structure: WIT's names for them are aliases. */
export function isStructural(def: TypeDef): boolean {
  return ['list', 'map', 'tuple', 'option', 'result', 'own', 'borrow'].includes(def.kind);
}

export function labelsOf(def: TypeDef): readonly string[] {
  if (def.kind === 'record') return def.fields.map((field) => field.name);
  if (def.kind === 'variant') return def.cases.map((one) => one.name);
  return def.kind === 'enum' || def.kind === 'flags' ? def.names : [];
}

function exportedTypes(world: World): ReadonlySet<number> {
  const refs = (items: World['imports']): TypeRef[] =>
    items.flatMap((item) => {
      if (item.kind === 'type') return [item.type];
      return item.kind === 'interface' ? item.interface.types.map((one) => one.type) : [];
    });
  const imported = new Set(refs(world.imports));
  const exported = refs(world.exports).filter((ref) => typeof ref === 'number' && !imported.has(ref));
  return new Set(exported as number[]);
}
