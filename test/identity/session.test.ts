import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BytesWriter } from '../../host/identity/bytes.ts';
import { type EnvelopeHeader, writeHeader } from '../../host/identity/header.ts';
import type { RefusalReason } from '../../host/identity/refusal.ts';
import { prefixBytes } from '../../host/identity/sealed-envelope.ts';
import { Opener, Sealer, type Session } from '../../host/identity/session.ts';
import { HandClock } from '../support/hand-clock.ts';
import { flipped, headerOf, meet, nowMs, pair, payload } from './parties.ts';

function assertRefused(session: Session, envelope: Uint8Array, why: RefusalReason): void {
  const opened = session.opener.open(envelope);
  assert.equal(opened.kind === 'refused' ? opened.why : opened.kind, why);
}

function assertOpens(session: Session, envelope: Uint8Array): EnvelopeHeader {
  const opened = session.opener.open(envelope);
  if (opened.kind === 'refused') assert.fail(opened.detail);
  assert.deepEqual(Buffer.from(opened.payload), payload);
  return opened.header;
}

test('a sealed message arrives with its whole header, both ways, and its payload is nowhere in the clear', () => {
  const { alpha, beta, clock } = pair();
  const [at, bt] = meet(alpha, beta);
  const header = headerOf(clock, { subject: 'agent.prüfung', kind: 'request' });
  const envelope = at.sealer.seal(header, payload);
  assert.ok(!Buffer.from(envelope).includes(payload));
  assert.deepEqual(assertOpens(bt, envelope), { ...header, sequence: 1 });
  const back = headerOf(clock, { sender: 'beta/audit', recipient: 'alpha/billing', kind: 'reply' });
  assert.deepEqual(assertOpens(at, bt.sealer.seal(back, payload)), back);
});

test('an empty payload is sealed like any other', () => {
  const { alpha, beta, clock } = pair();
  const [at, bt] = meet(alpha, beta);
  const opened = bt.opener.open(at.sealer.seal(headerOf(clock), new Uint8Array(0)));
  assert.equal(opened.kind === 'opened' && opened.payload.length, 0);
});

test('attack, changed header: each field by itself, written well-formed, breaks the seal', () => {
  const { alpha, beta, clock } = pair();
  const changes: Partial<EnvelopeHeader>[] = [
    { id: 'message-2' },
    { sender: 'alpha/refunds' },
    { recipient: 'beta/vault' },
    { subject: 'agent.audiT' },
    { kind: 'request' },
    { contentType: 'text/plain' },
    { replyTo: '_inbox.2' },
    { sentAtMs: nowMs(clock) + 1 },
    { ttlMs: 30_001 },
    { sequence: 2 },
    { trace: '' },
    { keyGeneration: 2 },
  ];
  const header = headerOf(clock);
  assert.deepEqual(changes.map((change) => Object.keys(change)[0]).sort(), Object.keys(header).sort());
  for (const change of changes) {
    const [at, bt] = meet(alpha, beta);
    const envelope = at.sealer.seal(header, payload);
    const forged = withHeader(envelope, { ...header, ...change });
    assertRefused(bt, forged, 'unauthentic');
    assertOpens(bt, envelope);
  }
});

/** The envelope with another header in its place, its length put right. */
function withHeader(envelope: Uint8Array, header: EnvelopeHeader): Uint8Array {
  const old = Buffer.from(envelope);
  const writer = new BytesWriter();
  writeHeader(header, header.sequence, writer);
  const head = Buffer.from(writer.view());
  const prefix = Buffer.from(old.subarray(0, prefixBytes));
  const rest = old.subarray(prefixBytes + old.readUInt16BE(prefixBytes - 2));
  prefix.writeUInt16BE(head.length, prefixBytes - 2);
  return Buffer.concat([prefix, head, rest]);
}

test('attack, flipped bits: every single bit of an envelope counts', () => {
  const { alpha, beta, clock } = pair();
  const [at, bt] = meet(alpha, beta);
  const envelope = at.sealer.seal(headerOf(clock), payload);
  for (let bit = 0; bit < envelope.length * 8; bit++)
    assert.equal(bt.opener.open(flipped(envelope, bit)).kind, 'refused', `bit ${bit}`);
  assertOpens(bt, envelope);
});

test('attack, truncated: no shorter envelope opens, and no longer one', () => {
  const { alpha, beta, clock } = pair();
  const [at, bt] = meet(alpha, beta);
  const envelope = at.sealer.seal(headerOf(clock), payload);
  for (let length = 0; length < envelope.length; length++)
    assert.equal(bt.opener.open(envelope.subarray(0, length)).kind, 'refused', `${length} bytes`);
  assertRefused(bt, Buffer.concat([envelope, Buffer.alloc(1)]), 'unauthentic');
  assertOpens(bt, envelope);
});

