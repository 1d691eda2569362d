import type { Random } from '../../host/clock.ts';
import { systemRandom } from '../../host/clock.ts';
import { type HandshakeOptions, Initiator, Responder } from '../../host/identity/handshake.ts';
import type { EnvelopeHeader } from '../../host/identity/header.ts';
import { HostSecret } from '../../host/identity/host-secret.ts';
import { Keyring } from '../../host/identity/keyring.ts';
import type { Session } from '../../host/identity/session.ts';
import { memoryStore } from '../../host/identity/signed-text.ts';
import { TrustedKeys } from '../../host/identity/trusted-keys.ts';
import { HandClock } from '../support/hand-clock.ts';

/** One host as identity knows it. */
export interface Party {
  readonly name: string;
  readonly secret: HostSecret;
  readonly keyring: Keyring;
  readonly trusted: TrustedKeys;
  readonly clock: HandClock;
}

export interface PartyOptions {
  readonly clock?: HandClock;
  readonly pinsFirst?: boolean;
  /** Fills the secret with it; else random. */
  readonly secretByte?: number;
}

export function party(name: string, options: PartyOptions = {}): Party {
  const { clock = new HandClock(), pinsFirst = true, secretByte } = options;
  const bytes = new Uint8Array(32);
  const secret = new HostSecret(secretByte === undefined ? systemRandom.fill(bytes) : bytes.fill(secretByte));
  const keyring = new Keyring({ secret, store: memoryStore(), clock, name });
  const trusted = new TrustedKeys({ store: memoryStore(), clock, signer: secret.fileKey(), pinsFirst });
  return { name, secret, keyring, trusted, clock };
}

export function nowMs(clock: HandClock): number {
  return Number(clock.wallNs() / 1_000_000n);
}

export function handshakeOf(one: Party, random: Random = systemRandom): HandshakeOptions {
  return {
    self: one.name,
    signer: one.keyring.host,
    clock: one.clock,
    random,
    trust: (name, key, atMs) => one.trusted.check(name, key, atMs),
  };
}

/** Both ends of a session, the first one's first. */
export function meet(one: Party, other: Party, random?: Random): readonly [Session, Session] {
  const initiator = new Initiator(handshakeOf(one, random), other.name);
  const answered = new Responder(handshakeOf(other, random)).answer(initiator.hello);
  if (answered.kind === 'refused') throw new Error(answered.detail);
  const accepted = initiator.accept(answered.welcome);
  if (accepted.kind === 'refused') throw new Error(accepted.detail);
  const finished = answered.pending.finish(accepted.finish);
  if (finished.kind === 'refused') throw new Error(finished.detail);
  return [accepted.session, finished.session];
}

/** `alpha` and `beta`, with one clock. */
export function pair(): {
  readonly alpha: Party;
  readonly beta: Party;
  readonly clock: HandClock;
} {
  const clock = new HandClock();
  return { alpha: party('alpha', { clock }), beta: party('beta', { clock }), clock };
}

export function headerOf(clock: HandClock, changes: Partial<EnvelopeHeader> = {}): EnvelopeHeader {
  return {
    id: 'message-1',
    sender: 'alpha/billing',
    recipient: 'beta/audit',
    subject: 'agent.audit',
    kind: 'send',
    contentType: 'application/json',
    replyTo: '_inbox.1',
    sentAtMs: nowMs(clock),
    ttlMs: 30_000,
    sequence: 1,
    trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    keyGeneration: 1,
    ...changes,
  };
}

export const payload: Uint8Array = Buffer.from('{"amount": 12}');

/** A copy with one bit another. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
