import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Shards } from '../../host/orchestration/shards.ts';
import { fc } from '../support/properties.ts';

const keys = Array.from({ length: 20_000 }, (_, index) => `key-${index}`);
const ten = Array.from({ length: 10 }, (_, index) => `shard-${index}`);

test('one more beside ten takes at most 12 % of the keys, and none moves between the others', () => {
  const before = new Shards(ten);
  const after = new Shards([...ten, 'shard-10']);
  const moved = keys.filter((key) => before.of(key) !== after.of(key));
  assert.ok(moved.length <= keys.length * 0.12, `${moved.length} of ${keys.length}`);
  assert.ok(moved.length >= keys.length * 0.06, `${moved.length} of ${keys.length}`);
  assert.ok(moved.every((key) => after.of(key) === 'shard-10'));
});

test('keys are spread evenly', () => {
  const shards = new Shards(ten);
  const counts = Map.groupBy(keys, (key) => shards.of(key));
  for (const name of ten) {
    const share = (counts.get(name)?.length ?? 0) / keys.length;
    assert.ok(share > 0.085 && share < 0.115, `${name}: ${share}`);
  }
});

test('of a shard that leaves only its own keys move, of one that comes only to it, whatever the names', () => {
  const some = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(
      some,
      fc.nat(),
      fc.array(fc.string(), { minLength: 1, maxLength: 50 }),
      (names, at, asked) => {
        const gone = names[at % names.length] ?? '';
        const shards = new Shards(names);
        const before = asked.map((key) => shards.of(key));
        shards.remove(gone);
        for (const [index, key] of asked.entries())
          if (before[index] !== gone) assert.equal(shards.of(key), before[index]);
        shards.add(gone);
        assert.deepEqual(
          asked.map((key) => shards.of(key)),
          before,
        );
        assert.deepEqual(
          asked.map((key) => new Shards([...names].reverse()).of(key)),
          before,
        );
      },
    ),
  );
});

test('the places of keys are the same for ever', () => {
  const shards = new Shards(['a', 'b', 'c']);
  assert.deepEqual(
    ['ACME', 'INIT', 'ZZZ', '', 'ä'].map((key) => shards.of(key)),
    ['b', 'c', 'a', 'c', 'a'],
  );
  assert.equal(new Shards().of('ACME'), undefined);
});
