import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeSparse,
  encodeSparse,
  isSparse,
  packSparse,
  unpackSparse,
} from '../../../host/engine/cold-store/sparse-codec.ts';
import { borrow, owned } from '../../../host/engine/hibernation/scratch.ts';
import { blockBytes, type Snapshot } from '../../../host/engine/hibernation/snapshot.ts';

function snapshotOf(fill: (bytes: Uint8Array) => void, blocks: readonly number[] = [1, 9]): Snapshot {
  const bytes = new Uint8Array(blocks.length * blockBytes);
  fill(bytes);
  return {
    program: 'a'.repeat(64),
    version: 'v1 ü',
    memories: [{ pages: 3, blocks: Uint32Array.from(blocks), bytes }],
    globals: [1, -0, 2.5, Number.POSITIVE_INFINITY, -(2n ** 63n), 2n ** 63n - 1n],
  };
}

/** What differs in the kind of byte array is no difference. */
function plain({ memories, ...rest }: Snapshot): unknown {
  return {
    ...rest,
    memories: memories.map(({ pages, blocks, bytes }) => ({ pages, blocks: [...blocks], bytes: [...bytes] })),
  };
}

const fills: Readonly<Record<string, (bytes: Uint8Array) => void>> = {
  'all zeros': () => {},
  'no zeros': (bytes) => bytes.fill(7),
  'every other word': (bytes) => {
    for (let at = 0; at < bytes.length; at += 8) bytes[at] = 1;
  },
  'the first and the last byte': (bytes) => {
    bytes[0] = 255;
    bytes[bytes.length - 1] = 255;
  },
};

for (const [what, fill] of Object.entries(fills))
  test(`a snapshot of ${what} comes back as it was`, () => {
    const snapshot = snapshotOf(fill);
    const body = encodeSparse(snapshot);
    assert.ok(isSparse(body));
    assert.deepEqual(plain(decodeSparse(body) as Snapshot), plain(snapshot));
    assert.deepEqual(plain(unpackSparse(packSparse(snapshot), borrow)), plain(snapshot));
  });

test('runs longer than a run can be, several memories, and what the lane remembered come back', () => {
  const long = Array.from({ length: 80 }, (_, index) => index * 2);
  const one = snapshotOf((bytes) => bytes.fill(3, 0, 70 * blockBytes), long);
  const two = snapshotOf((bytes) => bytes.fill(3, 79 * blockBytes), long);
  const snapshot = { ...one, memories: [...one.memories, ...two.memories], extra: { tasks: [1, 'two'] } };
  assert.deepEqual(plain(decodeSparse(encodeSparse(snapshot)) as Snapshot), plain(snapshot));
});

test('zeros take no room', () => {
  const body = encodeSparse(snapshotOf((bytes) => bytes.fill(1, 100, 200)));
  assert.ok(body.length < 400, String(body.length));
});

test('bytes that end too early, go on too long or say too much are no snapshot', () => {
  const body = encodeSparse(snapshotOf((bytes) => bytes.fill(1, 100, 200)));
  for (let length = 24; length < body.length; length += 1)
    assert.throws(() => decodeSparse(body.subarray(0, length)), RangeError);
  assert.throws(() => decodeSparse(Buffer.concat([body, Buffer.alloc(1)])), RangeError);
  for (const at of [12, 16, 20]) {
    const wrong = Buffer.from(body);
    wrong.writeUInt32LE(0xffff_fff0, at);
    assert.throws(() => decodeSparse(wrong), RangeError);
  }
});

test('a small state is kept as a text, and lies in borrowed room only until it is owned', () => {
  const first = snapshotOf((bytes) => bytes.fill(255, 100, 200));
  const packed = packSparse(first);
  assert.equal(typeof packed, 'string');
  const kept = owned(unpackSparse(packed, borrow));
  const other = unpackSparse(packSparse(snapshotOf((bytes) => bytes.fill(9))), borrow);
  assert.equal(owned(kept), kept);
  assert.notEqual(owned(other), other);
  assert.deepEqual(plain(kept), plain(first));
});

test('the blocks of two memories are never in one borrowed room', () => {
  const one = snapshotOf((bytes) => bytes.fill(1));
  const two = snapshotOf((bytes) => bytes.fill(2));
  const both = { ...one, memories: [...one.memories, ...two.memories] };
  assert.deepEqual(plain(unpackSparse(packSparse(both), borrow)), plain(both));
});

test('a snapshot comes back whatever stands before its words', () => {
  for (let count = 0; count < 5; count += 1) {
    const whole = snapshotOf((bytes) => bytes.fill(count + 1, 8, 4000));
    const snapshot = { ...whole, version: 'v'.repeat(count), globals: whole.globals.slice(0, count) };
    assert.deepEqual(plain(decodeSparse(encodeSparse(snapshot)) as Snapshot), plain(snapshot));
    assert.deepEqual(plain(unpackSparse(packSparse(snapshot))), plain(snapshot));
  }
});
