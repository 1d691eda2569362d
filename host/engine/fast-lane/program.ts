import { HostError } from '../../errors.ts';
import type { StringEncoding } from '../component/component.ts';
import { asyncSignature, type CoreSignature, coreSignature, Layouts } from '../component/layout.ts';
import { camelCase } from '../component/names.ts';
import type { FuncType, TypeDef, TypeRef } from '../component/types.ts';
import { checkValue } from '../component/values.ts';
import type { Abi } from './abi.ts';
import type { PlannedBuiltin } from './async/builtin-name.ts';
import { type CoreValue, type LiftFlat, Lifts, type Load } from './lift.ts';
import { type LowerFlat, Lowers, Mismatch, type Store } from './lower.ts';
import type { FastPlan, PlannedExport, PlannedImport, PlannedOptions } from './plan.ts';

/** A memory and its allocator, as core exports; functions that share them share one `Abi`. */
export interface AbiNames {
  readonly memory?: string;
  readonly realloc?: string;
}

/** A canonical built-in and the memory it works on. */
export interface BuiltinProgram {
  readonly planned: PlannedBuiltin;
  readonly abi: number;
}

interface Codec {
  readonly lifts: Lifts;
  readonly lowers: Lowers;
}

/** A plan with its types compiled to closures: made once per plan and thread, shared by all its instances. */
export class Program {
  readonly plan: FastPlan;
  readonly abis: AbiNames[] = [];
  readonly imports: readonly ImportProgram[];
  readonly exports: ReadonlyMap<string, ExportProgram>;
  readonly builtins: readonly BuiltinProgram[];
  readonly #layouts: Layouts;
  readonly #codecs = new Map<StringEncoding, Codec>();

