import { STATUS_CODES } from 'node:http';
import { basename, isAbsolute } from 'node:path';
import { HostError, type HostErrorClass, type HostErrorCode } from '../errors.ts';

/** What went wrong at the front door itself or in an agent; what the host throws keeps its own code. */
export type ProblemCode =
  | HostErrorCode
  | 'agent-cancelled'
  | 'agent-denied'
  | 'agent-error'
  | 'agent-limit'
  | 'agent-not-held'
  | 'agent-trap'
  | 'audit-off'
  | 'body-too-large'
  | 'closing'
  | 'dead-letter-unknown'
  | 'proof-unknown'
  | 'expectation-failed'
  | 'forbidden'
  | 'header-fields-too-large'
  | 'host-foreign'
  | 'internal'
  | 'keys-none'
  | 'malformed-request'
  | 'media-type-unsupported'
  | 'method-not-allowed'
  | 'origin-foreign'
  | 'person-unknown'
  | 'overloaded'
  | 'rate-limited'
  | 'request-timeout'
  | 'route-unknown'
  | 'tie-unknown'
  | 'unauthorized'
  | 'value-invalid'
  | 'wants-more';

export interface ProblemOptions {
  /** Members beside the standard ones; they never replace those. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** Becomes `retry-after`, in whole seconds, at least 1. */
  readonly retryAfterMs?: number | undefined;
  /** Name, value, name, value, … */
  readonly headers?: readonly string[];
}

/** A refusal as RFC 9457 has it; a value, so that a flood of them costs no stack traces. */
export class Problem {
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  readonly options: ProblemOptions;

  constructor(status: number, code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.options = options;
  }
}

export const problemContentType = 'application/problem+json';

/** The document of one problem. */
export function problemText(problem: Problem, requestId: string): string {
  const { status, code, detail, options } = problem;
  return jsonText({
    ...options.data,
    type: `urn:motehost:error:${code}`,
    title: STATUS_CODES[status] ?? (status === 499 ? 'Client Closed Request' : 'Error'),
    status,
    detail,
    code,
    requestId,
  });
}

const statusOfClass: Readonly<Record<HostErrorClass, number>> = {
  usage: 400,
  'not-found': 404,
  'bad-input': 422,
  denied: 403,
  unavailable: 503,
};

const statusOfCode: { readonly [code in HostErrorCode]?: number } = {
  HOST_ERR_AGENT_DUPLICATE: 409,
  HOST_ERR_LIFECYCLE_ILLEGAL: 409,
  HOST_ERR_MESSAGE_TOO_LARGE: 413,
  HOST_ERR_RATE_LIMITED: 429,
};

const retryAfterMsDefault = 1000;

/** A problem out of what was thrown; undefined when it is no refusal but a fault of ours. */
export function problemOf(error: unknown): Problem | undefined {
  if (!(error instanceof HostError)) return undefined;
  const status = statusOfCode[error.code] ?? statusOfClass[error.class];
  const waits = status === 503 || status === 429;
  const { detail, data } = withoutFolders(error);
  return new Problem(status, error.code, detail, {
    data,
    retryAfterMs: waits ? retryAfterMsDefault : undefined,
  });
}

/** Where the host's files lie is no business of whoever calls it: a path is told by its last name. The log has it whole. */
function withoutFolders({ message, data }: HostError): {
  readonly detail: string;
  readonly data: HostError['data'];
} {
  const { path } = data;
  if (typeof path !== 'string' || !isAbsolute(path)) return { detail: message, data };
  const name = basename(path);
  return { detail: message.replaceAll(path, name), data: { ...data, path: name } };
}

/** JSON; integers too large for a double are written with all their digits. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, exactly);
}

function exactly(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? rawJson(value.toString()) : value;
}

/** `JSON.rawJSON`, which the type library does not know yet. */
const rawJson = (JSON as { rawJSON?: (text: string) => unknown }).rawJSON ?? Number;
