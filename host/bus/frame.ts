import { deserialize, serialize } from 'node:v8';
import { levels, rankOfLevel } from '../manifest/scheduling.ts';
import type { DeadLetter } from './dead-letters.ts';
import type { Frame, MessageFrame } from './frame-kinds.ts';
import {
  failureOf,
  guestValueOf,
  outcomeBytesMax,
  readOutcome,
  readRefusal,
  refusalBytesMax,
  writeOutcome,
  writeRefusal,
} from './frame-outcome.ts';
import { type Guarantee, type Header, isPrincipal, type Message, ofOrigin, originOf } from './message.ts';
import { characterBytesMax, Eye, Pen, textBytesMax } from './pen.ts';

export type * from './frame-kinds.ts';

/**
 * A frame on its way: a head (kind, numbers, texts), then its body, which is the one part that may be long and is
 * copied once into the ring and once out of it. Both ends are threads of one process and run the same build: the
 * reader trusts what it reads, and checks that it never reads beyond the frame.
 */

const guarantees: readonly Guarantee[] = ['at-most-once', 'at-least-once', 'exactly-once'];

function codeOf(guarantee: Guarantee): number {
  if (guarantee === 'at-most-once') return 0;
  return guarantee === 'at-least-once' ? 1 : 2;
}

const messageKind = 0;
const replyKind = 1;
const refusedKind = 2;
const cancelKind = 3;
const subscribeKind = 4;
const unsubscribeKind = 5;
const settledKind = 6;
const roomKind = 7;
const attemptedKind = 8;
const diedKind = 9;
const withdrawnKind = 10;
const fenceKind = 11;
const passedKind = 12;

/** Bytes of a message's head without receivers, headers and texts. */
const messageBytes = 80;
const headerBytes = 8;
const smallBytesMax = 64;

const wideFlag = 1;
const senderFlag = 2;
const replyToFlag = 4;
const contentTypeFlag = 8;
const deadlineFlag = 16;
const sealedFlag = 32;
const returnedFlag = 64;

/** Beside a reply's kind. */
const sealedReplyBit = 16;

/** Beside a message's kind: 0, or one more than the place of the level that it asks for. */
const priorityShift = 16;
const priorityMask = 7;

function priorityBits({ priority }: Message): number {
  return priority === undefined ? 0 : (rankOfLevel(priority) + 1) << priorityShift;
}

const wrongLength = 'bug: a frame longer or shorter than it says';

type ReplyFrame = Extract<Frame, { kind: 'reply' }>;

const noBytes: Uint8Array = new Uint8Array(0);
const noHeaders: readonly Header[] = Object.freeze([]);
const noEntries: readonly number[] = Object.freeze([]);

/** The bytes of a frame that follow its head. */
export function bodyOf(frame: Frame): Uint8Array {
  if (frame.kind === 'message') return frame.message.body;
  if (frame.kind === 'died') return frame.letter.message.body;
  if (frame.kind === 'reply' && frame.outcome.kind === 'ok') return frame.outcome.value ?? noBytes;
  return noBytes;
}

/** Writes heads into one memory. */
export class FrameWriter {
  readonly #pen: Pen;
  /** What the last measured frame carries of a guest's own, or of a dead letter, already flat. */
  #guestValue: Uint8Array | undefined;

  constructor(memory: Buffer) {
    this.#pen = new Pen(memory);
  }