  constructor(plan: FastPlan) {
    this.plan = plan;
    this.#layouts = new Layouts(plan.types);
    this.imports = plan.imports.map(
      (one, index) =>
        new ImportProgram(one, index, this.#shape(one.type, one.options, 'lower', one.async === true)),
    );
    this.exports = new Map(
      plan.exports.map((one, index) => [
        one.name,
        new ExportProgram(one, index, this.#shape(one.type, one.options, 'lift', one.callback !== undefined)),
      ]),
    );
    this.builtins = plan.builtins.map((planned) => ({ planned, abi: this.#abi(planned) }));
  }

  #codec(encoding: StringEncoding): Codec {
    let codec = this.#codecs.get(encoding);
    if (codec === undefined) {
      const { types } = this.plan;
      codec = {
        lifts: new Lifts(types, this.#layouts, encoding),
        lowers: new Lowers(types, this.#layouts, encoding),
      };
      this.#codecs.set(encoding, codec);
    }
    return codec;
  }

  /** Whether functions that neither block nor suspend are not all there is to it. */
  get isAsync(): boolean {
    const { builtins, exports, imports } = this.plan;
    return (
      builtins.length > 0 ||
      exports.some((one) => one.callback !== undefined) ||
      imports.some((one) => one.async === true)
    );
  }

  #shape(type: FuncType, options: PlannedOptions, side: 'lift' | 'lower', isAsync: boolean): Shape {
    const flatten = isAsync ? asyncSignature : coreSignature;
    return {
      types: this.plan.types,
      type,
      abi: this.#abi(options),
      codec: this.#codec(options.encoding),
      layouts: this.#layouts,
      signature: flatten(this.#layouts, type, side),
    };
  }

  #abi(options: AbiNames): number {
    const found = this.abis.findIndex(
      (one) => one.memory === options.memory && one.realloc === options.realloc,
    );
    if (found >= 0) return found;
    const { memory, realloc } = options;
    return (
      this.abis.push({
        ...(memory === undefined ? {} : { memory }),
        ...(realloc === undefined ? {} : { realloc }),
      }) - 1
    );
  }
}

interface Shape {
  readonly types: readonly TypeDef[];
  readonly type: FuncType;
  readonly abi: number;
  readonly codec: Codec;
  readonly layouts: Layouts;
  readonly signature: CoreSignature;
}

/** How one export's arguments become core values and its core result a value. */
export class ExportProgram {
  readonly name: string;
  readonly index: number;
  readonly core: string;
  readonly postReturn: string | undefined;
  /** Of an asynchronous export: what takes its task's events. */
  readonly callback: string | undefined;
  readonly abi: number;
  /** Whether its core function takes one `i32` and gives the result as one, as far as is known. */
  isPlain: boolean;
  readonly #types: readonly TypeDef[];
  readonly #type: FuncType;
  readonly #signature: CoreSignature;
  readonly #flats: readonly LowerFlat[];
  readonly #stores: readonly Store[];
  readonly #widths: readonly number[];
  readonly #load: Load | undefined;
  readonly #lift: LiftFlat | undefined;
  readonly #size: number;
  readonly #align: number;

  constructor(planned: PlannedExport, index: number, shape: Shape) {
    const { type, codec, signature, layouts } = shape;
    this.name = planned.name;
    this.index = index;
    this.core = planned.core;
    this.postReturn = planned.postReturn;
    this.callback = planned.callback;
    this.abi = shape.abi;
    this.isPlain = signature.params === 'i' && signature.results === 'i' && planned.callback === undefined;
    this.#types = shape.types;
    this.#type = type;
    this.#signature = signature;
    const inMemory = signature.paramsInMemory;
    this.#flats = inMemory ? [] : type.params.map((param) => codec.lowers.flat(param.type));
    this.#stores = inMemory ? type.params.map((param) => codec.lowers.store(param.type)) : [];
    this.#widths = inMemory ? [] : type.params.map((param) => layouts.of(param.type).flat?.length ?? 0);
    this.#load =
      type.result !== undefined && signature.resultInMemory ? codec.lifts.load(type.result) : undefined;
    this.#lift =
      type.result !== undefined && !signature.resultInMemory ? codec.lifts.flat(type.result) : undefined;
    this.#size = type.result === undefined ? 0 : layouts.of(type.result).size;
    this.#align = type.result === undefined ? 1 : layouts.of(type.result).align;
  }

  /**
   * Arguments as core values.
   * @throws HostError `HOST_ERR_VALUE_INVALID` naming the argument and the path in it
   */
  lower(abi: Abi, args: readonly unknown[]): CoreValue[] {
    const { params } = this.#type;
    if (args.length !== params.length) {
      throw new HostError(
        'HOST_ERR_VALUE_INVALID',
        `${this.name} takes ${params.length} arguments, ${args.length} given`,
        { name: this.name },
      );
    }
    try {
      return this.#signature.paramsInMemory ? this.#lowerToMemory(abi, args) : this.#lowerFlat(abi, args);
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      throw this.#explain(args);
    }
  }

  #lowerFlat(abi: Abi, args: readonly unknown[]): CoreValue[] {
    const out: CoreValue[] = [];
    for (let index = 0, at = 0; index < args.length; index += 1) {
      (this.#flats[index] as LowerFlat)(abi, args[index], out, at);
      at += this.#widths[index] as number;
    }
    return out;
  }

  #lowerToMemory(abi: Abi, args: readonly unknown[]): CoreValue[] {
    const { size, align, offsets = [] } = this.#signature.paramsLayout;
    const pointer = abi.allocate(align, size);
    for (let index = 0; index < args.length; index += 1)
      (this.#stores[index] as Store)(abi, pointer + (offsets[index] as number), args[index]);
    return [pointer];
  }

  #explain(args: readonly unknown[]): HostError {
    for (const [index, param] of this.#type.params.entries()) {
      const error = valueError(this.#types, param.type, args[index], param.name);
      if (error !== undefined) return error;
    }
    return new HostError('HOST_ERR_VALUE_INVALID', `an argument of ${this.name} changed while it was read`);
  }

  /** The value behind the core result; `task.return` gives as many core values as the result has. */
  lift(abi: Abi, result: readonly CoreValue[]): unknown {
    if (this.#load !== undefined) {
      abi.beginLift();
      return this.#load(abi, abi.check(result[0] as number, this.#size, this.#align, 'result'));
    }
    if (this.#lift === undefined) return undefined;
    abi.beginLift();
    return this.#lift(abi, result, 0);
  }
}

function valueError(
  types: readonly TypeDef[],
  ref: TypeRef,
  value: unknown,
  name: string,
): HostError | undefined {
  const misfit = checkValue(types, ref, value, name);
  if (misfit === undefined) return undefined;
  const { path, expected, got } = misfit;
  return new HostError('HOST_ERR_VALUE_INVALID', `${path} must be ${expected}, got ${got}`, {
    path,
    expected,
    got,
  });
}

/** How one import's core arguments become values and the host's result core values. */
export class ImportProgram {
  readonly planned: PlannedImport;
  readonly index: number;
  /** Its name among the host's functions. */
  readonly key: string;
  readonly abi: number;
  /** The WIT type is a `result`: the host returns the ok value or throws a `WitError`. */
  readonly fallible: boolean;
  readonly #types: readonly TypeDef[];
  readonly #type: FuncType;
  readonly #signature: CoreSignature;
  readonly #lifts: readonly LiftFlat[];
  readonly #loads: readonly Load[];
  readonly #widths: readonly number[];
  readonly #store: Store | undefined;
  readonly #flat: LowerFlat | undefined;
  readonly #size: number;
  readonly #align: number;

  constructor(planned: PlannedImport, index: number, shape: Shape) {
    const { type, codec, signature, layouts } = shape;
    const { result } = type;
    const inMemory = signature.paramsInMemory;
    this.planned = planned;
    this.index = index;
    this.key = camelCase(planned.func);
    this.abi = shape.abi;
    this.fallible = typeof result === 'number' && shape.types[result]?.kind === 'result';
    this.#types = shape.types;
    this.#type = type;
    this.#signature = signature;
    this.#lifts = inMemory ? [] : type.params.map((param) => codec.lifts.flat(param.type));
    this.#loads = inMemory ? type.params.map((param) => codec.lifts.load(param.type)) : [];
    this.#widths = inMemory ? [] : type.params.map((param) => layouts.of(param.type).flat?.length ?? 0);
    this.#store = result !== undefined && signature.resultInMemory ? codec.lowers.store(result) : undefined;
    this.#flat = result !== undefined && !signature.resultInMemory ? codec.lowers.flat(result) : undefined;
    this.#size = result === undefined ? 0 : layouts.of(result).size;
    this.#align = result === undefined ? 1 : layouts.of(result).align;
  }

  lift(abi: Abi, core: readonly CoreValue[]): unknown[] {
    abi.beginLift();
    const { params } = this.#type;
    const args = new Array<unknown>(params.length);
    if (this.#signature.paramsInMemory) {
      const { size, align, offsets = [] } = this.#signature.paramsLayout;
      const pointer = abi.check(core[0] as number, size, align, 'parameters');
      for (let index = 0; index < args.length; index += 1)
        args[index] = (this.#loads[index] as Load)(abi, pointer + (offsets[index] as number));
      return args;
    }
    for (let index = 0, at = 0; index < args.length; index += 1) {
      args[index] = (this.#lifts[index] as LiftFlat)(abi, core, at);
      at += this.#widths[index] as number;
    }
    return args;
  }

  /**
   * The host's result as the core function must return it; through memory, it goes where the guest said.
   * @throws HostError `HOST_ERR_VALUE_INVALID` when the host function broke its own type
   */
  lower(abi: Abi, core: readonly CoreValue[], value: unknown): CoreValue | undefined {
    try {
      if (this.#store !== undefined) {
        abi.refresh();
        const pointer = abi.check(core[core.length - 1] as number, this.#size, this.#align, 'result');
        this.#store(abi, pointer, value);
        return undefined;
      }
      if (this.#flat === undefined) return undefined;
      const out: CoreValue[] = [];
      this.#flat(abi, value, out, 0);
      return out[0];
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      const where = `result of ${this.planned.interface} ${this.planned.func}`;
      throw valueError(this.#types, this.#type.result as TypeRef, value, where) ?? error;
    }
  }
}

const programs = new WeakMap<FastPlan, Program>();

/** The compiled form of a plan, made on first use. */
export function programOf(plan: FastPlan): Program {
  let program = programs.get(plan);
  if (program === undefined) {
    program = new Program(plan);
    programs.set(plan, program);
  }
  return program;
}
