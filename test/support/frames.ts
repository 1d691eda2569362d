import type { DeadLetter } from '../../host/bus/dead-letters.ts';
import type { Frame, MessageFrame } from '../../host/bus/frame-kinds.ts';
import type { BusError, Failure, Header } from '../../host/bus/message.ts';
import { limitNames } from '../../host/limits.ts';
import type { Usage } from '../../host/outcome.ts';
import { fc } from './properties.ts';

/** Any UTF-16, halves of surrogate pairs included. */
const text: fc.Arbitrary<string> = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), halves());
const optionalText: fc.Arbitrary<string | undefined> = fc.option(text, { nil: undefined });
const bytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 300 });
const headers: fc.Arbitrary<Header[]> = fc.array(fc.record({ name: text, value: text }, plain()), {
  maxLength: 4,
});
const u64: fc.Arbitrary<bigint> = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const token: fc.Arbitrary<number> = fc.maxSafeNat();
const id: fc.Arbitrary<number> = fc.integer();
const thread: fc.Arbitrary<number> = fc.nat();
const number: fc.Arbitrary<number> = fc.double({ noNaN: true });
const entries: fc.Arbitrary<number[]> = fc.array(token, { maxLength: 5 });

function halves(): fc.Arbitrary<string> {
  return fc.array(fc.integer({ min: 0xd700, max: 0xe000 })).map((units) => String.fromCharCode(...units));
}

function plain(): { noNullPrototype: true } {
  return { noNullPrototype: true };
}

const usage: fc.Arbitrary<Usage> = fc.record(
  { fuel: u64, memoryBytes: number, wallMs: number, outputBytes: number },
  plain(),
);

const failure: fc.Arbitrary<Failure> = fc.oneof(
  fc.record({ tag: fc.constantFrom('invalid' as const, 'denied', 'timed-out', 'other'), val: text }, plain()),
  fc.record(
    {
      tag: fc.constant('custom' as const),
      val: fc.record({ code: text, message: text, detail: fc.option(bytes, { nil: undefined }) }, plain()),
    },
    plain(),
  ),
);

export const busErrors: fc.Arbitrary<BusError> = fc.oneof(
  fc.record(
    { tag: fc.constantFrom('denied' as const, 'unavailable', 'timed-out', 'no-responders', 'cancelled') },
    plain(),
  ),
  fc.record({ tag: fc.constantFrom('full' as const, 'rate-limited'), val: fc.nat() }, plain()),
  fc.record(
    {
      tag: fc.constant('too-late' as const),
      val: fc.record({ forecastMs: number, deadlineMs: number }, plain()),
    },
    plain(),
  ),
  fc.record({ tag: fc.constant('too-large' as const), val: u64 }, plain()),
  fc.record({ tag: fc.constantFrom('invalid-subject' as const, 'unsupported', 'other'), val: text }, plain()),
  fc.record({ tag: fc.constant('failed' as const), val: failure }, plain()),
);

const outcomes = fc.oneof(
  fc.record(
    { kind: fc.constant('ok' as const), value: fc.option(bytes, { nil: undefined }), usage },
    plain(),
  ),
  fc.record({ kind: fc.constant('error' as const), exitCode: fc.integer(), usage }, plain()),
  fc.record(
    {
      kind: fc.constant('error' as const),
      exitCode: fc.integer(),
      failure: fc.oneof(failure, u64, text),
      usage,
    },
    plain(),
  ),
  fc.record(
    { kind: fc.constant('trap' as const), trap: fc.constant('unreachable' as const), message: text, usage },
    plain(),
  ),
  fc.record(
    {
      kind: fc.constant('trap' as const),
      trap: fc.constant('host-fault' as const),
      message: text,
      stack: text,
      usage,
    },
    plain(),
  ),
  fc.record(
    {
      kind: fc.constant('limit' as const),
      limit: fc.constantFrom(...limitNames),
      max: fc.oneof(u64, number),
      used: fc.oneof(u64, number),
      usage,
    },
    plain(),
  ),
  fc.record({ kind: fc.constantFrom('cancelled' as const, 'denied'), reason: text, usage }, plain()),
);

export const messageFrames: fc.Arbitrary<MessageFrame> = fc.record(
  {
    kind: fc.constant('message' as const),
    to: fc.array(id, { maxLength: 5 }),
    entries,
    message: fc.record(
      {
        id: text,
        subject: text,
        sender: optionalText.filter((name) => name?.startsWith('@') !== true),
        replyTo: optionalText,
        sentAtNs: u64,
        deadlineNs: fc.option(u64, { nil: undefined }),
        attempt: fc.nat(),
        contentType: optionalText,
        headers,
        body: bytes,
      },
      plain(),
    ),
    guarantee: fc.constantFrom('at-most-once' as const, 'at-least-once', 'exactly-once'),
    from: id,
    request: token,
    thread,
  },
  plain(),
);

const letters: fc.Arbitrary<DeadLetter> = fc
  .record({
    frame: messageFrames,
    receiver: text,
    failure: fc.option(failure, { nil: undefined }),
    entry: token,
  })
  .map(({ frame, receiver, failure, entry }) => ({
    message: frame.message,
    guarantee: frame.guarantee,
    receiver,
    reason: 'attempts',
    failure,
    atMs: 1,
    entry,
  }));

/** Frames of every kind. */
export const frames: fc.Arbitrary<Frame> = fc.oneof(
  messageFrames,
  fc.record(
    {
      kind: fc.constant('reply' as const),
      request: token,
      outcome: outcomes,
      contentType: optionalText,
      headers,
    },
    plain(),
  ),
  fc.record({ kind: fc.constant('refused' as const), request: token, error: busErrors }, plain()),
  fc.record({ kind: fc.constant('withdrawn' as const), entry: token }, plain()),
  fc.record({ kind: fc.constant('attempted' as const), entry: token, attempt: fc.nat() }, plain()),
  fc.record({ kind: fc.constant('died' as const), letter: letters }, plain()),
  fc.record({ kind: fc.constant('cancel' as const), request: token, thread }, plain()),
  fc.record(
    {
      kind: fc.constant('subscribe' as const),
      subscriber: id,
      name: text,
      subscription: token,
      pattern: text,
      group: optionalText,
      thread,
    },
    plain(),
  ),
  fc.record({ kind: fc.constant('unsubscribe' as const), subscriber: id, subscription: token }, plain()),
  fc.record({ kind: fc.constant('settled' as const), runs: entries }, plain()),
  fc.record({ kind: fc.constant('room' as const), receiver: id }, plain()),
  fc.record({ kind: fc.constantFrom('fence' as const, 'passed'), token }, plain()),
  messageFrames.map((frame): Frame => ({ ...frame, isReturned: true })),
);

/** A message of one receiver with `body`. */
export function messageOf(number: number, body: Uint8Array): MessageFrame {
  return {
    kind: 'message',
    to: [number],
    entries: [],
    message: {
      id: `message-${number}`,
      subject: 'agent.receiver',
      sender: 'sender',
      replyTo: undefined,
      sentAtNs: BigInt(number),
      deadlineNs: undefined,
      attempt: 1,
      contentType: 'application/octet-stream',
      headers: [],
      body,
    },
    guarantee: 'at-most-once',
    from: 1,
    request: 0,
    thread: 0,
  };
}
