import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PolicyName } from '../../host/config/scheduler-settings.ts';
import { rankOfLevel } from '../../host/scheduler/level.ts';
import { Profiles } from '../../host/scheduler/profile.ts';
import { nobody, RunQueue, type RunQueueOptions } from '../../host/scheduler/run-queue.ts';
import type { Terms } from '../../host/scheduler/standings.ts';

/** Three agents, named A, B and C, under a policy and with a clock that is turned by hand. */
class Bench {
  nowMs = 1_000;
  readonly queue: RunQueue;
  readonly profiles: Profiles = new Profiles();

  constructor(policy: PolicyName, options: Partial<RunQueueOptions> = {}) {
    this.queue = new RunQueue({ policy, nowMs: () => this.nowMs, forecast: this.profiles, ...options });
  }

  terms(name: string, terms: Terms): this {
    this.queue.set(keyOf(name), terms);
    return this;
  }

  come(names: string, dueMs?: number): this {
    for (const name of names) {
      this.nowMs += 1;
      this.queue.push(keyOf(name), dueMs);
    }
    return this;
  }

  /** All that wait, each dealt with at once. */
  order(): string {
    let order = '';
    for (let key = this.queue.shift(); key !== nobody; key = this.queue.shift()) order += nameOf(key);
    return order;
  }

  /** Each turn is a slice of a computation that does not end; who had so many of them. */
  slices(turns: number, fuel = 1_000_000): string {
    let order = '';
    for (let turn = 0; turn < turns; turn += 1) {
      const key = this.queue.shift();
      order += nameOf(key);
      this.nowMs += 1;
      this.queue.charge(key, fuel, 1);
      this.queue.again(key);
    }
    return order;
  }

  /** Has a message of an agent take so long, so that the policy knows it. */
  learn(name: string, ms: number): this {
    this.come(name);
    this.queue.shift();
    this.queue.charge(keyOf(name), ms * 1_000_000, ms);
    this.profiles.charge(keyOf(name), ms * 1_000_000, ms);
    this.profiles.ended(keyOf(name), ms, 0, this.nowMs);
    return this;
  }
}

function keyOf(name: string): number {
  return name.charCodeAt(0) - 64;
}

function nameOf(key: number): string {
  return String.fromCharCode(key + 64);
}

test('first-come: messages in the order in which they came, a computation to its end', () => {
  assert.equal(new Bench('first-come').come('BCA').order(), 'BCA');
  assert.equal(new Bench('first-come').come('BCA').slices(5), 'BBBBB');
});

test('round-robin: everybody in turn, whatever weight says', () => {
  const bench = new Bench('round-robin').terms('A', { weight: 10 });
  assert.equal(bench.come('BCA').slices(7), 'BCABCAB');
});

test('fair-share: fuel by weight', () => {
  const bench = new Bench('fair-share').terms('A', { weight: 2 });
  const order = bench.come('BA').slices(300);
  assert.equal(order.replaceAll('B', '').length, 200);
  assert.equal(order.slice(0, 6), 'BAABAA');
});

test('fair-share: whoever used more before goes behind whoever used less', () => {
  const bench = new Bench('fair-share').learn('A', 5).learn('B', 1);
  assert.equal(bench.come('AB').order(), 'BA');
});

test('shortest-job: whoever takes less on average goes first', () => {
  const bench = new Bench('shortest-job').learn('A', 30).learn('B', 2).learn('C', 9);
  assert.equal(bench.come('ABC').order(), 'BCA');
});

test('shortest-job: what the profile of an agent comes to is what goes, and nothing else', () => {
  const bench = new Bench('shortest-job').learn('A', 2).learn('B', 10);
  for (let message = 0; message < 3; message += 1) {
    bench.profiles.charge(keyOf('A'), 0, 60);
    bench.profiles.ended(keyOf('A'), 60, 0, bench.nowMs);
  }
  assert.equal(bench.come('AB').order(), 'BA');
});

test('shortest-job: a job that takes longer than it used to gives way', () => {
  const bench = new Bench('shortest-job').learn('A', 2).learn('B', 10);
  assert.equal(bench.come('AB').slices(12), `${'A'.repeat(11)}B`);
});

test('weighted-fair-queueing: what ends first, by weight, goes first', () => {
  const bench = new Bench('weighted-fair-queueing').terms('C', { weight: 10 });
  bench.learn('A', 4).learn('B', 2).learn('C', 10);
  assert.equal(bench.come('ABC').order(), 'CBA');
});

test('earliest-deadline: what is due first goes first', () => {
  const bench = new Bench('earliest-deadline').terms('C', { deadlineMs: 10 });
  bench.come('A', 3_000).come('B', 2_000).come('C');
  assert.equal(bench.order(), 'CBA');
});

