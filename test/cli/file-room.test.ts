import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionsMaxOf, processFilesMax } from '../../host/cli/serve/file-room.ts';
import { defaultHttpLimits } from '../../host/http/http-limits.ts';

const { connectionsMax } = defaultHttpLimits;

test('connections of all threads leave a quarter of the files, and those of the host itself, to the host', () => {
  for (const files of [256, 1_024, 4_096, 20_000])
    for (const threads of [1, 2, 16]) {
      const each = connectionsMaxOf(threads, files);
      assert.ok(each >= 1 && each <= connectionsMax);
      assert.ok(each === 1 || each * threads <= files * 0.75 - 128, `${each} of ${files}`);
    }
  assert.equal(connectionsMaxOf(2, 1_000_000), connectionsMax);
  assert.equal(connectionsMaxOf(2, connectionsMax * 4), connectionsMax);
});

test('a process that may have too few files to serve is told so, and how many it needs', () => {
  assert.throws(() => connectionsMaxOf(1, 64), {
    code: 'HOST_ERR_BUDGET_EXHAUSTED',
    message: /may have 64 files and connections open, and host serve needs 256: raise it with ulimit -n/,
  });
});

test('the system is asked how many files this process may have', {
  skip: process.platform !== 'linux',
}, () => {
  assert.ok((processFilesMax() ?? 0) > 0);
});
