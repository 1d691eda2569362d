import { kinds } from '../../audit/kinds.ts';
import type { KeyOwner } from '../../identity/host-secret.ts';
import type { RevocationReason } from '../../identity/key-statement.ts';
import { recordKeyring } from '../trust/keyring-mark.ts';
import type { Trust } from '../trust/trust.ts';

/** `by` is a token's name or `local`. An own key has a next generation: the chain goes over to the host's, and an agent's is an entry on it. */
export async function recordRotation(trust: Trust, owner: KeyOwner, by: string): Promise<void> {
  const { keyring, audit, pen } = trust;
  const key = keyring.key(owner);
  const generation = keyring.generation(owner);
  if (owner === 'host') await audit?.rotateKey(key.privateKey, generation);
  else pen?.append(kinds.keyRotated, '', by, keyring.party(owner), key.publicKey, generation);
  await recordKeyring(trust);
}

/** An own key is not to be trusted any more. */
export async function recordRevocation(
  trust: Trust,
  owner: KeyOwner,
  publicKey: Uint8Array,
  reason: RevocationReason,
  by: string,
): Promise<void> {
  const { keyring, audit, pen } = trust;
  if (owner === 'host') await audit?.revokeKey(publicKey, reason);
  else pen?.append(kinds.keyRevoked, '', by, keyring.party(owner), publicKey, reason);
  await recordKeyring(trust);
}

/** An operator pinned somebody else's key. */
export function recordPin({ pen }: Trust, party: string, publicKey: Uint8Array): void {
  pen?.append(kinds.keyRotated, '', 'local', party, publicKey, 1);
}

/** Somebody else's key counts for nothing any more. */
export function recordForeignRevocation(
  { pen }: Trust,
  publicKey: Uint8Array,
  reason: RevocationReason,
  by: string,
): void {
  pen?.append(kinds.keyRevoked, '', by, '', publicKey, reason);
}
