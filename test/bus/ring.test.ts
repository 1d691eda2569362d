import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createRing, RingReader, RingWriter, recordBytesMax } from '../../host/bus/ring.ts';
import { fc } from '../support/properties.ts';

test('records arrive whole, in order and once, whatever the sizes and the turns of both ends', () => {
  const ringBytes = 1024;
  const step = fc.oneof(
    fc.record({ write: fc.nat(recordBytesMax(createRing(ringBytes))) }),
    fc.constantFrom('publish' as const, 'read', 'release'),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const ring = createRing(ringBytes);
      const writer = new RingWriter(ring);
      const reader = new RingReader(ring);
      const written: number[] = [];
      let published = 0;
      let read = 0;
      for (const each of steps) {
        if (each === 'publish') {
          writer.publish();
          published = written.length;
        } else if (each === 'release') reader.release();
        else if (each === 'read') {
          assert.equal(reader.isPending, read < published);
          if (!reader.next()) {
            assert.equal(read, published);
            continue;
          }
          assert.equal(reader.bytes, written[read]);
          assert.equal(reader.tag, read);
          const bytes = reader.memory.subarray(reader.at, reader.at + reader.bytes);
          assert.ok(bytes.every((byte) => byte === (read & 0xff)));
          read += 1;
        } else {
          const at = writer.reserve(each.write);
          if (at === -1) continue;
          assert.equal(at % 8, 0);
          writer.memory.fill(written.length & 0xff, at, at + each.write);
          writer.commit(each.write, written.length);
          written.push(each.write);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('positions that pass 2^32 bytes lose nothing', () => {
  const ring = createRing(256);
  new Int32Array(ring).fill(-64, 0, 1);
  new Int32Array(ring).fill(-64, 32, 33);
  const writer = new RingWriter(ring);
  const reader = new RingReader(ring);
  for (let record = 0; record < 100; record++) {
    const at = writer.reserve(8);
    assert.notEqual(at, -1);
    writer.memory.writeUInt32LE(record, at);
    writer.commit(8, 0);
    writer.publish();
    assert.ok(reader.next());
    assert.equal(reader.memory.readUInt32LE(reader.at), record);
    reader.release();
  }
});

test('a writer that waits for room is told once half of the ring is free, and not before', () => {
  const ring = createRing(1024);
  const writer = new RingWriter(ring);
  const reader = new RingReader(ring);
  while (writer.reserve(56) !== -1) writer.commit(56, 0);
  assert.equal(writer.starve(), true);
  const told: boolean[] = [];
  while (reader.next()) told.push(reader.release());
  assert.equal(told.indexOf(true), 7);
  assert.equal(told.lastIndexOf(true), 7);
  assert.equal(writer.starve(), false);
});

test('between two threads every byte of a million records arrives, in order', async () => {
  const ring = createRing(4096);
  const records = 1_000_000;
  const worker = new Worker(new URL('../support/ring-writer.ts', import.meta.url), {
    workerData: { ring, records },
  });
  const failed = new Promise<never>((_, reject) => worker.once('error', reject));
  const reader = new RingReader(ring);
  let read = 0;
  let checksum = 0;
  const drain = async (): Promise<void> => {
    while (read < records) {
      while (reader.next()) {
        assert.equal(reader.tag, read);
        const last = reader.at + reader.bytes;
        for (let at = reader.at; at < last; at++) {
          assert.equal(reader.memory[at], (read + at - reader.at) & 0xff);
        }
        checksum = (checksum + reader.bytes) | 0;
        read += 1;
      }
      reader.release();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const sent = new Promise<number>((resolve) => worker.once('message', resolve));
  await Promise.race([drain(), failed]);
  assert.equal(checksum, await sent);
  await worker.terminate();
});
