import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Profiles } from '../../host/scheduler/profile.ts';
import { fc } from '../support/properties.ts';

const key = 5000;

test('of an agent nobody has seen at work the usual is assumed', () => {
  const profiles = new Profiles();
  assert.deepEqual(profiles.of(key, 0), {
    executionMs: 0.1,
    messagesPerSecond: 0,
    cpuIntensity: 0.5,
    memoryBytes: 0,
    kind: 'mixed',
  });
});

test('the first messages count fully: an average of few is their mean, of many it moves by a tenth', () => {
  const profiles = new Profiles();
  const message = (ms: number, wallMs: number): void => {
    profiles.charge(key, 0, ms);
    profiles.ended(key, wallMs, 65_536, 1_000);
  };
  profiles.charge(key, 0, 1);
  message(350, 351);
  assert.deepEqual([profiles.executionMsOf(key), profiles.of(key, 1_000).kind], [351, 'computing']);
  message(0, 10);
  assert.deepEqual([profiles.executionMsOf(key), profiles.cpuIntensityOf(key)], [175.5, 0.5]);
  for (let count = 3; count <= 10; count += 1) message(0, 10);
  assert.equal(profiles.executionMsOf(key).toFixed(6), '35.100000');
  message(0, 10);
  assert.equal(profiles.executionMsOf(key).toFixed(6), '31.590000', 'by a tenth from now on');
  assert.equal(profiles.memoryBytesOf(key), 65_536);
  assert.equal(profiles.executionMsOf(key + 1), 0.1, 'its neighbour is nobody’s business');
});

test('the rate of messages follows what comes, and falls while nothing does', () => {
  const profiles = new Profiles();
  for (let at = 1_000; at <= 2_000; at += 100) profiles.ended(key, 1, 0, at);
  assert.equal(profiles.messagesPerSecondOf(key, 2_000), 10);
  assert.equal(profiles.messagesPerSecondOf(key, 4_000), 0.5);
});

test('who only computes and who only waits are told apart', () => {
  const profiles = new Profiles();
  for (let at = 1; at <= 50; at += 1) {
    profiles.charge(1, 0, 10);
    profiles.ended(1, 10, 0, at);
    profiles.ended(2, 10, 0, at);
  }
  assert.equal(profiles.of(1, 50).kind, 'computing');
  assert.equal(profiles.of(2, 50).kind, 'waiting');
});

test('what a wait hides of the time is made up for by the fuel, at the measured rate', () => {
  const profiles = new Profiles();
  for (let slice = 0; slice < 200; slice += 1) profiles.charge(1, 2_000_000, 1);
  assert.equal(Math.round(profiles.fuelPerMs), 2_000_000);
  profiles.charge(2, 400_000, 0);
  profiles.ended(2, 0.2, 0, 1);
  assert.ok(profiles.cpuIntensityOf(2) > 0.5, 'it computed all the time');
});

test('a key that another agent has is a blank one', () => {
  const profiles = new Profiles();
  profiles.charge(key, 0, 50);
  profiles.ended(key, 50, 9, 10);
  profiles.forget(key);
  assert.deepEqual(profiles.of(key, 10), new Profiles().of(key, 10));
});

test('whatever happens, averages stay within what happened', () => {
  const message = fc.record({
    key: fc.nat(3000),
    ms: fc.double({ min: 0, max: 1e4, noNaN: true }),
    waitMs: fc.double({ min: 0, max: 1e4, noNaN: true }),
    gapMs: fc.double({ min: 0.001, max: 1e4, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 60 }), (messages) => {
      const profiles = new Profiles();
      const seen = new Map<number, number[]>();
      let nowMs = 1;
      for (const { key, ms, waitMs, gapMs } of messages) {
        nowMs += gapMs;
        profiles.charge(key, 0, ms);
        profiles.ended(key, ms + waitMs, 1, nowMs);
        seen.set(key, [...(seen.get(key) ?? []), ms]);
      }
      for (const [key, times] of seen) {
        const { executionMs, cpuIntensity, messagesPerSecond } = profiles.of(key, nowMs);
        assert.ok(executionMs >= Math.min(...times) - 1e-9 && executionMs <= Math.max(...times) + 1e-9);
        assert.ok(cpuIntensity >= 0 && cpuIntensity <= 1);
        assert.ok(Number.isFinite(messagesPerSecond) && messagesPerSecond >= 0);
      }
    }),
    { numRuns: 200 },
  );
});
