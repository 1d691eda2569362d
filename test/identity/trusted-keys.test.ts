import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '../../host/errors.ts';
import { introduction, revocations, rotation } from '../../host/identity/key-statement.ts';
import type { Refused } from '../../host/identity/refusal.ts';
import { memoryStore } from '../../host/identity/signed-text.ts';
import { type Trusted, TrustedKeys } from '../../host/identity/trusted-keys.ts';
import { flipped, nowMs, pair, party } from './parties.ts';

function whyOf(verdict: Trusted | Refused): string {
  return verdict.kind === 'refused' ? verdict.why : verdict.kind;
}

test('the first key of a party is pinned, the same is trusted from then on, and over a restart', () => {
  const { alpha, clock } = pair();
  const store = memoryStore();
  const signer = party('beta', { secretByte: 3 }).secret.fileKey();
  const options = { store, clock, signer, pinsFirst: true };
  const key = alpha.keyring.host.publicKey;
  assert.deepEqual(new TrustedKeys(options).check('alpha', key, nowMs(clock)), {
    kind: 'trusted',
    isFirst: true,
  });
  const again = new TrustedKeys(options);
  assert.deepEqual(again.check('alpha', key, nowMs(clock)), { kind: 'trusted', isFirst: false });
  assert.deepEqual(again.parties, ['alpha']);
});

test('attack, key substitution: another key under a known name is refused until an operator pins it', () => {
  const { alpha, beta, clock } = pair();
  const impostor = party('alpha').keyring.host.publicKey;
  beta.trusted.check('alpha', alpha.keyring.host.publicKey, nowMs(clock));
  const verdict = beta.trusted.check('alpha', impostor, nowMs(clock));
  assert.equal(whyOf(verdict), 'key-substituted');
  assert.ok(verdict.kind === 'refused' && verdict.detail.includes(alpha.keyring.host.text));
  assert.equal(beta.trusted.pin('alpha')?.key, alpha.keyring.host.text);
  beta.trusted.pinByHand('alpha', impostor);
  assert.equal(whyOf(beta.trusted.check('alpha', impostor, nowMs(clock))), 'trusted');
  assert.equal(
    whyOf(beta.trusted.check('alpha', alpha.keyring.host.publicKey, nowMs(clock))),
    'key-substituted',
  );
  beta.trusted.forget('alpha');
  assert.equal(whyOf(beta.trusted.check('alpha', alpha.keyring.host.publicKey, nowMs(clock))), 'trusted');
});

test('without pinning on first use: pinned by hand trusted, unknown refused, another refused', () => {
  const { alpha, clock } = pair();
  const { trusted } = party('beta', { clock, pinsFirst: false });
  const key = alpha.keyring.host.publicKey;
  assert.equal(whyOf(trusted.check('alpha', key, nowMs(clock))), 'key-unknown');
  assert.equal(trusted.pin('alpha'), undefined);
  trusted.pinByHand('alpha', key);
  assert.equal(whyOf(trusted.check('alpha', key, nowMs(clock))), 'trusted');
  const other = party('alpha').keyring.host.publicKey;
  assert.equal(whyOf(trusted.check('alpha', other, nowMs(clock))), 'key-substituted');
});

test('a key nobody can own is never pinned', () => {
  const { beta, clock } = pair();
  assert.equal(whyOf(beta.trusted.check('alpha', new Uint8Array(32), nowMs(clock))), 'malformed');
  assert.throws(() => beta.trusted.pinByHand('alpha', new Uint8Array(32)), {
    code: 'HOST_ERR_IDENTITY_UNTRUSTED',
  });
  assert.deepEqual(beta.trusted.parties, []);
});

test('a rotation is followed, once or twice; what the old key signed before still counts, later does not', () => {
  const { alpha, beta, clock } = pair();
  const old = alpha.keyring.host.publicKey;
  beta.trusted.check('alpha', old, nowMs(clock));
  const before = nowMs(clock);
  clock.turn(10);
  const statement = alpha.keyring.rotate('host');
  assert.equal(whyOf(beta.trusted.follow(statement)), 'trusted');
  assert.equal(whyOf(beta.trusted.follow(statement)), 'trusted');
  assert.equal(beta.trusted.pin('alpha')?.generation, 2);
  assert.equal(whyOf(beta.trusted.check('alpha', alpha.keyring.host.publicKey, nowMs(clock))), 'trusted');
  assert.equal(whyOf(beta.trusted.check('alpha', old, before)), 'trusted');
  assert.equal(whyOf(beta.trusted.check('alpha', old, nowMs(clock))), 'key-revoked');
});

