import type { Answer, EnvelopeSeal } from '../../bus/envelopes.ts';
import type { Header, Message } from '../../bus/message.ts';
import { BytesReader, BytesWriter } from '../../identity/bytes.ts';
import type { EnvelopeHeader } from '../../identity/header.ts';
import type { LocalSessions } from '../../identity/local-sessions.ts';

/** What whoever is no agent is called in an envelope: no agent has such a name. */
const outside = '@host';
/** A message's own deadline is looked at where it waits; ten thousand years. */
const ttlMs = 2 ** 48;
const hasContentType = 1;
const hasReplyTo = 2;
const hasDeadline = 4;
const headersMax = 65_535;
const noBytes = new Uint8Array(0);

/** Seals messages between the agents of one host, with the sessions of one of its threads. */
export class LocalEnvelopes implements EnvelopeSeal {
  readonly #sessions: LocalSessions;
  readonly #writer = new BytesWriter(4096);

  constructor(sessions: LocalSessions) {
    this.#sessions = sessions;
  }

  seal(message: Message, receiver: string): Uint8Array {
    const sender = message.sender ?? outside;
    const { contentType, replyTo, deadlineNs, headers, body, sentAtNs } = message;
    const writer = this.#writer.reset();
    writer.u8(
      (contentType === undefined ? 0 : hasContentType) |
        (replyTo === undefined ? 0 : hasReplyTo) |
        (deadlineNs === undefined ? 0 : hasDeadline),
    );
    writeNs(writer, sentAtNs);
    writeNs(writer, deadlineNs ?? 0n);
    writeHeaders(writer, headers);
    const header = headerOf(message, sender, receiver);
    return this.#sessions.sealer(sender, receiver).seal(header, writer.raw(body).view());
  }

  open(message: Message, receiver: string): Message | string {
    const sender = message.sender ?? outside;
    const opened = this.#sessions.open(message.body, sender, receiver);
    if (opened.kind === 'refused') return `${opened.why}: ${opened.detail}`;
    const { header, payload } = opened;
    const reader = new BytesReader(payload);
    const flags = reader.u8();
    const sentAtNs = readNs(reader);
    const deadlineNs = readNs(reader);
    const headers = readHeaders(reader);
    if (!reader.isGood) return 'malformed: no message in the envelope';
    const said: Message = {
      id: header.id,
      subject: header.subject,
      sender: message.sender,
      replyTo: (flags & hasReplyTo) === 0 ? undefined : header.replyTo,
      sentAtNs,
      deadlineNs: (flags & hasDeadline) === 0 ? undefined : deadlineNs,
      attempt: message.attempt,
      contentType: (flags & hasContentType) === 0 ? undefined : header.contentType,
      headers,
      body: payload.subarray(reader.at),
    };
    return difference(header, message, said, receiver) ?? said;
  }

  sealReply(question: Message, receiver: string, { contentType, headers, body }: Answer): Uint8Array {
    const asker = question.sender ?? outside;
    const writer = this.#writer.reset().u8(contentType === undefined ? 0 : hasContentType);
    writeHeaders(writer, headers);
    const header: EnvelopeHeader = {
      ...headerOf(question, receiver, asker),
      kind: 'reply',
      contentType: contentType ?? '',
      replyTo: '',
    };
    return this.#sessions.sealer(receiver, asker).seal(header, writer.raw(body).view());
  }

  openReply(question: Message, asked: ReadonlySet<string>, body: Uint8Array): Answer | string {
    const asker = question.sender ?? outside;
    for (const name of asked) {
      const opened = this.#sessions.open(body, name, asker);
      // Each of those who were asked has keys of its own.
      if (opened.kind === 'refused' && asked.size > 1) continue;
      if (opened.kind === 'refused') return `${opened.why}: ${opened.detail}`;
      const { header, payload } = opened;
      if (header.kind !== 'reply' || header.id !== question.id)
        return 'unauthentic: the answer to another question';
      const reader = new BytesReader(payload);
      const flags = reader.u8();
      const headers = readHeaders(reader);
      if (!reader.isGood) return 'malformed: no answer in the envelope';
      const contentType = (flags & hasContentType) === 0 ? undefined : header.contentType;
      return { contentType, headers, body: payload.subarray(reader.at) };
    }
    return 'unauthentic: of none of those who were asked';
  }
}

function headerOf(message: Message, sender: string, recipient: string): EnvelopeHeader {
  const { id, subject, contentType = '', replyTo = '', sentAtNs } = message;
  return {
    id,
    sender,
    recipient,
    subject,
    kind: replyTo === '' ? 'send' : 'request',
    contentType,
    replyTo,
    sentAtMs: Number(sentAtNs / 1_000_000n),
    ttlMs,
    sequence: 0,
    trace: '',
    keyGeneration: 0,
  };
}

/** What came along in the clear, by which the message was brought here, is what its sender sealed. */
function difference(
  header: EnvelopeHeader,
  clear: Message,
  said: Message,
  receiver: string,
): string | undefined {
  if (header.kind === 'reply') return 'unauthentic: an answer in the place of a message';
  if (header.recipient !== receiver) return 'recipient: sealed for another';
  const isSame =
    said.id === clear.id &&
    said.subject === clear.subject &&
    said.replyTo === clear.replyTo &&
    said.contentType === clear.contentType &&
    said.sentAtNs === clear.sentAtNs &&
    said.deadlineNs === clear.deadlineNs;
  return isSame ? undefined : 'unauthentic: what came along in the clear is not what was sealed';
}

function writeNs(writer: BytesWriter, ns: bigint): void {
  writer.u32(Number((ns >> 32n) & 0xffff_ffffn)).u32(Number(ns & 0xffff_ffffn));
}

function readNs(reader: BytesReader): bigint {
  return (BigInt(reader.u32()) << 32n) | BigInt(reader.u32());
}

const encoder = new TextEncoder();

function writeHeaders(writer: BytesWriter, headers: readonly Header[]): void {
  writer.u16(Math.min(headers.length, headersMax));
  for (const { name, value } of headers) writer.block(encoder.encode(name)).block(encoder.encode(value));
}

function readHeaders(reader: BytesReader): Header[] {
  const count = reader.u16();
  const headers: Header[] = [];
  for (let at = 0; at < count && reader.isGood; at++)
    headers.push({ name: textOf(reader.block()), value: textOf(reader.block()) });
  return headers;
}

function textOf(bytes: Uint8Array = noBytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
