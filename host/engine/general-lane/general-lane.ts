import { pathToFileURL } from 'node:url';
import { HostError } from '../../errors.ts';
import { type Budget, Stopped } from '../budget.ts';
import type { World } from '../component/world.ts';
import type { Instance } from '../instance.ts';
import { type Linker, WitError } from '../linker.ts';
import { classify, Trap } from '../trap.ts';
import { CoreLinker, type CoreMinima } from './core-linker.ts';
import { type ExportedFunction, ExportTable, hideThenMethods, type JsExports } from './exports.ts';
import type { GlueGlobals } from './glue.ts';
import { importsFor } from './imports.ts';
import { pascalCase } from './js-names.ts';
import { Lifting } from './lifting.ts';
import { Naps, type Watch } from './naps.ts';
import { RunningTasks } from './running-tasks.ts';
import { absorbStrayRejections } from './stray-rejections.ts';
import { checkArguments, type ValueTypes } from './values.ts';

/** One metered core module, compiled. */
export interface PreparedModule {
  readonly module: WebAssembly.Module;
  /** From the meter's summary; absent for an unmetered module, whose memories are then not counted. */
  readonly minima?: CoreMinima;
}

/** A transpiled component as the serving threads hold it. */
export interface PreparedGeneral {
  /** Where the glue text was stored; imported once per thread. */
  readonly gluePath: string;
  readonly modules: ReadonlyMap<string, PreparedModule>;
  readonly world: World;
  /** Whether it has tasks of the asynchronous ABI: `hasTasks`. */
  readonly hasTasks?: boolean;
}

type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, object>,
  instantiateCore: CoreLinker['instantiate'],
  globals: GlueGlobals,
) => Started | Promise<Started>;

/** The exports are not what the promise resolves with: a guest may name one of them `then`. */
interface Started {
  readonly exports: JsExports;
}

/**
 * Runs a component of any shape on jco's generated module: links its imports, instantiates its core modules
 * under `budget` and gives the port of one live run.
 * @throws HostError for imports that are missing
 * @throws Trap when a start function ended abnormally, Stopped when what it begins with is over a limit
 */
export async function instantiateGeneral(
  prepared: PreparedGeneral,
  linker: Linker,
  budget: Budget,
): Promise<Instance> {
  const imports = importsFor(prepared.world, linker);
  const { href } = pathToFileURL(prepared.gluePath);
  const glue = (await import(href)) as { instantiate: Instantiate };
  if (prepared.hasTasks === true) absorbStrayRejections(href);
  const run = new GeneralInstance(prepared, budget);
  await run.start(glue.instantiate, imports);
  return run;
}

class GeneralInstance implements Instance {
  readonly budget: Budget;
  readonly #prepared: PreparedGeneral;
  readonly #table: ExportTable;
  readonly #types: ValueTypes;
  readonly #lifting = new Lifting();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #naps = new Naps();
  readonly #tasks = new RunningTasks();
  /** What a task failed with while nobody waited for it. */
  #stray: { readonly thrown: unknown } | undefined;
  #onStray: ((thrown: unknown) => void) | undefined;
  /** What host functions threw: not the guest's doing, whatever it looks like. */
  readonly #hostFaults = new WeakSet<object>();
  /** A host function has answered, and its value is on the way into the guest. */
  #lowersHostValue = false;
  #linker: CoreLinker | undefined;
  #exports: JsExports = {};
  #state: 'ready' | 'busy' | 'closed' = 'busy';

