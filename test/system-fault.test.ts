import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { systemFault } from '../host/system-fault.ts';

test('what the system refuses is said in words, with its code', () => {
  for (const [path, words] of [
    ['/surely/not/here', 'it is not there (ENOENT)'],
    ['/', 'it is a folder (EISDIR)'],
    ['/dev/null/x', 'something on the way there is no folder (ENOTDIR)'],
    [`/${'x'.repeat(300)}`, 'the name is too long (ENAMETOOLONG)'],
  ] as const)
    assert.throws(
      () => readFileSync(path),
      (thrown) => systemFault(thrown) === words,
    );
});

test('another error keeps its own words, and what is none is shown as it is', () => {
  assert.equal(systemFault(new Error('no such thing')), 'no such thing');
  assert.equal(systemFault(Object.assign(new Error('odd'), { code: 'EODD' })), 'odd');
  assert.equal(systemFault(Object.assign(new Error('odd'), { code: 'constructor' })), 'odd');
  assert.equal(systemFault('thrown'), 'thrown');
});
