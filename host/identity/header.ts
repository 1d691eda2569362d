import { type BytesReader, type BytesWriter, wholeMax } from './bytes.ts';

/** What a message is to its receiver. */
export type MessageKind = 'send' | 'publish' | 'request' | 'reply' | 'signal';

const kinds: readonly MessageKind[] = ['send', 'publish', 'request', 'reply', 'signal'];

/** Everything about a message but its payload; all of it is authenticated, none of it is secret. */
export interface EnvelopeHeader {
  readonly id: string;
  /** Who sent it and whom it is for, as parties: `alpha/billing`. */
  readonly sender: string;
  readonly recipient: string;
  readonly subject: string;
  readonly kind: MessageKind;
  /** Empty: none. */
  readonly contentType: string;
  /** Empty: no answer is wanted. */
  readonly replyTo: string;
  /** Milliseconds since the Unix epoch, by the sender's clock. */
  readonly sentAtMs: number;
  /** After so many milliseconds nobody handles it any more. */
  readonly ttlMs: number;
  /** Where it goes in what this sender sent; a session gives its own. */
  readonly sequence: number;
  /** A W3C `traceparent`; empty: none. */
  readonly trace: string;
  /** Of the sender's signing key. */
  readonly keyGeneration: number;
}

const version = 1;
/** UTF-8 bytes of one text; a subject is far shorter. */
export const textBytesMax = 4096;

/** The header's only form: fixed fields first, then the texts (docs/identity.md). */
export function writeHeader(header: EnvelopeHeader, sequence: number, to: BytesWriter): void {
  to.u8(version)
    .u8(kinds.indexOf(header.kind) + 1)
    .u32(header.keyGeneration)
    .u64(sequence)
    .u64(header.sentAtMs)
    .u64(header.ttlMs)
    .text(header.id)
    .text(header.sender)
    .text(header.recipient)
    .text(header.subject)
    .text(header.contentType)
    .text(header.replyTo)
    .text(header.trace);
}

/** Undefined for anything `writeHeader` does not write. */
export function readHeader(from: BytesReader): EnvelopeHeader | undefined {
  const isKnown = from.u8() === version;
  const kind = kinds[from.u8() - 1];
  const keyGeneration = from.u32();
  const [sequence, sentAtMs, ttlMs] = [from.u64(), from.u64(), from.u64()];
  const [id, sender, recipient, subject] = [from.text(), from.text(), from.text(), from.text()];
  const [contentType, replyTo, trace] = [from.text(), from.text(), from.text()];
  if (!isKnown || kind === undefined || !from.isGood) return undefined;
  return {
    id,
    sender,
    recipient,
    subject,
    kind,
    contentType,
    replyTo,
    sentAtMs,
    ttlMs,
    sequence,
    trace,
    keyGeneration,
  };
}

/** The field that has no place in a header, with its bound; undefined when all have. */
export function headerFault(header: EnvelopeHeader): string | undefined {
  if (!fits(header.id)) return tooLong('id');
  if (!fits(header.sender)) return tooLong('sender');
  if (!fits(header.recipient)) return tooLong('recipient');
  if (!fits(header.subject)) return tooLong('subject');
  if (!fits(header.contentType)) return tooLong('contentType');
  if (!fits(header.replyTo)) return tooLong('replyTo');
  if (!fits(header.trace)) return tooLong('trace');
  if (!isWhole(header.sentAtMs, wholeMax)) return notWhole('sentAtMs', wholeMax);
  if (!isWhole(header.ttlMs, wholeMax)) return notWhole('ttlMs', wholeMax);
  if (!isWhole(header.sequence, wholeMax)) return notWhole('sequence', wholeMax);
  if (!isWhole(header.keyGeneration, 0xffff_ffff)) return notWhole('keyGeneration', 0xffff_ffff);
  return undefined;
}

function fits(text: string): boolean {
  return text.length * 3 <= textBytesMax || Buffer.byteLength(text) <= textBytesMax;
}

function isWhole(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

function tooLong(field: string): string {
  return `${field} has more than ${textBytesMax} bytes`;
}

function notWhole(field: string, max: number): string {
  return `${field} is not a whole number from 0 to ${max}`;
}
