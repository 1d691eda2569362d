import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Whereabouts } from '../../host/bus/whereabouts.ts';
import { fc } from '../support/properties.ts';

test('what is at each thread is what was put there and not taken away, in ascending order', () => {
  const entry = fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.constantFrom(2 ** 20, 2 ** 32 + 5, 2 ** 50));
  const step = fc.record({ entry, thread: fc.option(fc.nat(3)) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const whereabouts = new Whereabouts();
      const model = new Map<number, number>();
      for (const { entry: one, thread } of steps) {
        if (thread === null) {
          whereabouts.delete(one);
          model.delete(one);
        } else {
          whereabouts.set(one, thread);
          model.set(one, thread);
        }
      }
      for (let thread = 0; thread < 4; thread++) {
        const expected = [...model].filter(([, at]) => at === thread).map(([one]) => one);
        assert.deepEqual(
          whereabouts.takeAll(thread),
          expected.sort((a, b) => a - b),
        );
        assert.deepEqual(whereabouts.takeAll(thread), []);
      }
    }),
  );
});
