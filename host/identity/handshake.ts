import type { Clock, Random } from '../clock.ts';
import { BytesReader, type BytesWriter } from './bytes.ts';
import { platformCurves, sha256, verifySignature } from './curves.ts';
import { derive } from './host-secret.ts';
import { isSame } from './key-statement.ts';
import { keyBytes, signatureBytes } from './public-key.ts';
import { type Refused, refused } from './refusal.ts';
import { sessionIdBytes } from './sealed-envelope.ts';
import { Opener, Sealer, type Session } from './session.ts';
import type { Signer } from './signing-key.ts';
import { type Purpose, statement } from './statement.ts';
import type { Trusted } from './trusted-keys.ts';

const clockSkewMsMax = 60_000;
const version = 1;

export interface HandshakeOptions {
  /** What the other side calls this one: `alpha`, or `alpha/billing`. */
  readonly self: string;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether a key is a party's: `trustedKeys.check`. */
  readonly trust: (party: string, key: Uint8Array, signedAtMs: number) => Trusted | Refused;
}

/** One side's half of the transcript: who it is, and the X25519 key it made for this session. */
interface Half {
  readonly from: string;
  readonly to: string;
  readonly key: Uint8Array;
  readonly share: Uint8Array;
  readonly atMs: number;
}

/** The side that begins: `hello` goes out, `welcome` comes back, `finish` goes out. Used once. */
export class Initiator {
  readonly hello: Uint8Array;
  readonly #options: HandshakeOptions;
  readonly #peer: string;
  readonly #secret: Uint8Array;
  #isUsed = false;

