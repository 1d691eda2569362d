import type { Case, Field, FuncType, TypeDef, TypeRef } from '../../../../host/engine/component/types.ts';
import type { WitDocs } from '../../../build/wit-docs.ts';
import type { Func, Home, Model, Place } from './model.ts';
import { distinct, Scope } from './names.ts';
import { isReference, type Naming, typeText } from './type-text.ts';

/** The file, without extension, that generated modules call to cross the border. */
export const abiFile = 'motehost-world/abi';

/** The SDK's futures: where they are, and how generated modules name that. */
export const futureFile = 'motehost-sdk/future';
export const futures = '__future';

/** The type of an asynchronous function's result. */
export function futureOf(result: string | undefined): string {
  return `${futures}.Future<${result ?? 'Unit'}>`;
}

/** What a module's text is for: to be compiled, or for an editor to read. */
export type Mode = 'source' | 'declarations';

/**
 * The module behind `import … from "<interface>"`: its types as classes and enums, its functions. Nothing here
 * touches memory; functions call the one of their number in `abiFile`.
 * @param userEntry import path of the user's file, which declares the classes of exported resources
 * @param docs comments to write above what they are about
 */
export function homeModule(
  model: Model,
  home: Home,
  mode: Mode,
  userEntry: string,
  docs: WitDocs = new Map(),
): string {
  return new HomeWriter(model, home, mode, userEntry, docs).write();
}

class HomeWriter {
  readonly #model: Model;
  readonly #home: Home;
  readonly #mode: Mode;
  readonly #userEntry: string;
  readonly #docs: WitDocs;
  readonly #locals: ReadonlyMap<TypeRef, string>;
  readonly #foreign = new Set<Home>();
  #usesUser = false;

  constructor(model: Model, home: Home, mode: Mode, userEntry: string, docs: WitDocs) {
    this.#model = model;
    this.#docs = docs;
    this.#home = home;
    this.#mode = mode;
    this.#userEntry = userEntry;
    this.#locals = new Map(home.types.map(({ ref, local }) => [ref, local]));
  }

