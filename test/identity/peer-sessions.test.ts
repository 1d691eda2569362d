import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemRandom } from '../../host/clock.ts';
import { openHostSecret } from '../../host/identity/key-file.ts';
import { Keyring } from '../../host/identity/keyring.ts';
import { PeerSessions } from '../../host/identity/peer-sessions.ts';
import { fileStore } from '../../host/identity/signed-text.ts';
import { TrustedKeys } from '../../host/identity/trusted-keys.ts';
import { HandClock } from '../support/hand-clock.ts';
import { flipped, headerOf, payload } from './parties.ts';

// Two hosts, each with its keys in a folder of its own, and whoever carries bytes between them.

interface Host {
  readonly keyring: Keyring;
  readonly trusted: TrustedKeys;
  readonly sessions: PeerSessions;
}

/** As a host that starts: what it knows is what is in its folder. */
function started(folder: string, name: string, clock: HandClock, pinsFirst = true): Host {
  const keys = join(folder, name);
  const secret = openHostSecret({ folder: keys, random: systemRandom, passphrase: undefined });
  const keyring = new Keyring({ secret, store: fileStore(join(keys, 'keyring.json')), clock, name });
  const store = fileStore(join(keys, 'trusted.json'));
  const trusted = new TrustedKeys({ store, clock, signer: secret.fileKey(), pinsFirst });
  return { keyring, trusted, sessions: new PeerSessions({ keyring, trusted, clock, random: systemRandom }) };
}

