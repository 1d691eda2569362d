import type { Clock, Random } from '../clock.ts';
import { type HandshakeOptions, Initiator, type Pending, purposeOf, Responder } from './handshake.ts';
import type { EnvelopeHeader } from './header.ts';
import type { Keyring } from './keyring.ts';
import { type Refused, refused } from './refusal.ts';
import type { FrameMessage } from './sealed-frame.ts';
import type { Opened, OpenedFrame, Session } from './session.ts';
import type { TrustedKeys } from './trusted-keys.ts';

/** What a host’s sealed ways to others are made with. */
export interface PeerSessionsOptions {
  readonly keyring: Keyring;
  readonly trusted: TrustedKeys;
  readonly clock: Clock;
  readonly random: Random;
  /** Peers with a session; the one that began first has to begin anew. Default 4,096. */
  readonly peersMax?: number;
  /** Handshakes under way, of either side; the oldest is given up. Default 256. */
  readonly pendingMax?: number;
}

/** What became of one step of a handshake: what to send to the peer, and whether there is a session with it now. */
export interface Step {
  readonly kind: 'step';
  readonly peer: string;
  readonly reply: Uint8Array | undefined;
  readonly isReady: boolean;
}

interface Met {
  readonly session: Session;
  /** Of the trusted keys, when the peer's was last looked at. */
  changes: number;
}

const peersMax = 4096;
const pendingMax = 256;
/** How long the other side may take for its next step. */
const pendingMsMax = 30_000;

interface Begun<Half> {
  readonly half: Half;
  readonly peer: string;
  readonly atMs: number;
}

/**
 * A host's sealed ways to other hosts: handshakes by X25519 shares that both sign with their host keys, then messages.
 * It knows no network: whoever carries bytes asks `call`, hands over what comes to `take`, and sends what that replies.
 * Ways are named by peer; a later session takes the place of the one before. A peer whose key is revoked or replaced
 * has no session any more from that moment on.
 */
export class PeerSessions {
  readonly #options: PeerSessionsOptions;
  /** The oldest first. */
  readonly #met = new Map<string, Met>();
  readonly #called = new Map<string, Begun<Initiator>>();
  /** Of those that called, by the session's transcript: a second call takes nothing from the first. */
  #answered: Begun<Pending>[] = [];

  constructor(options: PeerSessionsOptions) {
    this.#options = options;
  }

