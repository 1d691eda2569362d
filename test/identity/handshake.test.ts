import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Initiator, Responder } from '../../host/identity/handshake.ts';
import type { Refused } from '../../host/identity/refusal.ts';
import { flipped, handshakeOf, headerOf, meet, pair, party, payload } from './parties.ts';

function whyOf(result: { readonly kind: string } | Refused): string {
  return 'why' in result ? result.why : result.kind;
}

test('both sides have the same session, know each other by key, and pin that', () => {
  const { alpha, beta } = pair();
  const [at, bt] = meet(alpha, beta);
  assert.deepEqual(at.id, bt.id);
  assert.equal(at.peer, 'beta');
  assert.deepEqual(Buffer.from(at.peerKey), Buffer.from(beta.keyring.host.publicKey));
  assert.equal(alpha.trusted.pin('beta')?.key, beta.keyring.host.text);
  assert.equal(beta.trusted.pin('alpha')?.key, alpha.keyring.host.text);
});

test('attack, key substitution: a host with the name of a known one and another key is refused on both sides', () => {
  const { alpha, beta, clock } = pair();
  meet(alpha, beta);
  const impostor = party('beta', { clock });
  const initiator = new Initiator(handshakeOf(alpha), 'beta');
  const answered = new Responder(handshakeOf(impostor)).answer(initiator.hello);
  assert.ok(answered.kind === 'answered');
  assert.equal(whyOf(initiator.accept(answered.welcome)), 'key-substituted');

  const caller = new Initiator(handshakeOf(party('alpha', { clock })), 'beta');
  const answer = new Responder(handshakeOf(beta)).answer(caller.hello);
  assert.ok(answer.kind === 'answered');
  const accepted = caller.accept(answer.welcome);
  assert.ok(accepted.kind === 'accepted');
  assert.equal(whyOf(answer.pending.finish(accepted.finish)), 'key-substituted');
});

test('attack, a stranger: without pinning on first use only known keys are let in', () => {
  const { alpha, clock } = pair();
  const strict = party('beta', { clock, pinsFirst: false });
  const initiator = new Initiator(handshakeOf(alpha), 'beta');
  const answered = new Responder(handshakeOf(strict)).answer(initiator.hello);
  assert.ok(answered.kind === 'answered');
  const accepted = initiator.accept(answered.welcome);
  assert.ok(accepted.kind === 'accepted');
  assert.equal(whyOf(answered.pending.finish(accepted.finish)), 'key-unknown');
  strict.trusted.pinByHand('alpha', alpha.keyring.host.publicKey);
  assert.equal(answered.pending.finish(accepted.finish).kind, 'finished');
});

test('attack, revoked key: a host whose key was revoked begins no session', () => {
  const { alpha, beta } = pair();
  meet(alpha, beta);
  beta.trusted.revokeByHand(alpha.keyring.host.publicKey, 'compromised');
  assert.throws(() => meet(alpha, beta), /revoked/);
});

test('attack, changed on the way: every bit of hello, welcome and finish counts', () => {
  const { alpha, beta } = pair();
  const responder = new Responder(handshakeOf(beta));
  const initiator = new Initiator(handshakeOf(alpha), 'beta');
  for (let bit = 0; bit < initiator.hello.length * 8; bit++) {
    const answered = responder.answer(flipped(initiator.hello, bit));
    if (answered.kind === 'refused') continue;
    assert.equal(initiator.accept(answered.welcome).kind, 'refused', `bit ${bit} of hello`);
  }
  const answered = responder.answer(initiator.hello);
  assert.ok(answered.kind === 'answered');
  for (let bit = 0; bit < answered.welcome.length * 8; bit++)
    assert.equal(initiator.accept(flipped(answered.welcome, bit)).kind, 'refused', `bit ${bit} of welcome`);
  const accepted = initiator.accept(answered.welcome);
  assert.ok(accepted.kind === 'accepted');
  for (let bit = 0; bit < accepted.finish.length * 8; bit++)
    assert.equal(answered.pending.finish(flipped(accepted.finish, bit)).kind, 'refused', `bit ${bit}`);
  assert.equal(answered.pending.finish(accepted.finish).kind, 'finished');
  assert.equal(whyOf(answered.pending.finish(accepted.finish)), 'replayed');
  assert.equal(whyOf(initiator.accept(answered.welcome)), 'replayed');
});