  write(): string {
    const types = this.#home.types.map((type) => this.#documented(type));
    const functions =
      this.#home.direction === 'import'
        ? this.#home.functions.filter(({ kind }) => kind === 'function').map((func) => this.#function(func))
        : [];
    const body = [...types, ...functions].filter((text) => text !== '').join('\n');
    const tuples = [...new Set(body.match(/\bTuple\d+\b/g) ?? [])];
    const imports = [
      `import { ${['Box', 'Result', 'Unit'].join(', ')} } from "motehost:std";`,
      'import { Resource } from "motehost-sdk/abi/resource";',
      ...(this.#home.functions.some(({ type }) => type.async === true)
        ? [`import * as ${futures} from "${futureFile}";`]
        : []),
      ...(tuples.length === 0 ? [] : [`import { ${tuples.join(', ')} } from "motehost-sdk/tuple";`]),
      ...(this.#mode === 'source' ? [`import * as __abi from "${abiFile}";`] : []),
      ...[...this.#foreign].map(({ alias, specifier }) => `import * as ${alias} from "${specifier}";`),
      ...(this.#usesUser ? [`import * as __user from "${this.#userEntry}";`] : []),
    ];
    return `${imports.join('\n')}\n\n${body}`;
  }

  /** What WIT says of an item, for editors. */
  #doc(item: string, indent = ''): string {
    const owner = this.#home.specifier.replace(/^exports:/, '');
    const text = this.#mode === 'source' ? undefined : this.#docs.get(`${owner}#${item}`);
    if (text === undefined || text === '') return '';
    const lines = text.replaceAll('*/', '* /').split('\n');
    if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
    return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
  }

  #documented(type: Home['types'][number]): string {
    const text = this.#type(type);
    return /^export (?:declare )?(?:class|enum|type)/.test(text) ? this.#doc(type.label) + text : text;
  }

  /** Types of this module by their own name, those of others through the module that declares them. */
  readonly #naming: Naming = (ref) => {
    const place = this.#model.places.get(ref);
    const local = place?.home === this.#home ? place.local : this.#locals.get(ref);
    if (local !== undefined && !this.#isUserClass(ref)) return local;
    return this.#foreignName(ref);
  };

  #foreignName(ref: number): string {
    if (this.#isUserClass(ref)) {
      this.#usesUser = true;
      return userClass(this.#model, ref);
    }
    const place = this.#model.places.get(ref);
    if (place === undefined) throw new Error(`bug: type ${ref} is declared nowhere`);
    this.#foreign.add(place.home);
    return `${place.home.alias}.${place.local}`;
  }

  #isUserClass(ref: number): boolean {
    return isUserClass(this.#model, ref);
  }

  #text(ref: TypeRef): string {
    return typeText(this.#model.defs, ref, this.#naming);
  }

  #result({ result, async: isAsync }: FuncType): string {
    if (isAsync === true) return futureOf(result === undefined ? undefined : this.#text(result));
    return result === undefined ? 'void' : this.#text(result);
  }

  #type({ label, local, ref }: Home['types'][number]): string {
    const def = typeof ref === 'number' ? (this.#model.defs[ref] as TypeDef) : undefined;
    const place = typeof ref === 'number' ? this.#model.places.get(ref) : undefined;
    if (def === undefined || def.name === undefined) return `export type ${local} = ${this.#text(ref)};`;
    const isNominal = nominal.has(def.kind);
    if (place?.home !== this.#home || place.local !== local) {
      if (!isNominal) return `export type ${local} = ${typeText(this.#model.defs, ref, this.#naming)};`;
      if (this.#isUserClass(ref as number) || place === undefined) return '';
      return this.#again(ref as number, local, place);
    }
    return this.#declare(label, local, ref as number, def);
  }

  /** A type of another module, or of this one under another name, with the enum of its cases. */
  #again(ref: number, local: string, place: Place): string {
    if (place.home === this.#home) return `export { ${place.local} as ${local} };`;
    const isFirst = this.#home.types.find((type) => type.ref === ref)?.local === local;
    const [from, to] = isFirst ? [place.home.tags.get(place.ref), this.#home.tags.get(ref)] : [];
    const pairs = [[place.local, local], ...(from === undefined || to === undefined ? [] : [[from, to]])];
    const names = pairs.map(([one, other]) => (one === other ? one : `${one} as ${other}`)).join(', ');
    return `import { ${names} } from "${place.home.specifier}";\nexport { ${pairs.map(([, other]) => other).join(', ')} };`;
  }

  #declare(label: string, local: string, ref: number, def: TypeDef): string {
    switch (def.kind) {
      case 'record':
        return this.#record(label, local, def.fields);
      case 'variant':
        return this.#variant(label, local, this.#home.tags.get(ref) as string, def.cases);
      case 'enum':
        return this.#enum(label, local, def.names, () => '');
      case 'flags':
        return this.#enum(label, local, def.names, (index) => ` = ${1 << index}`);
      case 'resource':
        return this.#home.direction === 'export' ? '' : this.#resource(label, local, ref);
      default:
        return `export type ${local} = ${this.#text(ref)};`;
    }
  }

  /** Flags are an enum of bits: any of them together is `a | b`. */
  #enum(label: string, local: string, names: readonly string[], value: (index: number) => string): string {
    const lines = distinct(names).map(
      (name, index) => `${this.#doc(`${label}.${names[index]}`, '  ')}  ${name}${value(index)},\n`,
    );
    return `export enum ${local} {\n${lines.join('')}}\n`;
  }

  #record(label: string, local: string, fields: readonly Field[]): string {
    const names = distinct(fields.map((field) => field.name));
    const texts = fields.map((field) => this.#text(field.type));
    // Options at the end may be left out.
    const required = texts.findLastIndex((text) => !text.endsWith('| null')) + 1;
    if (this.#mode === 'source') {
      const params = texts.map(
        (text, index) => `    public ${names[index]}: ${text}${index < required ? '' : ' = null'},\n`,
      );
      return `export class ${local} {\n  constructor(\n${params.join('')}  ) {}\n}\n`;
    }
    const members = texts.map(
      (text, index) => `${this.#doc(`${label}.${fields[index]?.name}`, '  ')}  ${names[index]}: ${text};\n`,
    );
    const params = texts.map((text, index) => `${names[index]}${index < required ? '' : '?'}: ${text}`);
    return `export declare class ${local} {\n${members.join('')}  constructor(${params.join(', ')});\n}\n`;
  }

  #variant(label: string, local: string, tag: string, cases: readonly Case[]): string {
    const names = distinct(cases.map((one) => one.name));
    const tags = `export enum ${tag} { ${names.join(', ')} }\n`;
    const slots = variantSlots(this.#model, cases, this.#naming);
    const members = cases.map(
      (one, index) =>
        this.#doc(`${label}.${one.name}`, '  ') +
        this.#case(local, tag, names[index] as string, one.type, slots[index]),
    );
    if (this.#mode === 'declarations')
      return `${tags}export declare class ${local} {\n  readonly tag: ${tag};\n${members.join('')}  toString(): string;\n}\n`;
    const fields = [
      ...new Map(slots.flatMap((slot) => (slot === undefined ? [] : [[slot.field, slot] as const]))).values(),
    ];
    return `${tags}export class ${local} {
${fields.map(({ field, type, initial }) => `  /** @internal */ ${field}: ${type} = ${initial};\n`).join('')}  /** @internal */ constructor(public readonly tag: ${tag}) {}
${members.join('')}${this.#caseText(cases, names, slots)}}
`;
  }

  #case(local: string, tag: string, name: string, type: TypeRef | undefined, slot: Slot | undefined): string {
    const capital = name.charAt(0).toUpperCase() + name.slice(1);
    const value = type === undefined ? '' : `value: ${this.#text(type)}`;
    if (this.#mode === 'declarations') {
      const payload =
        type === undefined
          ? ''
          : `  /** What \`${name}\` carries; asking another case for it ends the instance. */\n  get as${capital}(): ${this.#text(type)};\n`;
      return `  static ${name}(${value}): ${local};\n  get is${capital}(): bool;\n${payload}`;
    }
    const set = slot === undefined ? '' : ` it.${slot.field} = value;`;
    const make = `  static ${name}(${value}): ${local} { const it = new ${local}(${tag}.${name});${set} return it; }\n`;
    const is = `  get is${capital}(): bool { return this.tag == ${tag}.${name}; }\n`;
    if (type === undefined || slot === undefined) return make + is;
    const text = this.#text(type);
    const read = slot.type === text ? `this.${slot.field}` : `changetype<${text}>(this.${slot.field})`;
    return `${make}${is}  get as${capital}(): ${text} { if (this.tag != ${tag}.${name}) __abi.wrongCase(); return ${read}; }\n`;
  }

  /** `other: the words` for people; what has no text is left out. */
  #caseText(cases: readonly Case[], names: readonly string[], slots: readonly (Slot | undefined)[]): string {
    const lines = cases.map((one, index) => {
      const slot = slots[index];
      const payload =
        one.type === undefined || slot === undefined ? undefined : this.#payloadText(one.type, slot);
      const text = payload === undefined ? `"${one.name}"` : `"${one.name}: " + ${payload}`;
      return `    if (this.tag == ${index}) return ${text};\n`;
    });
    return names.length === 0
      ? ''
      : `  toString(): string {\n${lines.slice(0, -1).join('')}${(lines.at(-1) as string).replace(/if \(.*?\) /, '')}  }\n`;
  }

