import { HostError } from '../../errors.ts';
import { type Budget, type BudgetHolder, type Growth, meterImports } from '../budget.ts';
import { type CallWaiter, type Instance, Suspended } from '../instance.ts';
import type { HostFunction, Linker } from '../linker.ts';
import type { ExtraCosts } from '../meter/costs.ts';
import { classify, Trap } from '../trap.ts';
import { Abi, type Enclosure, violation } from './abi.ts';
import { isBlocking, isLeaving, makeBuiltin } from './async/builtins.ts';
import { type Stage, Tasks } from './async/tasks.ts';
import { begin } from './beginning.ts';
import { askHost, isPromise } from './host-call.ts';
import type { CoreValue } from './lift.ts';
import { linkImports } from './linked.ts';
import { type Called, PlainCall } from './plain-call.ts';
import type { FastPlan } from './plan.ts';
import {
  type AbiNames,
  type BuiltinProgram,
  type ExportProgram,
  type ImportProgram,
  type Program,
  programOf,
} from './program.ts';
import { fits } from './relay.ts';

/** Names that `engine/meter` gives what it adds to a module. */
const meterModule = 'motehost:meter';
const fuelExport = 'motehost:meter/fuel';
const startExport = 'motehost:meter/start';

const meteredModules = new WeakMap<WebAssembly.Module, boolean>();

function isMetered(module: WebAssembly.Module): boolean {
  let metered = meteredModules.get(module);
  if (metered === undefined) {
    metered = WebAssembly.Module.imports(module).some((one) => one.module === meterModule);
    meteredModules.set(module, metered);
  }
  return metered;
}

/**
 * Instantiates a component on the fast lane and runs its start function.
 * `module` is the plan's core module, as it is or rewritten by `engine/meter` (then its fuel cell is attached
 * to `budget`, and growth and pauses go through it).
 * @throws HostError `HOST_ERR_LINK_MISSING_IMPORT` with everything `linker` lacks
 * @throws Trap when the start function ended abnormally; `Stopped` when the memories alone are over the limit
 */
export async function instantiateFast(
  plan: FastPlan,
  module: WebAssembly.Module,
  linker: Linker,
  budget: Budget,
  costs: HostCallCosts = {},
): Promise<FastInstance> {
  const program = programOf(plan);
  const linked = linkImports(program, linker);
  budget.admit(plan.memoryPages, plan.tableElements);
  const instance = new FastInstance(program, module, linked.suspending, costs);
  instance.bind(linked.functions, budget);
  await instance.start();
  return instance;
}

/** Fuel for what host calls make the host do; 0 by default, so that counts equal Wasmtime's and the general lane's. */
export type HostCallCosts = Partial<Pick<ExtraCosts, 'byteLifted'>>;

/** `vacant`: as the module begins, and nobody's. */
type State = 'vacant' | 'starting' | 'idle' | 'busy' | 'closed';

/**
 * What this lane itself remembers of an agent between messages, beside the guest's own memory. Whoever adds
 * such state offers it here, so that it is saved with the agent and gone before the next one comes.
 */
export interface LaneState {
  /** Why the agent cannot be saved now; undefined when it can. */
  readonly unsaveable: string | undefined;
  /** Anything that can be structured-cloned; undefined when there is nothing. */
  save(): unknown;
  restore(saved: unknown): void;
  clear(): void;
}

/**
 * A component on the fast lane: one core instance and the closures of its plan. Serves one call at a time;
 * after a trap or a fault of a host function it is closed, until `vacate`.
 *
 * It belongs to one agent at a time: `bind` gives it the agent's account and host functions, `vacate` takes
 * them away, and everything the guest can reach looks them up here.
 */
