import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Families } from '../../host/orchestration/families.ts';
import { Future } from '../../host/orchestration/future.ts';
import { Signals } from '../../host/orchestration/signals.ts';
import { Stage, settle } from './parts.ts';

test('a word is told once however often it is told before it is awaited; the first who told it is named', async () => {
  const stage = new Stage();
  const signals = new Signals(stage.waits, 2);
  assert.deepEqual(
    ['go', 'go', 'halt', 'more'].map((word, at) => signals.raise(word, `a${at}`)),
    ['raised', 'again', 'raised', 'full'],
  );
  assert.deepEqual(await signals.await('go', 0), { word: 'go', from: 'a0' });
  assert.equal(await signals.await('go', 0), 'timed-out');
  assert.equal(signals.size, 1);
});

test('who awaits a word goes on when it is told, when the time is over, or when it gives up', async () => {
  const stage = new Stage();
  const signals = new Signals(stage.waits);
  const told = signals.await('go', 100);
  assert.equal(signals.raise('go', 'ada'), 'raised');
  assert.deepEqual(await told, { word: 'go', from: 'ada' });
  const late = signals.await('go', 100);
  await stage.turn(104);
  assert.equal(await late, 'timed-out');
  const gone = new AbortController();
  const given = signals.await('go', 100, gone.signal);
  gone.abort();
  assert.equal(await given, 'cancelled');
  const closed = signals.await('go', 100);
  signals.close();
  assert.equal(await closed, 'cancelled');
  assert.ok(signals.isIdle);
});

test('a future is settled once, for all who await it, each as long as it likes', async () => {
  const stage = new Stage();
  const future = new Future<string>(stage.waits);
  const [short, long] = [future.await(10), future.await(1000)];
  await stage.turn(20);
  assert.deepEqual(await short, { kind: 'timed-out' });
  assert.ok(future.resolve('here'));
  assert.equal(future.fail('no'), false);
  assert.deepEqual(await long, { kind: 'ready', value: 'here' });
  assert.deepEqual(await future.await(0), { kind: 'ready', value: 'here' });
  const failing = new Future<string>(stage.waits);
  const waiting = failing.await(1000);
  failing.fail('ill');
  assert.deepEqual(await waiting, { kind: 'failed', why: 'ill' });
  await settle();
  assert.equal(stage.waits.size, 0);
});

test('what ends with whom: children and theirs, the youngest first, but for those that were let go', () => {
  const families = new Families();
  const add = (name: string, parent: string, isDetached = false): void =>
    families.add({ name, parent, isDetached });
  add('a', 'root');
  add('a1', 'a');
  add('b', 'root', true);
  add('b1', 'b');
  assert.deepEqual(families.endingWith('root'), ['a1', 'a']);
  assert.deepEqual(families.endingWith('b'), ['b1']);
  assert.deepEqual([families.descendantsOf('root'), families.parentOf('a1')], [4, 'a']);
  families.remove('a1');
  assert.deepEqual(families.endingWith('root'), ['a']);
  assert.deepEqual(families.childrenOf('a'), []);
});

test('who was let go is nobody’s once its maker is gone: the next agent of that name did not make it', () => {
  const families = new Families();
  families.add({ name: 'b', parent: 'root', isDetached: true });
  families.remove('root');
  assert.equal(families.parentOf('b'), undefined);
  assert.deepEqual(families.childrenOf('root'), []);
});
