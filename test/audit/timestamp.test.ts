import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkStamps, stampHead } from '../../host/audit/stamps.ts';
import { readTimestampReply, timestampRequest, verifyTimestamp } from '../../host/audit/timestamp.ts';
import { systemRandom } from '../../host/clock.ts';
import { authority } from '../support/timestamp-authority.ts';
import { newKey, startAudit, temporary } from './audit-parts.ts';

const invalid = { code: 'HOST_ERR_AUDIT_INVALID' };

test('openssl answers our request; its reply is read, and everything else refused', (t) => {
  const tsa = authority(t);
  if (tsa === undefined) return t.skip('there is no openssl');
  const digest = Buffer.alloc(32, 7);
  const request = timestampRequest(digest, systemRandom);
  const reply = tsa.answer(request.bytes);
  for (const trusted of [tsa.ca, tsa.leaf]) {
    const stamp = readTimestampReply(reply, request, [trusted]);
    assert.ok(Math.abs(stamp.timeMs - Date.now()) < 10_000);
    assert.equal(stamp.accuracyMs, 1_500.1);
    assert.match(stamp.authority, /CN=Stamps/);
    assert.equal(verifyTimestamp(stamp.token, digest, [trusted]).timeMs, stamp.timeMs);
    assert.throws(() => verifyTimestamp(stamp.token, Buffer.alloc(32, 8), [trusted]), invalid);
  }
  assert.throws(() => readTimestampReply(reply, request, []), invalid);
  const other = timestampRequest(digest, systemRandom);
  assert.throws(() => readTimestampReply(reply, other, [tsa.ca]), invalid);
  assert.throws(() => readTimestampReply(Buffer.from('3003020102', 'hex'), request, [tsa.ca]), invalid);
  for (let length = 0; length < reply.length; length += 97)
    assert.throws(() => readTimestampReply(reply.subarray(0, length), request, [tsa.ca]), invalid);
});

test('a flipped bit in what the authority signed is found', (t) => {
  const tsa = authority(t);
  if (tsa === undefined) return t.skip('there is no openssl');
  const digest = Buffer.alloc(32, 7);
  const request = timestampRequest(digest, systemRandom);
  const { token } = readTimestampReply(tsa.answer(request.bytes), request, [tsa.ca]);
  const at = Buffer.from(token).indexOf(digest) + 32;
  for (let offset = at + 5; offset < at + 25; offset++) {
    const changed = Buffer.from(token);
    changed[offset] = (changed[offset] as number) ^ 1;
    assert.throws(() => verifyTimestamp(changed, digest, [tsa.ca]), invalid);
  }
});

test('a certificate that is not for timestamps signs none', (t) => {
  const tsa = authority(t, 'plain');
  if (tsa === undefined) return t.skip('there is no openssl');
  assert.throws(() => tsa.answer(timestampRequest(Buffer.alloc(32), systemRandom).bytes));
});

test('the last seal is stamped, the token is on the chain, and it is found there', async (t) => {
  const tsa = authority(t);
  if (tsa === undefined) return t.skip('there is no openssl');
  const [folder, key] = [temporary(t), newKey()];
  const audit = await startAudit(t, folder, key);
  const pen = audit.pen();
  const stamp = await stampHead({
    audit,
    pen,
    random: systemRandom,
    url: 'http://127.0.0.1/',
    certificates: [tsa.ca],
    post: async (_url, body) => tsa.answer(body),
  });
  await pen.close();
  await audit.close();
  const [found] = await checkStamps(folder, [tsa.ca]);
  assert.equal(typeof found?.found === 'object' && found.found.timeMs, stamp.timeMs);
  const [untrusted] = await checkStamps(folder, []);
  assert.match(String(untrusted?.found), /nobody vouches for the authority/);
});
