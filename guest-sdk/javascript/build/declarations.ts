import { camelCase } from '../../../host/engine/component/names.ts';
import {
  isNullable,
  type Primitive,
  type TypeDef,
  type TypeRef,
} from '../../../host/engine/component/types.ts';
import type { Interface, World } from '../../../host/engine/component/world.ts';
import type { WitDocs } from '../../build/wit-docs.ts';
import { isCommand, mainSignature } from './command.ts';
import {
  type FunctionData,
  type InterfaceData,
  interfaceKey,
  pascalCase,
  type WorldData,
  worldData,
  worldInterface,
} from './world-data.ts';

/** The module that tells what a world's entry file exports. */
export const worldModule = 'motehost:world';

/** TypeScript's declarations of a world: a module for each interface, and `motehost:world` for what it wants. */
export function declarationsOf(world: World, docs: WitDocs = new Map()): string {
  return new Declarations(world, docs).write();
}

/** One export of the world as an entry file would declare it, by its path there: `handle`, `routing.Router.add`. */
export function signatureOf(world: World, path: string): string {
  return new Declarations(world, new Map()).signature(path);
}

const primitives: Readonly<Record<Primitive, string>> = {
  bool: 'boolean',
  s8: 'number',
  u8: 'number',
  s16: 'number',
  u16: 'number',
  s32: 'number',
  u32: 'number',
  s64: 'bigint',
  u64: 'bigint',
  f32: 'number',
  f64: 'number',
  char: 'string',
  string: 'string',
  'error-context': 'never',
};

const typedArrays: Readonly<Record<string, string>> = {
  u8: 'Uint8Array',
  s8: 'Int8Array',
  u16: 'Uint16Array',
  s16: 'Int16Array',
  u32: 'Uint32Array',
  s32: 'Int32Array',
  u64: 'BigUint64Array',
  s64: 'BigInt64Array',
  f32: 'Float32Array',
  f64: 'Float64Array',
};

/** Words that no function can be declared by; they can be exported all the same. */
const reservedWords: ReadonlySet<string> = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export extends ' +
    'false finally for function if implements import in instanceof interface let new null package private ' +
    'protected public return static super switch this throw true try typeof var void while with yield'
  ).split(' '),
);

class Declarations {
  readonly #world: World;
  readonly #data: WorldData;
  readonly #docs: WitDocs;
  /** What the WIT's comments know a function by. */
  readonly #keys = new Map<FunctionData, string>();
  /** The module whose declarations are written; types of others are named with theirs. */
  #module = '';
  /** Types that were written with their names alone, for people, by the module they are from. */
  #named: Map<string, Set<string>> | undefined;

  constructor(world: World, docs: WitDocs) {
    this.#world = world;
    this.#docs = docs;
    this.#data = worldData(world);
    for (const { name, functions } of interfacesOf(world)) {
      const all = [
        this.#data.imports[name],
        this.#data.exports.interfaces.find(({ key }) => key === interfaceKey(name)),
      ];
      for (const data of all)
        functions.forEach((one, index) => {
          const made = data?.functions[index];
          if (made !== undefined) this.#keys.set(made, `${name}#${one.name}`);
        });
    }
  }

