import { kinds } from '../audit/kinds.ts';
import type { KeyOwner } from '../identity/host-secret.ts';
import type { RevocationReason } from '../identity/key-statement.ts';
import type { Trust } from './trust.ts';

/** An own key has a next generation: the chain goes over to the host's, and an agent's is an entry on it. */
export async function recordRotation({ keyring, audit, pen }: Trust, owner: KeyOwner): Promise<void> {
  const key = keyring.key(owner);
  const generation = keyring.generation(owner);
  if (owner === 'host') await audit?.rotateKey(key.privateKey, generation);
  else pen?.append(kinds.keyRotated, '', 'local', keyring.party(owner), key.publicKey, generation);
}

/** An own key is not to be trusted any more. */
export async function recordRevocation(
  { keyring, audit, pen }: Trust,
  owner: KeyOwner,
  publicKey: Uint8Array,
  reason: RevocationReason,
): Promise<void> {
  if (owner === 'host') await audit?.revokeKey(publicKey, reason);
  else pen?.append(kinds.keyRevoked, '', 'local', keyring.party(owner), publicKey, reason);
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
): void {
  pen?.append(kinds.keyRevoked, '', 'local', '', publicKey, reason);
}
