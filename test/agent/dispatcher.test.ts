import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { Dispatcher, type DispatcherOptions } from '../../host/agent/dispatcher.ts';
import { type PolicyName, policyNames } from '../../host/config/scheduler-settings.ts';
import { rankOfLevel } from '../../host/scheduler/level.ts';
import type { Candidate } from '../../host/scheduler/policies/custom.ts';
import { Profiles } from '../../host/scheduler/profile.ts';
import type { Terms } from '../../host/scheduler/standings.ts';

const slice = 2_000_000;

/** Agents 1 to 9 of one thread: who handles a message ends at once, unless it is a loop that computes for some slices. */
class Stage {
  /** Who had a turn, one after the other. */
  order = '';
  readonly dispatcher: Dispatcher;
  nowMs = 1;
  isPending = false;
  readonly profiles: Profiles = new Profiles();
  readonly #loops = new Map<number, number>();
  readonly terms = new Map<number, Terms>();
  /** What an agent does in its turn. */
  act: (id: number) => void = () => {};
  /** At the end of a slice of a guest that wants to go on. */
  sliceEnded: (id: number) => void = () => {};

  constructor(options: Partial<DispatcherOptions> = {}) {
    this.dispatcher = new Dispatcher({
      run: (id) => void this.#run(id),
      activeMax: 100,
      turnMsMax: 1,
      nowMs: () => this.nowMs,
      isPending: () => this.isPending,
      termsOf: (id) => this.terms.get(id),
      forecast: this.profiles,
      ...options,
    });
  }

  loop(id: number, slices: number): this {
    this.#loops.set(id, slices);
    return this;
  }

  async #run(id: number): Promise<void> {
    this.act(id);
    this.order += id;
    for (let left = (this.#loops.get(id) ?? 1) - 1; left > 0; left -= 1) {
      this.#charge(id);
      this.nowMs += 0.2;
      this.sliceEnded(id);
      if (this.dispatcher.isWanted(id)) await this.dispatcher.giveWay(id);
      this.order += id;
    }
    this.#charge(id);
    this.profiles.ended(id, 1, 0, this.nowMs);
    this.dispatcher.ended();
  }

  #charge(id: number): void {
    this.dispatcher.charge(id, slice, 0.2);
    this.profiles.charge(id, slice, 0.2);
  }

  wake(...ids: number[]): this {
    for (const id of ids) this.dispatcher.wake(id);
    return this;
  }

  async until(length: number): Promise<string> {
    for (let turns = 0; this.order.length < length && turns < 10_000; turns += 1) await turn();
    return this.order;
  }
}

test('guests that compute and agents with mail stand in one queue', async () => {
  const stage = new Stage({ queue: { policy: 'round-robin' } }).loop(1, 3).loop(2, 3).wake(1, 2, 3);
  assert.equal(await stage.until(7), '1231212');
});

test('guests that compute change places after a quantum, and at the end of a slice once somebody has mail', async () => {
  const stage = new Stage({ queue: { policy: 'round-robin' }, quantumMs: 0.6 }).loop(1, 6).loop(2, 6);
  stage.sliceEnded = () => {
    if (stage.order === '12221112') stage.wake(3);
  };
  // When 1 began 2 had mail, when 2 began 1 had had a slice.
  assert.equal(await stage.wake(1, 2).until(13), '1222111213221');
});

test('a guest that computes gives way within its quantum to one of a better level', async () => {
  const stage = new Stage({ queue: { policy: 'round-robin', agingMs: 0.3 }, quantumMs: 10 });
  stage.terms.set(9, { level: rankOfLevel('critical') });
  stage.loop(1, 9).loop(9, 9).wake(1, 9);
  // Each time that 1 was waiting for long it has one slice, not its quantum.
  assert.doesNotMatch(await stage.until(18), /11.*9/);
});

test('the answer of a message that was begun goes out before a guest computes on', async () => {
  const stage = new Stage({ queue: { policy: 'round-robin' } }).loop(1, 50).wake(1);
  stage.act = (id) => {
    if (id === 2) void answer();
  };
  const answer = async (): Promise<void> => {
    for (let step = 0; step < 20; step += 1) await undefined;
    stage.order += 'a';
  };
  stage.sliceEnded = () => {
    if (stage.order === '111') stage.wake(2);
  };
  assert.ok((await stage.until(7)).startsWith('1112a1'), stage.order);
});

test('a guest that computes goes on although messages come with each turn of the event loop', async () => {
  const stage = new Stage({ queue: { policy: 'round-robin' } }).loop(1, 1_000).wake(1);
  // Its slices end with giving way.
  stage.isPending = true;
  for (let turns = 0; turns < 40; turns += 1) {
    stage.wake(2);
    await turn();
  }
  const slices = stage.order.replaceAll('2', '').length;
  assert.ok(slices >= 10 && slices < 1_000, stage.order);
});

