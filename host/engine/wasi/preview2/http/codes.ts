import { Failure } from '../error.ts';
import { systemCode } from '../reach.ts';

/** Variant `wasi:http/types.error-code`. */
export interface ErrorCode {
  readonly tag: string;
  readonly val?: unknown;
}

/** An `error-code` on its way through Node's callbacks. */
export class HttpFault extends Error {
  override readonly name = 'HttpFault';
  readonly code: ErrorCode;
  constructor(code: ErrorCode) {
    super(code.tag);
    this.code = code;
  }
}

const tags: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-terminated',
  ECONNABORTED: 'connection-terminated',
  EPIPE: 'connection-terminated',
  ERR_STREAM_PREMATURE_CLOSE: 'connection-terminated',
  ERR_STREAM_DESTROYED: 'connection-terminated',
  ETIMEDOUT: 'connection-timeout',
  EHOSTUNREACH: 'destination-IP-unroutable',
  ENETUNREACH: 'destination-IP-unroutable',
  EHOSTDOWN: 'destination-unavailable',
  ENETDOWN: 'destination-unavailable',
  EADDRNOTAVAIL: 'destination-unavailable',
  EACCES: 'destination-IP-prohibited',
  EPERM: 'destination-IP-prohibited',
  EAI_AGAIN: 'DNS-timeout',
  EMFILE: 'connection-limit-reached',
  ENFILE: 'connection-limit-reached',
  EPROTO: 'TLS-protocol-error',
  CERT_HAS_EXPIRED: 'TLS-certificate-error',
  CERT_NOT_YET_VALID: 'TLS-certificate-error',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'TLS-certificate-error',
  SELF_SIGNED_CERT_IN_CHAIN: 'TLS-certificate-error',
  UNABLE_TO_GET_ISSUER_CERT: 'TLS-certificate-error',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'TLS-certificate-error',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'TLS-certificate-error',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS-certificate-error',
};

const byPrefix: readonly (readonly [prefix: string, tag: string])[] = [
  ['HPE_', 'HTTP-protocol-error'],
  ['CERT_', 'TLS-certificate-error'],
  ['ERR_SSL_', 'TLS-protocol-error'],
  ['ERR_TLS_', 'TLS-protocol-error'],
];

/** The `error-code` for what Node reported. */
export function httpCode(cause: unknown): ErrorCode {
  if (cause instanceof HttpFault) return cause.code;
  const code = systemCode(cause) ?? '';
  if (code === 'HPE_HEADER_OVERFLOW') return { tag: 'HTTP-response-header-section-size', val: undefined };
  if (code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EAI_FAIL')
    return { tag: 'DNS-error', val: { rcode: code, infoCode: undefined } };
  const tag = tags[code] ?? byPrefix.find(([prefix]) => code.startsWith(prefix))?.[1];
  return tag === undefined ? { tag: 'internal-error', val: code === '' ? undefined : code } : { tag };
}

/** The same as a stream's failure, which `http-error-code` reads. */
export function httpFailure(cause: unknown): Failure {
  const code = httpCode(cause);
  return new Failure(code.tag, { of: 'http', code });
}
