import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Health } from '../../host/host/supervision/health.ts';

test('what is not well is named, each part once, until it is well again', () => {
  const health = new Health();
  assert.deepEqual(health.lines, []);
  health.set('journal of thread 1', undefined);
  health.set('journal of thread 2', 'refuses messages');
  health.set('journal of thread 2', 'refuses all messages');
  health.set('thread 3', 'nobody takes its place');
  assert.deepEqual(health.lines, [
    'journal of thread 2: refuses all messages',
    'thread 3: nobody takes its place',
  ]);
  health.set('journal of thread 2', undefined);
  assert.deepEqual(health.lines, ['thread 3: nobody takes its place']);
});
