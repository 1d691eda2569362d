import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartDelay } from '../../host/agent/restart-delay.ts';
import type { Random } from '../../host/clock.ts';
import { parseManifest } from '../../host/manifest.ts';

const { restart } = parseManifest(
  'name = "a"\nworld = "handler"\n[restart]\nbackoff = "1ms"\nbackoff-max = "1ms"\n',
  'agent.toml',
);
const random: Random = { fill: (bytes) => bytes };
const mib = 1024 * 1024;

function waitAfter(ends: number, leftBytes: number): number {
  const delay = new RestartDelay();
  for (let end = 0; end < ends; end += 1) delay.fail(1000, restart, random, leftBytes);
  return delay.leftMs(1000);
}

test('who keeps ending with much memory waits until others had their time, whatever the manifest says', () => {
  assert.equal(waitAfter(4, 256 * mib), 1000);
  assert.equal(waitAfter(4, 64 * mib), 250);
});

test('neither the first times nor little memory make anybody wait for longer than the manifest says', () => {
  assert.ok(waitAfter(3, 256 * mib) <= 2);
  assert.ok(waitAfter(4, mib) <= 2);
});

test('a message that was handled makes up for it', () => {
  const delay = new RestartDelay();
  for (let end = 0; end < 5; end += 1) delay.fail(1000, restart, random, 256 * mib);
  delay.succeed();
  assert.equal(delay.leftMs(1000), 0);
});
