import assert from 'node:assert/strict';
import { test } from 'node:test';
import { processUsage } from '../../host/host/report/process-meter.ts';

test('a process that has no file left to ask by is told what was known last, and goes on', (t) => {
  const { residentBytes } = processUsage();
  assert.ok(residentBytes > 0);
  t.mock.method(process.memoryUsage, 'rss', () => {
    throw Object.assign(new Error('EMFILE: too many open files, uv_resident_set_memory'), { code: 'EMFILE' });
  });
  assert.equal(processUsage().residentBytes, residentBytes);
});
