/** The `err` of a call's `result`: `payload` is its value. */
export class CallError extends Error {
  constructor(call, payload) {
    super(`${call} failed: ${payloadText(payload)}`);
    this.payload = payload;
  }

  get name() {
    return 'CallError';
  }
}

function payloadText(payload) {
  if (typeof payload === 'string') return payload;
  if (typeof payload?.tag !== 'string') return 'see payload';
  return typeof payload.val === 'string' ? `${payload.tag}: ${payload.val}` : payload.tag;
}

/** Why a message was not dealt with: throw one, and whoever asked is told. */
export class Failure extends Error {
  constructor(tag, val) {
    super(typeof val === 'string' ? val : val.message);
    this.tag = tag;
    this.val = val;
  }

  get name() {
    return 'Failure';
  }

  static invalid(text) {
    return new Failure('invalid', text);
  }

  static denied(text) {
    return new Failure('denied', text);
  }

  static unsupported(text) {
    return new Failure('unsupported', text);
  }

  static unavailable(text) {
    return new Failure('unavailable', text);
  }

  static timedOut(text) {
    return new Failure('timed-out', text);
  }

  static custom(code, message, detail) {
    return new Failure('custom', { code, message, detail });
  }

  static other(text) {
    return new Failure('other', text);
  }
}