  constructor(prepared: PreparedGeneral, budget: Budget) {
    this.#prepared = prepared;
    this.budget = budget;
    this.#table = exportTableOf(prepared.world);
    this.#types = {
      defs: prepared.world.types,
      isResource: (index, value) => this.#isResource(index, value),
    };
  }

  async start(instantiate: Instantiate, imports: Record<string, object>): Promise<void> {
    const { modules } = this.#prepared;
    const minima = new Map<WebAssembly.Module, CoreMinima>();
    for (const each of modules.values()) if (each.minima !== undefined) minima.set(each.module, each.minima);
    const tasks: Record<string, unknown> = {};
    const linker = new CoreLinker({ budget: this.budget, minima, tasks });
    this.#linker = linker;
    try {
      const { exports } = await instantiate(
        (name) => moduleNamed(modules, name),
        imports,
        linker.instantiate,
        this.#globals(linker, tasks),
      );
      hideThenMethods(exports);
      this.#exports = exports;
      this.#state = 'ready';
    } catch (thrown) {
      this.dispose();
      if (thrown instanceof HostError || thrown instanceof Stopped) throw thrown;
      if (thrown instanceof Error && thrown.message === callInStart)
        throw new HostError(
          'HOST_ERR_COMPONENT_UNSUPPORTED',
          'the component calls from one of its inner components into another while it starts, which the transpiler (jco) does not run',
        );
      throw this.#trapOf(thrown);
    } finally {
      this.#releaseTimers();
    }
  }

  has(name: string): boolean {
    return this.#table.find(name) !== undefined;
  }

  async call(name: string, args: readonly unknown[]): Promise<unknown> {
    const target = this.#table.require(name);
    if (this.#state === 'closed')
      throw new HostError('HOST_ERR_INSTANCE_CLOSED', `${name}: the instance ended; start another`, { name });
    if (this.#state === 'busy')
      throw new HostError('HOST_ERR_INSTANCE_BUSY', `${name}: the instance is in another call`, { name });
    checkArguments(this.#types, target.fullName, target.type, args);
    this.#state = 'busy';
    this.#lowersHostValue = false;
    this.#lifting.restart();
    try {
      if (this.#stray !== undefined) throw this.#stray.thrown;
      const invoked = Promise.resolve(target.invoke(this.#exports, args));
      const value = await (this.#prepared.hasTasks === true ? this.#orStopped(invoked) : invoked);
      const failure = this.#linker?.failure;
      if (failure !== undefined) throw failure.thrown;
      this.#state = 'ready';
      return target.isFallible ? { tag: 'ok', val: value } : value;
    } catch (thrown) {
      return this.#failed(target, thrown);
    } finally {
      this.#releaseTimers();
    }
  }

  /** @throws Stopped, Trap as `call` */
  async settled(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'busy';
    try {
      await this.#orStopped(this.#tasks.ended());
      this.#state = 'ready';
    } catch (thrown) {
      this.dispose();
      throw this.#trapOf(thrown);
    }
  }

  dispose(): void {
    if (this.#state !== 'closed' && this.#prepared.hasTasks === true) this.#endTasks();
    this.#state = 'closed';
    this.#exports = {};
    this.#naps.endWatches();
    // A stack of a task may wait for one, and would never be freed.
    if (this.#prepared.hasTasks !== true) for (const timer of this.#timers) clearTimeout(timer);
    this.#releaseTimers();
  }

  /** Whatever they still do is nobody's any more. */
  #endTasks(): void {
    if (this.#tasks.goOn) this.budget.stop({ kind: 'cancelled', reason: 'the instance ended' });
    this.#tasks.end(new Stopped('the instance ended'));
  }

  /** The component's own resources are instances of the classes it exports; the host's are for jco to check. */
  #isResource(index: number, value: object): boolean {
    const { name = '', owner = '' } = this.#prepared.world.types[index] ?? {};
    const home = this.#exports[owner] as JsExports | undefined;
    const resource = home?.[pascalCase(name)];
    return typeof resource !== 'function' || value instanceof resource;
  }

  #failed(target: ExportedFunction, thrown: unknown): { tag: 'err'; val: unknown } {
    if (target.isFallible && isPayload(thrown)) {
      this.#state = 'ready';
      return { tag: 'err', val: thrown };
    }
    this.dispose();
    throw this.#trapOf(thrown);
  }

  #trapOf(last: unknown): Trap {
    // What came after is a consequence.
    const thrown = this.#linker?.failure?.thrown ?? last;
    if (thrown instanceof WitError)
      return new Trap('host-fault', 'a host function failed in a way its WIT type does not have', thrown);
    if (thrown instanceof Error && this.#hostFaults.has(thrown))
      return new Trap('host-fault', thrown.message, thrown);
    if (thrown instanceof TypeError && this.#lowersHostValue)
      return new Trap(
        'host-fault',
        `a host function gave a value that does not fit its WIT type (${thrown.message})`,
        thrown,
      );
    const trap = classify(thrown);
    if (trap.kind !== 'host-fault' && trap.kind !== 'unknown') return trap;
    const message = trap.message.replace(/^wasm trap: /, '');
    if (/cannot block a synchronous task/.test(message)) return new Trap('cannot-block', message, thrown);
    if (trap.kind === 'unknown' && !isFromGlue(thrown, message)) return trap;
    return new Trap('canonical-abi', message, thrown);
  }

  #globals(linker: CoreLinker, tasks: Record<string, unknown>): GlueGlobals {
    const webAssembly: object = Object.assign(Object.create(WebAssembly), {
      promising: linker.promising,
      Suspending: linker.suspending,
    });
    return {
      WebAssembly: webAssembly,
      globalThis: { WebAssembly: webAssembly },
      TextDecoder: this.#lifting.decoderClass(),
      setTimeout: (fire: () => void, ms: number) => this.#setTimer(fire, ms),
      clearTimeout,
      setInterval: (look: () => void) => this.#naps.watch(() => this.#guard(look)),
      clearInterval: (watch: Watch) => this.#naps.endWatch(watch),
      queueMicrotask: (act: () => unknown) => queueMicrotask(() => this.#guard(act)),
      $states: this.#tasks.attach,
      $suspends: this.#tasks.suspends,
      $wake: this.#naps.wake,
      $root: this.#tasks.begun,
      $tasks: tasks,
      $slice: this.#lifting.slice,
      $count: this.#lifting.count,
      $call: (operation) => this.#callHost(operation),
      $lowered: () => {
        this.#lowersHostValue = false;
      },
      $payload: (thrown) => this.#payloadOf(thrown),
    };
  }

  #callHost(operation: () => unknown): unknown {
    this.#lifting.restart();
    this.#lowersHostValue = true;
    try {
      const result = operation();
      return result instanceof Promise ? this.#untilStopped(result) : result;
    } catch (thrown) {
      throw this.#asFault(thrown);
    }
  }

  /** A guest that waits is always woken when it is stopped: a suspension that is dropped is never freed. */
  #untilStopped(result: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (thrown: unknown): void => reject(this.#asFault(thrown));
      const forget = this.budget.onStop((cause) => fail(new Stopped(cause.kind)));
      result.finally(forget).then(resolve, fail).finally(this.#naps.wake);
    });
  }

  /** A task may wait for what nobody will ever give: whoever stops it ends the call, whatever jco waits for. */
  #orStopped<T>(invoked: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const forget = this.budget.onStop((cause) => reject(new Stopped(cause.kind)));
    this.#onStray = reject;
    return Promise.race([invoked, promise]).finally(() => {
      forget();
      this.#onStray = undefined;
    });
  }

  /** Runs what jco does between two calls into the guest: a failure there is the guest's, and ends no thread. */
  #guard(act: () => unknown): void {
    try {
      const result = act();
      if (result instanceof Promise) result.catch(this.#failStray);
    } catch (thrown) {
      this.#failStray(thrown);
    }
  }

  readonly #failStray = (thrown: unknown): void => {
    if (this.#state === 'closed') return;
    this.#stray ??= { thrown };
    this.#onStray?.(thrown);
  };

  /** A `WitError` goes on as it is, and so does a trap, which is the guest's; all else becomes an `Error` that is known to be the host's. */
  #asFault(thrown: unknown): unknown {
    if (thrown instanceof WitError || thrown instanceof Trap) return thrown;
    const fault = thrown instanceof Error ? thrown : new Error(String(thrown));
    this.#hostFaults.add(fault);
    return fault;
  }

  #payloadOf(thrown: unknown): unknown {
    if (thrown instanceof WitError) return thrown.payload;
    throw thrown;
  }

  #setTimer(fire: () => void, ms: number): NodeJS.Timeout {
    if (Naps.isNap(ms)) {
      const nap = this.#naps.begin(() => this.#guard(fire));
      if (this.#state === 'closed') nap.unref();
      return nap;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#guard(fire);
    }, ms);
    this.#timers.add(timer);
    if (this.#state === 'closed') timer.unref();
    return timer;
  }

  /** jco looks around a little after every wait; that must not keep a process alive that is done. */
  #releaseTimers(): void {
    for (const timer of this.#timers) timer.unref();
    this.#naps.unref();
  }
}

const tables = new WeakMap<World, ExportTable>();

function exportTableOf(world: World): ExportTable {
  let table = tables.get(world);
  if (table === undefined) {
    table = new ExportTable(world);
    tables.set(world, table);
  }
  return table;
}

function moduleNamed(modules: PreparedGeneral['modules'], name: string): WebAssembly.Module {
  const found = modules.get(name);
  if (found === undefined) throw new Error(`bug: the glue asks for '${name}', which was not prepared`);
  return found.module;
}

/** jco throws the bare `err` value; everything that fails is an `Error`, an exception of the guest or a `WitError` gone astray. */
function isPayload(thrown: unknown): boolean {
  return !(thrown instanceof Error || thrown instanceof WebAssembly.Exception || thrown instanceof WitError);
}

/** jco has no task yet while it instantiates. */
const callInStart = 'missing current caller task metadata';

/**
 * Traps that jco raises itself, for a guest that broke the canonical ABI. Unlike the engine it says that they are traps,
 * except for handles.
 */
const isFromGlue = (thrown: unknown, message: string): boolean =>
  (thrown instanceof Error && thrown.message.startsWith('wasm trap: ')) ||
  /handle|resource|component instance|deadlock|task|waitable|borrow/.test(message);