  #payloadText(type: TypeRef, { field }: Slot): string | undefined {
    if (type === 'string') return `changetype<string>(this.${field})`;
    if (typeof type === 'string') return `this.${field}.toString()`;
    const def = this.#model.defs[type];
    return def?.kind === 'variant' ? `changetype<${this.#text(type)}>(this.${field}).toString()` : undefined;
  }

  #resource(label: string, local: string, ref: number): string {
    const members = this.#home.functions.filter(({ resource }) => resource === ref);
    const made = members.find(({ local: name }) => name === 'constructor');
    const others = members.filter((member) => member !== made).map((member) => this.#function(member));
    const drop = `  /** Gives the ${label} back to the host; it cannot be used afterwards. There are no finalizers: what is not dropped lives as long as the instance. */\n`;
    if (this.#mode === 'declarations')
      return `export declare class ${local} extends Resource {\n${made === undefined ? '  private constructor();\n' : `  constructor(${this.#params(made)});\n`}${others.join('')}${drop}  drop(): void;\n}\n`;
    const build =
      made === undefined
        ? ''
        : `  constructor(${this.#params(made)}) {\n    super();\n    this.__handle = __abi.import${made.id}(${paramNames(made).join(', ')});\n  }\n`;
    return `export class ${local} extends Resource {\n${build}${others.join('')}${drop}  drop(): void { __abi.drop${ref}(this.__give()); }\n}\n`;
  }

  #params(func: Func): string {
    const names = paramNames(func);
    const params = func.kind === 'method' ? func.type.params.slice(1) : func.type.params;
    return params.map((param, index) => `${names[index]}: ${this.#text(param.type)}`).join(', ');
  }

  #function(func: Func): string {
    const indent = func.resource === undefined ? '' : '  ';
    const prefix = { function: 'export function ', method: '', static: 'static ', constructor: 'static ' }[
      func.kind
    ];
    const head = `${prefix}${func.local}(${this.#params(func)}): ${this.#result(func.type)}`;
    if (this.#mode === 'declarations')
      return `${this.#doc(func.name, indent)}${indent}${func.kind === 'function' ? head.replace('export ', 'export declare ') : head};\n`;
    const args = [...(func.kind === 'method' ? ['this'] : []), ...paramNames(func)];
    const back = func.type.result === undefined && func.type.async !== true ? '' : 'return ';
    return `${indent}${head} { ${back}__abi.import${func.id}(${args.join(', ')}); }\n`;
  }
}

/** Kinds that are a class or an enum of their own. */
const nominal: ReadonlySet<string> = new Set(['record', 'variant', 'enum', 'flags', 'resource']);

/** Names of a function's parameters; a method's own object is not among them. */
export function paramNames(func: Func): string[] {
  const params = func.kind === 'method' ? func.type.params.slice(1) : func.type.params;
  return distinct(params.map((param) => param.name));
}

/** Whether a resource's class is written by the user. */
export function isUserClass({ places, defs }: Model, ref: number): boolean {
  return defs[ref]?.kind === 'resource' && places.get(ref)?.home.direction === 'export';
}

/** `__user.routing.Router`. */
export function userClass({ places }: Model, ref: number): string {
  const { home, local } = places.get(ref) as Place;
  return ['__user', home.namespace, local].filter((part) => part !== undefined).join('.');
}

/** The field that keeps a case's payload; cases of one type share one. */
export interface Slot {
  readonly field: string;
  readonly type: string;
  readonly initial: string;
}

/** Of each case; undefined where a case carries nothing. */
export function variantSlots(
  { defs }: Model,
  cases: readonly { readonly type?: TypeRef }[],
  naming: Naming,
): (Slot | undefined)[] {
  const scope = new Scope();
  const known = new Map<string, Slot>();
  return cases.map(({ type }) => {
    if (type === undefined) return undefined;
    const text = typeText(defs, type, naming);
    const isRef = isReference(defs, type);
    const own = isRef && !text.endsWith('| null') ? `${text} | null` : text;
    const slot = known.get(own) ?? {
      field: scope.take(`__${known.size}`),
      type: own,
      initial: isRef ? 'null' : typeof type === 'string' && type === 'bool' ? 'false' : '0',
    };
    known.set(own, slot);
    return slot;
  });
}
