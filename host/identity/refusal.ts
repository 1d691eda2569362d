import { HostError } from '../errors.ts';

/**
 * Why something another party made is not accepted:
 * - `malformed`: not the form it claims to be; nothing of it was believed
 * - `unauthentic`: its seal or signature does not fit: changed on the way, or made by somebody else
 * - `replayed`: it was here before; `stale`: too far behind for that to be known
 * - `future`, `expired`: its time has not come, or is over
 * - `sender`, `recipient`: it names a party that is not the one the key belongs to
 * - `session-unknown`, `epoch`: for keys this side does not have
 * - `key-unknown`, `key-substituted`, `key-revoked`: signed, by a key that is not trusted
 */
export type RefusalReason =
  | 'malformed'
  | 'unauthentic'
  | 'replayed'
  | 'stale'
  | 'future'
  | 'expired'
  | 'sender'
  | 'recipient'
  | 'session-unknown'
  | 'epoch'
  | 'key-unknown'
  | 'key-substituted'
  | 'key-revoked';

/** What becomes of forged, damaged or untimely input: a value, because it arrives as often as its maker likes. */
export interface Refused {
  readonly kind: 'refused';
  readonly why: RefusalReason;
  /** What was expected and what was there; holds no secret and no payload. */
  readonly detail: string;
}

export function refused(why: RefusalReason, detail: string): Refused {
  return { kind: 'refused', why, detail };
}

/** The refusal as an error, for a caller that asked for `what` and cannot go on without it. */
export function refusalError(refusal: Refused, what: string): HostError {
  return new HostError('HOST_ERR_IDENTITY_UNTRUSTED', `${what}: ${refusal.detail} (${refusal.why})`, {
    why: refusal.why,
  });
}
