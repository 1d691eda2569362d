import type { CostTable } from './costs.ts';

/** How to meter a module. */
export interface MeterOptions {
  /** Default `wasmtimeCosts`. */
  readonly costs?: CostTable;
  /**
   * `own`: a mutable i64 global defined last, initially 0, exported as `motehost:meter/fuel`.
   * `imported`: import `motehost:meter` `fuel`, shared by the core modules of one component.
   */
  readonly fuelCell: 'own' | 'imported';
  /** Extra fuel a call of imported function N costs; any use of it as a value goes to a function that charges and calls. */
  readonly importCharges?: readonly number[];
  /** The module only joins functions of two components: none of the exceptions thrown by what it imports gets through it. */
  readonly shieldsImports?: boolean;
  /** Declared maxima are lowered to this; a declared minimum above it is refused. */
  readonly memoryBytesMax?: number;
  readonly tableElementsMax?: number;
}
