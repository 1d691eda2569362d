import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FastInstance } from '../../../../host/engine/fast-lane/fast-lane.ts';
import { WitError } from '../../../../host/engine/linker.ts';
import { Trap } from '../../../../host/engine/trap.ts';
import { budgetOf, type Guest, guestOf } from '../fast-guest.ts';
import { acting, bytesOf, eachByte, guestWat, Questions, wit } from './guest.ts';

const ok = (text: string): unknown => ({ tag: 'ok', val: bytesOf(text) });
const isTrap = (kind: string, message: RegExp) => (error: unknown) =>
  error instanceof Trap && error.kind === kind && message.test(error.message);

/** Passes its text on, waits if it must, and answers with the answer. */
const oneQuestion = guestWat(`
  (func $handle (param $at i32) (param $length i32) (result i32)
    (call $set (i32.const 7))
    (call $begin (local.get $at) (local.get $length) (i32.const 16))
    (if (global.get $left) (then (return (call $waitAll))))
    (call $reply (i32.const 16))
    (i32.const 0))
  (func $callback (param $event i32) (param $handle i32) (param $state i32) (result i32)
    (if (i32.ne (call $get) (i32.const 7)) (then unreachable))
    (if (i32.or (i32.ne (local.get $event) (i32.const 1)) (i32.ne (local.get $state) (i32.const 2))) (then unreachable))
    (call $end (local.get $handle))
    (call $reply (i32.const 16))
    (i32.const 0))`);

async function started(
  guest: Guest,
  questions: Questions,
  metered = true,
): Promise<FastInstance & { asyncCalls: object }> {
  const instance = await guest.start({ linker: questions.linker(), metered });
  return instance as FastInstance & { asyncCalls: object };
}

for (const metered of [true, false])
  test(`an import answers at once, fails at once, or answers later while nothing is on a stack (${metered ? 'metered' : 'unmetered'})`, async () => {
    const questions = new Questions();
    const instance = await started(await guestOf(oneQuestion, wit), questions, metered);
    assert.deepEqual(await instance.call('handle', ['now']), ok('now!'));
    assert.deepEqual(await instance.call('handle', ['no']), { tag: 'err', val: 'refused' });
    const call = instance.call('handle', ['later']);
    await turn();
    assert.equal(instance.asyncCalls?.waiting, true);
    const pending = instance.asyncCalls?.pending.map(({ cancel: _, ...call }) => call);
    assert.deepEqual(pending, [{ token: 1, interface: 'a:b/bus@0.1.0', func: 'ask' }]);
    questions.answer('later');
    assert.deepEqual(await call, ok('later!'));
    assert.equal(instance.asyncCalls?.waiting, false);
    const refused = instance.call('handle', ['sorry']);
    await turn();
    questions.fail('sorry', new WitError('not today'));
    assert.deepEqual(await refused, { tag: 'err', val: 'not today' });
    assert.equal(await instance.call('plain', []), 5);
  });

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('many subtasks are in flight at once, and their ends are told in the order of the answers', async () => {
  const questions = new Questions();
  const instance = await started(await guestOf(eachByte, wit), questions);
  const call = instance.call('handle', ['abcdef']);
  await turn();
  assert.deepEqual(questions.asked, ['a', 'b', 'c', 'd', 'e', 'f']);
  for (const text of 'cfadbe') questions.answer(text);
  // The first question was asked before the set was made, which has handle 2.
  assert.deepEqual(await call, { tag: 'ok', val: Uint8Array.from([4, 7, 1, 5, 3, 6]) });
});

test('answers burn the same fuel whether they come together or one by one', async () => {
  const guest = await guestOf(eachByte, wit);
  const runs: { fuel: bigint; value: unknown }[] = [];
  for (const gap of [false, true, true, false]) {
    const questions = new Questions();
    const instance = await started(guest, questions);
    const call = instance.call('handle', ['abcd']);
    await turn();
    for (const text of 'dbca') {
      questions.answer(text);
      if (gap) await turn();
    }
    runs.push({ value: await call, fuel: instance.budget.fuelUsed });
  }
  for (const run of runs) assert.deepEqual(run, runs[0]);
  assert.ok((runs[0]?.fuel ?? 0n) > 100n);
});

test('parameters beyond four travel through memory, as results always do', async () => {
  const guest = await guestOf(
    acting(`
    (i32.store (i32.const 64) (i32.const 1)) (i32.store (i32.const 68) (i32.const 20))
    (i32.store (i32.const 72) (i32.const 300)) (i32.store (i32.const 76) (i32.const 4000))
    (i32.store (i32.const 80) (i32.const -1))
    (if (i32.ne (call $sum (i32.const 64) (i32.const 128)) (i32.const 2)) (then unreachable))
    (call $return (i32.const 0) (i32.const 128) (i32.const 8)) (return (i32.const 0))`),
    wit,
  );
  const instance = await started(guest, new Questions());
  const { val } = (await instance.call('handle', ['x'])) as { val: Uint8Array };
  assert.equal(new DataView(val.buffer).getBigUint64(0, true), 4_294_971_616n);
});

