import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Interned } from '../../host/capability/interned.ts';
import { PatternSet } from '../../host/capability/pattern-set.ts';
import { hashOf, threadVerdictsMax, Verdicts, verdictsMax } from '../../host/capability/verdicts.ts';

function remember(verdicts: Verdicts, text: string, isAllowed: boolean): void {
  verdicts.set(text, hashOf(text), isAllowed);
}

test('one that makes up texts has a bounded memory, and the latest are in it', () => {
  const verdicts = new Verdicts();
  for (let text = 0; text < 20 * verdictsMax; text += 1) {
    const [made, isAllowed] = [`text-${text}`, text % 3 === 0];
    assert.equal(verdicts.get(made, hashOf(made)), undefined);
    remember(verdicts, made, isAllowed);
    assert.equal(verdicts.get(made, hashOf(made)), isAllowed);
    assert.ok(verdicts.places <= verdictsMax);
  }
  assert.equal(verdicts.places, verdictsMax);
});

test('texts of one hash are not taken for one another, and the oldest of three is forgotten', () => {
  const verdicts = new Verdicts();
  verdicts.set('a', 42, true);
  assert.deepEqual([verdicts.get('a', 42), verdicts.get('b', 42)], [true, undefined]);
  verdicts.set('b', 42, false);
  assert.deepEqual([verdicts.get('a', 42), verdicts.get('b', 42)], [true, false]);
  verdicts.set('c', 43, true);
  assert.deepEqual(
    [verdicts.get('a', 42), verdicts.get('b', 42), verdicts.get('c', 43)],
    [undefined, false, true],
  );
});

test('one that asks little takes little', () => {
  const verdicts = new Verdicts();
  assert.equal(verdicts.places, 0);
  for (const text of ['a', 'b', 'c']) remember(verdicts, text, true);
  assert.equal(verdicts.places, 32);
});

test('many that make up texts have a bounded memory together', () => {
  const all = Array.from({ length: 500 }, () => new Verdicts());
  for (let text = 0; text < 1000; text += 1)
    for (const verdicts of all) remember(verdicts, `text-${text}`, true);
  const size = all.reduce((sum, verdicts) => sum + verdicts.places, 0);
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
