import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError, type HostErrorCode } from '../../host/errors.ts';
import { Channel } from '../../host/orchestration/channel.ts';
import { handOver, Iso, Ref, type Reference, Tag, Val } from '../../host/orchestration/references.ts';
import { Stage } from './parts.ts';

const is =
  (code: HostErrorCode) =>
  (error: unknown): boolean =>
    error instanceof HostError && error.code === code;

test('iso: handing it over moves it; the handle, the array it was made of and every view are dead', () => {
  const made = new Uint8Array([1, 2, 3]);
  const iso = new Iso(made);
  assert.equal(made.length, 0);
  const view = iso.bytes;
  const there = handOver(iso, 'ada', 'bob');
  assert.ok(there instanceof Iso && there !== iso);
  assert.deepEqual([...there.bytes], [1, 2, 3]);
  assert.equal(view.length, 0);
  assert.equal(iso.isAlive, false);
  assert.throws(() => iso.bytes, is('HOST_ERR_CAPABILITY_DENIED'));
  assert.throws(() => handOver(iso, 'ada', 'bob'), is('HOST_ERR_CAPABILITY_DENIED'));
  assert.throws(() => new Iso(new Uint8Array(8).subarray(2)), is('HOST_ERR_VALUE_INVALID'));
});

test('val: everybody has the same, and nobody can change it', () => {
  const data = { name: 'x', list: [1, { deep: true }] };
  const val = new Val(data);
  assert.equal(handOver(val, 'ada', 'bob'), val);
  assert.throws(() => ((val.value.list[1] as { deep: boolean }).deep = false), TypeError);
  const bytes = new Val(new Uint8Array([1, 2]));
  bytes.value[0] = 9;
  assert.deepEqual([...bytes.value], [1, 2]);
  const frozen = new Iso(new Uint8Array([5])).freeze();
  assert.deepEqual([...frozen.value], [5]);
  for (const wrong of [
    () => 1,
    new Map(),
    {
      get now() {
        return 1;
      },
    },
    new Date(0),
  ])
    assert.throws(() => new Val<unknown>(wrong), is('HOST_ERR_VALUE_INVALID'));
  const loop: { self?: unknown } = {};
  loop.self = loop;
  assert.throws(() => new Val(loop), is('HOST_ERR_VALUE_INVALID'));
});

test('ref: its owner has it, and it goes to nobody else', () => {
  const ref = new Ref('ada', { n: 1 });
  ref.valueFor('ada').n = 2;
  assert.equal(ref.valueFor('ada').n, 2);
  assert.equal(handOver(ref, 'ada', 'ada'), ref);
  assert.throws(() => handOver(ref, 'ada', 'bob'), is('HOST_ERR_CAPABILITY_DENIED'));
  assert.throws(() => ref.valueFor('bob'), is('HOST_ERR_CAPABILITY_DENIED'));
});

test('tag: says what is meant, and nothing more of it goes along', () => {
  const tag = Object.assign(new Tag('agent.ada'), { secret: 'x' });
  const there = handOver(tag, 'ada', 'bob');
  assert.ok(there instanceof Tag && there.equals(tag));
  assert.equal('secret' in there, false);
});

test('what only looks like a reference is none', () => {
  const fake: unknown = { kind: 'val', value: {} };
  assert.throws(() => handOver(fake as Reference, 'ada', 'bob'), is('HOST_ERR_VALUE_INVALID'));
});

test('a channel hands over what it accepts, and leaves what it refuses with the sender', () => {
  const channel = new Channel<Reference>({
    valuesMax: 1,
    waits: new Stage().waits,
    admit: (reference) => handOver(reference, 'ada', 'bob'),
  });
  const [first, second] = [new Iso(new Uint8Array(4)), new Iso(new Uint8Array(4))];
  assert.equal(channel.tryPut(first), 'put');
  assert.equal(channel.tryPut(second), 'full');
  assert.deepEqual([first.isAlive, second.isAlive], [false, true]);
  channel.tryTake();
  assert.throws(() => channel.tryPut(new Ref('ada', 1)), is('HOST_ERR_CAPABILITY_DENIED'));
  assert.equal(channel.length, 0);
});
