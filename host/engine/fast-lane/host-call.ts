import { type HostFunction, WitError } from '../linker.ts';

/**
 * Calls a host function: what it gives as the import's type says, or a promise of that. A `WitError` becomes the
 * `err` of a `result`; anything else it throws is a fault.
 */
export function askHost(call: HostFunction, args: readonly unknown[], fallible: boolean): unknown {
  if (!fallible) return callWith(call, args);
  try {
    const value = callWith(call, args);
    return isPromise(value) ? settling(value) : { tag: 'ok', val: value };
  } catch (error) {
    return toErr(error);
  }
}

/** As `call(...args)`, which costs more than all the rest of a short call. */
function callWith(call: HostFunction, args: readonly unknown[]): unknown {
  switch (args.length) {
    case 0:
      return call();
    case 1:
      return call(args[0]);
    case 2:
      return call(args[0], args[1]);
    case 3:
      return call(args[0], args[1], args[2]);
    default:
      return call(...args);
  }
}

/** The promise's own `cancel` stays within reach. */
function settling(value: Promise<unknown>): Promise<unknown> {
  const settled = value.then(toOk, toErr);
  const cancel = cancelOf(value);
  return cancel === undefined ? settled : Object.assign(settled, { cancel });
}

/** How to tell a host function that nobody waits for its promise any more, if it wants to know. */
export function cancelOf(value: Promise<unknown>): (() => void) | undefined {
  const { cancel } = value as { cancel?: unknown };
  return typeof cancel === 'function' ? () => cancel.call(value) : undefined;
}

export function isPromise(value: unknown): value is Promise<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

const toOk = (val: unknown): unknown => ({ tag: 'ok', val });

/** Only a `WitError` is the guest's business; anything else is a fault of the host function. */
function toErr(error: unknown): unknown {
  if (error instanceof WitError) return { tag: 'err', val: error.payload };
  throw error;
}
