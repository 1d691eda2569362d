import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isLegal,
  Lifecycle,
  type LifecycleState,
  type LifeNumber,
  life,
  lifecycleStates,
  transitions,
} from '../../host/agent/lifecycle.ts';

interface Watched {
  readonly lifecycle: Lifecycle;
  readonly turns: string[];
}

function watched(): Watched {
  const turns: string[] = [];
  const turned = (from: LifeNumber, to: LifeNumber, why: string): void =>
    void turns.push(`${lifecycleStates[from]} > ${lifecycleStates[to]}${why === '' ? '' : `: ${why}`}`);
  return { lifecycle: new Lifecycle('ann', { turned }), turns };
}

/** The shortest way from the beginning to each state, along the table. */
function pathTo(goal: LifecycleState): readonly LifecycleState[] {
  const paths: LifecycleState[][] = [['created']];
  for (const path of paths) {
    const last = path.at(-1) as LifecycleState;
    if (last === goal) return path.slice(1);
    const next = Object.keys(transitions[last]) as LifecycleState[];
    paths.push(
      ...next.filter((state) => !path.includes(state) && state !== 'suspended').map((to) => [...path, to]),
    );
  }
  throw new Error(`nothing leads to ${goal}`);
}

function at(state: LifecycleState): Watched {
  const found = watched();
  if (state === 'suspended') found.lifecycle.suspend('paused');
  else for (const next of pathTo(state)) found.lifecycle.to(life[next]);
  assert.equal(found.lifecycle.state, state);
  return found;
}

/** The arrows of the first description of this lifecycle; those to an end may go by way of `terminating`. */
const described: readonly (readonly [LifecycleState, LifecycleState])[] = [
  ['created', 'initializing'],
  ['initializing', 'ready'],
  ['initializing', 'failed'],
  ['ready', 'running'],
  ['running', 'suspended'],
  ['running', 'ready'],
  ['suspended', 'running'],
  ['suspended', 'terminated'],
  ['ready', 'terminated'],
  ['failed', 'terminated'],
];

test('there are eleven states, and every one can be come to', () => {
  assert.equal(lifecycleStates.length, 11);
  for (const state of lifecycleStates) at(state);
});

test('every arrow of the description is in the table', () => {
  for (const [from, to] of described) assert.ok(isLegal(from, to), `${from} > ${to}`);
});

test('from every state exactly what the table says can follow; the rest is a typed error that changes nothing', () => {
  let refused = 0;
  for (const from of lifecycleStates)
    for (const to of lifecycleStates) {
      if (from === to || from === 'suspended' || to === 'suspended') continue;
      const { lifecycle } = at(from);
      if (isLegal(from, to)) {
        lifecycle.to(life[to]);
        assert.equal(lifecycle.state, to);
        continue;
      }
      refused += 1;
      assert.throws(() => lifecycle.to(life[to]), {
        code: 'HOST_ERR_LIFECYCLE_ILLEGAL',
        data: { agent: 'ann', from, to },
      });
      assert.equal(lifecycle.state, from);
    }
  assert.ok(refused > 30);
});

test('an illegal transition says what can be', () => {
  const { lifecycle } = at('terminated');
  assert.throws(() => lifecycle.to(life.running), {
    message: 'ann is terminated, and cannot be running from there: it can be created',
  });
  assert.throws(() => lifecycle.suspend('paused'), { code: 'HOST_ERR_LIFECYCLE_ILLEGAL' });
  assert.throws(() => lifecycle.assert(life.ready), { code: 'HOST_ERR_LIFECYCLE_ILLEGAL' });
});

test('the same state again is no transition', () => {
  const { lifecycle, turns } = at('ready');
  const before = turns.length;
  lifecycle.to(life.ready);
  assert.equal(turns.length, before);
});

test('while it is suspended what it would be goes on beneath, and is what it is when it is resumed', () => {
  const { lifecycle, turns } = at('running');
  lifecycle.suspend('paused by ops');
  lifecycle.suspend('again');
  lifecycle.to(life.waiting);
  lifecycle.to(life.running);
  lifecycle.to(life.ready);
  assert.equal(lifecycle.state, 'suspended');
  assert.equal(lifecycle.beneath, life.ready);
  assert.throws(() => lifecycle.to(life.waiting), { code: 'HOST_ERR_LIFECYCLE_ILLEGAL' });
  lifecycle.resume();
  lifecycle.resume();
  assert.equal(lifecycle.state, 'ready');
  assert.deepEqual(turns.slice(-2), ['running > suspended: paused by ops', 'suspended > ready']);
});

test('what failed or ended while it was suspended is ready to begin anew when it is resumed', () => {
  for (const end of [life.failed, life.completed]) {
    const { lifecycle } = at('running');
    lifecycle.suspend('paused');
    lifecycle.to(end);
    lifecycle.resume();
    assert.equal(lifecycle.state, 'ready');
  }
});

test('a suspended one is resumed to each state that it can be suspended from and goes on from', () => {
  for (const state of ['created', 'initializing', 'ready', 'running', 'waiting'] as const) {
    const { lifecycle, turns } = at(state);
    lifecycle.suspend('paused');
    lifecycle.resume();
    assert.equal(turns.at(-1), `suspended > ${state}`);
    assert.ok(isLegal('suspended', state));
  }
});

test('a suspended one can be ended, in good order and at once', () => {
  for (const end of [life.terminating, life.terminated]) {
    const { lifecycle, turns } = at('suspended');
    lifecycle.to(end, 'no more');
    assert.equal(turns.at(-1), `suspended > ${lifecycleStates[end]}: no more`);
  }
});
