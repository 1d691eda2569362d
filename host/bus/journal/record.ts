import { levels, rankOfLevel } from '../../manifest/scheduling.ts';
import { type Failure, type Guarantee, type Header, type Message, ofOrigin, originOf } from '../message.ts';
import type { DeadReason, JournalEntry, SettledId } from './journal.ts';
import { RecordReader } from './record-reader.ts';
import { type RecordWriter, recordHeadBytes } from './record-writer.ts';

/** What a record's first byte says it is. */
export const kinds = {
  /** A message. */
  accepted: 1,
  /** A message of an older segment, moved so that the segment can go. */
  carried: 2,
  /** Sequences of which nothing more is owed, one by one: as they were written once. */
  settled: 3,
  /** The attempt that comes next. */
  attempted: 4,
  /** Given up, and why. */
  died: 5,
  /** The id of an exactly-once message that was dealt with. */
  once: 6,
  /** Sequences of which nothing more is owed: a first one and how many, again and again. */
  settledRuns: 7,
} as const;

export const kindMax: number = kinds.settledRuns;

const guarantees: readonly Guarantee[] = ['at-most-once', 'at-least-once', 'exactly-once'];
const hasSender = 1;
const hasReplyTo = 2;
const hasDeadline = 4;
const hasContentType = 8;
/** Above the flags: 0, or one more than the place of the level that the message asks for. */
const priorityShift = 4;
const priorityMask = 7;

const sequenceAt = 1;
const attemptAt = 9;
/** Higher attempts are not told apart. */
export const attemptMax = 65_535;

/** Something that happened to a message after it was accepted. */
export type Mark =
  | { readonly kind: 'attempted'; readonly sequence: number; readonly attempt: number }
  | {
      readonly kind: 'died';
      readonly sequence: number;
      readonly reason: DeadReason;
      readonly failure: Failure | undefined;
      readonly atMs: number;
    }
  | ({ readonly kind: 'once' } & SettledId);

export function writeMessage(
  writer: RecordWriter,
  salt: number,
  sequence: number,
  receiver: string,
  message: Message,
  guarantee: Guarantee,
): void {
  const { replyTo, deadlineNs, contentType, priority } = message;
  const origin = originOf(message);
  writer.begin();
  writer.u8(kinds.accepted);
  writer.u48(sequence);
  writer.u8(guarantees.indexOf(guarantee));
  writer.u8(
    (origin === undefined ? 0 : hasSender) |
      (replyTo === undefined ? 0 : hasReplyTo) |
      (deadlineNs === undefined ? 0 : hasDeadline) |
      (contentType === undefined ? 0 : hasContentType) |
      (priority === undefined ? 0 : (rankOfLevel(priority) + 1) << priorityShift),
  );
  writer.u16(Math.min(message.attempt, attemptMax));
  writer.u64(message.sentAtNs);
  if (deadlineNs !== undefined) writer.u64(deadlineNs);
  writer.text(receiver);
  writer.text(message.id);
  writer.text(message.subject);
  if (origin !== undefined) writer.text(origin);
  if (replyTo !== undefined) writer.text(replyTo);
  if (contentType !== undefined) writer.text(contentType);
  writer.u16(message.headers.length);
  for (const header of message.headers) {
    writer.text(header.name);
    writer.text(header.value);
  }
  writer.data(message.body);
  writer.end(salt);
}

/** Writes a message's record of an older segment again, with the attempt that comes next now. */
export function writeCarried(
  writer: RecordWriter,
  salt: number,
  body: Uint8Array,
  attempt: number | undefined,
): void {
  writer.begin();
  const from = writer.length;
  writer.raw(body);
  writer.bytes[from] = kinds.carried;
  if (attempt !== undefined) writer.bytes.writeUInt16LE(attempt, from + attemptAt);
  writer.end(salt);
}

/** `runs`: pairs of a first sequence and how many there are. */
export function writeSettled(writer: RecordWriter, salt: number, runs: readonly number[]): void {
  writer.begin();
  writer.u8(kinds.settledRuns);
  writer.u32(runs.length / 2);
  for (let at = 0; at < runs.length; at += 2) {
    writer.u48(runs[at] as number);
    writer.u32(runs[at + 1] as number);
  }
  writer.end(salt);
}

export function writeMark(writer: RecordWriter, salt: number, mark: Mark): void {
  writer.begin();
  writer.u8(kinds[mark.kind]);
  if (mark.kind === 'attempted') {
    writer.u48(mark.sequence);
    writer.u16(mark.attempt);
  } else if (mark.kind === 'died') {
    writer.u48(mark.sequence);
    writer.f64(mark.atMs);
    writer.text(mark.reason);
    writeFailure(writer, mark.failure);
  } else {
    writer.f64(mark.atMs);
    writer.text(mark.receiver);
    writer.text(mark.id);
    writer.text(mark.origin ?? '');
  }
  writer.end(salt);
}