test('a yield lets others run and takes in what has come', async () => {
  const guest = await guestOf(
    guestWat(`
  (func $handle (param $at i32) (param $length i32) (result i32)
    (call $begin (local.get $at) (local.get $length) (i32.const 16))
    (i32.const 1))
  (func $callback (param $event i32) (param i32 i32) (result i32)
    (if (local.get $event) (then unreachable))
    (if (i32.eqz (call $poll (global.get $all) (i32.const 128))) (then (return (i32.const 1))))
    (call $end (i32.load (i32.const 128)))
    (call $reply (i32.const 16))
    (i32.const 0))`),
    wit,
  );
  const questions = new Questions();
  const instance = await started(guest, questions);
  const call = instance.call('handle', ['q']);
  for (let turns = 0; turns < 5; turns += 1) await turn();
  assert.equal(instance.asyncCalls?.waiting, false);
  questions.answer('q');
  assert.deepEqual(await call, ok('q!'));
});

test('thread.yield and waitable-set.wait wait on the stack', async () => {
  const guest = await guestOf(
    acting(`
    (call $begin (local.get $at) (local.get $length) (i32.const 16))
    (if (call $yield) (then unreachable))
    (if (i32.ne (call $wait (global.get $all) (i32.const 128)) (i32.const 1)) (then unreachable))
    (if (i32.ne (i32.load (i32.const 132)) (i32.const 2)) (then unreachable))
    (call $end (i32.load (i32.const 128)))
    (call $reply (i32.const 16)) (return (i32.const 0))`),
    wit,
  );
  for (const metered of [true, false]) {
    const questions = new Questions();
    const instance = await started(guest, questions, metered);
    const call = instance.call('handle', ['q']);
    for (let turns = 0; turns < 3; turns += 1) await turn();
    questions.answer('q');
    assert.deepEqual(await call, ok('q!'));
  }
});

test("a subtask that is cancelled ends at once, the host is told, and its late answer is nobody's", async () => {
  const guest = await guestOf(
    acting(`
    (local.set $h (i32.shr_u (call $ask (local.get $at) (local.get $length) (i32.const 16)) (i32.const 4)))
    (if (i32.ne (call $cancel (local.get $h)) (i32.const 4)) (then unreachable))
    (call $drop (local.get $h))`),
    wit,
  );
  const questions = new Questions();
  const instance = await started(guest, questions);
  assert.deepEqual(await instance.call('handle', ['q']), ok(''));
  assert.deepEqual(questions.given, ['q']);
  questions.answer('q');
  await turn();
  assert.deepEqual(await instance.call('handle', ['r']), ok(''));
});

test('what ends an instance ends its waiting task: a stop, a fault of a host function, a trap in the callback', async () => {
  const guest = await guestOf(oneQuestion, wit);
  const begin = async () => {
    const questions = new Questions();
    const budget = budgetOf();
    const instance = await guest.start({ linker: questions.linker(), metered: true, budget });
    const call = instance.call('handle', ['q']);
    await turn();
    return { questions, budget, instance, call };
  };
  const stopped = await begin();
  stopped.budget.stop({ kind: 'cancelled', reason: 'enough' });
  await assert.rejects(stopped.call);
  assert.deepEqual(stopped.budget.cause, { kind: 'cancelled', reason: 'enough' });
  assert.deepEqual(stopped.questions.given, ['q']);
  const faulty = await begin();
  faulty.questions.fail('q', new Error('the wire broke'));
  await assert.rejects(faulty.call, isTrap('host-fault', /the wire broke/));
  const trapping = await guestOf(oneQuestion.replace('(call $end (local.get $handle))', 'unreachable'), wit);
  const questions = new Questions();
  const instance = await started(trapping, questions);
  const call = instance.call('handle', ['q']);
  await turn();
  questions.answer('q');
  await assert.rejects(call, isTrap('unreachable', /./));
  await assert.rejects(instance.call('handle', ['now']), { code: 'HOST_ERR_INSTANCE_CLOSED' });
});

test('an instance that is disposed of while its task waits ends that and gives its calls up', async () => {
  const questions = new Questions();
  const instance = await started(await guestOf(oneQuestion, wit), questions);
  const ended = assert.rejects(instance.call('handle', ['q']));
  await turn();
  instance.dispose();
  await ended;
  assert.deepEqual(questions.given, ['q']);
  questions.answer('q');
  await assert.rejects(instance.call('handle', ['q']), { code: 'HOST_ERR_INSTANCE_CLOSED' });
});