test('attack, forged rotation: not by the pinned key, by one key alone, changed, going back, or of a stranger', () => {
  const { alpha, beta, clock } = pair();
  const [mallory, host] = [party('mallory').keyring.host, alpha.keyring.host];
  beta.trusted.check('alpha', host.publicKey, nowMs(clock));
  const content = { party: 'alpha', generation: 2, atMs: nowMs(clock) };
  const own = { ...content, oldKey: mallory.publicKey, newKey: mallory.publicKey };
  assert.equal(whyOf(beta.trusted.follow(rotation(own, mallory, mallory))), 'key-substituted');
  const half = { ...content, oldKey: host.publicKey, newKey: mallory.publicKey };
  assert.equal(whyOf(beta.trusted.follow(rotation(half, mallory, mallory))), 'unauthentic');
  assert.equal(whyOf(beta.trusted.follow(rotation(half, host, host))), 'unauthentic');
  const back = { ...half, generation: 1 };
  assert.equal(whyOf(beta.trusted.follow(rotation(back, host, mallory))), 'stale');
  const stranger = { ...half, party: 'gamma' };
  assert.equal(whyOf(beta.trusted.follow(rotation(stranger, host, mallory))), 'key-unknown');
  const whole = alpha.keyring.rotate('host');
  for (let bit = 0; bit < whole.length * 8; bit++)
    assert.equal(beta.trusted.follow(flipped(whole, bit)).kind, 'refused', `bit ${bit}`);
  assert.equal(whyOf(beta.trusted.follow(whole)), 'trusted');
});

test('attack, revoked key: nothing a compromised key signed counts; a retired one’s earlier word does', () => {
  const { alpha, beta, clock } = pair();
  const [first, second] = [alpha.keyring.key('agent/one'), alpha.keyring.key('agent/two')];
  const before = nowMs(clock);
  beta.trusted.check('alpha', alpha.keyring.host.publicKey, before);
  beta.trusted.check('alpha/one', first.publicKey, before);
  beta.trusted.check('alpha/two', second.publicKey, before);
  clock.turn(10);
  alpha.keyring.revoke('agent/one', 1, 'compromised');
  const { list } = alpha.keyring.revoke('agent/two', 1, 'retired');
  assert.equal(whyOf(beta.trusted.revoke(list)), 'trusted');
  assert.equal(whyOf(beta.trusted.check('alpha/one', first.publicKey, before)), 'key-revoked');
  assert.equal(whyOf(beta.trusted.check('alpha/two', second.publicKey, before)), 'trusted');
  assert.equal(whyOf(beta.trusted.check('alpha/two', second.publicKey, nowMs(clock))), 'key-revoked');
  // Under no other name either.
  assert.equal(whyOf(beta.trusted.check('gamma', first.publicKey, before)), 'key-revoked');
});

test('a host whose own key was stolen rotates and revokes: peers follow, and the thief’s rotation is refused', () => {
  const { alpha, beta, clock } = pair();
  const stolen = alpha.keyring.host;
  beta.trusted.check('alpha', stolen.publicKey, nowMs(clock));
  const { list, rotation: next } = alpha.keyring.revoke('host', 1, 'compromised');
  assert.equal(whyOf(beta.trusted.follow(next ?? new Uint8Array(0))), 'trusted');
  assert.equal(whyOf(beta.trusted.revoke(list)), 'trusted');
  const thief = party('thief').keyring.host;
  const content = { party: 'alpha', oldKey: stolen.publicKey, newKey: thief.publicKey };
  const theft = rotation({ ...content, generation: 3, atMs: nowMs(clock) }, stolen, thief);
  assert.equal(whyOf(beta.trusted.follow(theft)), 'key-substituted');
  assert.equal(whyOf(beta.trusted.check('alpha', stolen.publicKey, 0)), 'key-revoked');
});

