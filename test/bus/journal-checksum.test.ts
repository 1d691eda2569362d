import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { checksum } from '../../host/bus/journal/checksum.ts';
import { fc } from '../support/properties.ts';

test('the checksum of every stretch, short or long, is the one zlib gives', () => {
  const seed = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(16), seed, (array, from, salt) => {
      const bytes = Buffer.from(array);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const start = Math.min(from, bytes.length);
      assert.equal(
        checksum(bytes, view, start, bytes.length, salt),
        crc32(bytes.subarray(start, bytes.length), salt),
      );
    }),
  );
});