test('attack, man in the middle: who passes on the names but not the shares is found', () => {
  const { alpha, beta, clock } = pair();
  const mallory = party('mallory', { clock });
  const initiator = new Initiator(handshakeOf(alpha), 'beta');
  // Mallory answers for beta with her own key.
  const asBeta = new Responder({ ...handshakeOf(mallory), self: 'beta' }).answer(initiator.hello);
  assert.ok(asBeta.kind === 'answered');
  alpha.trusted.pinByHand('beta', beta.keyring.host.publicKey);
  assert.equal(whyOf(initiator.accept(asBeta.welcome)), 'key-substituted');
  // Mallory passes alpha's hello on to beta as her own call; beta's answer is for mallory, not for alpha.
  const own = new Initiator(handshakeOf(mallory), 'beta');
  const toMallory = new Responder(handshakeOf(beta)).answer(own.hello);
  assert.ok(toMallory.kind === 'answered');
  assert.equal(whyOf(initiator.accept(toMallory.welcome)), 'unauthentic');
});

test('attack, replayed handshake: an old hello with its finish makes no session', () => {
  const { alpha, beta, clock } = pair();
  const initiator = new Initiator(handshakeOf(alpha), 'beta');
  const responder = new Responder(handshakeOf(beta));
  const answered = responder.answer(initiator.hello);
  assert.ok(answered.kind === 'answered');
  const accepted = initiator.accept(answered.welcome);
  assert.ok(accepted.kind === 'accepted');
  const again = responder.answer(initiator.hello);
  assert.ok(again.kind === 'answered');
  assert.equal(whyOf(again.pending.finish(accepted.finish)), 'unauthentic');
  clock.turn(60_001);
  assert.equal(whyOf(responder.answer(initiator.hello)), 'expired');
  assert.equal(whyOf(again.pending.finish(accepted.finish)), 'unauthentic');
});

test('attack, swapped recipient and reflection: a hello for another host or its own is not answered', () => {
  const { alpha, beta } = pair();
  const responder = new Responder(handshakeOf(beta));
  assert.equal(whyOf(responder.answer(new Initiator(handshakeOf(alpha), 'gamma').hello)), 'recipient');
  const own = new Initiator(handshakeOf(beta), 'beta').hello;
  assert.equal(whyOf(responder.answer(own)), 'sender');
});

test('attack, future timestamp: a hello from more than a minute ahead is not answered', () => {
  const alpha = party('alpha');
  const beta = party('beta');
  alpha.clock.turn(60_001);
  const responder = new Responder(handshakeOf(beta));
  assert.equal(whyOf(responder.answer(new Initiator(handshakeOf(alpha), 'beta').hello)), 'future');
  beta.clock.turn(1);
  assert.equal(responder.answer(new Initiator(handshakeOf(alpha), 'beta').hello).kind, 'answered');
});

test('attack, a share of small order: the other side gets no say over the key', () => {
  const { alpha, beta } = pair();
  const initiator = new Initiator(handshakeOf(alpha), 'beta');
  const hello = Buffer.from(initiator.hello);
  hello.fill(0, hello.length - 8 - 32, hello.length - 8);
  assert.equal(whyOf(new Responder(handshakeOf(beta)).answer(hello)), 'malformed');
});

test('agents of two hosts have sessions of their own, by introduced keys', () => {
  const { alpha, beta, clock } = pair();
  const name = alpha.keyring.party('agent/billing');
  beta.trusted.pinByHand('alpha', alpha.keyring.host.publicKey);
  assert.equal(beta.trusted.introduce(alpha.keyring.introduce('agent/billing')).kind, 'trusted');
  const caller = { ...handshakeOf(alpha), self: name, signer: alpha.keyring.key('agent/billing') };
  const initiator = new Initiator(caller, 'beta');
  const answered = new Responder(handshakeOf(beta)).answer(initiator.hello);
  assert.ok(answered.kind === 'answered');
  const accepted = initiator.accept(answered.welcome);
  assert.ok(accepted.kind === 'accepted');
  const finished = answered.pending.finish(accepted.finish);
  assert.ok(finished.kind === 'finished');
  const envelope = accepted.session.sealer.seal(headerOf(clock), payload);
  assert.equal(finished.session.opener.open(envelope).kind, 'opened');
  assert.throws(() => accepted.session.sealer.seal(headerOf(clock, { sender: 'alpha/refunds' }), payload));
});
