/**
 * What each kind of work costs in fuel units. Data, so that two hosts can compare it; `version` is part of
 * every cache key. Opcodes are keyed by their byte; prefixed ones as `prefix << 16 | sub-opcode`.
 */
export interface CostTable {
  readonly version: string;
  /** Entering a function. */
  readonly functionEntry: number;
  /** An operator that `operators` does not name. */
  readonly operator: number;
  /** Exceptions to `operator`, 0 to 255 each. */
  readonly operators: Readonly<Record<number, number>>;
  /** Added to the operator's own, per byte or element of the length operand. */
  readonly memoryCopyPerByte: number;
  readonly memoryFillPerByte: number;
  readonly memoryInitPerByte: number;
  readonly tableCopyPerElement: number;
  readonly tableFillPerElement: number;
  readonly tableInitPerElement: number;
  /** Growing is charged by what it added: nothing when it fails. */
  readonly memoryGrowPerPage: number;
  readonly tableGrowPerElement: number;
  readonly arrayPerElement: number;
  /** Running a module's initialisation, when it needs code at all, and calling its start function. */
  readonly startupEntry: number;
  readonly startupCall: number;
  /** Our extra charges; 0 is exactly Wasmtime. */
  readonly extra: ExtraCosts;
}

/** Charges Wasmtime does not have, each 0 by default, so that a module's fuel is the same number there and here. */
export interface ExtraCosts {
  /** Per page asked of `memory.grow`, whether it succeeds or not. */
  readonly pageGrown: number;
  /** Per element asked of `table.grow`, whether it succeeds or not. */
  readonly tableElementGrown: number;
  /** Per byte of strings and lists that a host call lifts out of the guest; the fast lane charges it. Whole units. */
  readonly byteLifted: number;
}

/** Wasmtime's default fuel model to the unit, as release 50 counts. */
export const wasmtimeCosts: CostTable = {
  version: 'wasmtime-50',
  functionEntry: 1,
  operator: 1,
  operators: {
    0: 0, // unreachable
    1: 0, // nop
    2: 0, // block
    3: 0, // loop
    5: 0, // else
    11: 0, // end
    15: 0, // return
    24: 0, // delegate, which ends a block
    26: 0, // drop
  },
  memoryCopyPerByte: 1,
  memoryFillPerByte: 1,
  memoryInitPerByte: 1,
  tableCopyPerElement: 1,
  tableFillPerElement: 1,
  tableInitPerElement: 1,
  memoryGrowPerPage: 1,
  tableGrowPerElement: 1,
  arrayPerElement: 1,
  startupEntry: 1,
  startupCall: 1,
  extra: { pageGrown: 0, tableElementGrown: 0, byteLifted: 0 },
};

/** What each first byte of an operator costs. */
export function plainCosts({ operator, operators }: CostTable): Uint8Array {
  const costs = new Uint8Array(256).fill(operator);
  for (const [opcode, cost] of Object.entries(operators)) {
    if (Number(opcode) < costs.length) costs[Number(opcode)] = cost;
  }
  return costs;
}

/** What operator `code` of `prefix` costs beyond what its first byte does. */
export function prefixedExtra({ operator, operators }: CostTable, prefix: number, code: number): number {
  return (operators[(prefix << 16) | code] ?? operator) - operator;
}

/** What an operator of prefix 0xFC with a length costs for each byte or element. */
export function bulkPrice(costs: CostTable, code: number): number {
  const field = bulkFields[code];
  if (field === undefined) throw new Error(`bug: operator 0xFC ${code} has no length`);
  return costs[field];
}

type BulkField =
  | 'memoryInitPerByte'
  | 'memoryCopyPerByte'
  | 'memoryFillPerByte'
  | 'tableInitPerElement'
  | 'tableCopyPerElement'
  | 'tableFillPerElement';

const bulkFields: Readonly<Record<number, BulkField>> = {
  8: 'memoryInitPerByte',
  10: 'memoryCopyPerByte',
  11: 'memoryFillPerByte',
  12: 'tableInitPerElement',
  14: 'tableCopyPerElement',
  17: 'tableFillPerElement',
};
