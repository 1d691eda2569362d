import { Failure } from '../error.ts';
import { systemCode } from '../reach.ts';

/** `wasi:sockets/network.error-code` by the system's code. */
const codes: Readonly<Record<string, string>> = {
  EACCES: 'access-denied',
  EPERM: 'access-denied',
  EOPNOTSUPP: 'not-supported',
  EAFNOSUPPORT: 'not-supported',
  EINVAL: 'invalid-argument',
  ENOMEM: 'out-of-memory',
  ENOBUFS: 'out-of-memory',
  ETIMEDOUT: 'timeout',
  EADDRNOTAVAIL: 'address-not-bindable',
  EADDRINUSE: 'address-in-use',
  EHOSTUNREACH: 'remote-unreachable',
  EHOSTDOWN: 'remote-unreachable',
  ENETUNREACH: 'remote-unreachable',
  ENETDOWN: 'remote-unreachable',
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-reset',
  EPIPE: 'connection-reset',
  ECONNABORTED: 'connection-aborted',
  EMSGSIZE: 'datagram-too-large',
  EMFILE: 'new-socket-limit',
  ENFILE: 'new-socket-limit',
  ENOTFOUND: 'name-unresolvable',
  ENODATA: 'name-unresolvable',
  EAI_AGAIN: 'temporary-resolver-failure',
  EAI_FAIL: 'permanent-resolver-failure',
};

/** The `error-code` for what Node reported. */
export function networkCode(cause: unknown): string {
  return codes[systemCode(cause) ?? ''] ?? 'unknown';
}

/** The same as a stream's failure, which `network-error-code` reads. */
export function networkFailure(cause: unknown): Failure {
  const code = networkCode(cause);
  return new Failure(code, { of: 'network', code });
}
