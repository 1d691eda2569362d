import { type Guest, Resource } from './guest.ts';

/** Which package can read more out of an error, and what it reads. */
export type FailureDetail =
  | { readonly of: 'filesystem'; readonly code: string }
  | { readonly of: 'network'; readonly code: string }
  | { readonly of: 'http'; readonly code: { readonly tag: string; readonly val?: unknown } };

/** Why a stream failed, inside the host. */
export class Failure {
  readonly message: string;
  readonly detail: FailureDetail | undefined;

  constructor(message: string, detail?: FailureDetail) {
    this.message = message;
    this.detail = detail;
  }
}

/** Resource `wasi:io/error.error`. */
export class IoError extends Resource {
  readonly #failure: Failure;

  constructor(guest: Guest, failure: Failure) {
    const held = guest.held.open();
    held.resize(failure.message.length);
    super(guest, () => held.empty());
    this.#failure = failure;
  }

  toDebugString(): string {
    return this.#failure.message;
  }

  /** What `filesystem-error-code`, `network-error-code` and `http-error-code` look at. */
  static detailOf(error: IoError): FailureDetail | undefined {
    return error.#failure.detail;
  }
}