  /** Bytes the frame's head takes at most; asked right before `write`, which may need what was found. */
  measure(frame: Frame): number {
    switch (frame.kind) {
      case 'message':
        return messageBytesMax(frame);
      case 'reply':
        this.#guestValue = guestValueOf(frame.outcome);
        return replyBytesMax(frame, this.#guestValue);
      case 'refused':
        this.#guestValue = failureOf(frame.error);
        return smallBytesMax + refusalBytesMax(frame.error, this.#guestValue);
      case 'died':
        this.#guestValue = flatLetter(frame.letter);
        return smallBytesMax + this.#guestValue.length;
      case 'subscribe':
        return (
          smallBytesMax + textBytesMax(frame.name) + textBytesMax(frame.pattern) + textBytesMax(frame.group)
        );
      case 'settled':
        return smallBytesMax + 8 * frame.runs.length;
      default:
        return smallBytesMax;
    }
  }

  /** Writes the head at `at`, where there is room for what `measure` said. @returns its bytes */
  write(frame: Frame, at: number): number {
    const pen = this.#pen;
    pen.at = at;
    switch (frame.kind) {
      case 'message':
        writeMessage(pen, frame);
        break;
      case 'reply':
        this.#writeReply(frame);
        break;
      case 'refused':
        pen.u32(refusedKind);
        pen.f64(frame.request);
        writeRefusal(pen, frame.error, this.#guestValue);
        break;
      case 'died':
        pen.u32(diedKind);
        pen.bytes(this.#guestValue ?? flatLetter(frame.letter));
        break;
      default:
        writeSmall(pen, frame);
    }
    return pen.at - at;
  }

  /** Writes what stands before a frame that is sent in pieces. */
  writeLengths(at: number, headBytes: number, bodyBytes: number): void {
    this.#pen.at = at;
    this.#pen.u32(headBytes);
    this.#pen.u32(bodyBytes);
  }

  /** Writes a body after its head. */
  writeBody(body: Uint8Array): void {
    this.#pen.raw(body);
  }

  #writeReply(frame: ReplyFrame): void {
    this.#pen.u32(frame.isSealed === true ? replyKind | sealedReplyBit : replyKind);
    this.#pen.f64(frame.request);
    this.#pen.text(frame.contentType);
    writeHeaders(this.#pen, frame.headers);
    writeOutcome(this.#pen, frame.outcome, this.#guestValue);
  }
}

type SmallFrame = Exclude<Frame, { kind: 'message' | 'reply' | 'refused' | 'died' }>;

function writeSmall(pen: Pen, frame: SmallFrame): void {
  switch (frame.kind) {
    case 'cancel':
      pen.u32(cancelKind);
      pen.f64(frame.request);
      pen.u32(frame.thread);
      break;
    case 'subscribe':
      pen.u32(subscribeKind);
      pen.i32(frame.subscriber);
      pen.text(frame.name);
      pen.f64(frame.subscription);
      pen.text(frame.pattern);
      pen.text(frame.group);
      pen.u32(frame.thread);
      break;
    case 'unsubscribe':
      pen.u32(unsubscribeKind);
      pen.i32(frame.subscriber);
      pen.f64(frame.subscription);
      break;
    case 'settled':
      pen.u32(settledKind);
      pen.u32(frame.runs.length);
      writeEntries(pen, frame.runs);
      break;
    case 'withdrawn':
      pen.u32(withdrawnKind);
      pen.f64(frame.entry);
      break;
    case 'attempted':
      pen.u32(attemptedKind);
      pen.f64(frame.entry);
      pen.u32(frame.attempt);
      break;
    case 'room':
      pen.u32(roomKind);
      pen.i32(frame.receiver);
      break;
    case 'fence':
      pen.u32(fenceKind);
      pen.f64(frame.token);
      break;
    case 'passed':
      pen.u32(passedKind);
      pen.f64(frame.token);
      break;
  }
}

/** Everything of a dead letter but the message's body. They are rare: the engine's structured clone will do. */
function flatLetter(letter: DeadLetter): Uint8Array {
  return serialize({ ...letter, message: { ...letter.message, body: undefined } });
}

function readLetter(eye: Eye, body: Uint8Array): DeadLetter {
  const letter = deserialize(eye.bytes()) as DeadLetter;
  return { ...letter, message: { ...letter.message, body } };
}

function writeEntries(pen: Pen, entries: readonly number[]): void {
  for (let index = 0; index < entries.length; index++) pen.f64(entries[index] as number);
}

function writeHeaders(pen: Pen, headers: readonly Header[]): void {
  pen.u32(headers.length);
  for (const { name, value } of headers) {
    pen.text(name);
    pen.text(value);
  }
}

function replyBytesMax(frame: ReplyFrame, guestValue: Uint8Array | undefined): number {
  let bytes = smallBytesMax + textBytesMax(frame.contentType) + outcomeBytesMax(frame.outcome, guestValue);
  for (const { name, value } of frame.headers) bytes += textBytesMax(name) + textBytesMax(value);
  return bytes;
}

function messageBytesMax({ message, to, entries }: MessageFrame): number {
  const { headers } = message;
  let characters =
    message.id.length +
    message.subject.length +
    (originOf(message)?.length ?? 0) +
    (message.replyTo?.length ?? 0) +
    (message.contentType?.length ?? 0);
  for (let index = 0; index < headers.length; index++) {
    const header = headers[index] as Header;
    characters += header.name.length + header.value.length;
  }
  return (
    messageBytes +
    4 * to.length +
    8 * entries.length +
    headerBytes * headers.length +
    characterBytesMax * characters
  );
}

function writeMessage(pen: Pen, frame: MessageFrame): void {
  const { message, to, entries } = frame;
  const { headers, replyTo, contentType, deadlineNs } = message;
  const sender = originOf(message);
  const at = pen.at;
  const flags =
    (sender === undefined ? 0 : senderFlag) |
    (replyTo === undefined ? 0 : replyToFlag) |
    (contentType === undefined ? 0 : contentTypeFlag) |
    (deadlineNs === undefined ? 0 : deadlineFlag) |
    (message.isSealed === true ? sealedFlag : 0) |
    (frame.isReturned === true ? returnedFlag : 0);
  const kind = messageKind | (codeOf(frame.guarantee) << 4) | priorityBits(message);
  pen.u32(kind | (flags << 8));
  pen.i32(frame.from);
  pen.f64(frame.request);
  pen.u32(frame.thread);
  pen.u32(message.attempt);
  pen.u32(to.length);
  pen.u32(entries.length);
  pen.u32(headers.length);
  pen.u64(message.sentAtNs);
  pen.u64(deadlineNs ?? 0n);
  pen.u32(message.id.length);
  pen.u32(message.subject.length);
  pen.u32(sender === undefined ? 0 : sender.length);
  pen.u32(replyTo === undefined ? 0 : replyTo.length);
  pen.u32(contentType === undefined ? 0 : contentType.length);
  for (let index = 0; index < to.length; index++) pen.i32(to[index] as number);
  writeEntries(pen, entries);
  for (let index = 0; index < headers.length; index++) {
    const header = headers[index] as Header;
    pen.u32(header.name.length);
    pen.u32(header.value.length);
  }
  const textsAt = pen.at;
  if (writeShort(pen, message, sender)) return;
  pen.at = textsAt;
  if (!pen.characters(textsOf(message, sender))) return;
  const end = pen.at;
  pen.at = at;
  pen.u32(kind | ((flags | wideFlag) << 8));
  pen.at = end;
}

/** What `textsOf` is, text by text; false: they are not all short ASCII, or there are headers. */
function writeShort(
  pen: Pen,
  { id, subject, replyTo, contentType, headers }: Message,
  sender: string | undefined,
): boolean {
  return (
    headers.length === 0 &&
    pen.ascii(id) &&
    pen.ascii(subject) &&
    (sender === undefined || pen.ascii(sender)) &&
    (replyTo === undefined || pen.ascii(replyTo)) &&
    (contentType === undefined || pen.ascii(contentType))
  );
}

/** All texts of a message in one, so that they are written and read in one go and cut afterwards. */
function textsOf(
  { id, subject, replyTo, contentType, headers }: Message,
  sender: string | undefined,
): string {
  let texts = id + subject;
  if (sender !== undefined) texts += sender;
  if (replyTo !== undefined) texts += replyTo;
  if (contentType !== undefined) texts += contentType;
  for (let index = 0; index < headers.length; index++) {
    const header = headers[index] as Header;
    texts += header.name + header.value;
  }
  return texts;
}

/** Reads frames out of one memory. */
export class FrameReader {
  readonly #eye: Eye;

  constructor(memory: Buffer) {
    this.#eye = new Eye(memory);
  }

  /** The frame of a head of `headBytes` at `at`, directly followed by a body of `bodyBytes`. */
  read(at: number, headBytes: number, bodyBytes: number): Frame {
    const body = bodyBytes === 0 ? undefined : this.#eye.look(at + headBytes, bodyBytes).raw(bodyBytes);
    return this.readHead(at, headBytes, body);
  }

  /** The frame of a head at `at` whose body is here already; it is not copied again. */
  readHead(at: number, headBytes: number, body: Uint8Array | undefined): Frame {
    const eye = this.#eye.look(at, headBytes);
    const frame = readFrame(eye, body ?? new Uint8Array(0));
    if (eye.at !== eye.end) throw new Error(wrongLength);
    return frame;
  }
}

function readFrame(eye: Eye, body: Uint8Array): Frame {
  const word = eye.u32();
  switch (word & 15) {
    case messageKind:
      return readMessage(eye, word, body);
    case replyKind:
      return readReply(eye, word, body);
    case refusedKind:
      return { kind: 'refused', request: eye.f64(), error: readRefusal(eye) };
    case cancelKind:
      return { kind: 'cancel', request: eye.f64(), thread: eye.u32() };
    case subscribeKind:
      return readSubscribe(eye);
    case unsubscribeKind:
      return { kind: 'unsubscribe', subscriber: eye.i32(), subscription: eye.f64() };
    case settledKind:
      return { kind: 'settled', runs: readEntries(eye, eye.u32()) };
    case withdrawnKind:
      return { kind: 'withdrawn', entry: eye.f64() };
    case attemptedKind:
      return { kind: 'attempted', entry: eye.f64(), attempt: eye.u32() };
    case diedKind:
      return { kind: 'died', letter: readLetter(eye, body) };
    case roomKind:
      return { kind: 'room', receiver: eye.i32() };
    case fenceKind:
      return { kind: 'fence', token: eye.f64() };
    case passedKind:
      return { kind: 'passed', token: eye.f64() };
    default:
      throw new Error('bug: a frame of no kind');
  }
}

function readReply(eye: Eye, word: number, body: Uint8Array): Frame {
  const request = eye.f64();
  const contentType = eye.text();
  const headers = readHeaders(eye);
  const outcome = readOutcome(eye, body);
  if ((word & sealedReplyBit) === 0) return { kind: 'reply', request, outcome, contentType, headers };
  return { kind: 'reply', request, outcome, contentType, headers, isSealed: true };
}

function readHeaders(eye: Eye): Header[] {
  const count = eye.u32();
  const headers: Header[] = [];
  for (let index = 0; index < count; index++)
    headers.push({ name: eye.text() ?? '', value: eye.text() ?? '' });
  return headers;
}

function readSubscribe(eye: Eye): Frame {
  const subscriber = eye.i32();
  const name = eye.text() ?? '';
  const subscription = eye.f64();
  const pattern = eye.text() ?? '';
  const group = eye.text();
  return { kind: 'subscribe', subscriber, name, subscription, pattern, group, thread: eye.u32() };
}

function readMessage(eye: Eye, word: number, body: Uint8Array): MessageFrame {
  const flags = (word >>> 8) & 255;
  const from = eye.i32();
  const request = eye.f64();
  const thread = eye.u32();
  const attempt = eye.u32();
  const toCount = eye.u32();
  const entryCount = eye.u32();
  const headerCount = eye.u32();
  const sentAtNs = eye.u64();
  let deadlineNs: bigint | undefined;
  if ((flags & deadlineFlag) !== 0) deadlineNs = eye.u64();
  else eye.at += 8;
  const idEnd = eye.u32();
  const subjectEnd = idEnd + eye.u32();
  const senderEnd = subjectEnd + eye.u32();
  const replyToEnd = senderEnd + eye.u32();
  const contentTypeEnd = replyToEnd + eye.u32();
  const to = readReceivers(eye, toCount);
  const entries = entryCount === 0 ? noEntries : readEntries(eye, entryCount);
  const lengthsAt = eye.at;
  eye.at += headerBytes * headerCount;
  const left = eye.end - eye.at;
  const text = (flags & wideFlag) === 0 ? eye.narrow(left) : eye.wide(left >>> 1);
  if (headerCount === 0 && contentTypeEnd !== text.length) throw new Error(wrongLength);
  const headers =
    headerCount === 0 ? noHeaders : cutHeaders(eye, lengthsAt, headerCount, text, contentTypeEnd);
  const origin = (flags & senderFlag) === 0 ? undefined : text.substring(subjectEnd, senderEnd);
  const said: Message = {
    id: text.substring(0, idEnd),
    subject: text.substring(idEnd, subjectEnd),
    sender: origin,
    replyTo: (flags & replyToFlag) === 0 ? undefined : text.substring(senderEnd, replyToEnd),
    sentAtNs,
    deadlineNs,
    attempt,
    contentType: (flags & contentTypeFlag) === 0 ? undefined : text.substring(replyToEnd, contentTypeEnd),
    headers,
    body,
  };
  const priority = levels[((word >>> priorityShift) & priorityMask) - 1];
  const named = isPrincipal(origin) ? ofOrigin(said, origin) : said;
  const message = priority === undefined ? named : { ...named, priority };
  const guarantee = guarantees[(word >>> 4) & 3] as Guarantee;
  if ((flags & (sealedFlag | returnedFlag)) === 0)
    return { kind: 'message', to, entries, message, guarantee, from, request, thread };
  const sealed: Message = (flags & sealedFlag) === 0 ? message : { ...message, isSealed: true };
  const frame: MessageFrame = {
    kind: 'message',
    to,
    entries,
    message: sealed,
    guarantee,
    from,
    request,
    thread,
  };
  return (flags & returnedFlag) === 0 ? frame : { ...frame, isReturned: true };
}

function readReceivers(eye: Eye, count: number): number[] {
  if (count > (eye.end - eye.at) >> 2) throw new Error('bug: a frame with fewer receivers than it says');
  if (count === 1) return [eye.i32()];
  const to: number[] = [];
  for (let index = 0; index < count; index++) to.push(eye.i32());
  return to;
}

function readEntries(eye: Eye, count: number): number[] {
  if (count > (eye.end - eye.at) >> 3) throw new Error('bug: a frame with fewer entries than it says');
  const entries: number[] = [];
  for (let index = 0; index < count; index++) entries.push(eye.f64());
  return entries;
}

function cutHeaders(eye: Eye, lengthsAt: number, count: number, text: string, from: number): Header[] {
  const end = eye.at;
  eye.at = lengthsAt;
  const headers: Header[] = [];
  let at = from;
  for (let index = 0; index < count; index++) {
    const nameEnd = at + eye.u32();
    const valueEnd = nameEnd + eye.u32();
    headers.push({ name: text.substring(at, nameEnd), value: text.substring(nameEnd, valueEnd) });
    at = valueEnd;
  }
  if (at !== text.length) throw new Error(wrongLength);
  eye.at = end;
  return headers;
}
