import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdleList, IdlePlace } from '../../host/agent/idle-list.ts';

test('the idle keep the order in which they became it, whoever leaves and comes back', () => {
  const list = new IdleList<string>();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => new IdlePlace(name)) as [
    IdlePlace<string>,
    IdlePlace<string>,
    IdlePlace<string>,
  ];
  for (const place of [a, b, c]) list.add(place);
  assert.deepEqual([list.oldest, list.all()], ['a', ['a', 'b', 'c']]);
  b.leave();
  assert.deepEqual(list.all(), ['a', 'c']);
  list.add(b);
  list.add(a);
  assert.deepEqual([list.oldest, list.all()], ['c', ['c', 'b', 'a']]);
  for (const place of [a, b, c, a]) place.leave();
  assert.deepEqual([list.oldest, list.all()], [undefined, []]);
});

test('whoever joins another list has left the one before', () => {
  const one = new IdleList<string>();
  const other = new IdleList<string>();
  const place = new IdlePlace('a');
  one.add(place);
  other.add(place);
  assert.deepEqual([one.all(), other.all()], [[], ['a']]);
});
