import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Allowance, type AllowanceTerms, type Scarce } from '../../host/scheduler/allowance.ts';
import { Bucket } from '../../host/scheduler/bucket.ts';
import { HandClock } from '../support/hand-clock.ts';
import { fc } from '../support/properties.ts';

const nothing: AllowanceTerms = {
  cpuMs: undefined,
  fuel: undefined,
  disk: undefined,
  network: undefined,
  connectionsMax: undefined,
  isFree: false,
};

function make(terms: Partial<AllowanceTerms>, stopsAfter = Number.POSITIVE_INFINITY) {
  const clock = new HandClock();
  const told: string[] = [];
  const allowance = new Allowance({ ...nothing, ...terms }, clock, (what, seconds) => {
    told.push(`${what} ${seconds}`);
    return seconds >= stopsAfter;
  });
  return { allowance, clock, told };
}

test('a bucket gives what it holds, nothing beyond, and fills at its rate', () => {
  const bucket = new Bucket({ perSecond: 100, burst: 200 }, 0);
  assert.equal(bucket.room(0), 200);
  bucket.spend(150);
  assert.equal(bucket.room(0), 50, 'allowed');
  bucket.spend(50);
  assert.deepEqual([bucket.room(0), bucket.waitMs(0)], [0, 20], 'at the limit');
  assert.equal(bucket.room(19), 0);
  assert.equal(bucket.room(20), 2);
  assert.equal(bucket.room(10_000), 200, 'no more than it holds');
});

test('what was spent beyond what was there is owed, and made up for first', () => {
  const bucket = new Bucket({ perSecond: 100, burst: 100 }, 0);
  bucket.spend(300);
  assert.equal(bucket.waitMs(0), 2020);
  assert.equal(bucket.waitMs(2000), 20);
  assert.equal(bucket.waitMs(2020), 0);
});

test('over any time no more passes than the burst and the rate allow', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 10_000 }),
      fc.array(fc.record({ wants: fc.nat(5000), passesMs: fc.nat(500) }), { maxLength: 80 }),
      (perSecond, burst, steps) => {
        const bucket = new Bucket({ perSecond, burst }, 0);
        let [nowMs, passed] = [0, 0];
        for (const { wants, passesMs } of steps) {
          nowMs += passesMs;
          const some = Math.min(wants, bucket.room(nowMs));
          bucket.spend(some);
          passed += some;
          assert.ok(passed <= burst + (perSecond * nowMs) / 1000 + 1e-6);
          if (bucket.room(nowMs) === 0)
            assert.ok(bucket.room(nowMs + bucket.waitMs(nowMs)) > 0, 'a wait is long enough');
        }
      },
    ),
  );
});

for (const [what, terms] of [
  ['fuel', { fuel: { perSecond: 1000, burst: 1000 } }],
  ['cpu', { cpuMs: { perSecond: 250, burst: 250 } }],
] as const) {
  test(`${what}: within its share it computes, at its end it waits, and what it used over it is waited for`, () => {
    const { allowance, clock, told } = make(terms);
    const use = (share: number): void => allowance.charge(1000 * share, 250 * share);
    use(0.9);
    assert.equal(allowance.owedMs(), 0, 'allowed');
    use(0.1);
    assert.equal(allowance.owedMs(), 20, 'at the limit');
    use(1);
    assert.equal(allowance.owedMs(), 1020, 'over it');
    assert.deepEqual(told, [`${what} 0`]);
    clock.turn(1020);
    assert.equal(allowance.owedMs(), 0);
  });
}

for (const what of ['disk', 'network'] as const) {
  test(`${what}: bytes pass within its share, none at its end, and again when it has filled`, () => {
    const { allowance, clock, told } = make({ [what]: { perSecond: 1000, burst: 500 } });
    const pace = allowance[what];
    assert.ok(pace !== undefined);
    pace.spend(499);
    assert.equal(pace.room(), 1);
    pace.spend(1);
    assert.deepEqual([pace.room(), pace.waitMs()], [0, 20]);
    assert.deepEqual(told, [`${what} 0`]);
    clock.turn(20);
    assert.equal(pace.room(), 20);
    pace.spend(-30);
    assert.equal(pace.room(), 50, 'what did not pass after all is given back');
  });
}

test('connections: the last one is given, the next is not, until one is given back', () => {
  const { allowance, told } = make({ connectionsMax: 2 });
  const slots = allowance.connections;
  assert.deepEqual([slots?.take(), slots?.take(), slots?.take()], [true, true, false]);
  assert.deepEqual(told, ['connections 0']);
  slots?.giveBack();
  assert.deepEqual([slots?.take(), slots?.take()], [true, false]);
});

test('a violation is told when it begins and once a second; a second without one begins anew', () => {
  const { allowance, clock, told } = make({ connectionsMax: 0 });
  const wants = (): void => void allowance.connections?.take();
  for (const passMs of [900, 10, 500, 489, 1, 999, 1, 1000]) {
    clock.turn(passMs);
    wants();
    wants();
  }
  assert.deepEqual(told, ['connections 0', 'connections 1', 'connections 2', 'connections 0']);
});

test('so many seconds in a row are so many, whatever it waits for in between; then they are counted anew', () => {
  const { allowance, clock, told } = make({ cpuMs: { perSecond: 100, burst: 100 } }, 5);
  const startMs = clock.monotonicMs();
  const stops: number[] = [];
  while (stops.length < 3) {
    const before = told.length;
    allowance.charge(0, 300);
    clock.turn(Math.min(allowance.owedMs(), 400));
    if (told.length > before && told.at(-1) === 'cpu 5') stops.push(clock.monotonicMs() - startMs);
  }
  const [first = 0, second = 0, third = 0] = stops;
  for (const ms of [first, second - first, third - second])
    assert.ok(ms >= 5000 && ms < 6000, `${stops}: at its end, and what is being stopped may ask once more`);
});

test('who is let go on begins anew, and who owes for long is not taken for one that kept to its share', () => {
  const { allowance, clock, told } = make({ cpuMs: { perSecond: 100, burst: 100 } });
  allowance.charge(0, 400);
  allowance.owedMs();
  clock.turn(3100);
  allowance.charge(0, 100);
  allowance.owedMs();
  assert.deepEqual(told, ['cpu 0', 'cpu 3']);
  allowance.beginAnew();
  allowance.owedMs();
  allowance.charge(0, 200);
  clock.turn(1000);
  allowance.owedMs();
  assert.deepEqual(told, ['cpu 0', 'cpu 3', 'cpu 0', 'cpu 1']);
});

test('where violations are only told nothing is held back', () => {
  const { allowance, told } = make({
    isFree: true,
    fuel: { perSecond: 10, burst: 10 },
    network: { perSecond: 10, burst: 10 },
    connectionsMax: 0,
  });
  allowance.charge(1000, 0);
  assert.equal(allowance.owedMs(), 0);
  allowance.network?.spend(1000);
  assert.ok((allowance.network?.room() ?? 0) > 1000);
  assert.equal(allowance.connections?.take(), true);
  assert.deepEqual(told, ['fuel 0', 'network 0', 'connections 0']);
});

test('of what its manifest says nothing there is as much as there is', () => {
  const { allowance } = make({});
  allowance.charge(1e15, 1e9);
  assert.equal(allowance.owedMs(), 0);
  const every: readonly Scarce[] = ['cpu', 'fuel', 'disk', 'network', 'connections'];
  assert.equal(every.length, 5);
  assert.deepEqual(
    [allowance.disk, allowance.network, allowance.connections],
    [undefined, undefined, undefined],
  );
});
