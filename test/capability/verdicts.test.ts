import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Interned } from '../../host/capability/interned.ts';
import { PatternSet } from '../../host/capability/pattern-set.ts';
import { threadVerdictsMax, Verdicts, verdictsMax } from '../../host/capability/verdicts.ts';

test('one that makes up texts has a bounded memory, and what is asked again stays in it', () => {
  const verdicts = new Verdicts();
  verdicts.set('often', true);
  for (let text = 0; text < 20 * verdictsMax; text += 1) {
    verdicts.set(`text-${text}`, false);
    assert.equal(verdicts.get('often'), true);
    assert.ok(verdicts.size <= 2 * verdictsMax + 1);
  }
  assert.equal(verdicts.get('text-0'), undefined);
  assert.equal(verdicts.get(`text-${20 * verdictsMax - 1}`), false);
});

test('many that make up texts have a bounded memory together', () => {
  const all = Array.from({ length: 200 }, () => new Verdicts());
  for (let text = 0; text < verdictsMax; text += 1)
    for (const verdicts of all) {
      verdicts.set(`text-${text}`, true);
    }
  const size = all.reduce((sum, verdicts) => sum + verdicts.size, 0);
  assert.ok(size <= threadVerdictsMax, String(size));
  assert.ok(size > 0);
});

test('a verdict is the same from memory, after a million others', () => {
  const set = PatternSet.of('send', ['a.*', 'b.>']);
  for (let round = 0; round < 2; round += 1) {
    assert.deepEqual(
      ['a.b', 'a.b.c', 'b.c.d', 'b'].map((text) => set.covers(text)),
      [true, false, true, false],
    );
    for (let text = 0; text < 5 * verdictsMax; text += 1) assert.equal(set.covers(`a.${text}`), true);
  }
});

test('equal sets are one, in any order; those of another purpose are not', () => {
  assert.equal(PatternSet.of('send', ['a.*', 'b', 'b']), PatternSet.of('send', ['b', 'a.*']));
  assert.notEqual(PatternSet.of('send', ['a.*']), PatternSet.of('subscribe', ['a.*']));
});

test('what is kept once is made once', () => {
  const interned = new Interned<object>();
  const made = interned.get('a', () => ({}));
  assert.equal(
    interned.get('a', () => assert.fail('made again')),
    made,
  );
  assert.notEqual(
    interned.get('b', () => ({})),
    made,
  );
  assert.equal(interned.size, 2);
});
