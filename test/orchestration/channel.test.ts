import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channel } from '../../host/orchestration/channel.ts';
import { fc } from '../support/properties.ts';
import { Stage, settle } from './parts.ts';

test('whatever is put and taken, in whatever order: as a queue of the same bound', () => {
  const step = fc.oneof(
    fc.record({ put: fc.nat() }),
    fc.record({ putBack: fc.nat() }),
    fc.constantFrom('take' as const, 'take', 'close'),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 200 }), (valuesMax, steps) => {
      const channel = new Channel<{ n: number }>({ valuesMax, waits: new Stage().waits });
      const model: { n: number }[] = [];
      let isClosed = false;
      for (const each of steps) {
        if (each === 'take') assert.equal(channel.tryTake(), model.shift());
        else if (each === 'close') {
          channel.close();
          isClosed = true;
        } else if ('put' in each) {
          const value = { n: each.put };
          const expected: string = isClosed ? 'closed' : model.length >= valuesMax ? 'full' : 'put';
          assert.equal(channel.tryPut(value), expected);
          if (expected === 'put') model.push(value);
        } else {
          const value = { n: each.putBack };
          channel.putBack(value);
          model.unshift(value);
        }
        assert.equal(channel.length, model.length);
      }
    }),
  );
});

test('many that put and take with waits: each value comes to one taker, in order, and nothing is lost', async () => {
  const step = fc.constantFrom<'put' | 'take' | 'turn'>('put', 'take', 'turn');
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(step, { maxLength: 80 }),
      async (valuesMax, steps) => {
        const stage = new Stage();
        const channel = new Channel<number>({ valuesMax, waits: stage.waits });
        const accepted = new Set<number>();
        const taken: number[] = [];
        let next = 1;
        for (const each of steps) {
          if (each === 'put') {
            const value = next++;
            void channel.put(value, 50).then((end) => end === 'put' && accepted.add(value));
          } else if (each === 'take')
            void channel.take(50).then((end) => end.kind === 'taken' && taken.push(end.value));
          else await stage.turn(30);
          await settle();
        }
        await stage.turn(1000);
        for (let value = channel.tryTake(); value !== undefined; value = channel.tryTake()) taken.push(value);
        await settle();
        assert.deepEqual(
          taken,
          [...accepted].sort((a, b) => a - b),
        );
        assert.equal(stage.waits.size, 0);
      },
    ),
    { numRuns: 60 },
  );
});

test('who finds it full waits for room, in turn, and no longer than it wants to', async () => {
  const stage = new Stage();
  const channel = new Channel<string>({ valuesMax: 1, waits: stage.waits });
  const ends: string[] = [];
  for (const value of ['a', 'b', 'c'])
    void channel.put(value, 100).then((end) => ends.push(`${value} ${end}`));
  await settle();
  assert.deepEqual(ends, ['a put']);
  assert.equal(channel.tryTake(), 'a');
  await stage.turn(200);
  assert.deepEqual(ends, ['a put', 'b put', 'c full']);
});

test('who finds it empty waits for a value; closing tells those who wait, and what is in it can still be taken', async () => {
  const stage = new Stage();
  const channel = new Channel<string>({ valuesMax: 2, waits: stage.waits });
  const late = channel.take(10);
  await stage.turn(20);
  assert.deepEqual(await late, { kind: 'empty' });
  const first = channel.take(100);
  assert.equal(channel.tryPut('a'), 'put');
  assert.deepEqual(await first, { kind: 'taken', value: 'a' });
  const waiting = channel.take(100);
  channel.close();
  assert.deepEqual(await waiting, { kind: 'closed' });
  assert.equal(channel.tryPut('b'), 'closed');
  const other = new Channel<string>({ valuesMax: 2, waits: stage.waits });
  other.tryPut('kept');
  other.close();
  assert.deepEqual(await other.take(0), { kind: 'taken', value: 'kept' });
  assert.deepEqual(await other.take(0), { kind: 'closed' });
});

test('who gives up neither takes nor puts', async () => {
  const stage = new Stage();
  const channel = new Channel<string>({ valuesMax: 1, waits: stage.waits });
  const gone = new AbortController();
  const taking = channel.take(1000, gone.signal);
  gone.abort();
  assert.deepEqual(await taking, { kind: 'cancelled' });
  channel.tryPut('a');
  const away = new AbortController();
  const putting = channel.put('b', 1000, away.signal);
  away.abort();
  assert.equal(await putting, 'cancelled');
  assert.equal(channel.tryTake(), 'a');
  assert.equal(channel.tryTake(), undefined);
  assert.equal(stage.wheel.armed, 0);
});

test('no more wait than there is room for', async () => {
  const stage = new Stage(1);
  const channel = new Channel<string>({ valuesMax: 1, waits: stage.waits });
  void channel.take(1000);
  assert.deepEqual(await channel.take(1000), { kind: 'refused' });
});
