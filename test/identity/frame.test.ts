import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../../host/clock.ts';
import { LocalSessions } from '../../host/identity/local-sessions.ts';
import type { Refused } from '../../host/identity/refusal.ts';
import type { FrameMessage } from '../../host/identity/sealed-frame.ts';
import { type OpenedFrame, Opener, Sealer } from '../../host/identity/session.ts';
import { HandClock } from '../support/hand-clock.ts';
import { flipped, headerOf, payload } from './parties.ts';

// Several messages under one seal.

function direction(clock: HandClock, rekeyMessagesMax = 1000): { sealer: Sealer; opener: Opener } {
  const options = () => ({
    sessionId: new Uint8Array(16).fill(1),
    secret: new Uint8Array(32).fill(2),
    from: 'alpha',
    to: 'beta',
    clock,
    rekeyMessagesMax,
  });
  return { sealer: new Sealer(options()), opener: new Opener(options()) };
}

function some(clock: HandClock, ...words: readonly string[]): FrameMessage[] {
  return words.map((word) => ({ header: headerOf(clock, { id: word }), payload: Buffer.from(word) }));
}

function said(frame: OpenedFrame | Refused): string[] {
  if (frame.kind === 'refused') return [frame.why];
  return frame.messages.map((one) =>
    one.kind === 'refused' ? one.why : Buffer.from(one.payload).toString(),
  );
}

test('messages sealed together come out each with its header and number, and none of it is in the clear', () => {
  const clock = new HandClock();
  const { sealer, opener } = direction(clock);
  assert.equal(opener.open(sealer.seal(headerOf(clock), payload)).kind, 'opened');
  const frame = sealer.sealFrame(some(clock, 'a secret', '', 'three'));
  assert.ok(!Buffer.from(frame.subarray(-64)).includes('a secret'.slice(2)));
  const opened = opener.openFrame(frame);
  assert.deepEqual(said(opened), ['a secret', '', 'three']);
  assert.ok(opened.kind === 'frame');
  const numbers = opened.messages.map((one) => (one.kind === 'opened' ? one.header.sequence : 0));
  assert.deepEqual(numbers, [2, 3, 4]);
  assert.equal(opener.open(sealer.seal(headerOf(clock), payload)).kind, 'opened', 'and number 5 after them');
});

test('attack, replayed: a frame opens once, and so does each of its numbers, in whatever order they come', () => {
  const clock = new HandClock();
  const { sealer, opener } = direction(clock);
  const [first, second] = [sealer.sealFrame(some(clock, 'a', 'b')), sealer.sealFrame(some(clock, 'c'))];
  assert.deepEqual(said(opener.openFrame(second)), ['c']);
  assert.deepEqual(said(opener.openFrame(first)), ['a', 'b']);
  for (const again of [first, second]) assert.deepEqual(said(opener.openFrame(again)), ['replayed']);
  for (let at = 0; at < 5; at++)
    opener.openFrame(sealer.sealFrame(some(clock, ...Array.from({ length: 256 }, (_, n) => `${n}`))));
  assert.deepEqual(said(opener.openFrame(first)), ['stale']);
});

test('attack, flipped bits and other lengths: every bit of a frame counts', () => {
  const clock = new HandClock();
  const { sealer, opener } = direction(clock);
  const frame = sealer.sealFrame(some(clock, 'one', 'two'));
  for (let bit = 0; bit < frame.length * 8; bit++)
    assert.equal(opener.openFrame(flipped(frame, bit)).kind, 'refused', `bit ${bit}`);
  for (let length = 0; length < frame.length; length++)
    assert.equal(opener.openFrame(frame.subarray(0, length)).kind, 'refused', `${length} bytes`);
  assert.equal(opener.openFrame(Buffer.concat([frame, Buffer.alloc(1)])).kind, 'refused');
  assert.deepEqual(said(opener.openFrame(frame)), ['one', 'two'], 'nothing of that moved the window');
});

test('attack, one for the other: a frame is no message, and a message is no frame', () => {
  const clock = new HandClock();
  const { sealer, opener } = direction(clock);
  const [frame, single] = [sealer.sealFrame(some(clock, 'a')), sealer.seal(headerOf(clock), payload)];
  assert.equal(opener.open(frame).kind, 'refused');
  assert.equal(opener.openFrame(single).kind, 'refused');
  assert.equal(opener.open(single).kind, 'opened');
  assert.equal(opener.openFrame(frame).kind, 'frame');
});

test('in a frame each message is judged by itself: of another sender, from the future, late', () => {
  const clock = new HandClock();
  const { sealer, opener } = direction(clock);
  const good = { header: headerOf(clock), payload };
  const future = { header: headerOf(clock, { sentAtMs: headerOf(clock).sentAtMs + 60_001 }), payload };
  const late = { header: headerOf(clock, { sentAtMs: 0, ttlMs: 1 }), payload };
  const frame = sealer.sealFrame([good, future, late]);
  assert.deepEqual(said(opener.openFrame(frame)), [payload.toString(), 'future', 'expired']);
  const forged = { header: headerOf(clock, { sender: 'gamma/x' }), payload };
  assert.throws(() => sealer.sealFrame([good, forged]), { code: 'HOST_ERR_VALUE_INVALID', message: /gamma/ });
});

test('a frame has a message at least, and no more than 256; keys change between frames as between messages', () => {
  const clock = new HandClock();
  const { sealer, opener } = direction(clock, 4);
  for (const count of [0, 257])
    assert.throws(() => sealer.sealFrame(some(clock, ...Array.from({ length: count }, () => 'x'))), {
      code: 'HOST_ERR_VALUE_INVALID',
    });
  const frames = Array.from({ length: 5 }, () => sealer.sealFrame(some(clock, 'a', 'b', 'c')));
  assert.equal(sealer.epoch, 2);
  for (const frame of frames) assert.deepEqual(said(opener.openFrame(frame)), ['a', 'b', 'c']);
});

test('within a host frames need no handshake, open once, and only for the pair they are of', () => {
  const clock = new HandClock();
  const secret = new Uint8Array(32).fill(3);
  const [one, other] = [1, 2].map(() => new LocalSessions({ secret, clock, random: systemRandom }));
  assert.ok(one !== undefined && other !== undefined);
  const message = { header: headerOf(clock, { sender: 'a', recipient: 'b' }), payload };
  const frame = one.sealer('a', 'b').sealFrame([message, message]);
  assert.deepEqual(said(other.openFrame(frame, 'c', 'b')), ['unauthentic']);
  assert.equal(said(other.openFrame(frame, 'a', 'b')).length, 2);
  assert.deepEqual(said(other.openFrame(frame, 'a', 'b')), ['replayed']);
  const single = one.sealer('a', 'b').seal(message.header, payload);
  assert.equal(other.open(single, 'a', 'b').kind, 'opened', 'and messages go on beside them');
});
