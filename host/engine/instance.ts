import type { Budget } from './budget.ts';

/**
 * One live run of a component or core module: the port every lane implements.
 * An instance does one call at a time; a call that arrives meanwhile is refused with
 * `HOST_ERR_INSTANCE_BUSY` (the agent's mailbox queues, not the instance). After a trap every call is
 * refused with `HOST_ERR_INSTANCE_CLOSED`.
 */
export interface Instance {
  readonly budget: Budget;
  /** Whether `name` can be called: `handle`, `wasi:cli/run@0.2.6#run`. */
  has(name: string): boolean;
  /**
   * Calls an export with WIT values in jco's conventions (see `linker.ts`). A WIT `result` comes back as
   * `{tag: 'ok' | 'err', val}`; it is never thrown.
   * @throws Trap when the guest ended abnormally (read `budget.cause` first: it overrides the trap)
   * @throws HostError for an unknown export or arguments of the wrong type
   */
  call(name: string, args: readonly unknown[]): Promise<unknown>;
  /** Drops the instance; settles nothing: no call may be under way. */
  dispose(): void;
}
