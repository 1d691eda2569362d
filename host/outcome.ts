import type { LimitName } from './limits.ts';

/** What an invocation used, whatever its end. */
export interface Usage {
  /** Fuel units; exact and equal on every run (see `engine/meter`). */
  readonly fuel: bigint;
  /** Bytes of all linear memories at the end, which never shrink, and at most what structs, arrays and exceptions hold. */
  readonly memoryBytes: number;
  readonly wallMs: number;
  readonly outputBytes: number;
}

/** The closed list of abnormal ends, in Wasmtime's words. */
export type TrapKind =
  | 'unreachable'
  | 'memory-out-of-bounds'
  | 'table-out-of-bounds'
  | 'array-out-of-bounds'
  | 'indirect-call-null'
  | 'indirect-call-type-mismatch'
  | 'integer-overflow'
  | 'integer-divide-by-zero'
  | 'bad-conversion-to-integer'
  | 'null-reference'
  | 'cast-failure'
  | 'stack-overflow'
  | 'allocation-too-large'
  | 'uncaught-exception'
  | 'cannot-block'
  | 'canonical-abi'
  | 'host-fault'
  | 'unknown';

/**
 * How an invocation ended, as a value: a guest's failure is never an exception.
 * - `ok`: returned; `value` is what the export returned (undefined for none)
 * - `error`: the guest said it failed: an `err` result, or an exit code other than 0
 * - `trap`: abnormal end; the instance is gone
 * - `limit`: a limit was reached; `used` and `max` in the limit's own unit
 * - `cancelled`: the caller gave up
 * - `denied`: the guest could not go on without a grant it does not have
 */
export type Outcome<T = unknown> =
  | { readonly kind: 'ok'; readonly value: T; readonly usage: Usage }
  | { readonly kind: 'error'; readonly exitCode: number; readonly failure?: unknown; readonly usage: Usage }
  | {
      readonly kind: 'trap';
      readonly trap: TrapKind;
      readonly message: string;
      readonly stack?: string;
      readonly usage: Usage;
    }
  | {
      readonly kind: 'limit';
      readonly limit: LimitName;
      readonly max: bigint | number;
      readonly used: bigint | number;
      readonly usage: Usage;
    }
  | { readonly kind: 'cancelled'; readonly reason: string; readonly usage: Usage }
  | { readonly kind: 'denied'; readonly reason: string; readonly usage: Usage };

/** A failure as an agent returned it, in one line: `invalid: no such order`. */
export function describeFailure(failure: unknown): string {
  if (typeof failure === 'object' && failure !== null && 'tag' in failure) {
    const { tag, val } = failure as { tag: unknown; val?: unknown };
    return val === undefined ? String(tag) : `${tag}: ${describeFailure(val)}`;
  }
  return typeof failure === 'string'
    ? failure
    : JSON.stringify(failure, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
}
