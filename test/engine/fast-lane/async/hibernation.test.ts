import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InstancePools } from '../../../../host/engine/hibernation/instance-pools.ts';
import { type Answer, Suspended } from '../../../../host/engine/instance.ts';
import { Trap } from '../../../../host/engine/trap.ts';
import { programFrom } from '../../hibernation/state-guest.ts';
import { budgetOf } from '../fast-guest.ts';
import { bytesOf, eachByte, Questions, wit } from './guest.ts';

const program = await programFrom(eachByte, wit);
const poolOf = () => new InstancePools({}).of(program);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const order = (...handles: number[]): unknown => ({ tag: 'ok', val: Uint8Array.from(handles) });

/** An agent that asked `text` and waits. */
async function waiting(pool: ReturnType<typeof poolOf>, text: string) {
  const questions = new Questions();
  const budget = budgetOf();
  const lease = await pool.spawn(questions.linker(), budget);
  const call = lease.call('handle', [text]);
  const suspended = assert.rejects(call, Suspended);
  await turn();
  return { questions, lease, suspended, budget };
}

test('an agent that waits leaves memory, and goes on in another instance with the answers that come', async () => {
  const pool = poolOf();
  const { questions, lease, suspended } = await waiting(pool, 'abc');
  questions.answer('b');
  await turn();
  const late: Answer[] = [];
  assert.ok(lease.asyncCalls !== undefined);
  lease.asyncCalls.onLateAnswer = (answer) => late.push(answer);
  const { pending } = lease.asyncCalls;
  const snapshot = structuredClone(pool.hibernate(lease));
  await suspended;
  assert.equal(pool.idle, 1);
  assert.deepEqual(
    pending.map(({ token }) => token),
    [1, 3],
  );
  questions.answer('c');
  await turn();
  assert.deepEqual(late, [{ token: 3, value: { tag: 'ok', val: bytesOf('c!') } }]);

  const woken = poolOf().wake(snapshot, questions.linker(), budgetOf());
  assert.equal(woken.asyncCalls?.waiting, true);
  const call = woken.asyncCalls?.continue();
  for (const answer of late) woken.asyncCalls?.answer(answer);
  woken.asyncCalls?.answer({ token: 1, value: { tag: 'err', val: 'lost' } });
  woken.asyncCalls?.answer({ token: 1, value: { tag: 'err', val: 'twice' } });
  assert.deepEqual(await call, order(3, 4, 1));
  assert.deepEqual(questions.asked, ['a', 'b', 'c']);
  assert.deepEqual(questions.given, []);
});

test('an instance that a waiting agent left serves another, which nothing late reaches', async () => {
  const pool = poolOf();
  const { questions, lease, suspended } = await waiting(pool, 'ab');
  pool.hibernate(lease);
  const next = new Questions();
  const second = await pool.spawn(next.linker(), budgetOf());
  const call = second.call('handle', ['xy']);
  await suspended;
  await turn();
  questions.answer('a');
  questions.answer('b');
  await turn();
  assert.deepEqual(
    second.asyncCalls?.pending.map(({ token }) => token),
    [1, 2],
  );
  next.answer('y');
  next.answer('x');
  assert.deepEqual(await call, order(3, 1));
});

test('what a task burnt before it was saved counts on', async () => {
  const straight = await poolOf().spawn(new Questions().linker(), budgetOf());
  const whole = new Questions();
  const run = await poolOf().spawn(whole.linker(), budgetOf());
  const call = run.call('handle', ['ab']);
  await turn();
  whole.answer('a');
  whole.answer('b');
  await call;
  const startFuel = straight.budget.fuelUsed;
  const pool = poolOf();
  const { lease, suspended } = await waiting(pool, 'ab');
  const snapshot = pool.hibernate(lease);
  await suspended;
  const budget = budgetOf();
  const woken = pool.wake(snapshot, new Questions().linker(), budget);
  const goesOn = woken.asyncCalls?.continue();
  for (const token of [1, 2]) woken.asyncCalls?.answer({ token, value: { tag: 'ok', val: bytesOf('a!') } });
  await goesOn;
  assert.equal(budget.fuelUsed - startFuel, run.budget.fuelUsed - startFuel);
});

test('a woken task can fail as any other', async () => {
  const pool = poolOf();
  const { lease, suspended, questions } = await waiting(pool, 'a');
  const snapshot = pool.hibernate(lease);
  await suspended;
  const woken = pool.wake(snapshot, questions.linker(), budgetOf());
  const call = woken.asyncCalls?.continue();
  woken.asyncCalls?.answer({ token: 1, fault: new Error('gone') });
  await assert.rejects(
    async () => call,
    (error) => error instanceof Trap && error.kind === 'host-fault',
  );
  await assert.rejects(woken.call('handle', ['b']), { code: 'HOST_ERR_INSTANCE_CLOSED' });
});

test('between two messages an agent keeps the calls it did not wait for', async () => {
  const pool = poolOf();
  const { lease, questions, suspended } = await waiting(pool, 'a');
  const snapshot = pool.hibernate(lease);
  await suspended;
  const woken = pool.wake(snapshot, questions.linker(), budgetOf());
  woken.asyncCalls?.answer({ token: 1, value: { tag: 'ok', val: bytesOf('early') } });
  const again = structuredClone(pool.save(woken));
  const third = poolOf().wake(again, questions.linker(), budgetOf());
  assert.deepEqual(await third.asyncCalls?.continue(), order(1));
});
