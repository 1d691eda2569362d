import { WitError } from '../../../linker.ts';
import type { Failure } from '../../preview2/error.ts';
import { systemCode } from '../../preview2/reach.ts';
import { networkCode } from '../../preview2/sockets/codes.ts';

/** Variant `wasi:sockets/types.error-code`, and that of `ip-name-lookup`. */
export interface SocketCode {
  readonly tag: string;
  readonly val?: string | undefined;
}

/** The codes of WASI 0.2 that are none any more. */
const others: Readonly<Record<string, SocketCode>> = {
  unknown: { tag: 'other', val: undefined },
  'new-socket-limit': { tag: 'other', val: 'too many open files and sockets' },
};

/** An `error-code` of WASI 0.2 as one of 0.3. */
export function socketCode(code: string): SocketCode {
  return others[code] ?? { tag: code };
}

/** The `error-code` for what Node reported. */
export function systemSocketCode(cause: unknown): SocketCode {
  return systemCode(cause) === 'EPIPE' ? { tag: 'connection-broken' } : socketCode(networkCode(cause));
}

/** The same for a stream that failed; undefined: it takes nothing any more. */
export function streamCode(failure: Failure | undefined): SocketCode {
  if (failure === undefined) return { tag: 'connection-broken' };
  return failure.detail?.of === 'network' ? socketCode(failure.detail.code) : socketCode('unknown');
}

/** Runs what fails with the `error-code`s of WASI 0.2, and makes them those of 0.3. */
export function coded<T>(act: () => T): T {
  try {
    return act();
  } catch (thrown) {
    if (thrown instanceof WitError && typeof thrown.payload === 'string')
      throw new WitError(socketCode(thrown.payload));
    throw thrown;
  }
}

/** @throws WitError always */
export function refuse(code: string | SocketCode): never {
  throw new WitError(typeof code === 'string' ? socketCode(code) : code);
}
