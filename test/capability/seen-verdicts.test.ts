import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeenVerdicts, seenMax, threadSeenMax } from '../../host/capability/seen-verdicts.ts';

test('a verdict is found again for an equal text, and for no other', () => {
  const property = fc.property(fc.array(fc.tuple(fc.string(), fc.boolean())), fc.string(), (all, other) => {
    const seen = new SeenVerdicts();
    const model = new Map<string, boolean>();
    for (const [text, isAllowed] of all) {
      assert.equal(seen.get(text), model.get(text));
      if (model.has(text)) continue;
      seen.set(text, isAllowed);
      model.set(text, isAllowed);
    }
    for (const text of [...model.keys(), other]) assert.equal(seen.get(text), model.get(text));
    seen.forget();
  });
  fc.assert(property);
});

test('a set that sees ever new texts keeps as many as it may', () => {
  const seen = new SeenVerdicts();
  for (let text = 0; text < 3 * seenMax; text += 1) {
    seen.set(`orders.${text}`, text % 2 === 0);
    assert.equal(seen.get(`orders.${text}`), text % 2 === 0);
    assert.ok(seen.size <= seenMax);
  }
  seen.forget();
  assert.equal(seen.get('orders.1'), undefined);
});

test('all sets of a thread keep together as many as a thread may', () => {
  const all = Array.from({ length: 100 }, () => new SeenVerdicts());
  for (let text = 0; text < seenMax; text += 1) for (const seen of all) seen.set(`orders.${text}`, true);
  const size = all.reduce((sum, seen) => sum + seen.size, 0);
  assert.ok(size > 0 && size <= threadSeenMax, String(size));
  for (const seen of all) seen.forget();
});
