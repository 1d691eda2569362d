import type {
  ComponentNode,
  CoreAlias,
  CoreFunc,
  CoreInstance,
  CoreItem,
  CoreModule,
  Export,
  ExternType,
  Func,
  Instance,
  Item,
  ModuleType,
  TypeEntry,
} from './component.ts';
import type { CoreExternType, CoreFuncType } from './core-module.ts';
import { Layouts } from './layout.ts';
import { parseExternName, uniqueForm } from './names.ts';
import type { Reader } from './reader.ts';
import { Comparison } from './subtype.ts';
import { partsOf, type TypeDef, type TypeRef } from './types.ts';
import { isNameable, Visibility } from './visibility.ts';

/** How deep value types may contain one another. */
export const typeDepthMax = 100;
/** How deep components and their types may be nested. */
export const scopeDepthMax = 64;
/** Definitions of one sort in one component. */
export const definitionsMax = 100_000;
/** Bytes one value may take in memory, whatever the pointer's size (component-model Binary.md). */
export const elementBytesMax: number = 2 ** 28;

interface TypeFacts {
  readonly depth: number;
  readonly borrow: boolean;
  readonly resource: boolean;
}

const plainFacts: TypeFacts = { depth: 0, borrow: false, resource: false };

/** All value types of one file, with what validation asks of each. */
export class TypeTable {
  readonly defs: TypeDef[] = [];
  readonly layouts: Layouts = new Layouts();
  readonly comparison: Comparison = new Comparison(this.defs);
  /** Renamed types, and what they were first defined as. */
  readonly origins: Map<number, number> = new Map();
  /** The component that defines a resource, of resources that are not imported. */
  readonly homes: Map<number, Scope> = new Map();
  readonly #wideLayouts = new Layouts([], 8);
  readonly #facts: TypeFacts[] = [];
  /** Types known to lie partly in memory or not (see the canonical options). */
  readonly memoryUse: Map<TypeRef, boolean> = new Map();

  add(reader: Reader, def: TypeDef): number {
    const parts = partsOf(def).map((ref) => this.facts(ref));
    const depth = 1 + Math.max(0, ...parts.map((part) => part.depth));
    if (depth > typeDepthMax) reader.fail(`types nested deeper than ${typeDepthMax}`);
    this.#facts.push({
      depth,
      borrow: def.kind === 'borrow' || parts.some((part) => part.borrow),
      resource: def.kind === 'resource' || parts.some((part) => part.resource),
    });
    this.layouts.add(def);
    if (this.#wideLayouts.add(def).size >= elementBytesMax)
      reader.fail(`effective type size of ${elementBytesMax} bytes or more`);
    return this.defs.push(def) - 1;
  }

  /** The same type under a name of its own: what an import or export of it stands for from then on. */
  rename(reader: Reader, entry: TypeEntry): TypeEntry {
    if (entry.kind !== 'value' || typeof entry.ref === 'string') return entry;
    const def = this.defs[entry.ref] as TypeDef;
    if (!isNameable(def)) return entry;
    const renamed = this.add(reader, def);
    this.origins.set(renamed, this.origins.get(entry.ref) ?? entry.ref);
    return { kind: 'value', ref: renamed };
  }

  facts(ref: TypeRef): TypeFacts {
    if (typeof ref === 'string') return plainFacts;
    return this.#facts[ref] as TypeFacts;
  }
}

/** An import's or export's name as it is read. */
export interface NamedExtern {
  readonly name: string;
  /** It carries an `implements` attribute: only instances under a plain name may. */
  readonly implements: boolean;
}

type CoreTypeEntry =
  | { readonly kind: 'func'; readonly type: CoreFuncType | undefined }
  | { readonly kind: 'module'; readonly type: ModuleType };

/** The index spaces of one component, component type or instance type while it is read. */
export class Scope {
  readonly kind: 'component' | 'component type' | 'instance type';
  readonly parent: Scope | undefined;
  readonly depth: number;
  readonly table: TypeTable;
  readonly coreTypes: CoreTypeEntry[] = [];
  readonly types: TypeEntry[] = [];
  readonly funcs: Func[] = [];
  readonly instances: Instance[] = [];
  readonly components: ComponentNode[] = [];
  readonly modules: CoreModule[] = [];
  readonly coreInstances: CoreInstance[] = [];
  readonly coreFuncs: CoreFunc[] = [];
  readonly coreAliases: { readonly [sort in 'table' | 'memory' | 'global' | 'tag']: CoreAlias[] } = {
    table: [],
    memory: [],
    global: [],
    tag: [],
  };
  readonly imports: Map<string, ExternType> = new Map();
  readonly exports: Map<string, Export> = new Map();
  readonly exportTypes: Map<string, ExternType> = new Map();
  /** Resources that this component imports by itself: it cannot make handles of them. */
  readonly foreignResources: Set<number> = new Set();
  /** Types that this component's type sections define. */
  readonly localTypes: Set<number> = new Set();
  readonly #importVisibility: Visibility;
  readonly #exportVisibility: Visibility;
  readonly #importForms = new Set<string>();
  readonly #exportForms = new Set<string>();
  /** Resources by the label they are imported or exported under: what `[method]…` names refer to. */
  readonly #importedResources = new Map<string, number>();
  readonly #exportedResources = new Map<string, number>();

