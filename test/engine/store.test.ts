import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fingerprintOf } from '../../host/engine/fingerprint.ts';
import { transpilerVersion } from '../../host/engine/general-lane/transpile.ts';
import { meterVersion } from '../../host/engine/meter/meter.ts';
import { Store } from '../../host/engine/store.ts';
import { artifactVersion } from '../../host/engine/version.ts';
import { HostError } from '../../host/errors.ts';

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(values);
const folder = (): string => mkdtempSync(join(tmpdir(), 'motehost-store-'));
const source = bytes(1, 2, 3, 4, 5, 6, 7);
const artifact = { header: { lane: 'core' }, blobs: [bytes(9, 8, 7), bytes(), bytes(1)] };

test('what was stored for a program is found for the same bytes and no others', () => {
  const store = new Store(folder());
  store.put(source, 'v1', artifact);
  assert.deepEqual(store.get(source.slice(), 'v1'), artifact);
  assert.equal(store.get(bytes(1, 2, 3, 4, 5, 6, 8), 'v1'), undefined);
  assert.equal(store.get(source, 'v2'), undefined);
});

test('an entry that lies under the key of other bytes is not taken', () => {
  const at = folder();
  const store = new Store(at);
  store.put(source, 'v1', artifact);
  const other = bytes(7, 6, 5, 4, 3, 2, 1);
  writeFileSync(store.pathOf(other, 'v1', 'art'), readFileSync(store.pathOf(source, 'v1', 'art')));
  assert.equal(store.get(other, 'v1'), undefined);
});

test('every damaged byte of an entry makes it none', () => {
  const store = new Store(folder());
  store.put(source, 'v1', artifact);
  const path = store.pathOf(source, 'v1', 'art');
  const whole = readFileSync(path);
  for (let at = 0; at < whole.length; at += 1) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 0x20;
    writeFileSync(path, damaged);
    assert.equal(store.get(source, 'v1'), undefined, `byte ${at}`);
  }
  for (let length = 0; length < whole.length; length += 1) {
    writeFileSync(path, whole.subarray(0, length));
    assert.equal(store.get(source, 'v1'), undefined, `${length} bytes`);
  }
});

test('a file appears whole or not at all, and leaves nothing beside it', () => {
  const at = folder();
  const store = new Store(at);
  store.write(join(at, 'a.mjs'), 'text');
  assert.deepEqual(readdirSync(at), ['a.mjs']);
});

test('a folder that others may write to is refused; a missing one is made for its owner alone', () => {
  const at = folder();
  mkdirSync(join(at, 'open'));
  chmodSync(join(at, 'open'), 0o777);
  assert.throws(
    () => new Store(join(at, 'open')),
    (error) => error instanceof HostError && error.code === 'HOST_ERR_CACHE_UNSAFE',
  );
  assert.doesNotThrow(() => new Store(join(at, 'new', 'cache')));
});

test('a folder that cannot be made says so, and what to do', () => {
  const at = folder();
  writeFileSync(join(at, 'file'), '');
  assert.throws(
    () => new Store(join(at, 'file', 'cache')),
    (error) => error instanceof HostError && /set HOST_CACHE/.test(error.message),
  );
});

test('a folder that cannot be written costs the next run time, not this one its result', () => {
  const at = folder();
  const store = new Store(at);
  mkdirSync(store.pathOf(source, 'v1', 'art'));
  assert.equal(store.put(source, 'v1', artifact), false);
  assert.equal(store.get(source, 'v1'), undefined);
  assert.equal(readdirSync(at).length, 1);
});

test('a fingerprint does not depend on where in memory the bytes lie', () => {
  const data = Uint8Array.from({ length: 1000 }, (_, index) => index * 7);
  for (let offset = 0; offset < 8; offset += 1) {
    const moved = new Uint8Array(1010);
    moved.set(data, offset);
    assert.equal(fingerprintOf(moved.subarray(offset, offset + 1000)), fingerprintOf(data));
    // A Buffer, as files are read into: its `slice` is the same memory.
    const piece = Buffer.from(moved.buffer, offset, 1000);
    assert.equal(fingerprintOf(piece), fingerprintOf(data));
  }
});

test('cache keys name the rewriter and the transpiler that made the entry', () => {
  assert.ok(artifactVersion.includes(transpilerVersion), `${artifactVersion} names ${transpilerVersion}`);
  assert.ok(artifactVersion.includes(`-${meterVersion}-`), `${artifactVersion} names ${meterVersion}`);
});
