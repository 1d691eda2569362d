import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '../../host/errors.ts';
import { gatherQuorum, Quorum, type Threshold, votesNeeded } from '../../host/orchestration/quorum.ts';
import { fc } from '../support/properties.ts';
import { Stage, settle } from './parts.ts';

const keyOf = (answer: string): string => answer;

test('a majority is more than half, a supermajority more than two thirds, a number itself', () => {
  const of = (threshold: Threshold): number[] =>
    [1, 2, 3, 4, 9, 10].map((voters) => votesNeeded(threshold, voters));
  assert.deepEqual(of('majority'), [1, 2, 2, 3, 5, 6]);
  assert.deepEqual(of('supermajority'), [1, 2, 3, 3, 7, 7]);
  assert.equal(votesNeeded(4, 5), 4);
  for (const wrong of [0, 6, 1.5, Number.NaN])
    assert.throws(
      () => votesNeeded(wrong, 5),
      (error) => error instanceof HostError && error.code === 'HOST_ERR_VALUE_INVALID',
    );
});

test('whoever votes what, how often and how late: as many as needed said the same once and in time', () => {
  const cast = fc.record({
    voter: fc.nat(6),
    answer: fc.constantFrom('yes', 'no', 'fail'),
    ends: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(cast, { maxLength: 30 }), (threshold, casts) => {
      const voters = ['v0', 'v1', 'v2', 'v3', 'v4'];
      const quorum = new Quorum<string>({ voters, threshold, keyOf });
      const heard = new Map<string, string>();
      let isOver = false;
      for (const [index, { voter, answer, ends }] of casts.entries()) {
        const name = `v${voter}`;
        const expected: string = !voters.includes(name)
          ? 'stranger'
          : heard.has(name)
            ? 'double'
            : isOver
              ? 'late'
              : 'counted';
        const got = answer === 'fail' ? quorum.fail(name, 'no') : quorum.answer(name, answer);
        assert.equal(got, expected);
        if (expected === 'counted') heard.set(name, answer);
        if (ends && index > 15) {
          quorum.end();
          isOver = true;
        }
        const most = Math.max(
          ...['yes', 'no'].map((one) => [...heard.values()].filter((said) => said === one).length),
        );
        const open = isOver ? 0 : voters.length - heard.size;
        const state: string =
          most >= threshold ? 'decided' : isOver || most + open < threshold ? 'failed' : 'open';
        assert.equal(quorum.state, state);
        assert.equal(quorum.tally.agreed, most);
        assert.equal(quorum.tally.decision !== undefined, state === 'decided');
        assert.deepEqual(
          quorum.tally.votes.map(([one]) => one),
          voters,
        );
      }
    }),
  );
});

test('it ends as soon as it is decided, gives up who is not heard, and has all votes', async () => {
  const stage = new Stage();
  const never = new Set<string>();
  const tally = await gatherQuorum<string>({
    voters: ['a', 'b', 'c', 'd', 'e'],
    threshold: 'majority',
    keyOf,
    timeout: (signal) => stage.clock.sleep(1000, signal),
    ask: (voter, signal) => {
      if (voter === 'b') return Promise.resolve('no');
      if (voter < 'e') return Promise.resolve('yes');
      signal.addEventListener('abort', () => never.add(voter));
      return new Promise(() => {});
    },
  });
  assert.equal(tally.state, 'decided');
  assert.equal(tally.decision, 'yes');
  assert.deepEqual(
    tally.votes.map(([voter, vote]) => `${voter} ${vote.kind}`),
    ['a answer', 'b answer', 'c answer', 'd answer', 'e silent'],
  );
  assert.deepEqual([...never], ['e']);
  assert.equal(stage.clock.sleepers, 0);
});

test('who is silent when the time is over has not voted; who fails has', async () => {
  const stage = new Stage();
  const gathering = gatherQuorum<string>({
    voters: ['a', 'b', 'c'],
    threshold: 2,
    keyOf,
    timeout: (signal) => stage.clock.sleep(50, signal),
    ask: (voter) =>
      voter === 'a'
        ? Promise.resolve('yes')
        : voter === 'b'
          ? Promise.reject(new Error('ill'))
          : new Promise(() => {}),
    whyOf: (thrown) => (thrown as Error).message,
  });
  await settle();
  await stage.turn(50);
  const tally = await gathering;
  assert.equal(tally.state, 'failed');
  assert.deepEqual(tally.votes, [
    ['a', { kind: 'answer', answer: 'yes' }],
    ['b', { kind: 'failed', why: 'ill' }],
    ['c', { kind: 'silent' }],
  ]);
});

test('it hears everybody out when that is wanted, and ends when nobody wants it any more', async () => {
  const stage = new Stage();
  const answers = new Map<string, (answer: string) => void>();
  const options = {
    voters: ['a', 'b', 'c'],
    threshold: 2,
    keyOf,
    isForAll: true,
    timeout: (signal: AbortSignal) => stage.clock.sleep(50, signal),
    ask: (voter: string) => new Promise<string>((resolve) => answers.set(voter, resolve)),
  };
  const gathering = gatherQuorum<string>(options);
  answers.get('a')?.('yes');
  answers.get('b')?.('yes');
  await settle();
  answers.get('c')?.('no');
  assert.deepEqual(
    (await gathering).votes.map(([, vote]) => vote.kind),
    ['answer', 'answer', 'answer'],
  );
  const gone = new AbortController();
  const other = gatherQuorum<string>({ ...options, signal: gone.signal });
  gone.abort();
  assert.equal((await other).state, 'failed');
});
