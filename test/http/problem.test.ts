import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '../../host/errors.ts';
import { problemOf } from '../../host/http/problem.ts';

// What whoever calls a host is told of what went wrong in it.

test('where the files of the host lie is told to nobody: a path by its last name, in the words and in the data', () => {
  const path = '/srv/motehost/state/journal/1/7.log';
  const thrown = new HostError('HOST_ERR_STATE_UNWRITABLE', `cannot write ${path}: the disk is full`, {
    path,
  });
  const problem = problemOf(thrown);
  assert.equal(problem?.status, 503);
  assert.equal(problem.detail, 'cannot write 7.log: the disk is full');
  assert.deepEqual(problem.options.data, { path: '7.log' });
});

test('what is no path of the host stays as it was said, and what is no refusal is no problem to tell of', () => {
  const thrown = new HostError('HOST_ERR_CONFIG_INVALID', 'agent.toml: path = "data"', { path: 'data' });
  assert.equal(problemOf(thrown)?.detail, 'agent.toml: path = "data"');
  assert.deepEqual(problemOf(thrown)?.options.data, { path: 'data' });
  assert.equal(problemOf(new Error('bug: /srv/motehost')), undefined);
});
