import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ties } from '../../host/supervisor/ties.ts';
import { fc } from '../support/properties.ts';

const broke = { why: 'it broke' };

test('a link takes the other along, unless the end was in good order or the other traps exits', () => {
  const ties = new Ties<string>();
  ties.link('a', 'b');
  ties.link('a', 'c');
  ties.trapExits('c', true);
  assert.deepEqual(ties.exit('a', broke), [
    { kind: 'exit', to: 'b', from: 'a', reason: broke },
    { kind: 'exit-notice', to: 'c', from: 'a', reason: broke },
  ]);
  assert.deepEqual(ties.exit('b', broke), [], 'a link is used up by the end it tells of');
  ties.link('a', 'b');
  ties.link('a', 'c');
  assert.deepEqual(ties.exit('a', 'normal'), [{ kind: 'exit-notice', to: 'c', from: 'a', reason: 'normal' }]);
});

test('a monitor tells of any end, once, and only the one who watches', () => {
  const ties = new Ties<string>();
  const monitor = ties.monitor('watcher', 'a');
  const second = ties.monitor('watcher', 'a');
  assert.equal(ties.demonitor(second), true);
  assert.equal(ties.demonitor(second), false);
  assert.deepEqual(ties.exit('watcher', broke), []);
  assert.deepEqual(ties.exit('a', 'normal'), [
    { kind: 'down', to: 'watcher', from: 'a', monitor, reason: 'normal' },
  ]);
  assert.deepEqual(ties.exit('a', 'normal'), []);
});

test('nobody is linked to itself, or twice, or after it was forgotten', () => {
  const ties = new Ties<string>();
  assert.equal(ties.link('a', 'a'), false);
  assert.equal(ties.link('a', 'b'), true);
  assert.equal(ties.link('b', 'a'), false);
  ties.monitor('a', 'b');
  ties.forget('a');
  assert.deepEqual(ties.exit('b', broke), []);
});

test('an end spreads to exactly those that are reached by links without passing one that traps', () => {
  const nodes = 8;
  const node = fc.integer({ min: 0, max: nodes - 1 });
  const pairs = fc.array(fc.tuple(node, node), { maxLength: 16 });
  fc.assert(
    fc.property(pairs, fc.uniqueArray(node, { maxLength: 4 }), node, (links, trapping, first) => {
      const ties = new Ties<number>();
      for (const [one, other] of links) ties.link(one, other);
      for (const one of trapping) ties.trapExits(one, true);
      const ended = new Set<number>();
      const told = new Set<number>();
      const queue = [first];
      for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
        if (ended.has(at)) continue;
        ended.add(at);
        for (const { kind, to } of ties.exit(at, broke)) {
          if (kind === 'exit') queue.push(to);
          else told.add(to);
        }
      }
      const reached = new Set([first]);
      for (let round = 0; round < nodes; round += 1)
        for (const [one, other] of links)
          for (const [from, to] of [
            [one, other],
            [other, one],
          ] as const)
            if (reached.has(from) && !trapping.includes(to)) reached.add(to);
      assert.deepEqual([...ended].sort(), [...reached].sort());
      for (const one of told) assert.ok(trapping.includes(one));
    }),
  );
});