test('rate-based: whoever asks for more than its rate goes behind those who do not', () => {
  const bench = new Bench('rate-based').terms('A', { rate: 10 }).terms('B', { rate: 1_000 });
  for (let turn = 0; turn < 3; turn += 1) {
    bench.come('A');
    bench.order();
  }
  assert.equal(bench.come('AB').order(), 'BA');
  assert.equal(bench.come('AB').slices(6), 'BBBBBB');
});

test('priority: the greatest weight goes first, of equals whoever came first', () => {
  const bench = new Bench('priority').terms('C', { weight: 3 }).terms('B', { weight: 2 });
  assert.equal(bench.come('ABC').order(), 'CBA');
  assert.equal(new Bench('priority').come('BAC').order(), 'BAC');
});

test('custom: as the function of the operator says', () => {
  const bench = new Bench('custom', { rank: ({ key }) => -key });
  assert.equal(bench.come('BAC').order(), 'CBA');
});

test('custom: a function that fails puts agents last, and is told once', () => {
  const faults: unknown[] = [];
  const rank = ({ key }: { readonly key: number }): number => {
    if (key < 3) throw new Error('no');
    return 1;
  };
  const bench = new Bench('custom', { rank, onFault: (fault) => faults.push(fault) });
  assert.equal(bench.come('ABC').order(), 'CAB');
  assert.equal(faults.length, 1);
});

for (const policy of ['fair-share', 'round-robin', 'shortest-job'] as const)
  test(`${policy}: of several levels the first goes first`, () => {
    const bench = new Bench(policy, { agingMs: 1_000 });
    bench.terms('A', { level: rankOfLevel('batch') }).terms('B', { level: rankOfLevel('critical') });
    assert.equal(bench.come('ACB').order(), 'BCA');
  });

test('a message of a better level lifts an agent that waits, for one turn', () => {
  const bench = new Bench('fair-share').terms('A', { level: rankOfLevel('low') });
  bench.come('BA');
  bench.queue.push(keyOf('A'), undefined, rankOfLevel('critical'));
  assert.equal(bench.order(), 'AB');
  assert.equal(bench.come('AB').order(), 'BA');
});

test('a level that was passed over for long has one turn', () => {
  const bench = new Bench('round-robin', { agingMs: 10 }).terms('C', { level: rankOfLevel('batch') });
  const order = bench.come('CAB').slices(50);
  assert.equal(order.replaceAll(/[AB]/g, '').length, 4);
  assert.equal(bench.queue.counts.aged, 4);
});

test('whoever was just written to goes next, three times in a row at most', () => {
  const bench = new Bench('round-robin');
  bench.come('ABCD');
  let order = nameOf(bench.queue.shift());
  for (let turn = 0; turn < 6; turn += 1) {
    bench.queue.pass(keyOf('Z'));
    order += nameOf(bench.queue.shift());
  }
  assert.equal(order, 'AZZZBZZ');
});

test('whoever was just written to waits for those of a better level', () => {
  const bench = new Bench('fair-share').terms('A', { level: rankOfLevel('critical') });
  bench.come('BA');
  bench.queue.pass(keyOf('C'));
  assert.equal(bench.order(), 'ABC');
});

test('somebody is before a guest that computes when the policy says so', () => {
  const bench = new Bench('fair-share').terms('B', { level: rankOfLevel('critical') });
  const { queue } = bench.learn('C', 2.5).come('AC');
  const key = queue.shift();
  assert.equal(queue.isWanted(key), false);
  queue.charge(key, 1_000_000, 0);
  assert.equal(queue.isWanted(key), true);
  queue.remove(keyOf('C'));
  assert.equal(queue.isWanted(key), false);
  queue.push(keyOf('B'));
  assert.equal(queue.isWanted(key), true);
});

test('fair-share: a crowd that has to begin stands behind those that are there, and waits no longer than they use what a beginning does', () => {
  const bench = new Bench('fair-share');
  const { queue } = bench;
  for (const name of 'DE') queue.push(keyOf(name), undefined, undefined, true);
  let before = 0;
  for (let key = keyOf('A'); key === keyOf('A') && before < 100; before += 1) {
    bench.come('A');
    key = queue.shift();
    if (key === keyOf('A')) queue.charge(key, 10_000, 0.1);
  }
  // Five turns of a tenth of a millisecond, and the sixth is the crowd's.
  assert.ok(before >= 5 && before <= 7, `${before} turns`);
  assert.equal(bench.order(), 'EA');
});

test('whoever has to begin has no other rank under other policies', () => {
  const bench = new Bench('first-come');
  bench.queue.push(keyOf('C'), undefined, undefined, true);
  assert.equal(bench.come('AB').order(), 'CAB');
});
