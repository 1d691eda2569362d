/** The rooms that may raise a `HostError`; the second part of every code. */
const codes = {
  HOST_ERR_CLI_USAGE: 'usage',
  HOST_ERR_CONFIG_INVALID: 'usage',
  HOST_ERR_FILE_NOT_FOUND: 'not-found',
  HOST_ERR_FILE_UNREADABLE: 'not-found',
  HOST_ERR_NOT_WASM: 'bad-input',
  HOST_ERR_MODULE_MALFORMED: 'bad-input',
  HOST_ERR_MODULE_UNSUPPORTED: 'bad-input',
  HOST_ERR_COMPONENT_MALFORMED: 'bad-input',
  HOST_ERR_COMPONENT_UNSUPPORTED: 'bad-input',
  HOST_ERR_LINK_MISSING_IMPORT: 'bad-input',
  HOST_ERR_LINK_TYPE_MISMATCH: 'bad-input',
  HOST_ERR_WORLD_MISMATCH: 'bad-input',
  HOST_ERR_EXPORT_UNKNOWN: 'usage',
  HOST_ERR_VALUE_INVALID: 'usage',
  HOST_ERR_LIMIT_INVALID: 'usage',
  HOST_ERR_LIMIT_TOO_SMALL: 'bad-input',
  HOST_ERR_GRANT_INVALID: 'usage',
  HOST_ERR_BUILD_FAILED: 'bad-input',
  HOST_ERR_WIT_INVALID: 'bad-input',
  HOST_ERR_TOOL_MISSING: 'unavailable',
  HOST_ERR_RUNTIME_TOO_OLD: 'unavailable',
  HOST_ERR_CACHE_UNSAFE: 'unavailable',
  HOST_ERR_INSTANCE_BUSY: 'unavailable',
  HOST_ERR_INSTANCE_CLOSED: 'unavailable',
  HOST_ERR_AGENT_UNKNOWN: 'not-found',
  HOST_ERR_AGENT_STOPPED: 'unavailable',
  HOST_ERR_AGENT_DUPLICATE: 'usage',
  HOST_ERR_LIFECYCLE_ILLEGAL: 'unavailable',
  HOST_ERR_LIFECYCLE_BUSY: 'unavailable',
  HOST_ERR_SUBJECT_INVALID: 'usage',
  HOST_ERR_MAILBOX_FULL: 'unavailable',
  HOST_ERR_MESSAGE_TOO_LARGE: 'usage',
  HOST_ERR_NO_RESPONDERS: 'unavailable',
  HOST_ERR_DEADLINE_TOO_SOON: 'unavailable',
  HOST_ERR_CIRCUIT_OPEN: 'unavailable',
  HOST_ERR_RATE_LIMITED: 'unavailable',
  HOST_ERR_CAPABILITY_DENIED: 'denied',
  HOST_ERR_CAPABILITY_DEPTH: 'denied',
  HOST_ERR_TIER_UNAVAILABLE: 'unavailable',
  HOST_ERR_BUDGET_EXHAUSTED: 'unavailable',
  HOST_ERR_THREAD_LOST: 'unavailable',
  HOST_ERR_SITE_BUSY: 'unavailable',
  HOST_ERR_SNAPSHOT_CORRUPT: 'unavailable',
  HOST_ERR_SNAPSHOT_MISMATCH: 'unavailable',
  HOST_ERR_STATE_LOCKED: 'unavailable',
  HOST_ERR_STATE_UNWRITABLE: 'unavailable',
  HOST_ERR_JOURNAL_CORRUPT: 'unavailable',
  HOST_ERR_HISTORY_CORRUPT: 'unavailable',
  HOST_ERR_HISTORY_SEALED: 'denied',
  HOST_ERR_HISTORY_UNKNOWN: 'not-found',
  HOST_ERR_SECRET_UNKNOWN: 'not-found',
  HOST_ERR_IDENTITY_UNSAFE: 'denied',
  HOST_ERR_IDENTITY_CORRUPT: 'unavailable',
  HOST_ERR_IDENTITY_PASSPHRASE: 'denied',
  HOST_ERR_IDENTITY_UNTRUSTED: 'denied',
  HOST_ERR_TOKEN_INVALID: 'denied',
  HOST_ERR_TOKEN_UNKNOWN: 'not-found',
  HOST_ERR_RIGHT_INVALID: 'usage',
  HOST_ERR_LISTEN_FAILED: 'unavailable',
  HOST_ERR_SERVER_UNREACHABLE: 'unavailable',
  HOST_ERR_POLICY_INVALID: 'bad-input',
  HOST_ERR_POLICY_APPROVAL_UNKNOWN: 'not-found',
  HOST_ERR_POLICY_APPROVAL_LOST: 'not-found',
  HOST_ERR_POLICY_LIMIT: 'unavailable',
  HOST_ERR_POLICY_DENIED: 'denied',
  HOST_ERR_AUDIT_CORRUPT: 'unavailable',
  HOST_ERR_AUDIT_FULL: 'unavailable',
  HOST_ERR_AUDIT_UNWRITABLE: 'unavailable',
  HOST_ERR_AUDIT_UNKNOWN: 'not-found',
  HOST_ERR_AUDIT_INVALID: 'bad-input',
  HOST_ERR_METRICS_EXPORT: 'unavailable',
  HOST_ERR_METRICS_CONFIG: 'usage',
  HOST_ERR_METRICS_IO: 'unavailable',
  HOST_ERR_METRICS_SERIALIZATION: 'bad-input',
  HOST_ERR_METRICS_SHUTDOWN: 'unavailable',
  HOST_ERR_SUPERVISOR_START: 'unavailable',
  HOST_ERR_SUPERVISOR_UNKNOWN: 'not-found',
} as const;

