import { systemClock } from '../host/clock.ts';
import type { EnvelopeHeader } from '../host/identity/header.ts';
import type { HostSecret } from '../host/identity/host-secret.ts';
import { decodeSigned, encodeSigned } from '../host/identity/message-signature.ts';

/** What the other thread of the bench does. */
export interface IdentityRole {
  readonly kind: 'sealed' | 'framed' | 'signed' | 'both-ways';
  readonly ring: SharedArrayBuffer;
  readonly secret: Uint8Array;
}

export const messagePayload: Uint8Array = new Uint8Array(1024).fill(7);

/** A header as the bus would make it; only its number changes. */
export function messageHeader(sequence: number): EnvelopeHeader {
  return {
    id: '01JD3Y0V8ZQ9T5E1',
    sender: 'alpha/billing',
    recipient: 'alpha/audit',
    subject: 'agent.audit',
    kind: 'send',
    contentType: 'application/json',
    replyTo: '',
    sentAtMs: Number(systemClock.wallNs() / 1_000_000n),
    ttlMs: 3_600_000,
    sequence,
    trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    keyGeneration: 1,
  };
}

/** Messages under one seal: what an agent sends in one turn. */
export const frameMessages = 16;

/** Signs a message and verifies one, as often: a thread of a pair that talks both ways. */
export function signedBothWays(secret: HostSecret, messages: number): void {
  const signer = secret.signingKey('agent/billing', 1);
  for (let sequence = 1; sequence <= messages; sequence++) {
    const bytes = encodeSigned(messageHeader(sequence), messagePayload, signer);
    if (decodeSigned(bytes).kind !== 'message') throw new Error('a signature does not fit');
  }
}