export class FastInstance implements Instance, Enclosure, BudgetHolder, Stage, Called {
  readonly #program: Program;
  readonly asyncCalls: Tasks | undefined;
  readonly #module: WebAssembly.Module;
  /** Which imports may give a promise; part of the instance's imports, so the same for whoever has it. */
  readonly suspending: readonly boolean[];
  /** Calls may be suspended: by an import, or for a pause of the metered module. */
  readonly #suspends: boolean;
  // There may be thousands of these: what few need is made when it is needed, and nothing has room to spare.
  #abis: readonly Abi[] = noAbis;
  #promising: (WebAssembly.ExportedFunction | undefined)[] | undefined;
  /** The export called last, if it is a plain one. */
  #plain: PlainCall | undefined;
  /** Of asynchronous exports and their callbacks, by core export. */
  #steps: Map<string, WebAssembly.ExportedFunction> | undefined;
  readonly #byteLiftedFuel: number;
  #budget: Budget | undefined;
  #functions: readonly HostFunction[] = noFunctions;
  #exports: WebAssembly.Instance['exports'] = noExports;
  #cell: WebAssembly.Global<'i64'> | undefined;
  #state: State = 'vacant';
  /** The component model's `may_leave`: false while the guest allocates or cleans up. */
  #mayLeave = true;
  /** What the first failing import threw: the guest may catch it, the call still ends with it. */
  #fault: { readonly thrown: unknown } | undefined;
  /** The call that closed it has no frame on any stack any more; tasks may have. */
  #isUnwound = false;
  laneState: LaneState | undefined;
  /** Of the process's bound of bytes; stays with the instance when that passes to another agent. */
  growth: Growth | undefined;

  constructor(
    program: Program,
    module: WebAssembly.Module,
    suspending: readonly boolean[],
    { byteLifted = 0 }: HostCallCosts = {},
  ) {
    this.#program = program;
    this.#module = module;
    this.suspending = suspending;
    const blocks = program.builtins.some(({ planned }) => isBlocking(planned));
    this.#suspends = suspending.includes(true) || blocks || isMetered(module);
    this.#byteLiftedFuel = byteLifted;
    this.asyncCalls = program.isAsync ? new Tasks(this, program) : undefined;
    this.laneState = this.asyncCalls;
  }

