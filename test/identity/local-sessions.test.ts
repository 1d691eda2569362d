import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../../host/clock.ts';
import { LocalSessions } from '../../host/identity/local-sessions.ts';
import { HandClock } from '../support/hand-clock.ts';
import { headerOf, payload } from './parties.ts';

const [from, to] = ['alpha/billing', 'alpha/audit'];

/** Threads of one run of a host; another `run` is another run. */
function threads(
  count: number,
  options: { clock?: HandClock; run?: number; pairsMax?: number } = {},
): LocalSessions[] {
  const { clock = new HandClock(), run = 1, pairsMax = 100 } = options;
  const secret = new Uint8Array(32).fill(run);
  return Array.from(
    { length: count },
    () => new LocalSessions({ secret, clock, random: systemRandom, pairsMax }),
  );
}

function sealed(thread: LocalSessions | undefined, clock: HandClock = new HandClock()): Uint8Array {
  const header = headerOf(clock, { sender: from, recipient: to });
  return (thread ?? assert.fail()).sealer(from, to).seal(header, payload);
}

function openedBy(
  thread: LocalSessions | undefined,
  bytes: Uint8Array,
  sender = from,
  receiver = to,
): string {
  const opened = (thread ?? assert.fail()).open(bytes, sender, receiver);
  return opened.kind === 'refused' ? opened.why : opened.kind;
}

test('a message sealed in one thread opens in another of the same run, once, without a handshake', () => {
  const [one, other] = threads(2);
  const messages = [sealed(one), sealed(one), sealed(one)];
  for (const message of messages) assert.equal(openedBy(other, message), 'opened');
  for (const message of messages) assert.equal(openedBy(other, message), 'replayed');
});

test('attack, forged sender and swapped recipient within a host: the pair’s key opens for that pair alone', () => {
  const [one, other] = threads(2);
  const message = sealed(one);
  assert.equal(openedBy(other, message, 'alpha/refunds'), 'unauthentic');
  assert.equal(openedBy(other, message, from, 'alpha/vault'), 'unauthentic');
  assert.equal(openedBy(other, message, to, from), 'unauthentic');
  assert.equal(openedBy(other, message), 'opened');
});

test('a thread that takes the place of a lost one begins other sessions: no nonce is used twice', () => {
  const [lost, replacement, receiver] = threads(3);
  const [before, after] = [sealed(lost), sealed(replacement)];
  assert.notDeepEqual(before.subarray(1, 17), after.subarray(1, 17));
  assert.notDeepEqual(before.subarray(-30), after.subarray(-30));
  assert.equal(openedBy(receiver, before), 'opened');
  assert.equal(openedBy(receiver, after), 'opened');
});

test('attack, a message of an earlier run does not open in this one', () => {
  const [earlier] = threads(1);
  const [now] = threads(1, { run: 2 });
  assert.equal(openedBy(now, sealed(earlier)), 'unauthentic');
});

test('attack, replayed after its session was let go: what is not remembered is not opened', () => {
  const clock = new HandClock();
  const [one, two, three] = threads(3, { clock });
  const [receiver] = threads(1, { clock, pairsMax: 2 });
  const first = sealed(one, clock);
  assert.equal(openedBy(receiver, first), 'opened');
  clock.turn(1);
  assert.equal(openedBy(receiver, sealed(two, clock)), 'opened');
  assert.equal(openedBy(receiver, sealed(three, clock)), 'opened');
  assert.equal(openedBy(receiver, first), 'stale');
  // A session in use goes on.
  assert.equal(openedBy(receiver, sealed(three, clock)), 'opened');
});

test('forged sessions take nobody’s place', () => {
  const clock = new HandClock();
  const [one] = threads(1, { clock });
  const [receiver] = threads(1, { clock, pairsMax: 1 });
  const message = sealed(one, clock);
  assert.equal(openedBy(receiver, message), 'opened');
  for (let at = 0; at < 5; at++) {
    const forged = Uint8Array.from(message);
    forged[1] = at;
    forged[2] = 0xaa;
    assert.equal(openedBy(receiver, forged), 'unauthentic');
  }
  assert.equal(openedBy(receiver, message), 'replayed');
});
