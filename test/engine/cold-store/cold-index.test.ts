import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ColdIndex, type Place } from '../../../host/engine/cold-store/cold-index.ts';
import { fc } from '../../support/properties.ts';

test('an index holds what a map would hold, whatever comes and goes', () => {
  const step = fc.record({ name: fc.integer({ min: 0, max: 60 }), isSet: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const index = new ColdIndex(8);
      const map = new Map<string, Place>();
      for (const [turn, { name: number, isSet }] of steps.entries()) {
        const name = `agent-${number}`;
        const place = { segment: 1 + turn, offset: turn * 8, bytes: turn, generation: turn + 1e15 };
        if (isSet) index.set(name, place);
        else index.delete(name);
        if (isSet) map.set(name, place);
        else map.delete(name);
      }
      assert.equal(index.size, map.size);
      for (let number = 0; number <= 60; number += 1) {
        const name = `agent-${number}`;
        assert.deepEqual(index.get(name), map.get(name));
        assert.equal(index.has(name), map.has(name));
      }
    }),
  );
});

test('an offset of several gigabytes is kept exactly', () => {
  const index = new ColdIndex();
  const place = { segment: 7, offset: 20 * 1024 ** 3, bytes: 8, generation: 2 ** 51 };
  index.set('a', place);
  assert.deepEqual(index.get('a'), place);
});