test('attack, replayed: a message opens once, at any later time within the window and behind it', () => {
  const { alpha, beta, clock } = pair();
  const [at, bt] = meet(alpha, beta);
  const first = at.sealer.seal(headerOf(clock), payload);
  assertOpens(bt, first);
  assertRefused(bt, first, 'replayed');
  for (let sent = 1; sent < 1024; sent++) assertOpens(bt, at.sealer.seal(headerOf(clock), payload));
  assertRefused(bt, first, 'replayed');
  assertOpens(bt, at.sealer.seal(headerOf(clock), payload));
  assertRefused(bt, first, 'stale');
});

test('messages that overtake each other all open, once each', () => {
  const { alpha, beta, clock } = pair();
  const [at, bt] = meet(alpha, beta);
  const sent = Array.from({ length: 1024 }, () => at.sealer.seal(headerOf(clock), payload));
  for (const envelope of sent.toReversed()) assertOpens(bt, envelope);
  for (const envelope of sent) assertRefused(bt, envelope, 'replayed');
});

test('attack, forged numbers: an envelope that is not authentic does not move the window', () => {
  const { alpha, beta, clock } = pair();
  const [at, bt] = meet(alpha, beta);
  const envelope = at.sealer.seal(headerOf(clock), payload);
  assertRefused(bt, withHeader(envelope, headerOf(clock, { sequence: 2 ** 40 })), 'unauthentic');
  assertOpens(bt, envelope);
});

test('attack, forged sender: a host cannot speak for the agents of another', () => {
  const { alpha, beta, clock } = pair();
  const [at] = meet(alpha, beta);
  assert.throws(() => at.sealer.seal(headerOf(clock, { sender: 'gamma/billing' }), payload), {
    code: 'HOST_ERR_VALUE_INVALID',
    message: /sender is gamma\/billing, in a session of alpha/,
  });
  // A peer that has the keys and other code.
  const { sealer, opener } = halves({ from: 'gamma', to: 'beta' }, { from: 'alpha', to: 'beta' });
  const opened = opener.open(sealer.seal(headerOf(clock, { sender: 'gamma/billing' }), payload));
  assert.equal(opened.kind === 'refused' && opened.why, 'sender');
  const near = halves({ from: 'alphabet', to: 'beta' }, { from: 'alpha', to: 'beta' });
  const other = near.opener.open(near.sealer.seal(headerOf(clock, { sender: 'alphabet' }), payload));
  assert.equal(other.kind === 'refused' && other.why, 'sender');
});

test('attack, swapped recipient: a message for one host does not open at another, and not for another agent', () => {
  const { alpha, beta, clock } = pair();
  const [at, bt] = meet(alpha, beta);
  assert.throws(() => at.sealer.seal(headerOf(clock, { recipient: 'gamma/audit' }), payload), {
    code: 'HOST_ERR_VALUE_INVALID',
  });
  const envelope = at.sealer.seal(headerOf(clock), payload);
  assertRefused(bt, withHeader(envelope, headerOf(clock, { recipient: 'beta/vault' })), 'unauthentic');
  const { sealer, opener } = halves({ from: 'alpha', to: 'gamma' }, { from: 'alpha', to: 'beta' });
  const opened = opener.open(sealer.seal(headerOf(clock, { recipient: 'gamma/audit' }), payload));
  assert.equal(opened.kind === 'refused' && opened.why, 'recipient');
});

/** Two halves with one key, each with its own idea of who is who. */
function halves(
  sending: { from: string; to: string },
  receiving: { from: string; to: string },
): { sealer: Sealer; opener: Opener } {
  const clock = new HandClock();
  const keys = (): { sessionId: Uint8Array; secret: Uint8Array; clock: HandClock } => ({
    sessionId: new Uint8Array(16).fill(1),
    secret: new Uint8Array(32).fill(2),
    clock,
  });
  return {
    sealer: new Sealer({ ...keys(), ...sending }),
    opener: new Opener({ ...keys(), ...receiving }),
  };
}

test('attack, reflected: what a side sent does not open there', () => {
  const { alpha, beta, clock } = pair();
  const [at, bt] = meet(alpha, beta);
  assertRefused(at, at.sealer.seal(headerOf(clock), payload), 'unauthentic');
  const back = headerOf(clock, { sender: 'beta/audit', recipient: 'alpha/billing' });
  assertRefused(bt, bt.sealer.seal(back, payload), 'unauthentic');
});

test('attack, future timestamp: a minute of skew is allowed, a millisecond more is not', () => {
  const { alpha, beta, clock } = pair();
  const [at, bt] = meet(alpha, beta);
  const later = (ms: number): Uint8Array =>
    at.sealer.seal(headerOf(clock, { sentAtMs: nowMs(clock) + ms }), payload);
  assertOpens(bt, later(60_000));
  const early = later(60_001);
  assertRefused(bt, early, 'future');
  clock.turn(1);
  assertRefused(bt, early, 'replayed');
});

