import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodes, fromWire, HostError, toWire } from '../host/errors.ts';

test('codes are what they were: a code is never reused, and a new one is a decision', () => {
  for (const code of errorCodes) assert.match(code, /^HOST_ERR_[A-Z]+(_[A-Z]+)+$/);
  assert.equal(new Set(errorCodes).size, errorCodes.length);
});

test('an error crosses a thread as data and arrives as what it was', () => {
  const error = new HostError('HOST_ERR_FILE_NOT_FOUND', 'no such file: a.wasm', { path: 'a.wasm' });
  const arrived = fromWire(structuredClone(toWire(error)));
  assert.equal(arrived.code, error.code);
  assert.equal(arrived.message, error.message);
  assert.deepEqual(arrived.data, error.data);
  assert.equal(arrived.class, 'not-found');
});

test('control characters in a message cannot steer a terminal', () => {
  const error = new HostError('HOST_ERR_MODULE_MALFORMED', 'name \u001b[31mred\r\nnext');
  assert.equal(error.message, 'name \\x1b[31mred\\x0d\\x0anext');
  assert.equal(new HostError('HOST_ERR_BUILD_FAILED', 'a\nb').message, 'a\nb');
});