  write(): string {
    const interfaces = [...this.#world.imports, ...this.#world.exports].flatMap((item) =>
      item.kind === 'interface' ? [item] : [],
    );
    const names = [...new Set(interfaces.map(({ name }) => name))];
    return [
      '// Made from the WIT world by `host build` and `host types`; changes are lost.',
      ...names.flatMap((name) => this.#interfaceModule(name)),
      ...this.#worldModules(),
      '',
    ].join('\n');
  }

  #interfaceModule(name: string): string[] {
    this.#module = name;
    const imported = this.#find(this.#world.imports, name);
    const shape = imported ?? this.#find(this.#world.exports, name);
    const data = this.#data.imports[name];
    return [
      ...declareModule(name, [
        ...(shape === undefined ? [] : this.#types(shape, imported !== undefined)),
        ...(imported === undefined || data === undefined ? [] : this.#functions(data)),
        'export {};',
      ]),
      ...alias(name),
    ];
  }

  #find(items: World['imports'], name: string): Interface | undefined {
    const found = items.find((item) => item.kind === 'interface' && item.name === name);
    return found?.kind === 'interface' ? found.interface : undefined;
  }

  /** @param isClass whether the world gives the resources, so that their classes can be used */
  #types({ types }: Interface, isClass: boolean): string[] {
    return types.flatMap(({ name, type }) => {
      const def = typeof type === 'number' ? this.#world.types[type] : undefined;
      const title = pascalCase(name);
      // A type under another name or of another interface stands for that one.
      if (def === undefined || def.name !== name || def.owner !== this.#module)
        return [`export type ${title} = ${this.#type(type)};`];
      return [
        ...this.#comment(`${this.#module}#${name}`),
        ...this.#declaration(title, def, type as number, isClass),
      ];
    });
  }

  #declaration(title: string, def: TypeDef, index: number, isClass: boolean): string[] {
    switch (def.kind) {
      case 'record':
        return block(
          `export interface ${title}`,
          def.fields.flatMap(({ name, type }) => [
            ...this.#comment(`${this.#module}#${def.name}.${name}`),
            `${this.#field(name, type)};`,
          ]),
        );
      case 'flags':
        return block(
          `export interface ${title}`,
          def.names.flatMap((name) => [
            ...this.#comment(`${this.#module}#${def.name}.${name}`),
            `${property(camelCase(name))}: boolean;`,
          ]),
        );
      case 'resource':
        return this.#resource(title, index, isClass);
      default:
        return [`export type ${title} = ${this.#structure(def)};`];
    }
  }

  #field(name: string, type: TypeRef): string {
    const isOptional = isNullable(this.#world.types, type);
    return `${property(camelCase(name))}${isOptional ? '?' : ''}: ${this.#type(type)}`;
  }