  constructor(kind: Scope['kind'], parent: Scope | undefined, table: TypeTable) {
    this.kind = kind;
    this.parent = parent;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    this.table = table;
    this.#importVisibility = new Visibility(table.defs, this.localTypes);
    this.#exportVisibility = new Visibility(table.defs, this.localTypes);
  }

  /** The item at the index that follows in `reader`. */
  at<T>(reader: Reader, space: readonly T[], what: string): T {
    const start = reader.offset;
    const index = reader.u32();
    const item = space[index];
    if (item === undefined) reader.fail(`unknown ${what} ${index}: index out of bounds`, start);
    return item;
  }

  push<T>(reader: Reader, space: T[], item: T, what: string): void {
    if (space.length >= definitionsMax) reader.fail(`more than ${definitionsMax} ${what}`);
    space.push(item);
  }

  addImport(reader: Reader, named: NamedExtern, type: ExternType): void {
    this.#checkName(reader, named, type, this.#importForms, this.#importedResources);
    if (this.kind === 'component') {
      this.#importVisibility.add(reader, named.name, type);
      this.#exportVisibility.name(type);
    }
    this.imports.set(named.name, type);
    if (type.sort === 'type' && type.type.kind === 'resource') this.foreignResources.add(type.type.index);
  }

  /** Whether this component can make handles of a resource: it neither imports it nor gets it from an inner component. */
  isOwnResource(index: number): boolean {
    const home = this.table.homes.get(index);
    return !this.foreignResources.has(index) && (home === undefined || home === this);
  }

  addExport(reader: Reader, named: NamedExtern, type: ExternType, item: Item | undefined): void {
    const { name } = named;
    this.#checkName(reader, named, type, this.#exportForms, this.#exportedResources);
    if (this.kind === 'component') this.#exportVisibility.add(reader, name, type);
    this.exportTypes.set(name, type);
    if (item !== undefined) this.exports.set(name, { type, item });
  }

  #checkName(
    reader: Reader,
    named: NamedExtern,
    type: ExternType,
    forms: Set<string>,
    resources: Map<string, number>,
  ): void {
    const { name } = named;
    const parsed = parseExternName(name);
    if (parsed === undefined) reader.fail(`'${name.slice(0, 80)}' is not a valid import or export name`);
    if (named.implements && (type.sort !== 'instance' || parsed.kind !== 'label'))
      reader.fail(`'${name}' cannot say which interface it implements`);
    const form = uniqueForm(name);
    if (forms.has(form)) reader.fail(`import or export name '${name}' conflicts with a previous name`);
    forms.add(form);
    if (parsed.kind === 'label') {
      if (type.sort === 'type' && type.type.kind === 'resource') resources.set(name, type.type.index);
      return;
    }
    if (parsed.kind === 'interface') return;
    if (type.sort !== 'func') reader.fail(`'${name}' is not a function`);
    const resource = resources.get(parsed.resource);
    if (resource === undefined) reader.fail(`'${name}' names no resource that comes before it`);
    if (parsed.kind === 'constructor') this.#checkConstructor(reader, name, type.type.result, resource);
    if (parsed.kind === 'method') {
      const self = type.type.params[0];
      if (self?.name !== 'self' || !this.#isHandle(self.type, 'borrow', resource))
        reader.fail(`'${name}' must take (param "self" (borrow …)) first`);
    }
  }

  #checkConstructor(reader: Reader, name: string, result: TypeRef | undefined, resource: number): void {
    const def = typeof result === 'number' ? this.table.defs[result] : undefined;
    const made = def?.kind === 'result' ? def.ok : result;
    if (made === undefined || !this.#isHandle(made, 'own', resource))
      reader.fail(`'${name}' must return (own …) of its resource`);
  }

  #isHandle(ref: TypeRef, kind: 'own' | 'borrow', resource: number): boolean {
    const def = typeof ref === 'number' ? this.table.defs[ref] : undefined;
    return def?.kind === kind && def.resource === resource;
  }
}

/** What a core instance exports under a name, whatever made it. */
export function coreExport(instance: CoreInstance, name: string): CoreExternType | undefined {
  if (instance.kind === 'instantiate') return instance.module.type.exports.get(name);
  const item = instance.exports.get(name);
  if (item === undefined) return undefined;
  return item.sort === 'func' ? { sort: 'func', type: item.node.type } : item.node.type;
}

/** The core item a core instance exports under a name. */
export function coreItem(instance: CoreInstance, name: string): CoreItem | undefined {
  if (instance.kind === 'exports') return instance.exports.get(name);
  const type = instance.module.type.exports.get(name);
  if (type === undefined) return undefined;
  if (type.sort === 'func') return { sort: 'func', node: { kind: 'alias', instance, name, type: type.type } };
  return { sort: type.sort, node: { instance, name, type } };
}
