import type { BytesReader, BytesWriter } from './bytes.ts';
import { type EnvelopeHeader, readHeader, writeHeader } from './header.ts';

/** The form's number, the session's id, the epoch, the length of all that is clear, and how many messages there are. */
export const framePrefixBytes: number = 1 + 16 + 4 + 4 + 2;
export const frameForm = 3;
export const frameMessagesMax = 256;
/** Of payloads together. */
export const frameBytesMax: number = 16 * 1024 * 1024;

/** One of the messages that are sealed together. */
export interface FrameMessage {
  /** Its `sequence` is not read. */
  readonly header: EnvelopeHeader;
  readonly payload: Uint8Array;
}

/** A message's header and how long its payload is, as they stand in the clear. */
export interface FrameEntry {
  readonly header: EnvelopeHeader;
  readonly bytes: number;
}

/** All of a frame that is authenticated and not secret. */
export function writeFrameClear(
  writer: BytesWriter,
  sessionId: Uint8Array,
  epoch: number,
  first: number,
  messages: readonly FrameMessage[],
): Buffer {
  writer.reset().u8(frameForm).raw(sessionId).u32(epoch).u32(0).u16(messages.length);
  for (let at = 0; at < messages.length; at++) {
    const { header, payload } = messages[at] as FrameMessage;
    writer.u32(payload.length);
    writeHeader(header, first + at, writer);
  }
  const clear = writer.view();
  clear.writeUInt32BE(clear.length, framePrefixBytes - 6);
  return clear;
}

/** Undefined for what is none: other numbers than those that follow each other, or payloads that are not there. */
export function readFrameEntries(
  reader: BytesReader,
  count: number,
  payloadBytes: number,
): readonly FrameEntry[] | undefined {
  const entries: FrameEntry[] = [];
  let left = payloadBytes;
  for (let at = 0; at < count; at++) {
    const bytes = reader.u32();
    const header = readHeader(reader);
    left -= bytes;
    const first = entries[0]?.header.sequence;
    if (header === undefined || left < 0 || (first !== undefined && header.sequence !== first + at))
      return undefined;
    entries.push({ header, bytes });
  }
  return left === 0 && entries.length > 0 ? entries : undefined;
}

let scratch: Buffer = Buffer.allocUnsafeSlow(64 * 1024);
const scratchBytesMax = 1024 * 1024;

/** All payloads in a row, in memory that the next call uses again: one call of the cipher costs more than a copy. */
export function payloadsInRow(messages: readonly FrameMessage[], bytes: number): Uint8Array {
  const [only] = messages;
  if (messages.length === 1 && only !== undefined) return only.payload;
  const row = bytes > scratchBytesMax ? Buffer.allocUnsafeSlow(bytes) : roomFor(bytes);
  let at = 0;
  for (const { payload } of messages) {
    row.set(payload, at);
    at += payload.length;
  }
  return row.subarray(0, bytes);
}

function roomFor(bytes: number): Buffer {
  if (bytes > scratch.length) scratch = Buffer.allocUnsafeSlow(Math.min(scratchBytesMax, bytes * 2));
  return scratch;
}
