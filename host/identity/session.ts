import type { KeyObject } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { HostError } from '../errors.ts';
import { BytesReader, BytesWriter } from './bytes.ts';
import { type EnvelopeHeader, headerFault, readHeader, writeHeader } from './header.ts';
import { KeyChain } from './key-chain.ts';
import { isWithin } from './key-statement.ts';
import { type Refused, refused } from './refusal.ts';
import { ReplayWindow, windowSize } from './replay-window.ts';
import {
  openBytes,
  prefixBytes,
  sealBytes,
  sealedForm,
  sessionIdBytes,
  tagBytes,
  writeNonce,
} from './sealed-envelope.ts';
import {
  type FrameMessage,
  frameBytesMax,
  frameForm,
  frameMessagesMax,
  payloadsInRow,
  readFrameEntries,
  writeFrameClear,
} from './sealed-frame.ts';

const rekeyMessagesMax = 2 ** 20;
const rekeyMsMax = 3_600_000;
/** A sender that lost whole epochs on the way is believed so far ahead; a day of hourly keys. */
const epochsAheadMax = 24;
/** How long after an epoch ended its late messages still open. */
const lateMsMax = 60_000;
/** How far another host's clock may be ahead. */
const clockSkewMsMax = 60_000;

/** What both halves of one direction know. */
export interface DirectionOptions {
  /** 16 bytes that no other session has. */
  readonly sessionId: Uint8Array;
  /** 32 bytes, of this direction alone; kept. */
  readonly secret: Uint8Array;
  /** Who sends; messages of those below it are its as well. */
  readonly from: string;
  readonly to: string;
  readonly clock: Clock;
  /** Default 2^20. */
  readonly rekeyMessagesMax?: number;
}

/** What came out of an envelope, authentic, in time, for the first time. */
export interface Opened {
  readonly kind: 'opened';
  readonly header: EnvelopeHeader;
  readonly payload: Uint8Array;
}

/** What came out of a frame that is authentic and here for the first time: each message by itself may be untimely. */
export interface OpenedFrame {
  readonly kind: 'frame';
  /** In the order in which they were sealed; payloads are views of one memory. */
  readonly messages: readonly (Opened | Refused)[];
}

/** The sending half of one direction: messages become `SealedEnvelope` bytes. Its state never leaves memory. */
export class Sealer {
  readonly #options: DirectionOptions;
  readonly #chain: KeyChain;
  readonly #writer = new BytesWriter(1024);
  readonly #nonce = new Uint8Array(12);
  readonly #rekeyMessages: number;
  #key: KeyObject;
  #sequence = 0;
  /** Where the current key began. */
  #rekeyedAt = 0;
  #rekeyedAtMs: number;

  constructor(options: DirectionOptions) {
    this.#options = options;
    this.#chain = new KeyChain(Uint8Array.from(options.secret));
    this.#rekeyMessages = Math.min(options.rekeyMessagesMax ?? rekeyMessagesMax, rekeyMessagesMax);
    this.#key = this.#chain.key();
    this.#rekeyedAtMs = options.clock.monotonicMs();
  }

  /** Messages sealed so far. */
  get sequence(): number {
    return this.#sequence;
  }

  get epoch(): number {
    return this.#chain.epoch;
  }

