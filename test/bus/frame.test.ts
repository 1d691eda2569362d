import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, type Frame, FrameReader, FrameWriter } from '../../host/bus/frame.ts';
import { levels } from '../../host/manifest/scheduling.ts';
import { frames, messageOf } from '../support/frames.ts';
import { fc } from '../support/properties.ts';

const memory: Buffer = Buffer.from(new SharedArrayBuffer(1 << 20));
const writer = new FrameWriter(memory);
const reader = new FrameReader(memory);

function roundTrip(frame: Frame, at: number): Frame {
  const headBytesMax = writer.measure(frame);
  const headBytes = writer.write(frame, at);
  assert.ok(headBytes <= headBytesMax, `${headBytes} bytes written, ${headBytesMax} announced`);
  const body = bodyOf(frame);
  writer.writeBody(body);
  return reader.read(at, headBytes, body.length);
}

test('every kind of frame arrives as it left', () => {
  fc.assert(
    fc.property(frames, fc.nat(1000), (frame, at) => {
      assert.deepStrictEqual(roundTrip(frame, 8 * at), frame);
    }),
    { numRuns: 3_000 },
  );
});

test('a message from outside keeps its principal, who is no sender', () => {
  for (const principal of ['anna', '', '@', 'ß']) {
    const frame = messageOf(7, new Uint8Array(3));
    const message = { ...frame.message, sender: undefined, principal };
    assert.deepStrictEqual(roundTrip({ ...frame, message }, 0), { ...frame, message });
  }
});

test('a message keeps the level it asks for, beside all else that it says', () => {
  for (const priority of levels)
    for (const sender of ['a', 'ß', undefined]) {
      const frame = messageOf(7, new Uint8Array(3));
      const message = { ...frame.message, sender, priority };
      assert.deepStrictEqual(roundTrip({ ...frame, message }, 0), { ...frame, message });
    }
});

test('what was read does not change when its memory is written again', () => {
  const frame = messageOf(7, new Uint8Array([1, 2, 3]));
  const read = roundTrip(frame, 0);
  memory.fill(0xff);
  assert.deepStrictEqual(read, frame);
});

test('a body that was read has memory of its own, not shared', () => {
  const read = roundTrip(messageOf(7, new Uint8Array(100)), 0);
  const { buffer } = bodyOf(read);
  assert.ok(buffer instanceof ArrayBuffer);
  assert.equal(buffer.byteLength, 100);
});

test('a frame cut short is refused, not read beyond its end', () => {
  const frame = messageOf(7, new Uint8Array(0));
  writer.measure(frame);
  const headBytes = writer.write(frame, 0);
  assert.throws(() => reader.read(0, headBytes - 40, 0), /bug: a frame/);
  assert.throws(() => reader.read(0, headBytes + 1, 0), /bug: a frame/);
});
