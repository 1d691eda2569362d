import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stamps } from '../../host/bus/stamps.ts';
import { type Random, systemClock, systemRandom } from '../../host/clock.ts';
import { spellings } from '../../host/spelling.ts';

const lengthsOf = (names: readonly string[]): readonly number[] => [
  ...new Set(names.map(({ length }) => length)),
];

test('message ids are of one length, however many came before, and no two alike', () => {
  const stamps = new Stamps(systemClock, systemRandom);
  const ids = Array.from({ length: 36 ** 3 + 1 }, () => stamps.id());
  assert.equal(lengthsOf(ids).length, 1);
  assert.equal(new Set(ids).size, ids.length);
});

test('an id is spelled as it is, whoever of a thread gave it', () => {
  const [one, other] = [new Stamps(systemClock, systemRandom), new Stamps(systemClock, systemRandom)];
  for (let count = 0; count < 3000; count += 1) {
    const id = (count % 3 === 0 ? one : other).id();
    assert.equal(spellings.latest.text, id);
    assert.equal(Buffer.from(spellings.latest.bytes).toString('latin1'), id);
  }
});

test('reply subjects are of one length, whatever the number of the request and the key', () => {
  const secrets: string[] = [];
  for (let key = 0; key < 200; key += 1) {
    const random: Random = { ...systemRandom, fill: (bytes) => bytes.fill(key) };
    const stamps = new Stamps(systemClock, random);
    for (const token of [0, 1, 35, 36, 1295, 1296, 36 ** 4 - 1, 36 ** 4, 2 ** 31, 2 ** 32 - 1])
      for (const thread of [0, 1, 65_535]) secrets.push(stamps.secret(thread, token));
  }
  assert.equal(lengthsOf(secrets).length, 1);
  assert.equal(new Set(secrets).size, secrets.length);
  const [zero, , , one] = secrets.map((secret) => secret.split('-')[0]);
  assert.deepEqual([zero, one, secrets.at(-1)?.split('-')[0]], ['00000000', '00000001', '01z141z3']);
});