test('a guest goes on without giving way while the policy has nobody before it', async () => {
  const stage = new Stage({ queue: { policy: 'first-come' } }).loop(1, 4).loop(2, 2).wake(1, 2);
  assert.equal(await stage.until(6), '111122');
  assert.equal(stage.dispatcher.report().slices, 0);
});

test('what is critical begins at the end of the slice under way, before all that wait', async () => {
  const stage = new Stage();
  stage.terms.set(9, { level: rankOfLevel('critical') });
  for (const id of [1, 2, 3, 4, 5]) stage.loop(id, 100);
  stage.wake(1, 2, 3, 4, 5);
  await stage.until(20);
  stage.wake(9);
  const { length } = stage.order;
  assert.ok((await stage.until(length + 2)).slice(length, length + 2).includes('9'));
  assert.ok(stage.dispatcher.report().preemptions > 0);
});

test('messages of other threads are read between two slices', async () => {
  const stage = new Stage().loop(1, 10).wake(1);
  stage.isPending = true;
  await stage.until(10);
  assert.equal(stage.dispatcher.report().slices, 9);
});

test('whoever the one that runs writes to is next', async () => {
  const stage = new Stage({ queue: { policy: 'round-robin' } });
  stage.act = (id) => {
    if (id === 1) stage.wake(5);
  };
  assert.equal(await stage.wake(1, 2, 3).until(4), '1523');
});

test('calls under way are bounded; of the last stacks only what is critical has one', async () => {
  const stage = new Stage({ activeMax: 8, queue: { policy: 'round-robin' } });
  stage.terms.set(9, { level: rankOfLevel('critical') });
  for (const id of [1, 2, 3, 4, 5, 6, 7, 8]) stage.loop(id, 4);
  stage.wake(1, 2, 3, 4, 5, 6, 7, 8);
  await stage.until(10);
  assert.equal(stage.order.includes('8'), false);
  assert.equal(stage.dispatcher.active, 7);
  assert.equal(stage.dispatcher.queued > 0, true);
  const { length } = stage.order;
  stage.wake(9);
  assert.equal((await stage.until(length + 3)).indexOf('9') < length + 3, true);
  assert.equal((await stage.until(33)).length, 33);
  assert.equal(stage.dispatcher.active, 0);
});

test('an agent that is removed has no turn, and one that comes in its place has its own terms', async () => {
  const stage = new Stage({ queue: { policy: 'priority' } });
  stage.wake(1, 2);
  stage.dispatcher.forget(1);
  stage.terms.set(3, { weight: 5 });
  assert.equal(await stage.wake(3).until(2), '32');
  assert.equal(stage.dispatcher.queued, 0);
});

test('terms that change hold from the next turn on', async () => {
  const stage = new Stage({ queue: { policy: 'priority' } }).wake(1, 2);
  assert.equal(await stage.until(2), '12');
  stage.terms.set(2, { weight: 9 });
  stage.dispatcher.changed(2);
  stage.nowMs += 1;
  assert.equal(await stage.wake(1, 2).until(4), '1221');
});

test('whoever waited for a stack keeps the level that its message asked for', async () => {
  const stage = new Stage({ activeMax: 1 });
  const first = stage.loop(1, 3);
  first.wake(1);
  await stage.until(1);
  stage.wake(2, 3);
  stage.dispatcher.wake(3, undefined, rankOfLevel('critical'));
  assert.equal(await stage.until(5), '11132');
});

test('how long agents waited is known by level', async () => {
  const stage = new Stage({ queue: { policy: 'round-robin' } });
  for (let round = 1; round <= 20; round += 1) {
    stage.wake(1, 2, 3, 4);
    stage.nowMs += 5;
    await stage.until(4 * round);
  }
  const waits = stage.dispatcher.report().waits[rankOfLevel('normal')];
  assert.ok(waits !== undefined && waits.looks > 2);
  assert.equal(waits.maxMs, 5);
  assert.equal(waits.sumMs, 5 * waits.looks);
});

/** The turns of one scene under a policy: what was used before, and terms, are the same each time. */
async function sceneUnder(policy: PolicyName): Promise<string> {
  const rank = ({ key, usedFuel }: Candidate): number => usedFuel - 1.5 * slice * key;
  const stage = new Stage({ queue: { policy, rank } });
  stage.terms.set(1, { weight: 20, deadlineMs: 40, rate: 50 });
  stage.terms.set(2, { weight: 3, deadlineMs: 50, rate: 60 });
  stage.terms.set(3, { weight: 2, deadlineMs: 30, rate: 20 });
  // All are known: 1 takes long, 2 takes less, 3 least; and 3 came most often.
  for (const [id, slices] of [
    [1, 8],
    [2, 4],
    [3, 1],
    [3, 1],
    [3, 1],
  ] as const) {
    const { length } = stage.order;
    await stage
      .loop(id, slices)
      .wake(id)
      .until(length + slices);
  }
  const { length } = stage.order;
  stage.loop(1, 4).loop(2, 3).loop(3, 2).wake(2, 1, 3);
  return (await stage.until(length + 9)).slice(length);
}

