import type { Component, CoreInstance, CoreItem } from '../../../../host/engine/component/component.ts';
import { decodeComponent } from '../../../../host/engine/component/decode.ts';
import { adapterOperators, nothing, repairsOf, trap } from '../repairs.ts';
import { type CoreImport, type CoreModule, readCoreModule } from './core-module.ts';
import { type AddedBody, joinModules, type Part, type Source } from './link.ts';

/** What becomes of an import that no part answers: kept under a name, or a function written for it. */
export type OutsideImport = (wanted: CoreImport, isEngine: boolean) => Source;

export interface FlattenOptions {
  readonly outside: OutsideImport;
  /** The name of an export, from the one the engine gave it. */
  nameOf(name: string): string;
  /** What the engine imports, in its order, by the names `outside` is to see. */
  readonly engineImports: readonly CoreImport[];
}

/**
 * One core module from the component that componentize-qjs makes, in which the engine, the world's adapter and
 * the memory with the program in it are modules of their own, joined by tables of indirections and nested
 * components. The module's imports and exports are named as the toolchain wants them to make a component.
 */
export function flatten(bytes: Uint8Array, options: FlattenOptions): Uint8Array<ArrayBuffer> {
  const component = programOf(decodeComponent(bytes));
  const parts = new Map<CoreInstance, Part>();
  let repairs: ReadonlyMap<string, AddedBody> = new Map();
  const find = (test: Test, what: string, outside: OutsideOf, operators = noOperators): Part => {
    const instance = component.coreInstances.filter(isInstantiated).find(test);
    if (instance === undefined) throw new Error(`bug: the JavaScript engine's component has no ${what}`);
    const part = { ...partOf(instance, parts, () => repairs, outside), operators };
    parts.set(instance, part);
    return part;
  };
  const main = find(exporting('memory'), 'memory', () => ({ kind: 'added', body: nothing }));
  const engine = find(exporting('wit_dylib_initialize'), 'engine', (wanted, { imports }) =>
    options.outside(options.engineImports[imports.indexOf(wanted)] ?? wanted, true),
  );
  const outside: OutsideOf = (wanted) => options.outside(wanted, false);
  const adapter = find(importing('wit_dylib_initialize'), 'adapter', outside, adapterOperators);
  const tables = find(importing('$imports'), 'table entries', () => ({ kind: 'added', body: trap }));
  repairs = repairsOf(engine, adapter);
  const exports = [...adapter.module.exports.keys()].filter((name) => !name.startsWith('__wasm_'));
  return joinModules({
    parts: [main, engine, adapter, tables],
    main,
    exports: new Map([
      ['memory', { part: main, name: 'memory' }],
      ...exports.map((name) => [options.nameOf(name), { part: adapter, name }] as const),
    ]),
  });
}

/** `OutsideImport` for one part, which is told the module that wants it. */
type OutsideOf = (wanted: CoreImport, module: CoreModule) => Source;

type Instantiated = CoreInstance & { readonly kind: 'instantiate' };

type Test = (instance: Instantiated) => boolean;

const noOperators: ReadonlyMap<number, number> = new Map();

const isInstantiated = (instance: CoreInstance): instance is Instantiated => instance.kind === 'instantiate';

const exporting = (name: string) => (instance: Instantiated) => instance.module.type.exports.has(name);

const importing = (name: string) => (instance: Instantiated) =>
  instance.module.type.imports.some((one) => one.name === name);

/** The component, of those nested in it, that holds the modules. */
function programOf(component: Component): Component {
  const found = [component, ...component.components].find(({ modules }) => modules.length > 1);
  if (found === undefined) throw new Error('bug: the JavaScript engine made a component without modules');
  return found;
}

function partOf(
  { module, args }: Instantiated,
  parts: ReadonlyMap<CoreInstance, Part>,
  repairs: () => ReadonlyMap<string, AddedBody>,
  outside: OutsideOf,
): Part {
  if (module.kind !== 'defined') throw new Error('bug: the JavaScript engine uses an imported module');
  const { bytes, offset, length } = module;
  const core = readCoreModule(bytes.subarray(offset, offset + length));
  return {
    module: core,
    resolve: (wanted) => {
      const repair = repairs().get(wanted.name);
      if (repair !== undefined) return { kind: 'added', body: repair };
      const origin = originOf(args.get(wanted.module), wanted.name);
      const part = origin === undefined ? undefined : parts.get(origin.instance);
      if (origin === undefined || part === undefined) return outside(wanted, core);
      return { kind: 'part', part, name: origin.name };
    },
  };
}

/** The instance and name behind an export of an instance that only gathers others' exports. */
function originOf(
  from: CoreInstance | undefined,
  name: string,
): { readonly instance: CoreInstance; readonly name: string } | undefined {
  if (from === undefined || from.kind === 'instantiate')
    return from === undefined ? undefined : { instance: from, name };
  const item: CoreItem | undefined = from.exports.get(name);
  if (item === undefined || (item.sort === 'func' && item.node.kind !== 'alias')) return undefined;
  const { node } = item;
  return 'instance' in node ? { instance: node.instance, name: node.name } : undefined;
}