function folderOf(t: TestContext): string {
  const folder = fs.mkdtempSync(join(tmpdir(), 'motehost-peers-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function two(t: TestContext): { alpha: Host; beta: Host; clock: HandClock; folder: string } {
  const [folder, clock] = [folderOf(t), new HandClock()];
  return { alpha: started(folder, 'alpha', clock), beta: started(folder, 'beta', clock), clock, folder };
}

/** Carries a handshake to its end; why it did not get there, or `met`. */
function meet(one: Host, other: Host): string {
  const [a, b] = [one.keyring.name, other.keyring.name];
  const answered = other.sessions.take(a, one.sessions.call(b));
  if (answered.kind === 'refused') return answered.why;
  const accepted = one.sessions.take(b, answered.reply ?? assert.fail());
  if (accepted.kind === 'refused') return accepted.why;
  const finished = other.sessions.take(a, accepted.reply ?? assert.fail());
  return finished.kind === 'refused' ? finished.why : 'met';
}

function sealed(from: Host, to: Host, clock: HandClock): Uint8Array {
  const [a, b] = [from.keyring.name, to.keyring.name];
  const result = from.sessions.seal(
    b,
    headerOf(clock, { sender: `${a}/billing`, recipient: `${b}/audit` }),
    payload,
  );
  return result.kind === 'sealed' ? result.bytes : assert.fail(result.why);
}

function opened(at: Host, from: Host, bytes: Uint8Array): string {
  const result = at.sessions.open(from.keyring.name, bytes);
  return result.kind === 'refused' ? result.why : Buffer.from(result.payload).toString();
}

test('two hosts meet and talk both ways, message by message and several at once', (t) => {
  const { alpha, beta, clock } = two(t);
  assert.equal(beta.sessions.has('alpha'), false);
  assert.equal(meet(alpha, beta), 'met');
  assert.equal(opened(beta, alpha, sealed(alpha, beta, clock)), payload.toString());
  assert.equal(opened(alpha, beta, sealed(beta, alpha, clock)), payload.toString());
  const header = headerOf(clock, { sender: 'alpha/billing', recipient: 'beta/audit' });
  const frame = alpha.sessions.sealFrame('beta', [
    { header, payload },
    { header, payload },
  ]);
  assert.ok(frame.kind === 'sealed');
  const messages = beta.sessions.openFrame('alpha', frame.bytes);
  assert.ok(messages.kind === 'frame' && messages.messages.every(({ kind }) => kind === 'opened'));
});

test('before they met, and after a restart of one, nothing opens until they meet again, by the keys they pinned', (t) => {
  const { alpha, beta, clock, folder } = two(t);
  const early = alpha.sessions.seal('beta', headerOf(clock), payload);
  assert.equal(early.kind === 'refused' && early.why, 'session-unknown');
  assert.equal(meet(alpha, beta), 'met');
  const last = sealed(alpha, beta, clock);
  const again = started(folder, 'beta', clock, false);
  assert.equal(opened(again, alpha, last), 'session-unknown');
  assert.equal(meet(alpha, again), 'met', 'the first key was pinned, and is on disk');
  assert.equal(opened(again, alpha, last), 'session-unknown', 'a message of the session before');
  assert.equal(opened(again, alpha, sealed(alpha, again, clock)), payload.toString());
});

test('a message opens once; one that is changed, of another peer, or held back does not open', (t) => {
  const { alpha, beta, clock, folder } = two(t);
  const gamma = started(folder, 'gamma', clock);
  assert.deepEqual([meet(alpha, beta), meet(gamma, beta)], ['met', 'met']);
  const message = sealed(alpha, beta, clock);
  assert.equal(opened(beta, alpha, flipped(message, message.length * 8 - 1)), 'unauthentic');
  assert.equal(opened(beta, gamma, message), 'session-unknown', 'gamma has it, and says it is its own');
  assert.equal(opened(beta, alpha, message), payload.toString());
  assert.equal(opened(beta, alpha, message), 'replayed');
  const held = sealed(alpha, beta, clock);
  clock.turn(30_001);
  assert.equal(opened(beta, alpha, held), 'expired');
});

test('keys change every hour; what was late by a moment still opens, and the window stays', (t) => {
  const { alpha, beta, clock } = two(t);
  meet(alpha, beta);
  const [seen, late] = [sealed(alpha, beta, clock), sealed(alpha, beta, clock)];
  assert.equal(opened(beta, alpha, seen), payload.toString());
  // The sender's key is another from the next message on.
  clock.turn(3_600_000 - 1);
  clock.turn(1);
  const next = sealed(alpha, beta, clock);
  assert.notDeepEqual(next.subarray(17, 21), seen.subarray(17, 21), 'another epoch');
  assert.equal(opened(beta, alpha, next), payload.toString());
  assert.equal(opened(beta, alpha, late), 'expired', 'its key is there, its time is over');
  assert.equal(opened(beta, alpha, seen), 'replayed');
});

test('attack, key substitution: another host under the name of a known one has no session', (t) => {
  const { alpha, beta, clock, folder } = two(t);
  assert.equal(meet(alpha, beta), 'met');
  const impostor = started(join(folder, 'elsewhere'), 'alpha', clock);
  assert.equal(meet(impostor, beta), 'key-substituted');
  assert.equal(meet(beta, impostor), 'key-substituted');
  assert.equal(opened(beta, alpha, sealed(alpha, beta, clock)), payload.toString(), 'the known one goes on');
});

test('attack, stolen key: once it is revoked, sessions with it end at once, and it begins none', (t) => {
  const { alpha, beta, clock } = two(t);
  meet(alpha, beta);
  const message = sealed(alpha, beta, clock);
  const before = alpha.keyring.host.publicKey;
  const { list, rotation } = alpha.keyring.revoke('host', 1, 'compromised');
  assert.equal(beta.trusted.follow(rotation ?? assert.fail()).kind, 'trusted');
  assert.equal(beta.trusted.revoke(list).kind, 'trusted');
  assert.equal(opened(beta, alpha, message), 'session-unknown');
  assert.equal(beta.sessions.has('alpha'), false);
  assert.equal(beta.trusted.check('alpha', before, 0).kind, 'refused');
  assert.equal(meet(alpha, beta), 'met', 'the next key is followed');
  assert.equal(opened(beta, alpha, sealed(alpha, beta, clock)), payload.toString());
});

test('attack, forged steps: handshakes of others, ends of none, and late ones come to nothing', (t) => {
  const { alpha, beta, clock, folder } = two(t);
  const gamma = started(folder, 'gamma', clock);
  const hello = alpha.sessions.call('beta');
  const whyOf = (result: { kind: string; why?: string }): string => result.why ?? result.kind;
  assert.equal(whyOf(beta.sessions.take('gamma', hello)), 'sender');
  assert.equal(whyOf(gamma.sessions.take('alpha', hello)), 'recipient');
  assert.equal(whyOf(beta.sessions.take('alpha', new Uint8Array(64))), 'session-unknown');
  assert.equal(whyOf(beta.sessions.take('alpha', new Uint8Array(0))), 'session-unknown');
  const answered = beta.sessions.take('alpha', hello);
  assert.ok(answered.kind === 'step' && answered.reply !== undefined);
  assert.equal(whyOf(gamma.sessions.take('beta', answered.reply)), 'session-unknown');
  clock.turn(30_001);
  assert.equal(whyOf(alpha.sessions.take('beta', answered.reply)), 'session-unknown', 'too late');
  assert.equal(alpha.sessions.has('beta'), false);
});

test('handshakes that nobody ends take no more room than there is for them', (t) => {
  const { alpha, clock, folder } = two(t);
  const beta = started(folder, 'beta', clock);
  const { keyring, trusted } = beta;
  const sessions = new PeerSessions({ keyring, trusted, clock, random: systemRandom, pendingMax: 2 });
  const steps = Array.from({ length: 4 }, () => {
    const answered = sessions.take('alpha', alpha.sessions.call('beta'));
    return answered.kind === 'step' ? answered.reply : undefined;
  });
  const finish = alpha.sessions.take('beta', steps.at(-1) ?? assert.fail());
  assert.ok(finish.kind === 'step');
  assert.equal(sessions.take('alpha', finish.reply ?? assert.fail()).kind, 'step', 'the latest is there');
});
