import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressKey, Bucket, Buckets } from '../../host/http/rate.ts';

const rate = { perSecond: 2, burst: 3 };

function taken(bucket: Bucket, nowMs: number): number {
  let count = 0;
  while (bucket.take(nowMs) === 0) count += 1;
  return count;
}

test('after however long a pause no more than the burst is taken at once', () => {
  const bucket = new Bucket(rate, 0);
  assert.equal(taken(bucket, 0), 3);
  assert.equal(bucket.take(0), 500);
  assert.equal(taken(bucket, 1000), 2);
  assert.equal(taken(bucket, 3_600_000), 3);
});

test('a clock that is set back gives nothing', () => {
  const bucket = new Bucket(rate, 10_000);
  taken(bucket, 10_000);
  assert.equal(bucket.take(0), 500);
  assert.equal(taken(bucket, 10_500), 1);
});

test('where there is room for no more keys, full buckets make it, and busy ones stay', () => {
  const buckets = new Buckets(rate, 2);
  const busy = buckets.of('busy', 0);
  busy?.take(0);
  buckets.of('idle', 0);
  assert.ok(buckets.of('new', 0), 'the idle one made room');
  assert.equal(buckets.size, 2);
  assert.equal(buckets.of('busy', 0), busy);
  buckets.of('new', 0)?.take(0);
  assert.equal(buckets.of('late', 0), undefined);
  assert.ok(buckets.of('late', 10_000), 'all are full again');
});

test('one client is an IPv4 address, however it is written, or an IPv6 network of 64 bits', () => {
  assert.equal(addressKey('::ffff:10.0.0.1'), addressKey('10.0.0.1'));
  assert.notEqual(addressKey('10.0.0.1'), addressKey('10.0.0.2'));
  assert.equal(addressKey('2001:db8:1:2:3:4:5:6'), addressKey('2001:db8:1:2:ffff::1'));
  assert.notEqual(addressKey('2001:db8:1:2:3:4:5:6'), addressKey('2001:db8:1:3:3:4:5:6'));
});
