import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AskedTies } from '../../host/supervisor/asked-ties.ts';
import { fc } from '../support/properties.ts';

test('a link is that of both, and a monitor that of who watches', () => {
  const ties = new AskedTies();
  ties.link('a', 'b');
  ties.monitor({ number: 1, watcher: 'a', watched: 'c' });
  assert.deepEqual(ties.of('b').links, ['a']);
  assert.deepEqual(ties.of('c'), { links: [], monitors: [] });
  assert.equal(ties.has('c'), true, 'it is watched');
  assert.equal(ties.demonitor('c', 1), undefined, 'only its owner takes a monitor back');
  assert.equal(ties.demonitor('a', 1)?.watched, 'c');
  assert.equal(ties.unlink('b', 'a'), true);
  assert.equal(ties.unlink('b', 'a'), false);
  assert.deepEqual([...ties.names], []);
});

test('with the end of one all its ties are gone, and those with whom it had them are named', () => {
  const ties = new AskedTies();
  ties.link('a', 'b');
  ties.link('b', 'c');
  ties.monitor({ number: 1, watcher: 'a', watched: 'b' });
  ties.monitor({ number: 2, watcher: 'b', watched: 'd' });
  ties.monitor({ number: 3, watcher: 'a', watched: 'c' });
  assert.deepEqual([...new Set(ties.endOf('b'))].sort(), ['a', 'c', 'd']);
  assert.deepEqual([...ties.names].sort(), ['a', 'c']);
  assert.deepEqual(ties.links, []);
  assert.deepEqual([...ties.monitors], [{ number: 3, watcher: 'a', watched: 'c' }]);
});

test('whatever is asked and ended, what is told of one is told of the other, and nothing is left of who ended', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.record({
    what: fc.constantFrom('link', 'unlink', 'monitor', 'end'),
    one: name,
    other: name,
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const ties = new AskedTies();
      let number = 0;
      for (const { what, one, other } of steps) {
        if (what === 'end') {
          ties.endOf(one);
          assert.equal(ties.has(one), false);
        } else if (one === other) continue;
        else if (what === 'link') ties.link(one, other);
        else if (what === 'unlink') ties.unlink(one, other);
        else {
          number += 1;
          ties.monitor({ number, watcher: one, watched: other });
        }
        for (const [left, right] of ties.links) {
          assert.ok(ties.of(left).links.includes(right) && ties.of(right).links.includes(left));
        }
        const named = new Set([
          ...ties.links.flat(),
          ...[...ties.monitors].flatMap(({ watcher, watched }) => [watcher, watched]),
        ]);
        assert.deepEqual([...ties.names].sort(), [...named].sort());
      }
    }),
  );
});