const orders: Readonly<Record<PolicyName, string>> = {
  'first-come': '222111133',
  'round-robin': '213213211',
  'fair-share': '123111223',
  'shortest-job': '332221111',
  'weighted-fair-queueing': '111133222',
  'earliest-deadline': '331111222',
  'rate-based': '212121133',
  priority: '111122233',
  custom: '332212111',
};

for (const policy of policyNames)
  test(`the policy ${policy} decides in which order guests run`, async () => {
    assert.equal(await sceneUnder(policy), orders[policy]);
  });

test('no two policies run the same scene in the same order', () => {
  assert.equal(new Set(Object.values(orders)).size, policyNames.length);
});

/** Agents whose guests come back within their turns, and what they wake; `follows`: the dispatcher is told of it. */
async function orderOf(wakes: readonly (readonly number[])[], follows: boolean): Promise<string> {
  let order = '';
  const run = (id: number): void => {
    order += id;
    // The queue's order is a matter of what was used.
    dispatcher.charge(id, id * 1000, 0.001);
    const woken = wakes[order.length - 1] ?? [];
    for (const other of woken) dispatcher.wake(other);
    if (follows) dispatcher.returned(id);
    dispatcher.ended();
  };
  const options = { activeMax: 100, turnMsMax: 1, nowMs: () => 1, isPending: () => false };
  const dispatcher = new Dispatcher({ ...options, run });
  for (const id of [1, 2, 3]) dispatcher.wake(id);
  for (let turns = 0; dispatcher.queued > 0 && turns < 1000; turns += 1) await turn();
  return order;
}

test('those that follow at the end of a turn have the order of the queue', async () => {
  const ids = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 });
  const property = fc.asyncProperty(fc.array(ids, { maxLength: 40 }), async (wakes) => {
    assert.equal(await orderOf(wakes, true), await orderOf(wakes, false));
  });
  await fc.assert(property, { numRuns: 50 });
});

test('a guest that came back begins its next message before anything else of the event loop, at most thirty-two', async () => {
  const log: string[] = [];
  let depth = 0;
  const run = (id: number): void => {
    depth += 1;
    log.push(`${id} at ${depth}`);
    if (log.length === 1) queueMicrotask(() => log.push('a microtask'));
    dispatcher.returned(id);
    if (log.length < 34) dispatcher.wake(id);
    dispatcher.ended();
    depth -= 1;
  };
  const options = { activeMax: 100, turnMsMax: 1, nowMs: () => 1, isPending: () => false };
  const dispatcher = new Dispatcher({ ...options, run });
  dispatcher.wake(7);
  while (dispatcher.queued > 0 || log.length < 34) await turn();
  assert.equal(log.indexOf('a microtask'), 32);
  assert.equal(log.length, 34);
  assert.equal(dispatcher.report().passedOn, 0, 'whoever goes on was not written to');
});

test('a guest that used a slice in its turn is not followed at once', async () => {
  const log: string[] = [];
  const run = (id: number): void => {
    log.push(String(id));
    if (id === 1) queueMicrotask(() => log.push('a microtask'));
    dispatcher.charge(id, slice, id === 2 ? 0.2 : 0.01);
    dispatcher.returned(id);
    dispatcher.ended();
  };
  const options = { activeMax: 100, turnMsMax: 1, nowMs: () => 1, isPending: () => false };
  const dispatcher = new Dispatcher({ ...options, queue: { policy: 'round-robin' }, run });
  for (const id of [1, 2, 3]) dispatcher.wake(id);
  while (log.length < 4) await turn();
  assert.deepEqual(log, ['1', '2', 'a microtask', '3']);
});

test('the end of one that is not at its turn lets nobody follow', async () => {
  const log: string[] = [];
  const run = (id: number): void => {
    log.push(`${id} began`);
    if (id === 1) {
      dispatcher.returned(2);
      dispatcher.ended();
      log.push('1 goes on');
    }
    if (id !== 2) dispatcher.ended();
  };
  const options = { activeMax: 100, turnMsMax: 1, nowMs: () => 1, isPending: () => false };
  const dispatcher = new Dispatcher({ ...options, queue: { policy: 'round-robin' }, run });
  for (const id of [2, 1, 3]) dispatcher.wake(id);
  while (log.length < 4) await turn();
  assert.deepEqual(log, ['2 began', '1 began', '1 goes on', '3 began']);
  assert.equal(dispatcher.active, 0);
});
