import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SubjectTree, type Subscription } from '../../host/bus/subject-tree.ts';
import { isPattern, isSubject, matches } from '../../host/subject.ts';
import { fc } from '../support/properties.ts';

function subscription(id: number, pattern: string, group?: string, subscriber: number = id): Subscription {
  return { id, subscriber, name: `a${subscriber}`, pattern, group, thread: 0 };
}

function treeOf(...patterns: readonly string[]): SubjectTree {
  const tree = new SubjectTree();
  for (const [at, pattern] of patterns.entries()) tree.add(subscription(at + 1, pattern));
  return tree;
}

function found(tree: SubjectTree, subject: string): string[] {
  return (tree.match(subject)?.each ?? []).map(({ pattern }) => pattern).sort();
}

test('a star stands for one token and an arrow for one or more', () => {
  const tree = treeOf('orders.*', 'orders.>', 'orders.eu', '>', '*', 'orders', 'orders.*.created', '*.eu');
  assert.deepEqual(found(tree, 'orders.eu'), ['*.eu', '>', 'orders.*', 'orders.>', 'orders.eu']);
  assert.deepEqual(found(tree, 'orders'), ['*', '>', 'orders']);
  assert.deepEqual(found(tree, 'orders.eu.created'), ['>', 'orders.*.created', 'orders.>']);
  assert.equal(tree.match('orders..eu'), undefined);
  assert.equal(tree.match('orders.*'), undefined);
});

test('a change of subscriptions counts at once for subjects seen before', () => {
  const tree = treeOf('a.*');
  assert.deepEqual(found(tree, 'a.b'), ['a.*']);
  tree.add(subscription(9, 'a.b'));
  assert.deepEqual(found(tree, 'a.b'), ['a.*', 'a.b']);
  tree.remove(1);
  assert.deepEqual(found(tree, 'a.b'), ['a.b']);
  tree.remove(9);
  assert.deepEqual([found(tree, 'a.b'), tree.size], [[], 0]);
});

test('a subscriber with two patterns for a subject is there once', () => {
  const tree = new SubjectTree();
  tree.add(subscription(1, 'a.*', undefined, 7));
  tree.add(subscription(2, 'a.>', undefined, 7));
  assert.equal(tree.match('a.b')?.each.length, 1);
});

test('a group is one whatever the patterns of its members, and had its copy if one of them gets it anyway', () => {
  const tree = new SubjectTree();
  tree.add(subscription(1, 'a.*', 'g'));
  tree.add(subscription(2, 'a.>', 'g'));
  tree.add(subscription(3, 'a.b', 'h'));
  assert.deepEqual(
    tree.match('a.b')?.groups.map(({ members }) => members.map(({ id }) => id).sort()),
    [[3], [1, 2]].sort(),
  );
  tree.add(subscription(4, 'a.b', undefined, 1));
  assert.deepEqual(
    tree.match('a.b')?.groups.map(({ members }) => members.map(({ id }) => id)),
    [[3]],
  );
});

test('the tree finds what matching pattern by pattern finds, whatever came and went', () => {
  const token = fc.constantFrom('a', 'b', 'cc');
  const subjects = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'));
  const patterns = fc
    .tuple(fc.array(fc.oneof(token, fc.constant('*')), { maxLength: 3 }), fc.constantFrom('a', '*', '>'))
    .map(([tokens, last]) => [...tokens, last].join('.'));
  const steps = fc.array(
    fc.oneof(fc.record({ add: patterns }), fc.record({ remove: fc.nat(20) }), fc.record({ match: subjects })),
    { maxLength: 80 },
  );
  const property = fc.property(steps, (all) => {
    const tree = new SubjectTree();
    const there = new Map<number, string>();
    let id = 0;
    for (const step of all) {
      if ('add' in step) {
        assert.ok(isPattern(step.add));
        there.set(++id, step.add);
        tree.add(subscription(id, step.add));
      } else if ('remove' in step) {
        assert.equal(tree.remove(step.remove) !== undefined, there.delete(step.remove));
      } else {
        assert.ok(isSubject(step.match));
        const expected = [...there.values()].filter((pattern) => matches(pattern, step.match)).sort();
        assert.deepEqual(found(tree, step.match), expected);
      }
    }
    for (const one of there.keys()) tree.remove(one);
    assert.equal(tree.size, 0);
  });
  fc.assert(property, { numRuns: 500 });
});

test("who subscribes to everything does not hear the host's own events: they have to be named", () => {
  const tree = new SubjectTree();
  const patterns = ['>', '*.agent.a.started', 'host.>', 'host.agent.*.started'];
  for (const [index, pattern] of patterns.entries())
    tree.add({ id: index + 1, subscriber: index + 1, name: 'a', pattern, group: undefined, thread: 0 });
  const heard = (subject: string): unknown =>
    tree
      .match(subject)
      ?.each.map(({ id }) => id)
      .sort();
  assert.deepEqual(heard('host.agent.a.started'), [3, 4]);
  assert.deepEqual(heard('other.agent.a.started'), [1, 2]);
});