  #resource(title: string, index: number, isClass: boolean): string[] {
    const members = this.#membersOf(index);
    const commented = (each: FunctionData, text: string): string[] => [
      ...this.#comment(this.#keys.get(each)),
      text,
    ];
    const methods = members
      .filter(({ kind }) => kind === 'method')
      .flatMap((each) => commented(each, `${this.#method(each)};`));
    if (!isClass) return block(`export interface ${title}`, methods);
    const statics = members
      .filter(({ kind }) => kind === 'static')
      .flatMap((each) => commented(each, `static ${this.#method(each)};`));
    const construct = members.find(({ kind }) => kind === 'constructor');
    const first =
      construct === undefined
        ? ['private constructor();']
        : commented(construct, `constructor(${this.#params(construct)});`);
    return block(`export class ${title}`, [...first, ...statics, ...methods, '[Symbol.dispose](): void;']);
  }

  #membersOf(index: number): FunctionData[] {
    const all = [...Object.values(this.#data.imports), ...this.#data.exports.interfaces];
    return all.flatMap(({ functions }) => functions.filter(({ resource }) => resource === index));
  }

  #functions(data: InterfaceData): string[] {
    return data.functions.flatMap((each) => {
      if (each.kind !== 'function') return [];
      const declared = reservedWords.has(each.key) ? `${each.key}_` : each.key;
      const text = `${declared === each.key ? 'export ' : ''}function ${declared}(${this.#params(each)}): ${this.#result(each)};`;
      return [
        ...this.#comment(this.#keys.get(each), this.#thrown(each)),
        text,
        ...(declared === each.key ? [] : [`export { ${declared} as ${each.key} };`]),
      ];
    });
  }

  #thrown({ type }: FunctionData): string[] {
    const def = this.#definition(type.result);
    if (def?.kind !== 'result') return [];
    return [
      `@throws CallError whose payload is ${def.err === undefined ? 'undefined' : `\`${this.#type(def.err)}\``}`,
    ];
  }

  /** What WIT says of an item, and what there is to add. */
  #comment(key: string | undefined, more: readonly string[] = []): string[] {
    const text = (key === undefined ? undefined : this.#docs.get(key)) ?? '';
    const lines = [...(text === '' ? [] : text.replaceAll('*/', '* /').split('\n')), ...more];
    if (lines.length <= 1) return lines.map((line) => `/** ${line} */`);
    return ['/**', ...lines.map((line) => ` * ${line}`.trimEnd()), ' */'];
  }

  #worldModules(): string[] {
    const { functions, interfaces } = this.#data.exports;
    this.#module = worldModule;
    const named = this.#world.types.flatMap((def, index) =>
      def.name !== undefined && def.owner === undefined
        ? [...this.#declaration(pascalCase(def.name), def, index, true)]
        : [],
    );
    const exports = isCommand(this.#world)
      ? ['main: () => number | void;']
      : [
          ...functions.map((each) => `${property(each.key)}: ${this.#functionType(each)};`),
          ...interfaces.flatMap(({ key, ...data }) =>
            block(`${property(key)}:`, this.#implementation(data), ';'),
          ),
        ];
    const own = this.#data.imports[worldInterface];
    return [
      ...declareModule(worldModule, [
        ...named,
        '/** What the entry file exports. */',
        ...block('export interface Exports', exports),
        'export {};',
      ]),
      ...(own === undefined || this.#world.name === undefined
        ? []
        : [...declareModule(this.#world.name, this.#functions(own)), ...alias(this.#world.name)]),
    ];
  }

  #implementation({ functions, resources }: InterfaceData): string[] {
    return [
      ...functions
        .filter(({ kind }) => kind === 'function')
        .map((each) => `${property(each.key)}: ${this.#functionType(each)};`),
      ...resources.flatMap(([index, className]) =>
        block(`${className}:`, this.#classMembers(functions, index), ';'),
      ),
    ];
  }

  #classMembers(functions: readonly FunctionData[], index: number): string[] {
    const members = functions.filter(({ resource }) => resource === index);
    const instance = this.#type(index);
    const construct = members.find(({ kind }) => kind === 'constructor');
    return [
      `new (${construct === undefined ? '...args: never[]' : this.#params(construct)}): ${instance};`,
      ...members.filter(({ kind }) => kind === 'static').map((each) => `${this.#method(each)};`),
    ];
  }

  signature(path: string): string {
    if (isCommand(this.#world)) return mainSignature;
    this.#named = new Map();
    const text = this.#signature(path);
    const imports = [...this.#named].map(
      ([module, names]) => `import type { ${[...names].sort().join(', ')} } from '${module}';`,
    );
    return [...imports, ...text].join('\n');
  }

  #signature(path: string): string[] {
    const [key = '', className] = path.split('.');
    const { functions, interfaces } = this.#data.exports;
    const own = functions.find((each) => each.key === key);
    if (own !== undefined)
      return [`export function ${key}(${this.#params(own)}): ${this.#result(own)} { … }`];
    const owner = interfaces.find((each) => each.key === key);
    if (owner === undefined) return [];
    const plain = owner.functions.filter(({ kind }) => kind === 'function');
    const isShown = (name: string): boolean => className === undefined || name === className;
    const names = [...owner.resources.map(([, name]) => name), ...plain.map((each) => each.key)];
    return [
      ...owner.resources
        .filter(([, name]) => isShown(name))
        .map(([index, name]) => `class ${name} { ${this.#classText(owner.functions, index)} }`),
      ...plain.filter((each) => isShown(each.key)).map((each) => `function ${this.#method(each)} { … }`),
      `export const ${key} = { ${names.join(', ')} };`,
    ];
  }

  #classText(members: readonly FunctionData[], index: number): string {
    return members
      .filter(({ resource }) => resource === index)
      .map((each) =>
        each.kind === 'constructor'
          ? `constructor(${this.#params(each)})`
          : `${each.kind === 'static' ? 'static ' : ''}${this.#method(each)}`,
      )
      .join('; ');
  }

  #method(each: FunctionData): string {
    return `${property(each.key)}(${this.#params(each)}): ${this.#result(each)}`;
  }

  #functionType(each: FunctionData): string {
    return `(${this.#params(each)}) => ${this.#result(each)}`;
  }

  #params({ type: { params } }: FunctionData): string {
    return params
      .map(({ key, type }, index) => {
        const isLastOnes = params.slice(index).every((one) => isNullable(this.#world.types, one.type));
        return `${reservedWords.has(key) ? `${key}_` : key}${isLastOnes ? '?' : ''}: ${this.#type(type)}`;
      })
      .join(', ');
  }

  #result({ type }: FunctionData): string {
    const def = this.#definition(type.result);
    const ref = def?.kind === 'result' ? def.ok : type.result;
    return ref === undefined ? 'void' : this.#type(ref);
  }

  #definition(ref: TypeRef | undefined): TypeDef | undefined {
    return typeof ref === 'number' ? this.#world.types[ref] : undefined;
  }

  #type(ref: TypeRef): string {
    if (typeof ref === 'string') return primitives[ref];
    const def = this.#world.types[ref] as TypeDef;
    if (def.name === undefined) return this.#structure(def);
    const title = pascalCase(def.name);
    const owner = def.owner ?? worldModule;
    if (this.#named === undefined) return owner === this.#module ? title : `import('${owner}').${title}`;
    const plain = owner.startsWith('motehost:agent/types@') ? 'motehost:agent' : owner.replace(/@.*$/, '');
    this.#named.set(plain, (this.#named.get(plain) ?? new Set()).add(title));
    return title;
  }

  #structure(def: TypeDef): string {
    switch (def.kind) {
      case 'tuple':
        return `[${def.types.map((type) => this.#type(type)).join(', ')}]`;
      case 'list':
        return this.#list(def);
      case 'map':
        return `Map<${this.#type(def.key)}, ${this.#type(def.value)}>`;
      case 'option':
        return this.#option(def.type);
      case 'result':
        return `${this.#case('ok', def.ok)} | ${this.#case('err', def.err)}`;
      case 'variant':
        return def.cases.map(({ name, type }) => this.#case(name, type)).join(' | ');
      case 'enum':
        return def.names.map((name) => `'${name}'`).join(' | ');
      case 'own':
      case 'borrow':
        return this.#type(def.resource);
      case 'record':
        return `{ ${def.fields.map(({ name, type }) => this.#field(name, type)).join('; ')} }`;
      case 'flags':
        return `{ ${def.names.map((name) => `${property(camelCase(name))}: boolean`).join('; ')} }`;
      default:
        return 'never';
    }
  }

  #list({ element }: { readonly element: TypeRef }): string {
    const typed = typeof element === 'string' ? typedArrays[element] : undefined;
    if (typed !== undefined) return typed;
    const text = this.#type(element);
    return /[ |]/.test(text) ? `(${text})[]` : `${text}[]`;
  }

  #option(inner: TypeRef): string {
    const text = this.#type(inner);
    return isNullable(this.#world.types, inner)
      ? `{ tag: 'none' } | { tag: 'some'; val: ${text} }`
      : `${text} | undefined`;
  }

  #case(tag: string, type: TypeRef | undefined): string {
    return type === undefined
      ? `{ tag: '${tag}'; val?: undefined }`
      : `{ tag: '${tag}'; val: ${this.#type(type)} }`;
  }
}

function interfacesOf({ imports, exports }: World): (Interface & { readonly name: string })[] {
  return [...imports, ...exports].flatMap((item) =>
    item.kind === 'interface' ? [{ ...item.interface, name: item.name }] : [],
  );
}

function declareModule(name: string, lines: readonly string[]): string[] {
  return block(`\ndeclare module '${name}'`, lines);
}

/** The same module without its version. */
function alias(name: string): string[] {
  const plain = name.replace(/@.*$/, '');
  return plain === name ? [] : declareModule(plain, [`export * from '${name}';`]);
}

function block(head: string, lines: readonly string[], end = ''): string[] {
  return [`${head} {`, ...lines.map((line) => `  ${line}`), `}${end}`];
}

const property = (key: string): string => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : `'${key}'`);
