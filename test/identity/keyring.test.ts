import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '../../host/errors.ts';
import { HostSecret, type KeyOwner } from '../../host/identity/host-secret.ts';
import { parseIntroduction, parseRevocations, parseRotation } from '../../host/identity/key-statement.ts';
import { Keyring } from '../../host/identity/keyring.ts';
import { portableCurves } from '../../host/identity/portable-curves.ts';
import { memoryStore, type TextStore } from '../../host/identity/signed-text.ts';
import { HandClock } from '../support/hand-clock.ts';
import { flipped, nowMs } from './parties.ts';

const secret = new HostSecret(new Uint8Array(32).fill(7));

function keyringOf(store: TextStore = memoryStore(), clock: HandClock = new HandClock()): Keyring {
  return new Keyring({ secret, store, clock, name: 'alpha' });
}

test('keys are derived: the same for the same owner and generation, another for any other', () => {
  const texts = new Set<string>();
  const owners: KeyOwner[] = ['host', 'agent/billing', 'agent/billing2', 'agent/host'];
  for (const owner of owners)
    for (const generation of [1, 2, 11]) {
      const key = secret.signingKey(owner, generation);
      assert.equal(key.text, secret.signingKey(owner, generation).text);
      texts.add(key.text);
    }
  assert.equal(texts.size, 12);
  // Pinned: a host must have the same keys after an update.
  assert.equal(secret.signingKey('host', 1).text, 'ed25519:wcsMYbeRyYGmgju3opSbZo1gRH5xwhhZl4bCLCHNWLg');
  assert.equal(
    secret.signingKey('agent/billing', 1).text,
    'ed25519:8CB06lWrccYN0IxM70gUdRX-vjk7v4m6WYyKkzMKMpk',
  );
});

test('no owner’s name can reach into another’s keys', () => {
  const names = ['agent/', 'agent/a/sign/1', 'agent/a\0b', 'agents/a', `agent/${'x'.repeat(300)}`];
  for (const name of names) assert.throws(() => secret.signingKey(name as KeyOwner, 1), /bug: no key/);
  assert.throws(() => secret.signingKey('host', 0), /bug: no key/);
});

test('a rotation is signed by both keys, and the next run has the new one', () => {
  const store = memoryStore();
  const keyring = keyringOf(store);
  const old = keyring.key('agent/billing');
  const statement = parseRotation(keyring.rotate('agent/billing'));
  assert.ok(statement.kind === 'signed');
  assert.equal(statement.content.party, 'alpha/billing');
  assert.equal(statement.content.generation, 2);
  assert.deepEqual(Buffer.from(statement.content.oldKey), Buffer.from(old.publicKey));
  const next = keyringOf(store);
  assert.deepEqual(Buffer.from(next.key('agent/billing').publicKey), Buffer.from(statement.content.newKey));
  assert.equal(next.generation('agent/refunds'), 1);
});

test('the host’s own key rotates too, and the keyring still opens', () => {
  const store = memoryStore();
  const keyring = keyringOf(store);
  keyring.rotate('host');
  keyring.rotate('host');
  assert.equal(keyringOf(store).generation('host'), 3);
  assert.equal(keyringOf(store).host.text, keyring.host.text);
});

test('a revoked generation counts for what it signed before, a compromised one for nothing', () => {
  const clock = new HandClock();
  const store = memoryStore();
  const keyring = keyringOf(store, clock);
  const before = nowMs(clock);
  clock.turn(10);
  keyring.revoke('agent/billing', 1, 'retired');
  keyring.revoke('agent/refunds', 1, 'compromised');
  for (const one of [keyring, keyringOf(store, clock)]) {
    assert.equal(one.isGood('agent/billing', 1, before), true);
    assert.equal(one.isGood('agent/billing', 1, nowMs(clock)), false);
    assert.equal(one.isGood('agent/billing', 2, nowMs(clock)), true);
    assert.equal(one.isGood('agent/billing', 3, nowMs(clock)), false);
    assert.equal(one.isGood('agent/refunds', 1, before), false);
    assert.equal(one.isGood('agent/vault', 1, nowMs(clock)), true);
  }
});

test('revoking the current key goes over to the next; an old one leaves it as it is', () => {
  const keyring = keyringOf();
  const current = keyring.revoke('agent/billing', 1, 'compromised');
  assert.equal(parseRotation(current.rotation ?? new Uint8Array(0)).kind, 'signed');
  assert.equal(keyring.generation('agent/billing'), 2);
  keyring.rotate('agent/billing');
  const old = keyring.revoke('agent/billing', 2, 'superseded');
  assert.equal(old.rotation, undefined);
  assert.equal(keyring.generation('agent/billing'), 3);
  const list = parseRevocations(old.list);
  assert.ok(list.kind === 'signed');
  assert.deepEqual(
    list.content.revoked.map(({ party, generation, reason }) => [party, generation, reason]),
    [
      ['alpha/billing', 1, 'compromised'],
      ['alpha/billing', 2, 'superseded'],
    ],
  );
});

test('attack, changed keyring: no character of it can be another, and nobody else’s opens', () => {
  const store = memoryStore();
  keyringOf(store).revoke('agent/billing', 1, 'compromised');
  const text = store.read() ?? '';
  for (let at = 0; at < text.length; at++) {
    const forged = `${text.slice(0, at)}${text[at] === 'x' ? 'y' : 'x'}${text.slice(at + 1)}`;
    assert.throws(() => keyringOf(memoryStore(forged)), { code: 'HOST_ERR_IDENTITY_CORRUPT' }, `at ${at}`);
  }
  for (const forged of ['', '{}', text.slice(0, -1), `${text}\n`, text.split('\n')[0] ?? ''])
    assert.throws(() => keyringOf(memoryStore(forged)), { code: 'HOST_ERR_IDENTITY_CORRUPT' });
  const other = new HostSecret(new Uint8Array(32).fill(8));
  const options = { secret: other, store, clock: new HandClock(), name: 'alpha' };
  assert.throws(() => new Keyring(options), { code: 'HOST_ERR_IDENTITY_CORRUPT' });
});

test('what cannot be kept does not happen: after a failed write the key is the one before', () => {
  const full: TextStore = {
    name: 'full',
    read: () => undefined,
    write: () => {
      throw new HostError('HOST_ERR_STATE_UNWRITABLE', 'no room');
    },
  };
  const keyring = keyringOf(full);
  const { text } = keyring.key('agent/billing');
  assert.throws(() => keyring.rotate('agent/billing'), { code: 'HOST_ERR_STATE_UNWRITABLE' });
  assert.throws(() => keyring.revoke('agent/billing', 1, 'retired'), { code: 'HOST_ERR_STATE_UNWRITABLE' });
  assert.equal(keyring.key('agent/billing').text, text);
  assert.equal(keyring.isGood('agent/billing', 1, Number.MAX_SAFE_INTEGER), true);
});

test('statements are read by JavaScript alone as well, and no bit of one can be another', () => {
  const keyring = keyringOf();
  const introduced = keyring.introduce('agent/billing');
  assert.equal(parseIntroduction(introduced, portableCurves.verify).kind, 'signed');
  for (let bit = 0; bit < introduced.length * 8; bit++)
    assert.equal(parseIntroduction(flipped(introduced, bit)).kind, 'refused', `bit ${bit}`);
  for (let length = 0; length < introduced.length; length++)
    assert.equal(parseIntroduction(introduced.subarray(0, length)).kind, 'refused');
  // One kind of statement is not taken for another.
  assert.equal(parseRotation(introduced).kind, 'refused');
  assert.equal(parseRevocations(introduced).kind, 'refused');
});