  /** Begins a session with a peer: the bytes are for it. One that is there goes on until this is there. */
  call(peer: string): Uint8Array {
    const half = new Initiator(this.#handshake(), peer);
    this.#called.delete(peer);
    for (const oldest of this.#called.keys()) {
      if (this.#called.size < (this.#options.pendingMax ?? pendingMax)) break;
      this.#called.delete(oldest);
    }
    this.#called.set(peer, { half, peer, atMs: this.#nowMs() });
    return half.hello;
  }

  /** Takes what a peer, or whoever says to be one, sent for a handshake. */
  take(from: string, bytes: Uint8Array): Step | Refused {
    switch (purposeOf(bytes)) {
      case 'hello':
        return this.#answer(from, bytes);
      case 'welcome':
        return this.#accept(from, bytes);
      default:
        return this.#finish(from, bytes);
    }
  }

  #answer(from: string, hello: Uint8Array): Step | Refused {
    const answered = new Responder(this.#handshake()).answer(hello);
    if (answered.kind === 'refused') return answered;
    const { welcome, pending } = answered;
    if (pending.peer !== from) return refused('sender', `${from} sent a handshake of ${pending.peer}`);
    const nowMs = this.#nowMs();
    const more = this.#answered.filter(({ atMs }) => nowMs - atMs <= pendingMsMax);
    this.#answered = [...more, { half: pending, peer: from, atMs: nowMs }].slice(
      -(this.#options.pendingMax ?? pendingMax),
    );
    return { kind: 'step', peer: from, reply: welcome, isReady: false };
  }

  #accept(from: string, welcome: Uint8Array): Step | Refused {
    const begun = this.#called.get(from);
    if (begun === undefined || this.#nowMs() - begun.atMs > pendingMsMax)
      return refused('session-unknown', `${from} answers a handshake that was not begun, or long ago`);
    const accepted = begun.half.accept(welcome);
    if (accepted.kind === 'refused') return accepted;
    this.#called.delete(from);
    this.#keep(from, accepted.session);
    return { kind: 'step', peer: from, reply: accepted.finish, isReady: true };
  }

  #finish(from: string, finish: Uint8Array): Step | Refused {
    const nowMs = this.#nowMs();
    let why = refused('session-unknown', `${from} ends a handshake that was not begun, or long ago`);
    for (const begun of this.#answered) {
      if (begun.peer !== from || nowMs - begun.atMs > pendingMsMax) continue;
      const finished = begun.half.finish(finish);
      if (finished.kind === 'refused') {
        why = finished;
        continue;
      }
      this.#answered.splice(this.#answered.indexOf(begun), 1);
      this.#keep(from, finished.session);
      return { kind: 'step', peer: from, reply: undefined, isReady: true };
    }
    return why;
  }

  /** Whether messages can go to a peer now. */
  has(peer: string): boolean {
    return this.#sessionOf(peer) !== undefined;
  }

  /**
   * Seals a message for a peer, or an agent of it.
   * @returns refused when there is no session: `call` it first
   * @throws HostError `HOST_ERR_VALUE_INVALID` as `Sealer.seal`
   */
  seal(
    peer: string,
    header: EnvelopeHeader,
    payload: Uint8Array,
  ): { readonly kind: 'sealed'; readonly bytes: Uint8Array<ArrayBuffer> } | Refused {
    const session = this.#sessionOf(peer);
    if (session === undefined) return unknown(peer);
    return { kind: 'sealed', bytes: session.sealer.seal(header, payload) };
  }

  /** What a peer sealed: authentic, in time, for the first time, of it or its agents; or why it is not believed. */
  open(peer: string, bytes: Uint8Array): Opened | Refused {
    const session = this.#sessionOf(peer);
    return session === undefined ? unknown(peer) : session.opener.open(bytes);
  }

  /** As `seal`, for several messages to one peer: cheaper than each alone. @throws as `Sealer.sealFrame` */
  sealFrame(
    peer: string,
    messages: readonly FrameMessage[],
  ): { readonly kind: 'sealed'; readonly bytes: Uint8Array<ArrayBuffer> } | Refused {
    const session = this.#sessionOf(peer);
    if (session === undefined) return unknown(peer);
    return { kind: 'sealed', bytes: session.sealer.sealFrame(messages) };
  }

  /** As `open`, for what `sealFrame` sealed. */
  openFrame(peer: string, bytes: Uint8Array): OpenedFrame | Refused {
    const session = this.#sessionOf(peer);
    return session === undefined ? unknown(peer) : session.opener.openFrame(bytes);
  }

  /** Forgets the keys of a session; the next message needs another. */
  end(peer: string): void {
    this.#met.delete(peer);
  }

  #sessionOf(peer: string): Session | undefined {
    const met = this.#met.get(peer);
    if (met === undefined) return undefined;
    const { trusted } = this.#options;
    if (met.changes !== trusted.changes) {
      const verdict = trusted.check(peer, met.session.peerKey, this.#nowMs());
      if (verdict.kind === 'refused') {
        this.#met.delete(peer);
        return undefined;
      }
      met.changes = trusted.changes;
    }
    return met.session;
  }

  #keep(peer: string, session: Session): void {
    this.#met.delete(peer);
    for (const oldest of this.#met.keys()) {
      if (this.#met.size < (this.#options.peersMax ?? peersMax)) break;
      this.#met.delete(oldest);
    }
    this.#met.set(peer, { session, changes: this.#options.trusted.changes });
  }

  #handshake(): HandshakeOptions {
    const { keyring, trusted, clock, random } = this.#options;
    return {
      self: keyring.name,
      signer: keyring.host,
      clock,
      random,
      trust: (party, key, signedAtMs) => trusted.check(party, key, signedAtMs),
    };
  }

  #nowMs(): number {
    return Number(this.#options.clock.wallNs() / 1_000_000n);
  }
}

function unknown(peer: string): Refused {
  return refused('session-unknown', `there is no session with ${peer}; begin one`);
}