test('fuel runs out over callbacks as over one call', async () => {
  const guest = await guestOf(eachByte, wit);
  const questions = new Questions();
  const whole = await started(guest, questions);
  const call = whole.call('handle', ['abcd']);
  await turn();
  for (const text of 'abcd') questions.answer(text);
  await call;
  const budget = budgetOf({ fuelMax: (whole.budget.fuelUsed * 3n) / 4n });
  const again = new Questions();
  const instance = await guest.start({ linker: again.linker(), metered: true, budget });
  const ended = assert.rejects(instance.call('handle', ['abcd']));
  await turn();
  for (const text of 'abcd') again.answer(text);
  await ended;
  assert.equal(budget.cause?.kind === 'limit' && budget.cause.limit, 'fuelMax');
});

const misuse: readonly (readonly [what: string, act: string, message: RegExp])[] = [
  ['returning twice', '(call $return (i32.const 0) (i32.const 0) (i32.const 0))', /twice/],
  ['ending without a result', '(return (i32.const 0))', /without a result/],
  ['an unknown callback code', '(return (i32.const 3))', /callback code 3/],
  ['waiting for a set that is none', '(return (i32.const 0x52))', /5 is no waitable set/],
  [
    'waiting for an empty set',
    '(return (i32.or (i32.const 2) (i32.shl (call $newSet) (i32.const 4))))',
    /for ever/,
  ],
  ['cancelling its own task', '(call $taskCancel)', /nobody asked/],
  ['dropping a subtask that is none', '(call $drop (i32.const 9))', /9 is no subtask/],
  ['dropping a set as a subtask', '(call $drop (call $newSet))', /1 is no subtask/],
  ['joining a set to a set', '(call $join (call $newSet) (call $newSet))', /is no subtask/],
  [
    'dropping a set twice',
    '(local.set $s (call $newSet)) (call $dropSet (local.get $s)) (call $dropSet (local.get $s))',
    /1 is no waitable set/,
  ],
  [
    'dropping a subtask that is not done',
    '(call $drop (i32.shr_u (call $ask (local.get $at) (local.get $length) (i32.const 16)) (i32.const 4)))',
    /before it knew/,
  ],
  [
    'dropping a set with members',
    '(call $begin (local.get $at) (local.get $length) (i32.const 16)) (call $dropSet (global.get $all))',
    /with members/,
  ],
  [
    'cancelling what a set has',
    '(call $begin (local.get $at) (local.get $length) (i32.const 16)) (drop (call $cancel (i32.const 1)))',
    /while a set has it/,
  ],
  [
    'cancelling twice',
    '(local.set $h (i32.shr_u (call $ask (local.get $at) (local.get $length) (i32.const 16)) (i32.const 4))) (drop (call $cancel (local.get $h))) (drop (call $cancel (local.get $h)))',
    /whose end it knew/,
  ],
  ['polling into nowhere', '(drop (call $poll (call $newSet) (i32.const -4)))', /out of bounds/],
  ['polling into an odd place', '(drop (call $poll (call $newSet) (i32.const 3)))', /not aligned/],
  ['letting backpressure go below nothing', '(call $dec)', /backpressure/],
  ['too many handles', '(loop $more (drop (call $newSet)) (br $more))', /more than 4096/],
  [
    'a result out of bounds',
    '(call $return (i32.const 0) (i32.const 131072) (i32.const 1))',
    /out of bounds/,
  ],
];

for (const [what, act, message] of misuse)
  test(`${what} is a trap`, async () => {
    const instance = await started(await guestOf(acting(act), wit), new Questions());
    await assert.rejects(instance.call('handle', ['q']), isTrap('canonical-abi', message));
    await assert.rejects(instance.call('handle', ['q']), { code: 'HOST_ERR_INSTANCE_CLOSED' });
  });

test('a result pointer out of bounds is a trap when the answer comes', async () => {
  const guest = await guestOf(
    oneQuestion.replace('(local.get $length) (i32.const 16))', '(local.get $length) (i32.const 131068))'),
    wit,
  );
  const questions = new Questions();
  const instance = await started(guest, questions);
  const call = instance.call('handle', ['q']);
  await turn();
  questions.answer('q');
  await assert.rejects(call, isTrap('canonical-abi', /out of bounds/));
});

test('an asynchronous export cannot be called without a stack to wait on', async () => {
  const instance = await started(await guestOf(oneQuestion, wit), new Questions());
  assert.throws(() => instance.callSync('handle', ['now']), isTrap('cannot-block', /asynchronous/));
  assert.deepEqual(await instance.call('handle', ['now']), ok('now!'));
});