function writeFailure(writer: RecordWriter, failure: Failure | undefined): void {
  writer.text(failure?.tag ?? '');
  if (failure === undefined) return;
  if (failure.tag !== 'custom') {
    writer.text(failure.val);
    return;
  }
  writer.text(failure.val.code);
  writer.text(failure.val.message);
  writer.u8(failure.val.detail === undefined ? 0 : 1);
  if (failure.val.detail !== undefined) writer.data(failure.val.detail);
}

/** The sequence that a record of a message, an attempt or a death is about; `body` is where its body begins. */
export function sequenceOf(bytes: Buffer, body: number): number {
  return bytes.readUIntLE(body + sequenceAt, 6);
}

export function attemptOf(bytes: Buffer, body: number): number {
  return bytes.readUInt16LE(body + attemptAt);
}

/** A message's record as it was written; `from` is where its body begins. @throws RangeError when it is none */
export function readMessage(bytes: Buffer, from: number, end: number): JournalEntry {
  const reader = new RecordReader(bytes, from, end);
  reader.u8();
  const sequence = reader.u48();
  const guarantee = guarantees[reader.u8()];
  if (guarantee === undefined) throw new RangeError('unknown guarantee');
  const flags = reader.u8();
  const attempt = reader.u16();
  const sentAtNs = reader.u64();
  const deadlineNs = (flags & hasDeadline) === 0 ? undefined : reader.u64();
  const receiver = reader.text();
  const [id, subject] = [reader.text(), reader.text()];
  const origin = (flags & hasSender) === 0 ? undefined : reader.text();
  const said = {
    attempt,
    sentAtNs,
    deadlineNs,
    id,
    subject,
    replyTo: (flags & hasReplyTo) === 0 ? undefined : reader.text(),
    contentType: (flags & hasContentType) === 0 ? undefined : reader.text(),
    headers: readHeaders(reader),
    body: reader.data(),
  };
  const message = ofOrigin(said, origin);
  const priority = levels[((flags >>> priorityShift) & priorityMask) - 1];
  return {
    sequence,
    receiver,
    guarantee,
    message: priority === undefined ? message : { ...message, priority },
  };
}

function readHeaders(reader: RecordReader): Header[] {
  const count = reader.u16();
  const headers: Header[] = [];
  for (let index = 0; index < count; index++) headers.push({ name: reader.text(), value: reader.text() });
  return headers;
}

/** The sequences of a record of either kind; `from` is where its body begins. */
export function readSettled(bytes: Buffer, from: number, end: number): readonly number[] {
  const reader = new RecordReader(bytes, from, end);
  const areRuns = reader.u8() === kinds.settledRuns;
  const count = reader.u32();
  const sequences: number[] = [];
  for (let index = 0; index < count; index++) {
    const first = reader.u48();
    const length = areRuns ? reader.u32() : 1;
    for (let sequence = first; sequence < first + length; sequence++) sequences.push(sequence);
  }
  return sequences;
}

/** @throws RangeError when it is none */
export function readMark(bytes: Buffer, from: number, end: number): Mark {
  const reader = new RecordReader(bytes, from, end);
  const kind = reader.u8();
  if (kind === kinds.attempted) return { kind: 'attempted', sequence: reader.u48(), attempt: reader.u16() };
  if (kind === kinds.died) return readDied(reader);
  if (kind !== kinds.once) throw new RangeError('unknown record');
  const [atMs, receiver, id] = [reader.f64(), reader.text(), reader.text()];
  return { kind: 'once', atMs, receiver, id, origin: reader.text() || undefined };
}

const reasons: readonly DeadReason[] = [
  'expired',
  'attempts',
  'invalid',
  'refused',
  'removed',
  'mailbox-full',
  'failed',
  'terminated',
  'dropped',
  'corrupt',
];

function readDied(reader: RecordReader): Mark {
  const sequence = reader.u48();
  const atMs = reader.f64();
  const text = reader.text();
  const reason = reasons.find((known) => known === text) ?? 'corrupt';
  return { kind: 'died', sequence, atMs, reason, failure: readFailure(reader) };
}

type PlainTag = Exclude<Failure['tag'], 'custom'>;
const plainTags: readonly PlainTag[] = [
  'invalid',
  'denied',
  'unsupported',
  'unavailable',
  'timed-out',
  'other',
];

function readFailure(reader: RecordReader): Failure | undefined {
  const text = reader.text();
  if (text === '') return undefined;
  if (text !== 'custom')
    return { tag: plainTags.find((known) => known === text) ?? 'other', val: reader.text() };
  const code = reader.text();
  const message = reader.text();
  const detail = reader.u8() === 0 ? undefined : reader.data();
  return { tag: 'custom', val: { code, message, detail } };
}

/** Bytes of a record on disk whose body has `bodyBytes`. */
export function recordBytes(bodyBytes: number): number {
  return recordHeadBytes + bodyBytes;
}
