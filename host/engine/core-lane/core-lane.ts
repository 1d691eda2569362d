import { HostError } from '../../errors.ts';
import { type Budget, Stopped } from '../budget.ts';
import type { Instance } from '../instance.ts';
import { classify, Trap } from '../trap.ts';
import type { Preview1 } from '../wasi/preview1/preview1.ts';
import { coreImports } from './core-imports.ts';
import { type CoreFunctionType, checkArguments } from './core-values.ts';

const fuelExport = 'motehost:meter/fuel';
const startExport = 'motehost:meter/start';
/** WASI's names for a program's entry, and for what a library runs before anything else is called. */
const commandExport = '_start';
const reactorExport = '_initialize';

/** What the lane needs to know about a module, from the meter's summary. */
export interface CoreSummary {
  readonly exports: readonly CoreExport[];
  /** Pages of all memories together, to begin with. */
  readonly memoryPages: number;
  /** Elements of all tables together, to begin with. */
  readonly tableElements: number;
}

export interface CoreExport {
  readonly name: string;
  readonly kind: string;
  /** Of a function. */
  readonly type?: CoreFunctionType | undefined;
}

/**
 * Makes an instance of a core module: a WASI command (`_start`), a reactor (`_initialize` is run here), or
 * any module whose functions take and give numbers. Metered modules (`fuelCell: 'own'`) and plain ones both
 * run; only metered ones can be stopped while they compute. All guest code runs suspendable.
 *
 * `call` takes and gives numbers for i32, f32 and f64 and bigints for i64; several results come as an array.
 * @throws HostError `HOST_ERR_LINK_MISSING_IMPORT`, `HOST_ERR_MODULE_UNSUPPORTED`, `HOST_ERR_GRANT_INVALID`
 * @throws Trap when a start function ends abnormally
 * @throws Stopped when the limits do not allow what the module begins with
 */
export async function instantiateCore(
  module: WebAssembly.Module,
  summary: CoreSummary,
  preview1: Preview1 | undefined,
  budget: Budget,
): Promise<Instance> {
  let memory: WebAssembly.Memory | undefined;
  const getMemory = (): WebAssembly.Memory => {
    if (memory === undefined) throw new Trap('host-fault', 'the module called WASI before it had a memory');
    return memory;
  };
  const imports = coreImports(module, preview1, budget, getMemory);
  await preview1?.ready();
  budget.admit(summary.memoryPages, summary.tableElements);
  const { exports } = link(module, imports);
  memory = memoryOf(exports, imports);
  const fuel = exports[fuelExport];
  if (fuel instanceof WebAssembly.Global) budget.attachFuel(fuel as WebAssembly.Global<'i64'>);
  await runFirst(exports, startExport);
  if (exports[commandExport] === undefined) await runFirst(exports, reactorExport);
  return new CoreInstance(exports, summary, budget);
}

function link(module: WebAssembly.Module, imports: WebAssembly.Imports): WebAssembly.Instance {
  try {
    return new WebAssembly.Instance(module, imports);
  } catch (thrown) {
    if (thrown instanceof Stopped) throw thrown;
    if (thrown instanceof RangeError && /memory/i.test(thrown.message))
      throw new Trap(
        'allocation-too-large',
        'the host could not set up the memory the module begins with',
        thrown,
      );
    throw classify(thrown);
  }
}

/** The memory WASI works on. @throws HostError when the module uses WASI and exports none */
function memoryOf(
  exports: WebAssembly.Instance['exports'],
  imports: WebAssembly.Imports,
): WebAssembly.Memory | undefined {
  const { memory } = exports;
  if (memory instanceof WebAssembly.Memory) return memory;
  if (imports.wasi_snapshot_preview1 === undefined && imports.wasi_unstable === undefined) return undefined;
  throw new HostError(
    'HOST_ERR_MODULE_UNSUPPORTED',
    "the module imports WASI and exports no memory named 'memory' for it to work on; export its memory",
  );
}

async function runFirst(exports: WebAssembly.Instance['exports'], name: string): Promise<void> {
  const start = exports[name];
  if (typeof start !== 'function') return;
  try {
    await WebAssembly.promising(start as WebAssembly.ExportedFunction)();
  } catch (thrown) {
    throw thrown instanceof Stopped ? thrown : classify(thrown);
  }
}

class CoreInstance implements Instance {
  readonly budget: Budget;
  readonly #functions = new Map<string, WebAssembly.ExportedFunction>();
  readonly #types = new Map<string, CoreFunctionType | undefined>();
  #state: 'idle' | 'busy' | 'closed' = 'idle';

  constructor(exports: WebAssembly.Instance['exports'], summary: CoreSummary, budget: Budget) {
    this.budget = budget;
    for (const { name, kind, type } of summary.exports) {
      const value = exports[name];
      if ((kind !== 'func' && kind !== 'function') || typeof value !== 'function') continue;
      this.#functions.set(name, value as WebAssembly.ExportedFunction);
      this.#types.set(name, type);
    }
  }

  has(name: string): boolean {
    return this.#functions.has(name);
  }

  async call(name: string, args: readonly unknown[]): Promise<unknown> {
    const run = this.#ready(name, args);
    this.#state = 'busy';
    try {
      const result: unknown = await WebAssembly.promising(run)(...args);
      this.budget.check();
      // A command has ended when it returns: its memory is not fit for a second run.
      this.#state = name === commandExport ? 'closed' : 'idle';
      return result;
    } catch (thrown) {
      this.#state = 'closed';
      throw thrown instanceof Stopped ? thrown : classify(thrown);
    }
  }

  dispose(): void {
    this.#state = 'closed';
    this.#functions.clear();
  }

  /** The function, when it can be called now with these. */
  #ready(name: string, args: readonly unknown[]): WebAssembly.ExportedFunction {
    if (this.#state === 'closed')
      throw new HostError('HOST_ERR_INSTANCE_CLOSED', 'the instance has ended; make a new one', { name });
    if (this.#state === 'busy')
      throw new HostError('HOST_ERR_INSTANCE_BUSY', 'the instance is in a call; wait for it to end', {
        name,
      });
    const run = this.#functions.get(name);
    if (run === undefined) {
      const known = [...this.#functions.keys()].slice(0, exportsListedMax).join(', ');
      throw new HostError(
        'HOST_ERR_EXPORT_UNKNOWN',
        `no exported function '${name}'; there is: ${known || 'none'}`,
        { name },
      );
    }
    checkArguments(name, this.#types.get(name), run.length, args);
    return run;
  }
}

/** How many exports a message lists. */
const exportsListedMax = 20;
