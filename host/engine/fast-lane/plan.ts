import type {
  BuiltinImmediates,
  CanonOptions,
  Component,
  CoreAlias,
  CoreFunc,
  CoreInstance,
  CoreModule,
  ExternType,
  Func,
  Instance,
  Item,
  StringEncoding,
} from '../component/component.ts';
import type { CoreModuleShape } from '../component/core-module.ts';
import { malformed } from '../component/reader.ts';
import { Comparison } from '../component/subtype.ts';
import type { FuncType, TypeDef, TypeRef } from '../component/types.ts';
import { partsOf } from '../component/types.ts';
import { type World, worldOf } from '../component/world.ts';
import { isBuiltinName, type PlannedBuiltin } from './async/builtin-name.ts';
import { argument, type Filled, type Fixup, fillShim, readFixup, readShim, type Shim } from './shim.ts';

/** Everything the fast lane needs to run a component, as plain data: made once per content digest, cached, posted to threads. */
export interface FastPlan {
  readonly version: 1;
  /** Byte range of the one real core module in the component. */
  readonly module: { readonly offset: number; readonly length: number };
  /** The types that `imports` and `exports` refer to. */
  readonly types: readonly TypeDef[];
  /** In the order of the core module's own function imports. */
  readonly imports: readonly PlannedImport[];
  readonly exports: readonly PlannedExport[];
  /** Canonical built-ins the core module imports, of the asynchronous ABI. */
  readonly builtins: readonly PlannedBuiltin[];
  /** Core export to run once after instantiation (`_initialize`). */
  readonly start?: string;
  /** Fuel that initialising wit-component's fixup would have burnt, taken before `start` runs. */
  readonly startCharge: number;
  /**
   * Fuel per call of each imported core function, by function index: what wit-component's shim between guest
   * and host would have burnt. Charged by the rewriter, so that both lanes count the same.
   */
  readonly importCharges: readonly number[];
  /** What the module begins with, for the budget. */
  readonly memoryPages: number;
  readonly tableElements: number;
}

export interface PlannedImport {
  /** `$root` for functions of the world itself. */
  readonly interface: string;
  readonly func: string;
  readonly type: FuncType;
  /** The core import it satisfies. */
  readonly module: string;
  readonly name: string;
  readonly options: PlannedOptions;
  /** It passes through a shim, so it traps until the instance is complete. */
  readonly late: boolean;
  /** Lowered with `async`: it gives a status at once, and its result may come later. */
  readonly async?: true;
}

export interface PlannedExport {
  /** As `Instance.call` takes it: `handle`, `wasi:cli/run@0.2.6#run`. */
  readonly name: string;
  readonly type: FuncType;
  readonly core: string;
  readonly postReturn?: string;
  /** The core export that takes the events of an asynchronously lifted function. */
  readonly callback?: string;
  readonly options: PlannedOptions;
}

/** Canonical options by the core exports they name. */
export interface PlannedOptions {
  readonly encoding: StringEncoding;
  readonly memory?: string;
  readonly realloc?: string;
}

/** Why a component cannot take the fast lane; it goes to the general lane. */
class Refusal extends Error {}

function refuse(why: string): never {
  throw new Refusal(why);
}

type Instantiated = Extract<CoreInstance, { kind: 'instantiate' }>;
type Lowered = Extract<CoreFunc, { kind: 'lower' }>;
type Builtin = Extract<CoreFunc, { kind: 'builtin' }>;
type Lift = Extract<Func, { kind: 'lift' }>;

interface Lifted {
  readonly name: string;
  /** With types of the world's table; `func.type` is of the component's. */
  readonly type: FuncType;
  readonly func: Lift;
}

/**
 * Plans a component for the fast lane, or says why it cannot take it: it must have one real core module
 * (wit-component's shim and fixup beside it are seen through) and only value types in its functions.
 * @throws HostError `HOST_ERR_COMPONENT_MALFORMED` when a core module that will not run is invalid: the real one
 *   is judged by whoever compiles it
 */