/** What went wrong, by a name that stays. */
export type HostErrorCode = keyof typeof codes;

/** Messages that show a place in a source keep their lines. */
const codesOfManyLines: ReadonlySet<HostErrorCode> = new Set([
  'HOST_ERR_BUILD_FAILED',
  'HOST_ERR_WIT_INVALID',
  'HOST_ERR_POLICY_INVALID',
]);

/** What kind of answer a door (CLI exit code, HTTP status) gives for a code. */
export type HostErrorClass = (typeof codes)[HostErrorCode];

/** A failure as it crosses a thread: an `Error` subclass loses its class and code in `postMessage`. */
export interface WireError {
  readonly code: HostErrorCode;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * The caller or the world failed: a code that is never reused, a message that says the cure, and the
 * offending values as data. A guest's failure is an `Outcome` instead; our own mistake is an `assert`.
 */
export class HostError extends Error {
  override readonly name = 'HostError';
  readonly code: HostErrorCode;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: HostErrorCode, message: string, data: Record<string, unknown> = {}, cause?: unknown) {
    super(
      plainText(bounded(message), codesOfManyLines.has(code)),
      cause === undefined ? undefined : { cause },
    );
    this.code = code;
    this.data = data;
  }

  get class(): HostErrorClass {
    return codes[this.code];
  }
}

/** Characters of a message; what it names may come out of a guest's file, which may hold megabytes of names. */
const messageCharsMax = 16_384;

function bounded(message: string): string {
  if (message.length <= messageCharsMax) return message;
  return `${message.slice(0, messageCharsMax)}… (${message.length - messageCharsMax} more characters)`;
}

/** Control characters, and those that turn the direction of what follows. */
const steering = /[\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

/**
 * Text with its control characters escaped: names out of a guest's file must not steer a terminal or forge
 * lines. Line ends stay where several lines are meant.
 */
export function plainText(text: string, hasLines = false): string {
  return text.replace(steering, (char) => {
    if (hasLines && char === '\n') return char;
    const code = char.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u{${code}}` : `\\x${code.padStart(2, '0')}`;
  });
}

export const errorCodes: readonly HostErrorCode[] = Object.keys(codes) as HostErrorCode[];

export function toWire(error: HostError): WireError {
  return { code: error.code, message: error.message, data: error.data };
}

export function fromWire(wire: WireError): HostError {
  return new HostError(wire.code, wire.message, { ...wire.data });
}