  constructor(options: HandshakeOptions, peer: string) {
    this.#options = options;
    this.#peer = peer;
    this.#secret = fresh(options.random);
    this.hello = halfBytes('hello', ownHalf(options, peer, this.#secret)).take();
  }

  /**
   * The session, and what the other side needs to have it too. The first message may go out with `finish`.
   * @returns refused when anything of the answer is not by the trusted key of the party that was called
   */
  accept(welcome: Uint8Array): { readonly kind: 'accepted'; session: Session; finish: Uint8Array } | Refused {
    if (this.#isUsed) return refused('replayed', 'this handshake was finished before');
    const answer = parseSigned('welcome', welcome);
    if (answer === undefined) return refused('malformed', 'not the answer to a handshake');
    const { half } = answer;
    const transcript = transcriptOf(this.hello, answer.body);
    if (!isSigned('welcome', half.key, transcript, answer.signature))
      return refused('unauthentic', 'the answer was not signed for this handshake');
    const refusal = judge(this.#options, half, this.#peer);
    if (refusal !== undefined) return refusal;
    const shared = platformCurves.agree(this.#secret, half.share);
    if (shared === undefined) return refused('malformed', 'the other side leaves no choice of a key');
    this.#isUsed = true;
    this.#secret.fill(0);
    const session = sessionOf(this.#options, half, shared, transcript, 'initiator');
    const finish = this.#options.signer.sign(purposeBytes('finish', transcript));
    return { kind: 'accepted', session, finish };
  }
}

/** The side that is called. Holds nothing for callers that do not go on but what `answer` returned to them. */
export class Responder {
  readonly #options: HandshakeOptions;

  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  /** Answers a `hello`: `welcome` goes back; `finish` makes the session. */
  answer(hello: Uint8Array): { readonly kind: 'answered'; welcome: Uint8Array; pending: Pending } | Refused {
    const reader = new BytesReader(hello);
    const theirs = readHalf('hello', reader);
    if (theirs === undefined || !reader.isDone) return refused('malformed', 'not a handshake');
    const refusal = addressed(this.#options, theirs);
    if (refusal !== undefined) return refusal;
    const secret = fresh(this.#options.random);
    const shared = platformCurves.agree(secret, theirs.share);
    if (shared === undefined) return refused('malformed', 'the other side leaves no choice of a key');
    const body = halfBytes('welcome', ownHalf(this.#options, theirs.from, secret)).take();
    secret.fill(0);
    const transcript = transcriptOf(hello, body);
    const signature = this.#options.signer.sign(purposeBytes('welcome', transcript));
    const welcome = Uint8Array.from(Buffer.concat([body, signature]));
    const pending = new Pending(this.#options, theirs, transcript, shared);
    return { kind: 'answered', welcome, pending };
  }
}

/** A handshake that waits for its last step. Nothing of the caller is believed before. */
export class Pending {
  readonly #options: HandshakeOptions;
  readonly #theirs: Half;
  readonly #transcript: Uint8Array;
  #shared: Uint8Array | undefined;

  constructor(options: HandshakeOptions, theirs: Half, transcript: Uint8Array, shared: Uint8Array) {
    this.#options = options;
    this.#theirs = theirs;
    this.#transcript = transcript;
    this.#shared = shared;
  }

  /** Who it says to be that called. */
  get peer(): string {
    return this.#theirs.from;
  }

  finish(finish: Uint8Array): { readonly kind: 'finished'; session: Session } | Refused {
    const shared = this.#shared;
    if (shared === undefined) return refused('replayed', 'this handshake was finished before');
    if (!isSigned('finish', this.#theirs.key, this.#transcript, finish))
      return refused('unauthentic', 'the last step was not signed for this handshake');
    // Only now: a key is pinned for who has shown to own it.
    const refusal = judge(this.#options, this.#theirs, this.#theirs.from);
    if (refusal !== undefined) return refusal;
    this.#shared = undefined;
    const session = sessionOf(this.#options, this.#theirs, shared, this.#transcript, 'responder');
    return { kind: 'finished', session };
  }
}

/** Which step of a handshake bytes say they are; undefined for the last one, which is a signature alone. */
export function purposeOf(bytes: Uint8Array): 'hello' | 'welcome' | undefined {
  const said = new BytesReader(bytes).text();
  if (said === 'motehost/hello/v1') return 'hello';
  return said === 'motehost/welcome/v1' ? 'welcome' : undefined;
}

function fresh(random: Random): Uint8Array {
  return random.fill(new Uint8Array(keyBytes));
}

function ownHalf(options: HandshakeOptions, to: string, secret: Uint8Array): Half {
  const { self: from, signer, clock } = options;
  const share = platformCurves.agreementKey(secret);
  return { from, to, key: signer.publicKey, share, atMs: Number(clock.wallNs() / 1_000_000n) };
}

function halfBytes(purpose: Purpose, half: Half): BytesWriter {
  const writer = statement(purpose).u8(version).text(half.from).text(half.to);
  return writer.raw(half.key).raw(half.share).u64(half.atMs);
}

function readHalf(purpose: Purpose, reader: BytesReader): Half | undefined {
  const isFor = reader.text() === `motehost/${purpose}/v1` && reader.u8() === version;
  const [from, to] = [reader.text(), reader.text()];
  const half = { from, to, key: reader.raw(keyBytes), share: reader.raw(keyBytes), atMs: reader.u64() };
  return isFor && reader.isGood && from !== '' ? half : undefined;
}

function parseSigned(
  purpose: Purpose,
  bytes: Uint8Array,
): { readonly half: Half; readonly body: Uint8Array; readonly signature: Uint8Array } | undefined {
  const reader = new BytesReader(bytes);
  const half = readHalf(purpose, reader);
  const body = bytes.subarray(0, reader.at);
  const signature = reader.raw(signatureBytes);
  return half === undefined || !reader.isDone ? undefined : { half, body, signature };
}

/** Both halves, whole: whoever signs it names both parties, both keys and both shares. */
function transcriptOf(hello: Uint8Array, welcome: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([sha256(hello), sha256(welcome)]));
}

function purposeBytes(purpose: Purpose, transcript: Uint8Array): Uint8Array {
  return statement(purpose).raw(transcript).take();
}

function isSigned(purpose: Purpose, key: Uint8Array, transcript: Uint8Array, signature: Uint8Array): boolean {
  return verifySignature(key, purposeBytes(purpose, transcript), signature);
}

function addressed(options: HandshakeOptions, theirs: Half): Refused | undefined {
  if (theirs.to !== options.self) return refused('recipient', `this is ${options.self}, not ${theirs.to}`);
  // Its own words thrown back.
  if (isSame(theirs.key, options.signer.publicKey) || theirs.from === options.self)
    return refused('sender', `${options.self} does not talk to itself`);
  const aheadMs = theirs.atMs - Number(options.clock.wallNs() / 1_000_000n);
  if (aheadMs > clockSkewMsMax) return refused('future', `begun ${aheadMs} ms from now`);
  if (aheadMs < -clockSkewMsMax) return refused('expired', `begun ${-aheadMs} ms ago`);
  return undefined;
}

function judge(options: HandshakeOptions, theirs: Half, expected: string): Refused | undefined {
  if (theirs.from !== expected) return refused('sender', `${theirs.from} answered for ${expected}`);
  const refusal = addressed(options, theirs);
  if (refusal !== undefined) return refusal;
  const verdict = options.trust(theirs.from, theirs.key, theirs.atMs);
  return verdict.kind === 'refused' ? verdict : undefined;
}

function sessionOf(
  options: HandshakeOptions,
  theirs: Half,
  shared: Uint8Array,
  transcript: Uint8Array,
  role: 'initiator' | 'responder',
): Session {
  const { self, clock } = options;
  const of = (use: string, bytes?: number): Uint8Array =>
    derive(shared, transcript, `motehost/session/${use}`, bytes);
  const [forth, back, id] = [of('initiator'), of('responder'), of('id', sessionIdBytes)];
  shared.fill(0);
  const [out, into] = role === 'initiator' ? [forth, back] : [back, forth];
  const peer = theirs.from;
  return {
    id,
    peer,
    peerKey: Uint8Array.from(theirs.key),
    sealer: new Sealer({ sessionId: id, secret: out, from: self, to: peer, clock }),
    opener: new Opener({ sessionId: id, secret: into, from: peer, to: self, clock }),
  };
}