test('attack, expired: held back until its ttl is over, a message does not open any more', () => {
  const { alpha, beta, clock } = pair();
  const [at, bt] = meet(alpha, beta);
  const [one, other] = [headerOf(clock), headerOf(clock)].map((header) => at.sealer.seal(header, payload));
  clock.turn(30_000);
  assertOpens(bt, one ?? new Uint8Array(0));
  clock.turn(1);
  assertRefused(bt, other ?? new Uint8Array(0), 'expired');
});

test('attack, another session: a message does not open in a later session of the same parties', () => {
  const { alpha, beta, clock } = pair();
  const [at] = meet(alpha, beta);
  const [, later] = meet(alpha, beta);
  const envelope = at.sealer.seal(headerOf(clock), payload);
  assertRefused(later, envelope, 'session-unknown');
  // With the later session's id written over the one it has.
  const forged = Uint8Array.from(envelope);
  forged.set(later.id, 1);
  assertRefused(later, forged, 'unauthentic');
});

test('keys change after so many messages and after an hour; late messages of the last key still open', () => {
  const clock = new HandClock();
  const options = () => ({
    sessionId: new Uint8Array(16),
    secret: new Uint8Array(32),
    from: 'alpha',
    to: 'beta',
    clock,
    rekeyMessagesMax: 4,
  });
  const [sealer, opener] = [new Sealer(options()), new Opener(options())];
  const sent = Array.from({ length: 9 }, () => sealer.seal(headerOf(clock), payload));
  assert.equal(sealer.epoch, 2);
  const order = [0, 4, 1, 8, 5, 2];
  const kinds = order.map((at) => opener.open(sent[at] ?? new Uint8Array(0)));
  assert.deepEqual(
    kinds.map((opened) => (opened.kind === 'refused' ? opened.why : opened.kind)),
    ['opened', 'opened', 'opened', 'opened', 'opened', 'epoch'],
  );
  clock.turn(3_600_000);
  assert.equal(opener.open(sealer.seal(headerOf(clock), payload)).kind, 'opened');
  assert.equal(sealer.epoch, 3);
  clock.turn(60_001);
  const late = headerOf(clock, { ttlMs: 10_000_000 });
  sealer.seal(late, payload);
  assert.equal(sealer.epoch, 3);
  const stale = opener.open(sent[6] ?? new Uint8Array(0));
  assert.equal(stale.kind === 'refused' && stale.why, 'epoch');
});

test('a forged epoch, near or far, does not move the keys', () => {
  const { alpha, beta, clock } = pair();
  const [at, bt] = meet(alpha, beta);
  const envelope = at.sealer.seal(headerOf(clock), payload);
  for (const epoch of [1, 24, 25, 0xffff_ffff]) {
    const forged = Buffer.from(envelope);
    forged.writeUInt32BE(epoch, 17);
    assertRefused(bt, forged, epoch <= 24 ? 'unauthentic' : 'epoch');
  }
  assertOpens(bt, envelope);
});

test('no nonce is used twice under a key: each message has the next number, whatever its header says', () => {
  const { alpha, beta, clock } = pair();
  const [at, bt] = meet(alpha, beta);
  const numbers = [7, 7, 1].map(
    (sequence) => assertOpens(bt, at.sealer.seal(headerOf(clock, { sequence }), payload)).sequence,
  );
  assert.deepEqual(numbers, [1, 2, 3]);
});

test('no nonce is used twice after a restart: a new session seals the same message otherwise, with all else equal', () => {
  const { alpha, beta, clock } = pair();
  // Entropy that repeats itself is the worst a restart could bring; only one side has it.
  const [before] = meet(alpha, beta, { fill: (bytes) => bytes.fill(5) });
  const [after] = meet(alpha, beta);
  const [one, other] = [before, after].map(({ sealer }) => sealer.seal(headerOf(clock), payload));
  assert.notDeepEqual(one?.subarray(-30), other?.subarray(-30));
  assert.notDeepEqual(before.id, after.id);
});

test('a header with a field that has no form is refused, naming the field', () => {
  const { alpha, beta, clock } = pair();
  const [at] = meet(alpha, beta);
  const cases: [Partial<EnvelopeHeader>, RegExp][] = [
    [{ subject: 'x'.repeat(4097) }, /subject has more than 4096 bytes/],
    [{ id: 'ü'.repeat(2049) }, /id has more than 4096 bytes/],
    [{ ttlMs: -1 }, /ttlMs/],
    [{ sentAtMs: 1.5 }, /sentAtMs/],
    [{ keyGeneration: 2 ** 32 }, /keyGeneration/],
  ];
  for (const [change, message] of cases)
    assert.throws(() => at.sealer.seal(headerOf(clock, change), payload), {
      code: 'HOST_ERR_VALUE_INVALID',
      message,
    });
  at.sealer.seal(headerOf(clock, { subject: 'x'.repeat(4096) }), payload);
});
