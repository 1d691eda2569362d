import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HealthCheck, type HealthRules } from '../../host/supervisor/health-check.ts';
import { TurnedClock } from '../agent/turned-clock.ts';
import { noChance } from './nursery.ts';

const rules: HealthRules = {
  intervalMs: 1_000,
  timeoutMs: 100,
  failuresMax: 3,
  successesMin: 2,
  delayMs: 500,
};

function checked(answers: (string | undefined | Error | 'silence')[]) {
  const clock = new TurnedClock('2026-01-01T00:00:00Z');
  const said: string[] = [];
  const signals: AbortSignal[] = [];
  const check = new HealthCheck(rules, {
    clock,
    random: noChance,
    probe: (signal) => {
      signals.push(signal);
      const answer = answers.shift();
      if (answer === 'silence') return new Promise(() => undefined);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    turned: (state, why) => said.push(`${state}: ${why}`),
  });
  return { clock, said, check, signals };
}

test('it asks after a delay and then in its interval, and so many good answers make it healthy', async () => {
  const { clock, said, check, signals } = checked([undefined, undefined, undefined]);
  check.start();
  await clock.pass(499);
  assert.equal(signals.length, 0);
  await clock.pass(1);
  assert.equal(signals.length, 1);
  assert.equal(check.state, 'unknown');
  await clock.pass(1_000);
  assert.deepEqual(said, ['healthy: undefined']);
  await clock.pass(1_000);
  assert.equal(signals.length, 3);
  assert.equal(said.length, 1);
  check.stop();
});

test('so many bad answers in a row make it unhealthy, a good one between begins the count anew', async () => {
  const { clock, said, check } = checked(['a', 'b', undefined, 'c', 'd', 'e', undefined, undefined]);
  check.start();
  await clock.pass(5_499);
  assert.deepEqual(said, []);
  await clock.pass(1);
  assert.deepEqual(said, ['unhealthy: e']);
  await clock.pass(2_000);
  assert.deepEqual(said, ['unhealthy: e', 'healthy: undefined']);
  check.stop();
});

test('no answer in time is a bad one, and whoever was asked learns that nobody waits', async () => {
  const { clock, said, check, signals } = checked(['silence', 'silence', new Error('it is gone')]);
  check.start();
  await clock.pass(500);
  assert.equal(signals[0]?.aborted, false);
  await clock.pass(100);
  assert.equal(signals[0]?.aborted, true);
  await clock.pass(2_100);
  assert.deepEqual(said, ['unhealthy: it is gone']);
  check.stop();
});

test('a check that was stopped asks nobody, and one that begins anew knows nothing', async () => {
  const { clock, said, check, signals } = checked(['a', 'b', 'c', 'd']);
  check.start();
  await clock.pass(1_500);
  check.start();
  assert.equal(check.state, 'unknown');
  await clock.pass(1_500);
  assert.equal(signals.length, 4);
  assert.deepEqual(said, []);
  check.stop();
  await clock.pass(10_000);
  assert.equal(signals.length, 4);
  assert.equal(clock.waiting, 0);
});
