import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Linker } from '../../../../host/engine/linker.ts';
import { guestOf } from '../fast-guest.ts';
import { guestWat, wit } from './guest.ts';

const oneQuestion = guestWat(`
  (func (export "[async-lift]handle") (param $at i32) (param $length i32) (result i32)
    (local $status i32) (local $set i32)
    (local.set $status (call $ask (local.get $at) (local.get $length) (i32.const 16)))
    (if (i32.eq (local.get $status) (i32.const 2)) (then (call $answer) (return (i32.const 0))))
    (local.set $set (call $newSet))
    (call $join (i32.shr_u (local.get $status) (i32.const 4)) (local.get $set))
    (call $set (local.get $set))
    (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))
  (func (export "[callback][async-lift]handle") (param $event i32) (param $handle i32) (param $state i32) (result i32)
    (if (i32.or (i32.ne (local.get $event) (i32.const 1)) (i32.ne (local.get $state) (i32.const 2))) (then unreachable))
    (call $drop (local.get $handle))
    (call $dropSet (call $get))
    (call $answer)
    (i32.const 0))
  (func $answer (call $return (i32.load8_u (i32.const 16)) (i32.load (i32.const 20)) (i32.load (i32.const 24))))`);

test('an asynchronous import answers later, at once or with an error, and the task returns what it said', async () => {
  const guest = await guestOf(oneQuestion, wit);
  const later = Promise.withResolvers<Uint8Array>();
  const linker = new Linker().define('a:b/bus@0.1.0', {
    functions: {
      ask: (text: string) => (text === 'later' ? later.promise : new TextEncoder().encode(text)),
      waitMs: () => undefined,
      sum: () => 0n,
    },
    suspending: new Set(),
  });
  for (const metered of [false, true]) {
    const instance = await guest.start({ linker, metered });
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    assert.deepEqual(await instance.call('handle', ['at once']), { tag: 'ok', val: bytes('at once') });
    const call = instance.call('handle', ['later']);
    later.resolve(bytes('here'));
    assert.deepEqual(await call, { tag: 'ok', val: bytes('here') });
  }
});
