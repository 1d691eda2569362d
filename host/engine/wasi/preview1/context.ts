import type { Budget } from '../../budget.ts';
import type { WasiGrants } from '../grants.ts';
import type { FdTable } from './fd-table.ts';
import type { GuestMemory } from './guest-memory.ts';

/** The two published forms of preview1; the older differs in four layouts. */
export type Snapshot = 'wasi_snapshot_preview1' | 'wasi_unstable';

/** What every preview1 function works on. */
export interface Context {
  readonly snapshot: Snapshot;
  readonly grants: WasiGrants;
  readonly budget: Budget;
  readonly fds: FdTable;
  readonly memory: GuestMemory;
}

/**
 * One preview1 function over its raw wasm arguments. Throws `Refusal` or `FileError` for an errno; returning
 * nothing, or a promise of nothing, is success.
 */
// biome-ignore lint/suspicious/noExplicitAny: each function takes the numbers and bigints of its own wasm signature
export type Call = (context: Context, ...args: any[]) => void | Promise<void>;

/** Goes on with a value at once when it is there, later when it is a promise. */
export function after<T>(
  soon: T | Promise<T>,
  act: (value: T) => void | Promise<void>,
): void | Promise<void> {
  if (soon instanceof Promise) return soon.then(act);
  return act(soon);
}