test('attack, rolled back: an older list of revocations is refused, and none is ever taken back', () => {
  const { alpha, beta, clock } = pair();
  beta.trusted.check('alpha', alpha.keyring.host.publicKey, nowMs(clock));
  const key = alpha.keyring.key('agent/one').publicKey;
  const older = alpha.keyring.revocations();
  const { list } = alpha.keyring.revoke('agent/one', 1, 'compromised');
  assert.equal(whyOf(beta.trusted.revoke(list)), 'trusted');
  assert.equal(whyOf(beta.trusted.revoke(older)), 'stale');
  const milder = { party: 'alpha', version: 99, atMs: nowMs(clock), revoked: [] };
  assert.equal(whyOf(beta.trusted.revoke(revocations(milder, alpha.keyring.host))), 'trusted');
  assert.equal(whyOf(beta.trusted.check('alpha/one', key, 0)), 'key-revoked');
});

test('attack, foreign revocation: a party revokes only what is its own', () => {
  const { alpha, beta, clock } = pair();
  const mallory = party('mallory', { clock });
  const key = alpha.keyring.host;
  beta.trusted.check('alpha', key.publicKey, nowMs(clock));
  beta.trusted.check('mallory', mallory.keyring.host.publicKey, nowMs(clock));
  const entry = { key: key.text, generation: 1, fromMs: 0, reason: 'compromised' as const };
  const list = (by: string, of: string): Uint8Array =>
    revocations(
      { party: by, version: 1, atMs: nowMs(clock), revoked: [{ ...entry, party: of }] },
      mallory.keyring.host,
    );
  assert.equal(whyOf(beta.trusted.revoke(list('mallory', 'alpha'))), 'sender');
  assert.equal(whyOf(beta.trusted.revoke(list('alpha', 'alpha'))), 'key-substituted');
  assert.equal(whyOf(beta.trusted.revoke(list('gamma', 'gamma'))), 'key-unknown');
  // Said to be its own, and pinned to another.
  assert.equal(whyOf(beta.trusted.revoke(list('mallory', 'mallory'))), 'trusted');
  assert.equal(whyOf(beta.trusted.check('alpha', key.publicKey, nowMs(clock))), 'trusted');
});

test('a host introduces its agents: believed from a pinned host, not from another, not over a pinned key', () => {
  const { alpha, clock } = pair();
  const { trusted } = party('beta', { clock, pinsFirst: false });
  const statement = alpha.keyring.introduce('agent/billing');
  assert.equal(whyOf(trusted.introduce(statement)), 'key-unknown');
  trusted.pinByHand('alpha', alpha.keyring.host.publicKey);
  const mallory = party('mallory', { clock }).keyring;
  const key = mallory.key('agent/billing');
  const forged = introduction(
    { party: 'alpha/billing', key: key.publicKey, generation: 1, atMs: nowMs(clock) },
    mallory.host,
    key,
  );
  assert.equal(whyOf(trusted.introduce(forged)), 'key-substituted');
  assert.equal(whyOf(trusted.introduce(statement)), 'trusted');
  assert.equal(trusted.pin('alpha/billing')?.by, 'introduction');
  const other = introduction(
    { party: 'alpha/billing', key: key.publicKey, generation: 1, atMs: nowMs(clock) },
    alpha.keyring.host,
    key,
  );
  assert.equal(whyOf(trusted.introduce(other)), 'key-substituted');
});

test('attack, changed file of pins: what this host did not sign is not believed', () => {
  const { alpha, clock } = pair();
  const store = memoryStore();
  const [own, other] = [party('beta').secret.fileKey(), party('mallory').secret.fileKey()];
  new TrustedKeys({ store, clock, signer: own, pinsFirst: true }).check(
    'alpha',
    alpha.keyring.host.publicKey,
    0,
  );
  const corrupt = { code: 'HOST_ERR_IDENTITY_CORRUPT' };
  assert.throws(() => new TrustedKeys({ store, clock, signer: other, pinsFirst: true }), corrupt);
  store.write((store.read() ?? '').replace('alpha', 'gamma'));
  assert.throws(() => new TrustedKeys({ store, clock, signer: own, pinsFirst: true }), corrupt);
});

test('a pin that cannot be kept is not trusted', () => {
  const { alpha, clock } = pair();
  const store = {
    name: 'full',
    read: () => undefined,
    write: () => {
      throw new HostError('HOST_ERR_STATE_UNWRITABLE', 'no room');
    },
  };
  const signer = party('beta').secret.fileKey();
  const trusted = new TrustedKeys({ store, clock, signer, pinsFirst: true });
  assert.throws(() => trusted.check('alpha', alpha.keyring.host.publicKey, 0), {
    code: 'HOST_ERR_STATE_UNWRITABLE',
  });
  assert.deepEqual(trusted.parties, []);
});