  get budget(): Budget {
    if (this.#budget === undefined) throw new Error('bug: the instance belongs to no agent');
    return this.#budget;
  }

  /** The core module's exports, state that the rewriter exports included; empty before `instantiate`. */
  get exports(): WebAssembly.Instance['exports'] {
    return this.#exports;
  }

  /** Gives a vacant instance to an agent: its host functions, in the order of the plan's imports, and its account. */
  bind(functions: readonly HostFunction[], budget: Budget): void {
    if (this.#state !== 'vacant') throw new Error(`bug: bound while ${this.#state}`);
    this.#functions = functions;
    this.#budget = budget;
    if (this.#cell !== undefined) budget.attachFuel(this.#cell);
    if (this.growth !== undefined) budget.attachGrowth(this.growth);
    this.#state = 'starting';
  }

  /** Makes the core instance. Of a metered module no code runs here. */
  instantiate(): void {
    this.#exports = new WebAssembly.Instance(this.#module, this.#imports()).exports;
    const cell = this.#exports[fuelExport];
    if (cell instanceof WebAssembly.Global) this.#cell = cell as WebAssembly.Global<'i64'>;
  }

  /**
   * Begins a new life for the agent it is bound to: runs the start functions.
   * @throws Trap when one ended abnormally
   */
  async start(): Promise<void> {
    try {
      if (this.#exports === noExports) {
        // A start section that the rewriter did not take out runs in here, where nothing can suspend.
        this.#enclosed(() => this.instantiate());
        if (this.#cell !== undefined) this.budget.attachFuel(this.#cell);
      }
      this.budget.beginLife();
      const start = this.#exports[startExport];
      if (isFunction(start)) await this.#run(start);
      this.#makeAbis();
      this.#state = 'busy';
      await this.#runInitialize();
      this.raise();
      this.#state = 'idle';
    } catch (error) {
      throw this.close(error);
    }
  }

  /** Goes on with a life whose memories and globals were just put back: nothing runs. */
  resume(): void {
    if (this.#state !== 'starting') throw new Error(`bug: resumed while ${this.#state}`);
    if (this.#cell !== undefined) this.#cell.value = 0n;
    this.#makeAbis();
    this.#state = 'idle';
  }

  /** Why nothing of it can be taken away or given on now; undefined between two messages of a sound agent. */
  get unsaveable(): HostError | undefined {
    const rests = this.#state === 'idle' || this.asyncCalls?.waiting === true;
    if (rests && this.#budget?.cause === undefined) {
      const reason = this.laneState?.unsaveable;
      return reason === undefined ? undefined : busy(reason);
    }
    return this.#state === 'busy' || this.#state === 'starting' ? busy('it is in a call') : closed();
  }

  /**
   * Whether nothing is left in it but what its agent wrote into memories and globals: it is between two messages, or
   * its last call has ended, however, and unwound its whole stack.
   */
  get isReusable(): boolean {
    return this.#isUnwound || this.unsaveable === undefined;
  }

  /** Takes it from its agent. Its memories and globals must be as at the beginning before another gets it. */
  vacate(): void {
    if (!this.isReusable) throw new Error('bug: vacated while in use');
    this.laneState?.clear();
    this.#functions = noFunctions;
    // Whoever holds on to the account of the agent that was here ends nobody else with it.
    this.#budget?.detachFuel();
    this.#budget = undefined;
    this.#fault = undefined;
    this.#mayLeave = true;
    this.#isUnwound = false;
    this.#state = 'vacant';
  }

  #makeAbis(): void {
    if (this.#abis.length > 0) return;
    this.#abis = this.#program.abis.map((names) => this.#abi(names));
  }

  async #runInitialize(): Promise<void> {
    const { start, startCharge } = this.#program.plan;
    this.burn(startCharge);
    if (start !== undefined) await this.#run(this.#function(start));
  }

  /** Takes fuel for work outside the guest's code; its next check sees it. */
  burn(fuel: number): void {
    if (this.#cell !== undefined && fuel > 0) this.#cell.value -= BigInt(fuel);
  }

  async #run(core: WebAssembly.ExportedFunction): Promise<void> {
    if (this.#suspends) await begin(core);
    else this.#enclosed(core);
  }

  #imports(): WebAssembly.Imports {
    const imports: WebAssembly.Imports = {};
    if (isMetered(this.#module)) imports[meterModule] = meterImports(this);
    for (const [index, program] of this.#program.imports.entries()) {
      const { module, name } = program.planned;
      imports[module] ??= {};
      const suspending = this.suspending[index] === true;
      const entry = (...core: CoreValue[]): unknown => this.#callImport(program, index, suspending, core);
      imports[module][name] = suspending ? new WebAssembly.Suspending(entry) : entry;
    }
    for (const program of this.#program.builtins) {
      const { module, name } = program.planned;
      imports[module] ??= {};
      imports[module][name] = this.#builtin(program);
    }
    return imports;
  }

  #builtin(program: BuiltinProgram): WebAssembly.ImportValue {
    const { asyncCalls } = this;
    if (asyncCalls === undefined) throw new Error('bug: built-ins without tasks');
    const act = makeBuiltin(program, asyncCalls, this);
    const leaves = isLeaving(program.planned);
    const entry = (...core: CoreValue[]): unknown => {
      try {
        this.raise();
        if (leaves && !this.#mayLeave)
          throw violation('it called a built-in while it allocated or cleaned up');
        const result = act(...core);
        return isPromise(result) ? result.catch((error) => this.#rethrow(error)) : result;
      } catch (error) {
        return this.#rethrow(error);
      }
    };
    return isBlocking(program.planned) ? new WebAssembly.Suspending(entry) : entry;
  }

  #rethrow(thrown: unknown): never {
    throw this.#record(thrown);
  }

  abiOf({ abi }: { readonly abi: number }): Abi {
    const found = this.#abis[abi];
    if (found === undefined)
      throw new Trap('indirect-call-null', 'the guest called out before it was complete');
    return found;
  }

  liftResult(name: string, core: readonly CoreValue[]): unknown {
    const program = this.#program.exports.get(name);
    if (program === undefined) throw new Error(`bug: a task of '${name}'`);
    return program.lift(this.abiOf(program), core);
  }

  run(core: string, args: readonly CoreValue[]): CoreValue | undefined | Promise<CoreValue | undefined> {
    this.#steps ??= new Map();
    let step = this.#steps.get(core);
    if (step === undefined) {
      step = this.#function(core);
      if (this.#suspends) step = WebAssembly.promising(step);
      this.#steps.set(core, step);
    }
    return step(...args);
  }

  #function(name: string): WebAssembly.ExportedFunction {
    const found = this.#exports[name];
    if (!isFunction(found)) throw new Error(`bug: the core module does not export the function '${name}'`);
    return found;
  }

  #abi(names: AbiNames): Abi {
    const memory = names.memory === undefined ? undefined : this.#exports[names.memory];
    if (memory !== undefined && !(memory instanceof WebAssembly.Memory))
      throw new Error(`bug: '${names.memory}' is not a memory`);
    return new Abi(memory, names.realloc === undefined ? undefined : this.#function(names.realloc), this);
  }

  has(name: string): boolean {
    return this.#program.exports.has(name);
  }

  async call(name: string, args: readonly unknown[]): Promise<unknown> {
    if (!this.#suspends && this.asyncCalls === undefined) return this.callSync(name, args);
    const program = this.#open(name);
    const abi = this.#abis[program.abi] as Abi;
    const core = this.#lowerArgs(program, abi, args);
    if (program.callback !== undefined && this.asyncCalls !== undefined)
      return this.settle(this.asyncCalls.call(program, core));
    try {
      const result: CoreValue | undefined = await callCore(this.#promisingOf(program), core);
      return this.finish(program, result);
    } catch (error) {
      throw this.close(error);
    }
  }

  begin(name: string, argument: unknown, waiter: CallWaiter): void {
    const plain = this.#plain?.program.name === name ? this.#plain : this.#plainOf(name);
    if (plain === undefined) {
      this.call(name, [argument]).then(waiter.returned, waiter.threw);
      return;
    }
    let core: CoreValue[];
    try {
      this.#open(name);
      core = this.#lowerArgs(plain.program, this.#abis[plain.program.abi] as Abi, [argument]);
    } catch (thrown) {
      Promise.reject(thrown).catch(waiter.threw);
      return;
    }
    plain.begin(core[0] as number, waiter);
  }

  /** Undefined: a call of it takes another way. */
  #plainOf(name: string): PlainCall | undefined {
    const program = this.#program.exports.get(name);
    if (!this.#suspends || this.#state !== 'idle' || program?.isPlain !== true) return undefined;
    const core = this.#function(program.core);
    program.isPlain = fits(core);
    if (!program.isPlain) return undefined;
    this.#plain = new PlainCall(this, program, core);
    return this.#plain;
  }

  async settle(task: Promise<unknown>): Promise<unknown> {
    this.#state = 'busy';
    try {
      const value = await task;
      this.#state = 'idle';
      return value;
    } catch (error) {
      throw this.close(error);
    }
  }

  /**
   * Calls an export without a stack of its own: faster, but the guest cannot be paused and an import that
   * suspends traps (`cannot-block`).
   * @throws Trap and HostError as `call`
   */
  callSync(name: string, args: readonly unknown[]): unknown {
    const program = this.#open(name);
    if (program.callback !== undefined) {
      this.#state = 'idle';
      throw new Trap('cannot-block', `'${name}' is asynchronous; call it`);
    }
    const abi = this.#abis[program.abi] as Abi;
    const core = this.#lowerArgs(program, abi, args);
    const { budget } = this;
    try {
      budget.synchronousDepth += 1;
      try {
        return this.finish(program, callCore(this.#function(program.core), core));
      } finally {
        budget.synchronousDepth -= 1;
      }
    } catch (error) {
      throw this.close(error);
    }
  }

  dispose(): void {
    this.#state = 'closed';
    this.#isUnwound = false;
    this.asyncCalls?.end();
    this.#plain?.drop();
    this.#plain = undefined;
    this.#exports = noExports;
    this.#cell = undefined;
    this.#abis = noAbis;
    this.#promising = undefined;
    this.#steps = undefined;
  }

  /** Begins a call: finds the export and takes the instance. */
  #open(name: string): ExportProgram {
    const program = this.#program.exports.get(name);
    if (program === undefined) {
      const known = [...this.#program.exports.keys()];
      throw new HostError(
        'HOST_ERR_EXPORT_UNKNOWN',
        `no export '${name}'; there is: ${known.join(', ') || 'none'}`,
        {
          name,
          known,
        },
      );
    }
    if (this.#state === 'closed' || this.#state === 'vacant') throw closed(name);
    if (this.#state !== 'idle') throw busy('it is in another call', name);
    this.#state = 'busy';
    this.asyncCalls?.beginSync();
    return program;
  }

  /** A wrong argument leaves the instance usable; a trap in the guest's allocator ends it. */
  #lowerArgs(program: ExportProgram, abi: Abi, args: readonly unknown[]): CoreValue[] {
    try {
      return program.lower(abi, args);
    } catch (error) {
      if (!(error instanceof HostError)) throw this.close(error);
      this.#state = 'idle';
      throw error;
    }
  }

  #promisingOf(program: ExportProgram): WebAssembly.ExportedFunction {
    this.#promising ??= [];
    let promising = this.#promising[program.index];
    if (promising === undefined) {
      promising = WebAssembly.promising(this.#function(program.core));
      this.#promising[program.index] = promising;
    }
    return promising;
  }

  finish(program: ExportProgram, result: CoreValue | undefined): unknown {
    this.raise();
    const value = program.lift(this.#abis[program.abi] as Abi, [result as CoreValue]);
    if (program.postReturn !== undefined) this.#postReturn(program.postReturn, result);
    this.#state = 'idle';
    return value;
  }

  #postReturn(name: string, result: CoreValue | undefined): void {
    const post = this.#function(name);
    this.enter();
    try {
      if (result === undefined) post();
      else post(result);
    } finally {
      this.leave();
    }
    this.raise();
  }

  /** Throws what ended the call under way, if anything has. */
  raise(): void {
    if (this.#fault !== undefined) throw this.#fault.thrown;
  }

  /** From here to `leave` nothing may suspend and the guest may not call out. */
  enter(): void {
    this.#mayLeave = false;
    this.budget.synchronousDepth += 1;
  }

  leave(): void {
    this.#mayLeave = true;
    this.budget.synchronousDepth -= 1;
  }

  #enclosed(run: () => void): void {
    const { budget } = this;
    budget.synchronousDepth += 1;
    try {
      run();
    } finally {
      budget.synchronousDepth -= 1;
    }
  }

  #callImport(program: ImportProgram, index: number, suspending: boolean, core: CoreValue[]): unknown {
    try {
      const call = this.#functions[index] as HostFunction;
      this.raise();
      if (!this.#mayLeave) throw violation('it called an import while it allocated or cleaned up');
      const abi = this.#importAbi(program);
      const args = program.lift(abi, core);
      if (this.#byteLiftedFuel > 0) this.burn(abi.lifted * this.#byteLiftedFuel);
      const result = askHost(call, args, program.fallible);
      if (program.planned.async === true) return this.asyncCalls?.begin(program, abi, core, result);
      if (!isPromise(result)) return program.lower(abi, core, result);
      if (!suspending)
        throw new Error(
          `${program.planned.interface} ${program.planned.func} gave a promise but is not suspending`,
        );
      return this.#lowerLater(program, abi, core, result);
    } catch (error) {
      throw this.#record(error);
    }
  }

  /** The `Abi` of an import. During the start section there is none yet, nor has a shim been filled. */
  #importAbi(program: ImportProgram): Abi {
    if (this.#state !== 'starting') return this.#abis[program.abi] as Abi;
    if (program.planned.late)
      throw new Trap(
        'indirect-call-null',
        `the guest called '${program.planned.func}' before it was complete`,
      );
    return new Abi(undefined, undefined, this);
  }

  async #lowerLater(
    program: ImportProgram,
    abi: Abi,
    core: readonly CoreValue[],
    result: PromiseLike<unknown>,
  ): Promise<unknown> {
    try {
      const value = await result;
      this.budget.waited();
      return program.lower(abi, core, value);
    } catch (error) {
      throw this.#record(error);
    }
  }

  fail(thrown: unknown): void {
    this.#record(thrown);
  }

  #record(thrown: unknown): unknown {
    this.#fault ??= { thrown };
    return thrown;
  }

  /** Ends the instance and names what happened; the first fault of an import is what happened. */
  close(thrown: unknown): unknown {
    // Its agent goes on elsewhere, and somebody else's may be here by now.
    if (thrown instanceof Suspended) return thrown;
    this.#state = 'closed';
    this.#isUnwound = this.asyncCalls === undefined && this.#exports !== noExports;
    this.asyncCalls?.end();
    return classify(this.#fault === undefined ? thrown : this.#fault.thrown);
  }
}

const noExports: WebAssembly.Instance['exports'] = {};
const noFunctions: readonly HostFunction[] = [];
const noAbis: readonly Abi[] = [];

function closed(name?: string): HostError {
  return new HostError('HOST_ERR_INSTANCE_CLOSED', 'the instance has ended; make a new one', { name });
}

function busy(reason: string, name?: string): HostError {
  return new HostError(
    'HOST_ERR_INSTANCE_BUSY',
    `the instance cannot be had now: ${reason}; wait for its end`,
    {
      name,
    },
  );
}

/** Spread calls cost more than the echo they make. */
function callCore(core: WebAssembly.ExportedFunction, args: readonly CoreValue[]): CoreValue | undefined {
  switch (args.length) {
    case 0:
      return core();
    case 1:
      return core(args[0]);
    case 2:
      return core(args[0], args[1]);
    case 3:
      return core(args[0], args[1], args[2]);
    case 4:
      return core(args[0], args[1], args[2], args[3]);
    default:
      return core(...args);
  }
}

function isFunction(value: WebAssembly.ExportValue | undefined): value is WebAssembly.ExportedFunction {
  return typeof value === 'function';
}
