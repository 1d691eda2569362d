import type { CostTable } from './costs.ts';

/** How the rest of the module answers the analysis of one body: index spaces, prices and helpers. */
export interface ModuleView {
  readonly bytes: Uint8Array;
  readonly costs: CostTable;
  readonly functionCount: number;
  readonly globalCount: number;
  readonly typeCount: number;
  readonly memoryCount: number;
  readonly tableCount: number;
  readonly tagCount: number;
  paramCount(type: number): number;
  /** Parameters of function `index` (its own index space, imports first). */
  functionParams(index: number): number;
  memory64(index: number): boolean;
  table64(index: number): boolean;
  /** The index a direct call of `index` goes to. */
  callee(index: number): number;
  /** The static fuel such a call adds beyond the operator. */
  calleeFuel(index: number): number;
  /** Whether the callee leaves the counter alone, so that the caller need not spill. */
  prepaid(index: number): boolean;
  /** The index `ref.func` takes. */
  reference(index: number): number;
  globalIndex(index: number): number;
  /** Index of a helper that charges `perUnit` for each unit of its argument and returns it; -1 when nothing is charged. */
  chargeHelper(perUnit: number, wide: boolean): number;
  /** Bytes of the object heap that a new struct of `type`, or an array of `length`, takes at most. */
  structBytes(type: number): number;
  arrayBytes(type: number, length: number): number;
  /** The same for an exception with tag `tag`. */
  exceptionBytes(tag: number): number;
  /** Index of the helper `() -> ()` that asks the host for heap; throws where the module can have no objects. */
  allocateHelper(): number;
  /** Index of a helper that counts the heap for an array of `type` whose length is its argument, and returns that. */
  allocateArrayHelper(type: number): number;
  /** Index of a function that stands for an operator with a prefix. */
  substitute(prefix: number, code: number): number;
  growMemoryHelper(memory: number): number;
  growTableHelper(table: number): number;
  /** Notes a feature for the summary. */
  feature(name: string): void;
  /** Notes what keeps the module from being saved between calls. */
  unsaved(reason: string): void;
}