export function planFastLane(component: Component): FastPlan | { readonly refused: string } {
  try {
    const plan = new Planner(component).plan();
    checkOtherModules(component, plan.module.offset);
    return plan;
  } catch (error) {
    if (error instanceof Refusal) return { refused: error.message };
    throw error;
  }
}

/** Nesting is bounded by the decoder. */
function checkOtherModules(component: Component, realOffset: number): void {
  for (const module of component.modules) {
    if (module.kind !== 'defined' || module.offset === realOffset) continue;
    const { bytes, offset, length } = module;
    if (!WebAssembly.validate(bytes.slice(offset, offset + length)))
      throw malformed('an invalid core module', offset);
  }
  for (const inner of component.components) checkOtherModules(inner, realOffset);
}

/** Steps through instances and nested components from an export to the function behind it. */
const resolveStepsMax = 1000;

interface Steps {
  left: number;
}

class Planner {
  readonly #component: Component;
  readonly #world: World;
  readonly #real: Instantiated;
  readonly #module: Extract<CoreModule, { kind: 'defined' }>;
  readonly #shims: ReadonlyMap<CoreInstance, { readonly shim: Shim; filled: Filled | undefined }>;
  #start: string | undefined;
  #startCharge = 0;
  #starts: CoreFunc[] = [];
  #lifted: readonly Lifted[] = [];

  constructor(component: Component) {
    this.#component = component;
    if (component.components.some(hasCode))
      refuse('it contains components with code or instances of their own');
    this.#world = worldOf(component);
    const instances = component.coreInstances.filter((one) => one.kind === 'instantiate');
    const shims = new Map<CoreInstance, { shim: Shim; filled: Filled | undefined }>();
    const rest: Instantiated[] = [];
    for (const instance of instances) {
      const shim = instance.module.kind === 'defined' ? readShim(instance.module) : undefined;
      if (shim === undefined) rest.push(instance);
      else shims.set(instance, { shim, filled: undefined });
    }
    this.#shims = shims;
    const fixups = rest.filter((instance) => this.#readFixup(instance));
    const real = rest.filter((instance) => !fixups.includes(instance));
    if (real.length !== 1) refuse(`it has ${real.length} core modules beside import shims`);
    this.#real = real[0] as Instantiated;
    if (this.#real.module.kind !== 'defined') refuse('its core module is imported');
    this.#module = this.#real.module;
    this.#resolveStart();
  }

  #readFixup(instance: Instantiated): boolean {
    const fixup = instance.module.kind === 'defined' ? readFixup(instance.module) : undefined;
    if (fixup === undefined) return false;
    if (fixup.table === undefined) return this.#readStarter(instance, fixup);
    for (const [shimInstance, entry] of this.#shims) {
      const filled = fillShim(fixup, instance, shimInstance);
      if (filled === undefined) continue;
      if (entry.filled !== undefined) refuse('an import shim is filled twice');
      entry.filled = filled;
      this.#startCharge += fixup.charge;
      if (filled.start !== undefined) this.#starts.push(filled.start);
      return true;
    }
    return false;
  }

  /** A world without imports that need the guest's memory has no shim to fill, only a start function to call. */
  #readStarter(instance: Instantiated, { start, charge }: Fixup): boolean {
    const item = start === undefined ? undefined : argument(instance, start);
    if (item?.sort !== 'func') return false;
    this.#startCharge += charge;
    this.#starts.push(item.node);
    return true;
  }

  #resolveStart(): void {
    if (this.#starts.length > 1) refuse('it has several start functions');
    const [start] = this.#starts;
    if (start === undefined) return;
    this.#start = this.#exportName(start, 'start function');
  }

