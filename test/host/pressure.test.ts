import assert from 'node:assert/strict';
import { test } from 'node:test';
import { levelOf, Pressure, type PressureChange } from '../../host/host/report/pressure.ts';
import { HandClock } from '../support/hand-clock.ts';

test('below 80 % it is normal, from there on a warning, from 95 % on critical', () => {
  assert.equal(levelOf(0.7999, 'normal'), 'normal', 'allowed');
  assert.equal(levelOf(0.8, 'normal'), 'warning', 'at the limit');
  assert.equal(levelOf(0.9499, 'normal'), 'warning');
  assert.equal(levelOf(0.95, 'normal'), 'critical');
  assert.equal(levelOf(1.2, 'warning'), 'critical', 'over it');
});

test('it is over a part below where it began', () => {
  assert.equal(levelOf(0.91, 'critical'), 'critical');
  assert.equal(levelOf(0.89, 'critical'), 'warning');
  assert.equal(levelOf(0.76, 'warning'), 'warning');
  assert.equal(levelOf(0.74, 'warning'), 'normal');
  assert.equal(levelOf(0.74, 'critical'), 'normal');
});

test('each change is told once, of each resource for itself', async (t) => {
  const clock = new HandClock();
  let shares = { memory: 0.5, cpu: 0.99, mailbox: 0 };
  const told: string[] = [];
  const pressure = new Pressure({
    clock,
    read: () => shares,
    changed: ({ resource, before, level }: PressureChange) => told.push(`${resource} ${before} ${level}`),
  });
  t.after(() => pressure.close());
  const look = async (next: Partial<typeof shares>): Promise<void> => {
    shares = { ...shares, ...next };
    while (clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.turn(2_000);
    await new Promise((resolve) => setImmediate(resolve));
  };
  await look({});
  await look({ memory: 0.85 });
  await look({ memory: 0.78 });
  await look({ memory: 0.7, cpu: 0 });
  assert.deepEqual(told, [
    'cpu normal critical',
    'memory normal warning',
    'memory warning normal',
    'cpu critical normal',
  ]);
  await look({ mailbox: 0.96 });
  assert.equal(pressure.metrics()[0]?.samples.find(({ labels }) => labels.resource === 'mailbox')?.value, 2);
});
