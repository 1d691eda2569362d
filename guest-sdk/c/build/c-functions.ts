import type { FuncType, TypeRef } from '../../../host/engine/component/types.ts';
import type { World } from '../../../host/engine/component/world.ts';
import { spaced } from './c-declarations.ts';
import { type CTypes, isStructural } from './c-types.ts';
import { Scope, snakeCase } from './names.ts';
import { witSignature } from './wit-signature.ts';

export interface CParam {
  readonly name: string;
  readonly ref: TypeRef;
  /** An export's argument that the glue frees when the call is over, unless it was taken. */
  readonly isPointer: boolean;
}

/** How a C function gives its result. */
export type CResult =
  | { readonly kind: 'none' }
  | { readonly kind: 'value'; readonly ref: TypeRef }
  /** WIT's `result`: true and `*ret`, or false and `*err`. */
  | { readonly kind: 'fallible'; readonly ok?: TypeRef; readonly err?: TypeRef }
  /** The object that an exported constructor made. */
  | { readonly kind: 'object'; readonly resource: number };

/** One function of a world in C. */
export interface CFunction {
  readonly side: 'import' | 'export';
  readonly name: string;
  /** Interface and function, as messages name it: `motehost:agent/bus@0.1.0#send`. */
  readonly witName: string;
  /** `send: func(agent: string) -> u32` */
  readonly signature: string;
  /** Names of the core function. */
  readonly module: string;
  readonly field: string;
  readonly type: FuncType;
  readonly params: readonly CParam[];
  readonly result: CResult;
  /** What the header declares, without the semicolon. */
  readonly prototype: string;
}

/** The functions of one interface, or of the world itself. */
export interface FunctionGroup {
  readonly side: 'import' | 'export';
  /** The interface; undefined for the world itself. */
  readonly owner: string | undefined;
  readonly functions: readonly CFunction[];
}

/** Destructor of an exported resource, which the user writes. */
export interface Destructor {
  readonly resource: number;
  readonly owner: string;
  readonly name: string;
  readonly prototype: string;
}

export const lineLength = 100;

/** Names and shapes of all functions of a world, in the world's order. */
export class CFunctions {
  readonly groups: readonly FunctionGroup[];
  readonly destructors: readonly Destructor[];
  readonly #types: CTypes;
  readonly #aliases: ReadonlyMap<TypeRef, string>;
  readonly #worldName: string;

  constructor(world: World, worldName: string, types: CTypes, aliases: readonly Alias[]) {
    this.#types = types;
    const own = aliases.filter(({ ref, owner }) => owner === undefined && typeof ref === 'number');
    this.#aliases = new Map(own.reverse().map(({ ref, name }) => [ref, name]));
    this.#worldName = worldName;
    this.groups = [...this.#groups('import', world.imports), ...this.#groups('export', world.exports)];
    this.destructors = world.types.flatMap((def, index) =>
      def.kind === 'resource' && types.isExported(index) ? [this.#destructor(index, def.owner ?? '')] : [],
    );
  }

  #groups(side: 'import' | 'export', items: World['imports']): FunctionGroup[] {
    const own = items.flatMap((item) =>
      item.kind === 'func' ? [this.#function(side, undefined, item)] : [],
    );
    const groups = items.flatMap((item) => {
      if (item.kind !== 'interface') return [];
      const functions = item.interface.functions.map((one) => this.#function(side, item.name, one));
      return [{ side, owner: item.name, functions }];
    });
    return own.length === 0 ? groups : [...groups, { side, owner: undefined, functions: own }];
  }

  #function(
    side: 'import' | 'export',
    owner: string | undefined,
    { name: witName, type }: { readonly name: string; readonly type: FuncType },
  ): CFunction {
    const root = side === 'import' ? '$root' : '';
    const field = side === 'export' && owner !== undefined ? `${owner}#${witName}` : witName;
    const result = this.#result(side, witName, type);
    const params = this.#params(side, type, result);
    const name = this.#types.scope.claim(this.#name(side, owner, witName));
    return {
      side,
      name,
      witName: owner === undefined ? witName : `${owner}#${witName}`,
      signature: witSignature(this.#types.defs, witName, type),
      module: owner ?? root,
      field,
      type,
      params,
      result,
      prototype: this.#prototype(name, params, result, owner === undefined),
    };
  }

  #name(side: string, owner: string | undefined, witName: string): string {
    const prefix = side === 'export' ? 'exports_' : '';
    const place =
      owner === undefined && side === 'import' ? `${snakeCase(this.#worldName)}_` : this.#types.prefix(owner);
    const [, annotation, resource, member] = /^\[(\w+)\]([^.]*)\.?(.*)$/.exec(witName) ?? [];
    if (annotation === undefined) return prefix + place + snakeCase(witName);
    const what = annotation === 'constructor' ? 'new' : snakeCase(member ?? '');
    return `${prefix}${this.#resourceBase(owner, resource ?? '')}_${what}`;
  }

  #resourceBase(owner: string | undefined, resource: string): string {
    return this.#types.joined(this.#types.prefix(owner), resource);
  }

  #params(side: 'import' | 'export', type: FuncType, result: CResult): CParam[] {
    const outs = result.kind === 'fallible' ? ['ret', 'err'] : [];
    const scope = Scope.inner(outs);
    return type.params.map((param) => ({
      name: scope.claim(snakeCase(param.name)),
      ref: param.type,
      isPointer: side === 'export' && this.#isAggregate(param.type),
    }));
  }

