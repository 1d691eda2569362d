import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Serial } from '../../host/ids/serial.ts';

test('serials begin alike and are all different', () => {
  const serial = new Serial('a.');
  const seen = new Set<string>();
  for (let count = 0; count < 100_000; count += 1) seen.add(serial.next());
  assert.equal(seen.size, 100_000);
  for (const one of seen) assert.match(one, /^a\.[0-9a-z]{3,}$/);
});
