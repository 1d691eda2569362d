import type { RevocationReason } from '../../identity/key-statement.ts';

export type { RevocationReason } from '../../identity/key-statement.ts';

/** The key that the host or one of its agents signs with now. */
export interface OwnKey {
  /** What peers call its owner: `alpha`, `alpha/billing`. */
  readonly party: string;
  /** `ed25519:…` */
  readonly key: string;
  /** From 1. */
  readonly generation: number;
  /** The host's word for it, to hand to peers (docs/identity.md): base64url. */
  readonly introduction: string;
}

export interface PinnedKey {
  readonly party: string;
  readonly key: string;
  readonly generation: number;
  /** Whether it was the first it showed, or somebody pinned it by hand, or its host introduced it. */
  readonly by: string;
}

export interface RevokedKey {
  /** Empty: somebody else's. */
  readonly party: string;
  readonly key: string;
  readonly reason: RevocationReason;
  /** Milliseconds since 1970; undefined: as long as it has been. */
  readonly fromMs: number | undefined;
}

/** Whose keys a host knows. Agents whose key is the first one are not listed: `show` has theirs. */
export interface KnownKeys {
  readonly keys: readonly OwnKey[];
  readonly pinned: readonly PinnedKey[];
  readonly revoked: readonly RevokedKey[];
}

/** The key after a change, and the statement that peers follow: signed by the old key and by the new one. */
export interface KeyRotated extends OwnKey {
  /** Base64url; undefined: the key that signs is the same. */
  readonly rotation: string | undefined;
}

export interface KeyRevoked extends KeyRotated {
  readonly revokedKey: string;
  /** All that the host revoked, signed by it, for peers: base64url. */
  readonly revocations: string;
}

export interface Revocation {
  readonly reason: RevocationReason;
  /** Default: the one that signs now; then the next one does. */
  readonly generation?: number;
}

/** The keys of a host that serves. Owners are `host`, or agents by name. */
export interface ServingKeys {
  list(): KnownKeys;
  /** @throws HostError `HOST_ERR_VALUE_INVALID` for what is no owner */
  show(owner: string): OwnKey;
  /** The next generation signs from now on, in every thread, and is on the chain. @throws as `show`; `HOST_ERR_STATE_UNWRITABLE` */
  rotate(owner: string, by: string): Promise<KeyRotated>;
  /** @throws as `rotate`; `HOST_ERR_VALUE_INVALID` for a generation there was not */
  revoke(owner: string, asked: Revocation, by: string): Promise<KeyRevoked>;
  /** Somebody else's key counts for nothing any more. @throws as `rotate` */
  revokeForeign(key: string, reason: RevocationReason, by: string): Promise<void>;
}