  #isAggregate(ref: TypeRef): boolean {
    if (typeof ref === 'string') return ref === 'string';
    const kind = this.#types.def(ref)?.kind;
    return kind !== 'enum' && kind !== 'flags' && kind !== 'borrow';
  }

  #result(side: 'import' | 'export', name: string, { result }: FuncType): CResult {
    if (result === undefined) return { kind: 'none' };
    const def = this.#types.def(result);
    if (def?.kind === 'result') {
      return {
        kind: 'fallible',
        ...(def.ok === undefined ? {} : { ok: def.ok }),
        ...(def.err === undefined ? {} : { err: def.err }),
      };
    }
    const isObject = side === 'export' && name.startsWith('[constructor]') && def?.kind === 'own';
    return isObject ? { kind: 'object', resource: def.resource } : { kind: 'value', ref: result };
  }

  #prototype(name: string, params: readonly CParam[], result: CResult, isWorlds: boolean): string {
    const type = (ref: TypeRef): string =>
      (isWorlds ? this.#aliases.get(ref) : undefined) ?? this.#types.of(ref);
    const texts = params.map((one) => `${spaced(type(one.ref))}${one.isPointer ? '*' : ''}${one.name}`);
    if (result.kind === 'fallible') {
      if (result.ok !== undefined) texts.push(`${spaced(type(result.ok))}*ret`);
      if (result.err !== undefined) texts.push(`${spaced(type(result.err))}*err`);
    }
    return wrapped(`${spaced(this.#returned(result, type))}${name}(`, texts.length === 0 ? ['void'] : texts);
  }

  #returned(result: CResult, type: (ref: TypeRef) => string): string {
    if (result.kind === 'none') return 'void';
    if (result.kind === 'fallible') return 'bool';
    return result.kind === 'object' ? `${this.#types.of(result.resource)} *` : type(result.ref);
  }

  #destructor(resource: number, owner: string): Destructor {
    const base = this.#resourceBase(owner, this.#types.defs[resource]?.name ?? '');
    const name = this.#types.scope.claim(`exports_${base}_drop`);
    return { resource, owner, name, prototype: `void ${name}(${this.#types.of(resource)} *self)` };
  }
}

/** Parameters on lines of at most `lineLength` characters, continued under the first. */
function wrapped(start: string, params: readonly string[]): string {
  const indent = ' '.repeat(Math.min(start.length, 40));
  let text = start;
  let column = start.length;
  for (const [index, param] of params.entries()) {
    const last = index === params.length - 1;
    const piece = `${param}${last ? ')' : ','}`;
    if (index > 0 && column + 1 + piece.length > lineLength) {
      text += `\n${indent}${piece}`;
      column = indent.length + piece.length;
    } else {
      text += index > 0 ? ` ${piece}` : piece;
      column += piece.length + (index > 0 ? 1 : 0);
    }
  }
  return text;
}

/** Another name that a world or an interface gives to a type. */
export interface Alias {
  readonly name: string;
  readonly ref: TypeRef;
  /** The interface that gives it; undefined for the world. */
  readonly owner: string | undefined;
}

/** Names of types besides those they are declared by: `message_t` where the world uses `types.{message}`. */
export function aliasesOf(world: World, types: CTypes): Alias[] {
  const aliases: Alias[] = [];
  const add = (owner: string | undefined, name: string, ref: TypeRef): void => {
    const def = types.def(ref);
    const isDeclared =
      def !== undefined &&
      def.name === name &&
      (def.owner === owner ? !isStructural(def) : owner !== undefined);
    if (isDeclared) return;
    const base = types.joined(types.prefix(owner), name);
    aliases.push({ owner, ref, name: types.scope.claim(`${base}_t`) });
  };
  for (const item of new Map([...world.imports, ...world.exports].map((one) => [one.name, one])).values()) {
    if (item.kind === 'type') add(undefined, item.name, item.type);
    if (item.kind === 'interface') for (const one of item.interface.types) add(item.name, one.name, one.type);
  }
  return aliases;
}
