import { systemClock } from '../../host/clock.ts';
import { Budget, type StopCause } from '../../host/engine/budget.ts';
import { exportNames, type MeterOptions, type ModuleSummary, meter } from '../../host/engine/meter/meter.ts';
import { defaultLimits } from '../../host/limits.ts';
import { wat } from './wat.ts';

export interface MeteredOptions {
  readonly fuelMax?: bigint;
  readonly fuelSlice?: bigint;
  readonly memoryBytesMax?: number;
  readonly tableElementsMax?: number;
  readonly meter?: Partial<MeterOptions>;
  readonly imports?: WebAssembly.Imports;
}

/** An instance of a metered module under a real budget; its start function has run. */
export interface Metered {
  readonly budget: Budget;
  readonly exports: Record<string, WebAssembly.ExportValue>;
  readonly summary: ModuleSummary;
  /** Calls an export by name. */
  run(name: string, ...args: readonly (number | bigint)[]): unknown;
}

/** Meters and instantiates a module given as text or bytes. */
export async function metered(source: string | Uint8Array, options: MeteredOptions = {}): Promise<Metered> {
  const bytes = typeof source === 'string' ? await wat(source) : source;
  const { fuelMax, memoryBytesMax, tableElementsMax } = { ...defaultLimits, ...options };
  const budget = new Budget({
    limits: { ...defaultLimits, fuelMax, memoryBytesMax, tableElementsMax },
    clock: systemClock,
    ...(options.fuelSlice === undefined ? {} : { fuelSlice: options.fuelSlice }),
  });
  budget.synchronousDepth = 1;
  const { bytes: rewritten, summary } = meter(bytes, { fuelCell: 'own', ...options.meter });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(rewritten), {
    ...options.imports,
    'motehost:meter': meterImports(budget),
  });
  budget.attachFuel(exports[exportNames.fuel] as WebAssembly.Global<'i64'>);
  const run = (name: string, ...args: readonly (number | bigint)[]): unknown =>
    (exports[name] as WebAssembly.ExportedFunction)(...args);
  if (summary.hasStart) run(exportNames.start);
  return { budget, exports, summary, run };
}

/** What a metered module imports, from a budget. */
export function meterImports(budget: Budget): Record<string, WebAssembly.ImportValue> {
  return {
    out: () => budget.out(),
    pause: () => {},
    grow_memory: (pages: number) => budget.growMemory(pages),
    grow_table: (elements: number) => budget.growTable(elements),
    allocate: (bytes: number) => budget.allocate(bytes),
  };
}

/** Fuel of one call of `f` in a module given as text. */
export async function fuelOf(text: string, ...args: readonly (number | bigint)[]): Promise<number> {
  const { budget, run } = await metered(text);
  const before = budget.fuelUsed;
  run('f', ...args);
  return Number(budget.fuelUsed - before);
}

/** Runs export `f` until the budget stops it; gives the cause and the fuel. */
export async function stopped(
  source: string | Uint8Array,
  options: MeteredOptions,
): Promise<{ readonly cause: StopCause | undefined; readonly used: bigint; readonly thrown: unknown }> {
  const { budget, run } = await metered(source, options);
  let thrown: unknown;
  try {
    run('f');
  } catch (error) {
    thrown = error;
  }
  return { cause: budget.cause, used: budget.fuelUsed, thrown };
}