  plan(): FastPlan {
    const { shape } = this.#module;
    this.#lifted = this.#lifts();
    const { imports, builtins, importCharges } = this.#imports(shape);
    const exports = this.#lifted.map((one) => this.#export(one));
    checkTypes(
      this.#world.types,
      [...imports, ...exports].map((one) => one.type),
    );
    for (const one of [...shape.memories, ...shape.tables])
      if (one.wide) refuse('it has a 64-bit memory or table');
    if (shape.memories.some((one) => one.shared)) refuse('it has a shared memory');
    return {
      version: 1,
      module: { offset: this.#module.offset, length: this.#module.length },
      types: this.#world.types,
      imports,
      exports,
      builtins,
      importCharges,
      startCharge: this.#startCharge,
      ...(this.#start === undefined ? {} : { start: this.#start }),
      memoryPages: shape.memories.reduce((sum, one) => sum + one.min, 0),
      tableElements: shape.tables.reduce((sum, one) => sum + one.min, 0),
    };
  }

  #imports(shape: CoreModuleShape): Pick<FastPlan, 'imports' | 'builtins' | 'importCharges'> {
    const imports: PlannedImport[] = [];
    const builtins: PlannedBuiltin[] = [];
    const importCharges: number[] = [];
    const seen = new Set<string>();
    for (const wanted of shape.imports) {
      const item = argument(this.#real, wanted);
      if (item?.sort !== 'func') refuse(`its core module imports a ${wanted.type.sort} ('${wanted.name}')`);
      const { func, charge } = this.#provided(item.node);
      const core = wanted.type.sort === 'func' ? wanted.type.type : undefined;
      if (core?.params !== func.type?.params || core?.results !== func.type?.results)
        refuse(`its core module imports '${wanted.name}' with another type`);
      const key = JSON.stringify([wanted.module, wanted.name]);
      if (seen.has(key)) refuse(`its core module imports '${wanted.name}' twice`);
      seen.add(key);
      importCharges.push(charge);
      const { module, name } = wanted;
      if (func.kind === 'builtin') builtins.push({ ...this.#builtin(func), module, name });
      else imports.push({ ...this.#import(func), module, name, late: charge > 0 });
    }
    return { imports, builtins, importCharges };
  }

  #import(func: Lowered): Omit<PlannedImport, 'module' | 'name' | 'late'> {
    const options = this.#options(func.options);
    return {
      ...this.#imported(func.func),
      options,
      ...(func.options.async === true ? { async: true } : {}),
    };
  }

  #builtin({ name, immediates }: Builtin): Omit<PlannedBuiltin, 'module' | 'name'> {
    if (!isBuiltinName(name)) refuse(`it uses ${name}`);
    const { memory, slot, flag } = immediates;
    return {
      builtin: name,
      ...(memory === undefined ? {} : { memory: this.#memoryName(memory) }),
      ...(slot === undefined ? {} : { slot }),
      ...(name === 'subtask.cancel' && flag === true ? { async: true } : {}),
      ...(name === 'task.return' ? { returns: this.#returns(immediates) } : {}),
    };
  }

  /** The exports whose tasks a `task.return` can end: those of the same result and options. */
  #returns({ result, options }: BuiltinImmediates): string[] {
    const comparison = new Comparison(this.#component.types);
    const typeOf = (ref: TypeRef | undefined): ExternType => ({
      sort: 'func',
      type: { params: [], ...(ref === undefined ? {} : { result: ref }) },
    });
    return this.#lifted
      .filter(({ func }) => comparison.isSubtype(typeOf(func.type.result), typeOf(result)))
      .filter(({ func }) => sameLifting(options, func.options))
      .map(({ name }) => name);
  }

  /** The lowered function or built-in behind a core import, through a shim if there is one. */
  #provided(core: CoreFunc): { func: Lowered | Builtin; charge: number } {
    if (core.kind !== 'alias') return { func: core, charge: 0 };
    const entry = this.#shims.get(core.instance);
    const index =
      entry !== undefined && core.instance.kind === 'instantiate' && core.instance.module.kind === 'defined'
        ? core.instance.module.shape.exportIndices.get(core.name)?.index
        : undefined;
    if (entry === undefined || index === undefined)
      refuse(`its core module imports '${core.name}' from another module`);
    const target = entry.filled?.slots.get(entry.shim.slots[index] ?? -1);
    if (target === undefined) refuse(`the import shim for '${core.name}' is never filled`);
    if (target.kind === 'alias') refuse(`the import shim for '${core.name}' leads to another module`);
    return { func: target, charge: entry.shim.charges[index] ?? 0 };
  }

  /** The world's import a component function stands for, with its type in the world's table. */
  #imported(func: Func): { interface: string; func: string; type: FuncType } {
    if (func.kind === 'import')
      return { interface: '$root', func: func.name, type: this.#importType('$root', func.name) };
    if (func.kind !== 'alias' || func.instance.kind !== 'import') refuse('it lowers a function of its own');
    const { name } = func.instance;
    return { interface: name, func: func.name, type: this.#importType(name, func.name) };
  }

  #importType(owner: string, name: string): FuncType {
    for (const item of this.#world.imports) {
      if (owner === '$root' && item.kind === 'func' && item.name === name) return item.type;
      if (item.kind !== 'interface' || item.name !== owner) continue;
      const found = item.interface.functions.find((one) => one.name === name);
      if (found !== undefined) return found.type;
    }
    return refuse(`it imports ${owner} ${name} in a way this lane does not follow`);
  }

  #lifts(): Lifted[] {
    const lifted: Lifted[] = [];
    for (const item of this.#world.exports) {
      const exported = this.#component.exports.get(item.name)?.item;
      if (item.kind === 'func' && exported !== undefined)
        lifted.push({ name: item.name, type: item.type, func: liftOf(item.name, exported) });
      if (item.kind === 'module' || item.kind === 'component') refuse(`it exports a ${item.kind}`);
      if (item.kind !== 'interface' || exported?.sort !== 'instance') continue;
      for (const one of item.interface.functions) {
        const name = `${item.name}#${one.name}`;
        const member = memberOf(exported.node, one.name, new Map(), { left: resolveStepsMax });
        lifted.push({ name, type: one.type, func: liftOf(name, member) });
      }
    }
    return lifted;
  }

  #export({ name, type, func }: Lifted): PlannedExport {
    const { async: isAsync, callback, postReturn: post } = func.options;
    if (isAsync === true && callback === undefined)
      refuse(`export '${name}' is asynchronous without a callback`);
    return {
      name,
      type,
      core: this.#exportName(func.core, `export '${name}'`),
      options: this.#options(func.options),
      ...(post === undefined ? {} : { postReturn: this.#exportName(post, 'post-return') }),
      ...(callback === undefined ? {} : { callback: this.#exportName(callback, 'callback') }),
    };
  }

  #options(options: CanonOptions): PlannedOptions {
    const { memory, realloc } = options;
    return {
      encoding: options.encoding,
      ...(memory === undefined ? {} : { memory: this.#memoryName(memory) }),
      ...(realloc === undefined ? {} : { realloc: this.#exportName(realloc, 'realloc') }),
    };
  }

  #memoryName({ instance, name }: CoreAlias): string {
    if (instance !== this.#real) refuse('its memory belongs to another module');
    return name;
  }

  #exportName(core: CoreFunc, what: string): string {
    if (core.kind !== 'alias' || core.instance !== this.#real)
      refuse(`${what} does not lead to its core module`);
    return core.name;
  }
}

/** The function behind an export, through aliases. */
function liftOf(name: string, item: Item): Lift {
  const steps: Steps = { left: resolveStepsMax };
  let func = item.sort === 'func' ? item.node : refuse(`export '${name}' is not a function`);
  while (func.kind === 'alias') {
    const member = memberOf(func.instance, func.name, new Map(), steps);
    func = member.sort === 'func' ? member.node : refuse(`export '${name}' is not a function`);
  }
  return func.kind === 'lift' ? func : refuse(`export '${name}' passes on an import`);
}

/** `task.return` must read as its task's function was lifted; without a memory there is nothing to read. */
function sameLifting(options: CanonOptions | undefined, lift: CanonOptions): boolean {
  const memory = options?.memory;
  if (options === undefined || memory === undefined) return true;
  if (options.encoding !== lift.encoding || lift.memory === undefined) return false;
  return memory.instance === lift.memory.instance && memory.name === lift.memory.name;
}

function hasCode(component: Component): boolean {
  return (
    component.coreInstances.length > 0 ||
    component.coreFuncs.length > 0 ||
    component.components.length > 0 ||
    component.instances.some((instance) => instance.kind === 'instantiate')
  );
}

/**
 * What an instance exports under a name. wit-component wraps the functions of an exported interface into a
 * component that only passes its imports on; `args` holds what those imports were given.
 */
function memberOf(instance: Instance, name: string, args: ReadonlyMap<string, Item>, steps: Steps): Item {
  steps.left -= 1;
  if (steps.left < 0) refuse(`export '${name}' is nested too deep`);
  if (instance.kind === 'exports') return given(instance.exports.get(name), name, args, steps);
  if (instance.kind === 'import') {
    const arg = args.get(instance.name);
    if (arg?.sort === 'instance') return memberOf(arg.node, name, new Map(), steps);
    return refuse(`export '${name}' passes on an import`);
  }
  if (instance.kind === 'alias') {
    // Inside a wrapper the instance could come from another scope, whose imports are not these arguments.
    if (args.size > 0) refuse(`export '${name}' is nested too deep`);
    const inner = memberOf(instance.instance, instance.name, args, steps);
    return inner.sort === 'instance'
      ? memberOf(inner.node, name, args, steps)
      : refuse(`'${name}' is not an instance`);
  }
  if (instance.component.kind !== 'defined')
    return refuse(`export '${name}' comes from an imported component`);
  const inner = instance.component.component.exports.get(name)?.item;
  return given(inner, name, instance.args, steps);
}

/** Follows one item inside a wrapping component to what its import was given. */
function given(item: Item | undefined, name: string, args: ReadonlyMap<string, Item>, steps: Steps): Item {
  if (item === undefined) return refuse(`export '${name}' is missing`);
  if (item.sort === 'func' && item.node.kind === 'import') return args.get(item.node.name) ?? item;
  if (item.sort === 'func' && item.node.kind === 'alias')
    return memberOf(item.node.instance, item.node.name, args, steps);
  if (item.sort === 'instance' && item.node.kind === 'import') return args.get(item.node.name) ?? item;
  return item;
}

const foreign: ReadonlySet<TypeDef['kind']> = new Set(['own', 'borrow', 'stream', 'future', 'resource']);

/** Refuses handles, streams, futures and error contexts wherever the functions reach them. */
function checkTypes(types: readonly TypeDef[], functions: readonly FuncType[]): void {
  const seen = new Set<number>();
  const queue: TypeRef[] = [];
  for (const type of functions) {
    for (const param of type.params) queue.push(param.type);
    if (type.result !== undefined) queue.push(type.result);
  }
  for (let ref = queue.pop(); ref !== undefined; ref = queue.pop()) {
    if (ref === 'error-context') refuse('it uses error-context');
    if (typeof ref === 'string' || seen.has(ref)) continue;
    seen.add(ref);
    const def = types[ref] as TypeDef;
    if (foreign.has(def.kind))
      refuse(`it uses ${def.kind === 'own' || def.kind === 'borrow' ? 'resources' : `${def.kind}s`}`);
    queue.push(...partsOf(def));
  }
}
