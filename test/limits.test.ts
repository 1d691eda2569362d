import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsOfEnvironment, limitsOfTable } from '../host/config.ts';
import { HostError } from '../host/errors.ts';
import {
  defaultLimits,
  intersect,
  limitNames,
  limitNotes,
  parseLimit,
  settleLimits,
} from '../host/limits.ts';

function refused(run: () => unknown, code: string, message: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof HostError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });
}

test('limits are read as people write them', () => {
  assert.deepEqual(parseLimit('fuelMax', '2G', '--fuel'), { fuelMax: 2_000_000_000n });
  assert.deepEqual(parseLimit('fuelMax', '1_000', '--fuel'), { fuelMax: 1000n });
  assert.deepEqual(parseLimit('memoryBytesMax', '64MiB', '--memory'), { memoryBytesMax: 67_108_864 });
  assert.deepEqual(parseLimit('memoryBytesMax', '1.5k', '--memory'), { memoryBytesMax: 1536 });
  assert.deepEqual(parseLimit('memoryBytesMax', '2MB', '--memory'), { memoryBytesMax: 2_000_000 });
  assert.deepEqual(parseLimit('deadlineMs', '1.5s', '--deadline'), { deadlineMs: 1500 });
  assert.deepEqual(parseLimit('deadlineMs', '2m', '--deadline'), { deadlineMs: 120_000 });
  assert.deepEqual(parseLimit('openFilesMax', '0', '--files'), { openFilesMax: 0 });
});

test('what is no limit is refused with its source and an example', () => {
  for (const text of ['', 'x', '-1', '1e5', '5 parsecs', 'NaN', '1..2', '0x10', '99999999999999999999']) {
    refused(
      () => parseLimit('memoryBytesMax', text, '--memory'),
      'HOST_ERR_LIMIT_INVALID',
      /^--memory: '.*' is not a limit; write for example/,
    );
  }
});

test('the tightest request holds and says whose it is; the default counts only where nobody asks', () => {
  const { limits, sources } = settleLimits([
    { limits: { fuelMax: 500n }, source: () => '--fuel' },
    { limits: { fuelMax: 400n, deadlineMs: 7 }, source: () => 'agent.toml' },
    { limits: { memoryBytesMax: defaultLimits.memoryBytesMax * 4 }, source: () => 'config.toml' },
  ]);
  assert.equal(limits.fuelMax, 400n);
  assert.equal(sources.fuelMax, 'agent.toml');
  assert.equal(limits.memoryBytesMax, defaultLimits.memoryBytesMax * 4);
  assert.equal(limits.outputBytesMax, defaultLimits.outputBytesMax);
  assert.equal(sources.outputBytesMax, 'the default');
});

test('limits narrow and never widen', () => {
  const narrowed = intersect(defaultLimits, { fuelMax: 5n, memoryBytesMax: Number.MAX_SAFE_INTEGER });
  assert.equal(narrowed.fuelMax, 5n);
  assert.equal(narrowed.memoryBytesMax, defaultLimits.memoryBytesMax);
});

test('every limit has its own flag and variable', () => {
  assert.equal(new Set(limitNames.map((name) => limitNotes[name].flag)).size, limitNames.length);
  assert.equal(new Set(limitNames.map((name) => limitNotes[name].env)).size, limitNames.length);
  const environment = Object.fromEntries(limitNames.map((name) => [limitNotes[name].env, '3']));
  assert.deepEqual(Object.keys(limitsOfEnvironment(environment).limits).sort(), [...limitNames].sort());
});

test('a [limits] table takes known keys and says which there are', () => {
  assert.deepEqual(limitsOfTable({ fuel: '1M', memory: 65_536 }, 'agent.toml'), {
    fuelMax: 1_000_000n,
    memoryBytesMax: 65_536,
  });
  refused(
    () => limitsOfTable({ feul: 1 }, 'agent.toml'),
    'HOST_ERR_CONFIG_INVALID',
    /unknown limit 'feul'; the limits are: fuel, memory/,
  );
  refused(
    () => limitsOfTable({ fuel: true }, 'agent.toml'),
    'HOST_ERR_CONFIG_INVALID',
    /limits\.fuel must be a number or a text/,
  );
  refused(() => limitsOfTable([], 'agent.toml'), 'HOST_ERR_CONFIG_INVALID', /must be a table/);
});
