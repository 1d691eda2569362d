import { HostError } from '../../errors.ts';
import { type Budget, meterImports } from '../budget.ts';
import { exportNames, type ModuleSummary } from '../meter/summary.ts';
import { Trap } from '../trap.ts';

/** What one core module begins with, from the meter's summary: counted before it is instantiated. */
export interface CoreMinima {
  readonly memoryPages: number;
  readonly tableElements: number;
}

export function minimaOf({ memories, tables }: ModuleSummary): CoreMinima {
  return {
    memoryPages: sum(memories.filter((each) => !each.imported).map((each) => each.minPages)),
    tableElements: sum(tables.filter((each) => !each.imported).map((each) => each.min)),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

export interface CoreInstance {
  readonly exports: object;
}

export interface CoreLinkerOptions {
  readonly budget: Budget;
  readonly minima: ReadonlyMap<WebAssembly.Module, CoreMinima>;
  /** jco's record of the running tasks, put back after a pause. */
  readonly tasks: Record<string, unknown>;
}

/** The decoder compares what core modules give each other, but not what kinds of references they are: the engine does. */
function linkModule(module: WebAssembly.Module, imports: WebAssembly.Imports): WebAssembly.Instance {
  try {
    return new WebAssembly.Instance(module, imports);
  } catch (thrown) {
    if (!(thrown instanceof WebAssembly.LinkError)) throw thrown;
    const reason = thrown.message.replace(/^WebAssembly\.Instance\(\): /, '');
    throw new HostError(
      'HOST_ERR_COMPONENT_MALFORMED',
      `not a valid component: its core modules do not fit together (${reason})`,
      { reason },
      thrown,
    );
  }
}

type Foreign = (...args: unknown[]) => unknown;

/**
 * Whether it is a function of JavaScript, not the engine's, whose names are numbers: no frame of ours may lie
 * between two cores that wait.
 */
function isPlain(value: unknown): value is Foreign {
  return typeof value === 'function' && !/^[0-9]+$/.test(value.name);
}

const uncaught = 'a component threw an exception that it did not catch';

type GuestFunction = WebAssembly.ExportedFunction;

const coreInstancesMax = 512;

/**
 * Instantiates the core modules of one component and joins them to the agent's account. Guest functions that
 * JavaScript calls outside `promising` (allocation, post-return, destructors, constructors) are counted in
 * `budget.synchronousDepth`, because nothing below them may pause; between core modules the functions
 * themselves are linked, without a frame of ours.
 */
export class CoreLinker {
  readonly #budget: Budget;
  readonly #minima: ReadonlyMap<WebAssembly.Module, CoreMinima>;
  readonly #meter: Record<string, WebAssembly.ImportValue>;
  readonly #originals = new WeakMap<object, GuestFunction>();
  /** What ended the guest, whatever it did then: it could catch an exception of the host's like one of its own. */
  failure: { readonly thrown: unknown } | undefined;
  #instances = 0;

  constructor({ budget, minima, tasks }: CoreLinkerOptions) {
    this.#budget = budget;
    this.#minima = minima;
    const fuel = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n);
    budget.attachFuel(fuel);
    this.#meter = {
      ...meterImports({ budget }),
      pause: new WebAssembly.Suspending(() => this.#pause(tasks)),
      fuel,
      escaped: (thrown: unknown) => {
        this.failure ??= { thrown: thrown ?? new Trap('uncaught-exception', uncaught) };
      },
      foreign: Reflect.get(WebAssembly, 'JSTag') as WebAssembly.ImportValue,
    };
  }

  /** jco's `instantiateCore`: gives a promise only where a start function runs. */
  readonly instantiate = (
    module: WebAssembly.Module,
    imports: Record<string, Record<string, unknown>> = {},
  ): CoreInstance | Promise<CoreInstance> => {
    this.#admit(module);
    const instance = linkModule(module, this.#link(imports));
    const exposed = { exports: this.#expose(instance.exports) };
    const start = instance.exports[exportNames.start];
    if (typeof start !== 'function') return exposed;
    return WebAssembly.promising(start as GuestFunction)().then(() => exposed);
  };

  /** jco's `WebAssembly.promising`: takes what `instantiate` exposed. */
  readonly promising = (exposed: object): ((...args: unknown[]) => Promise<unknown>) =>
    WebAssembly.promising(this.#originals.get(exposed) ?? (exposed as GuestFunction));

  /** jco's `WebAssembly.Suspending`: a class that gives instances of the engine's. */
  readonly suspending: (act: Foreign) => object = (() => {
    const guard = (act: Foreign): Foreign => this.#guard(act);
    return function Suspending(act: Foreign): object {
      return new WebAssembly.Suspending(guard(act));
    };
  })();

  /** A function of jco's for the guest. What it throws, or its promise is rejected with, ends the guest. */
  #guard(act: Foreign): Foreign {
    const fail = (thrown: unknown): never => {
      this.failure ??= { thrown };
      throw thrown;
    };
    return (...args) => {
      if (this.failure !== undefined) throw this.failure.thrown;
      try {
        const result = act(...args);
        return result instanceof Promise ? result.catch(fail) : result;
      } catch (thrown) {
        return fail(thrown);
      }
    };
  }

  #admit(module: WebAssembly.Module): void {
    this.#instances += 1;
    if (this.#instances > coreInstancesMax)
      throw new HostError(
        'HOST_ERR_COMPONENT_UNSUPPORTED',
        `the component has more than ${coreInstancesMax} core instances`,
      );
    const minima = this.#minima.get(module);
    if (minima !== undefined) this.#budget.admit(minima.memoryPages, minima.tableElements);
  }

  #link(imports: Record<string, Record<string, unknown>>): WebAssembly.Imports {
    const linked: WebAssembly.Imports = {};
    for (const [from, entries] of Object.entries(imports)) {
      const originals: Record<string, WebAssembly.ImportValue> = {};
      for (const [name, value] of Object.entries(entries)) {
        const original = typeof value === 'function' ? this.#originals.get(value) : undefined;
        originals[name] =
          original ?? (isPlain(value) ? this.#guard(value) : (value as WebAssembly.ImportValue));
      }
      linked[from] = originals;
    }
    linked['motehost:meter'] = this.#meter;
    return linked;
  }

  // Looked up when jco asks, not all beforehand: a module may export thousands of functions for other modules.
  #expose(exports: WebAssembly.Instance['exports']): object {
    return new Proxy(Object.create(null) as object, {
      get: (_, name) => {
        const value = typeof name === 'string' ? exports[name] : undefined;
        return typeof value === 'function' ? this.#counted(value as GuestFunction) : value;
      },
    });
  }

  #counted(original: GuestFunction): GuestFunction {
    const budget = this.#budget;
    const counted = (...args: unknown[]): unknown => {
      budget.synchronousDepth += 1;
      try {
        return original(...args);
      } finally {
        budget.synchronousDepth -= 1;
      }
    };
    this.#originals.set(counted, original);
    return counted;
  }

  async #pause(tasks: Record<string, unknown>): Promise<void> {
    const saved = { ...tasks };
    await this.#budget.pause();
    for (const key of Object.keys(tasks)) if (!(key in saved)) tasks[key] = null;
    Object.assign(tasks, saved);
  }
}