  /**
   * @param header its `sequence` is not read: the session gives the next
   * @throws HostError `HOST_ERR_VALUE_INVALID` for a header that names a party of another session, or has no form
   */
  seal(header: EnvelopeHeader, payload: Uint8Array): Uint8Array<ArrayBuffer> {
    this.#check(header);
    this.#rekeyWhenDue();
    const sequence = this.#sequence + 1;
    const clear = this.#clear(header, sequence);
    writeNonce(this.#nonce, sequence);
    // Before it is used: after a failure in between the number is skipped, not used again.
    this.#sequence = sequence;
    return sealBytes(this.#key, this.#nonce, clear, payload);
  }

  /**
   * Seals several messages as one: under one nonce and one tag, each with its number. A replayed, changed or cut frame
   * gives none of them.
   * @throws HostError `HOST_ERR_VALUE_INVALID` as `seal`; for none, more than `frameMessagesMax`, or more bytes than `frameBytesMax`
   */
  sealFrame(messages: readonly FrameMessage[]): Uint8Array<ArrayBuffer> {
    let bytes = 0;
    for (const { header, payload } of messages) {
      this.#check(header);
      bytes += payload.length;
    }
    if (messages.length === 0 || messages.length > frameMessagesMax)
      throw invalid(`${messages.length} in one frame; from 1 to ${frameMessagesMax}`);
    if (bytes > frameBytesMax) throw invalid(`${bytes} bytes in one frame; at most ${frameBytesMax}`);
    this.#rekeyWhenDue();
    const first = this.#sequence + 1;
    const { sessionId } = this.#options;
    const clear = writeFrameClear(this.#writer, sessionId, this.#chain.epoch, first, messages);
    writeNonce(this.#nonce, first);
    this.#sequence += messages.length;
    return sealBytes(this.#key, this.#nonce, clear, payloadsInRow(messages, bytes));
  }

  #clear(header: EnvelopeHeader, sequence: number): Uint8Array {
    const writer = this.#writer.reset();
    writer.u8(sealedForm).raw(this.#options.sessionId).u32(this.#chain.epoch).u16(0);
    writeHeader(header, sequence, writer);
    const clear = writer.view();
    clear.writeUInt16BE(clear.length - prefixBytes, prefixBytes - 2);
    return clear;
  }

  #check(header: EnvelopeHeader): void {
    const { from, to } = this.#options;
    const fault = headerFault(header);
    if (fault !== undefined) throw invalid(fault);
    if (!isWithin(from, header.sender)) throw invalid(`sender is ${header.sender}, in a session of ${from}`);
    if (!isWithin(to, header.recipient))
      throw invalid(`recipient is ${header.recipient}, in a session with ${to}`);
  }

  #rekeyWhenDue(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const isDue =
      this.#sequence - this.#rekeyedAt >= this.#rekeyMessages || nowMs - this.#rekeyedAtMs >= rekeyMsMax;
    if (!isDue) return;
    this.#chain.advance(this.#chain.epoch + 1);
    this.#key = this.#chain.key();
    this.#rekeyedAt = this.#sequence;
    this.#rekeyedAtMs = nowMs;
  }
}

/** A key and the epoch it is of. */
interface EpochKey {
  readonly epoch: number;
  readonly key: KeyObject;
}

/** The receiving half of one direction. */
export class Opener {
  readonly #options: DirectionOptions;
  readonly #chain: KeyChain;
  readonly #window = new ReplayWindow();
  readonly #nonce = new Uint8Array(12);
  readonly #sessionId: Buffer;
  #current: EpochKey;
  /** Of the epoch before, for messages that were overtaken; for `lateMsMax`. */
  #previous: EpochKey | undefined;
  #advancedAtMs: number;

  constructor(options: DirectionOptions) {
    this.#options = options;
    this.#sessionId = Buffer.from(options.sessionId);
    this.#chain = new KeyChain(Uint8Array.from(options.secret));
    this.#current = { epoch: 0, key: this.#chain.key() };
    this.#advancedAtMs = options.clock.monotonicMs();
  }

  /**
   * The message in an envelope, or why there is none. Nothing changes but for an authentic one: a forged envelope
   * neither moves the replay window nor the keys.
   */
  open(bytes: Uint8Array): Opened | Refused {
    const reader = new BytesReader(bytes);
    const form = reader.u8();
    const sessionId = reader.raw(sessionIdBytes);
    const epoch = reader.u32();
    const clearBytes = prefixBytes + reader.u16();
    const header = readHeader(reader);
    if (form !== sealedForm || header === undefined || reader.at !== clearBytes)
      return refused('malformed', 'not a sealed envelope');
    if (this.#sessionId.compare(sessionId) !== 0)
      return refused('session-unknown', 'sealed in another session');
    const verdict = this.#window.verdict(header.sequence);
    if (verdict === 'replayed') return refused('replayed', `message ${header.sequence} was here before`);
    if (verdict === 'stale')
      return refused('stale', `message ${header.sequence} is more than ${windowSize} behind`);
    const key = this.#keyOf(epoch);
    if (key === undefined) return refused('epoch', `no key of epoch ${epoch}`);
    writeNonce(this.#nonce, header.sequence);
    const payload = openBytes(key, this.#nonce, bytes.subarray(0, clearBytes), bytes, clearBytes);
    if (payload === undefined) return refused('unauthentic', 'the seal does not fit');
    this.#advance(epoch, key);
    this.#window.mark(header.sequence);
    return this.#judge(header) ?? { kind: 'opened', header, payload };
  }

  /** The messages of a frame, or why there are none. Nothing changes but for an authentic one. */
  openFrame(bytes: Uint8Array): OpenedFrame | Refused {
    const reader = new BytesReader(bytes);
    const form = reader.u8();
    const sessionId = reader.raw(sessionIdBytes);
    const epoch = reader.u32();
    const clearBytes = reader.u32();
    const count = Math.min(reader.u16(), frameMessagesMax);
    const entries = readFrameEntries(reader, count, bytes.length - clearBytes - tagBytes);
    const [first] = entries ?? [];
    if (form !== frameForm || entries === undefined || first === undefined || reader.at !== clearBytes)
      return refused('malformed', 'not a sealed frame');
    if (this.#sessionId.compare(sessionId) !== 0)
      return refused('session-unknown', 'sealed in another session');
    const { sequence } = first.header;
    // Its numbers are one sealer's, in a row: they were all here, or none was.
    const verdict = this.#window.verdict(sequence);
    if (verdict === 'replayed') return refused('replayed', `message ${sequence} was here before`);
    if (verdict === 'stale') return refused('stale', `message ${sequence} is more than ${windowSize} behind`);
    const key = this.#keyOf(epoch);
    if (key === undefined) return refused('epoch', `no key of epoch ${epoch}`);
    writeNonce(this.#nonce, sequence);
    const payloads = openBytes(key, this.#nonce, bytes.subarray(0, clearBytes), bytes, clearBytes);
    if (payloads === undefined) return refused('unauthentic', 'the seal does not fit');
    this.#advance(epoch, key);
    const messages: (Opened | Refused)[] = [];
    let at = 0;
    for (const { header, bytes: length } of entries) {
      this.#window.mark(header.sequence);
      const payload = payloads.subarray(at, at + length);
      messages.push(this.#judge(header) ?? { kind: 'opened', header, payload });
      at += length;
    }
    return { kind: 'frame', messages };
  }

  /** What even an authentic message must not do. */
  #judge(header: EnvelopeHeader): Refused | undefined {
    const { from, to, clock } = this.#options;
    if (!isWithin(from, header.sender))
      return refused('sender', `${from} sent a message of ${header.sender}`);
    if (!isWithin(to, header.recipient))
      return refused('recipient', `${to} got a message for ${header.recipient}`);
    return timeRefusal(header, Number(clock.wallNs() / 1_000_000n));
  }

  #keyOf(epoch: number): KeyObject | undefined {
    const current = this.#current;
    if (epoch === current.epoch) return current.key;
    if (epoch < current.epoch) {
      const isLate = this.#options.clock.monotonicMs() - this.#advancedAtMs > lateMsMax;
      if (isLate) this.#previous = undefined;
      return epoch === this.#previous?.epoch ? this.#previous.key : undefined;
    }
    return epoch - current.epoch <= epochsAheadMax ? this.#chain.keyAhead(epoch) : undefined;
  }

  #advance(epoch: number, key: KeyObject): void {
    if (epoch <= this.#current.epoch) return;
    this.#previous = epoch === this.#current.epoch + 1 ? this.#current : undefined;
    this.#current = { epoch, key };
    this.#chain.advance(epoch);
    this.#advancedAtMs = this.#options.clock.monotonicMs();
  }
}

/**
 * Whether a message's times are ones to act on: sent at most a minute ahead of this clock, its ttl not over. The ttl
 * has no allowance: after it nobody handles the message.
 */
export function timeRefusal(header: EnvelopeHeader, nowMs: number): Refused | undefined {
  if (header.sentAtMs > nowMs + clockSkewMsMax)
    return refused('future', `sent ${header.sentAtMs - nowMs} ms from now; at most ${clockSkewMsMax}`);
  if (nowMs > header.sentAtMs + header.ttlMs)
    return refused('expired', `sent ${nowMs - header.sentAtMs} ms ago; its ttl is ${header.ttlMs}`);
  return undefined;
}

function invalid(why: string): HostError {
  return new HostError('HOST_ERR_VALUE_INVALID', `a message cannot be sealed: ${why}`);
}

/** Both directions between two parties. */
export interface Session {
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** The other party, and the signing key it proved to have. */
  readonly peer: string;
  readonly peerKey: Uint8Array;
  readonly sealer: Sealer;
  readonly opener: Opener;
}
