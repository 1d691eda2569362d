import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RefusedMessage } from '../../host/bus/envelopes.ts';
import type { MessageFrame } from '../../host/bus/frame-kinds.ts';
import type { Message } from '../../host/bus/message.ts';
import { type Clock, systemRandom } from '../../host/clock.ts';
import { LocalEnvelopes } from '../../host/host/trust/envelope-seal.ts';
import { LocalSessions } from '../../host/identity/local-sessions.ts';
import {
  answer,
  atOnce,
  Buses,
  HandClock,
  outside,
  replyText,
  tagOf,
  text,
  wordsOf,
} from '../support/buses.ts';

const runSecret = new Uint8Array(32).fill(3);

function envelopes(clock: Clock = new HandClock(), secret = runSecret): LocalEnvelopes {
  return new LocalEnvelopes(new LocalSessions({ secret, clock, random: systemRandom }));
}

class Sealed {
  readonly refused: RefusedMessage[] = [];
  readonly buses: Buses;

  constructor(threads = 2) {
    this.buses = new Buses(threads, {
      seal: envelopes(),
      onRefused: (one) => void this.refused.push(one),
    });
    this.buses.isDeferred = true;
  }

  get why(): string[] {
    return this.refused.map(({ why }) => why.split(':', 1)[0] ?? '');
  }

  /** Changes the messages that are on their way. */
  tamper(change: (frame: MessageFrame) => MessageFrame): void {
    const { frames } = this.buses;
    for (const [at, one] of frames.entries())
      if (one.frame.kind === 'message') frames[at] = { ...one, frame: change(one.frame) };
  }

  tamperMessage(change: (message: Message) => Message): void {
    this.tamper((frame) => ({ ...frame, message: change(frame.message) }));
  }

  /** The message between two threads. */
  get onItsWay(): Message {
    const frame = this.buses.frames.find((one) => one.frame.kind === 'message')?.frame;
    assert.ok(frame?.kind === 'message');
    return frame.message;
  }
}

const kept = { guarantee: 'at-least-once' } as const;
const once = { guarantee: 'at-most-once' } as const;
const header = [{ name: 'colour', value: 'a secret blue' }];

for (const side of ['sender', 'receiver'] as const) {
  test(`when the ${side} says so, payload and headers are sealed between threads, and whole at the receiver`, () => {
    const sealed = new Sealed();
    const { buses } = sealed;
    const a = buses.agent('a', { seals: side === 'sender' });
    const b = buses.agent('b', { thread: 1, seals: side === 'receiver' });
    for (const how of [kept, once]) {
      atOnce(buses.bus.send(a, 'b', text('a secret', header), how));
      const message = sealed.onItsWay;
      assert.equal(message.isSealed, true);
      assert.ok(!Buffer.from(message.body).includes('secret'));
      assert.deepEqual(message.headers, []);
      buses.carry();
      const got = b.take()?.message;
      assert.equal(wordsOf(got?.body), 'a secret');
      assert.deepEqual(got?.headers, header);
      assert.deepEqual([got?.sender, got?.contentType, got?.isSealed], ['a', 'text/plain', undefined]);
      b.bus.settle(b.handled.at(-1) ?? assert.fail(), answer(''));
    }
    assert.deepEqual(sealed.refused, []);
  });
}

test('where neither says so nothing is sealed', () => {
  const sealed = new Sealed();
  const [a] = [sealed.buses.agent('a'), sealed.buses.agent('b', { thread: 1 })];
  atOnce(sealed.buses.bus.send(a, 'b', text('open')));
  assert.equal(wordsOf(sealed.onItsWay.body), 'open');
});

test('on one thread too a message is sealed until its receiver takes it', () => {
  const sealed = new Sealed(1);
  const { buses } = sealed;
  const [a, b] = [buses.agent('a', { seals: true }), buses.agent('b')];
  atOnce(buses.bus.send(a, 'b', text('one')));
  atOnce(buses.bus.send(outside, 'a', text('two')));
  assert.deepEqual([b.work(), a.work()], [1, 1]);
  assert.deepEqual([b.heard, a.heard], [['one'], ['two']]);
});

test('a request and its answer are sealed; an answer that is not, or is of another question, is refused', async () => {
  const sealed = new Sealed();
  const { buses } = sealed;
  const a = buses.agent('a', { seals: true });
  const b = buses.agent('b', { thread: 1 });
  b.handle = () => answer('a secret answer');
  const ask = (): Promise<unknown> => buses.bus.request(a, 'agent.b', text('question')).then(replyText);
  const first = ask();
  buses.carry();
  assert.equal(await first, 'a secret answer');
  const bare = ask();
  for (let next = buses.frames.shift(); next !== undefined; next = buses.frames.shift()) {
    const { frame } = next;
    if (frame.kind === 'reply' && frame.outcome.kind === 'ok') {
      assert.ok(!Buffer.from(frame.outcome.value ?? []).includes('secret'));
      const { isSealed: _, ...open } = frame;
      const forged = { ...frame.outcome, value: new TextEncoder().encode('forged') };
      buses.at(next.to).accept({ ...open, outcome: forged }, next.from);
    } else buses.at(next.to).accept(frame, next.from);
  }
  assert.equal(await bare, 'unavailable');
  assert.equal(sealed.refused.length, 1);
});

test('what is published is sealed for each receiver, and comes to all', () => {
  const sealed = new Sealed(3);
  const { buses } = sealed;
  const a = buses.agent('a', { seals: true });
  const others = ['b', 'c', 'd'].map((name, index) => buses.agent(name, { thread: index % 3 }));
  for (const one of others) one.bus.subscribe(one.id, 'news.*', undefined);
  buses.carry();
  for (const how of [once, kept]) atOnce(buses.bus.publish(a, 'news.today', text('paper'), how));
  buses.carry();
  for (const one of others) {
    one.work();
    assert.deepEqual(one.heard, ['paper', 'paper']);
  }
  assert.deepEqual(sealed.refused, []);
});

test('a message that was not dealt with comes again, to the same agent, and is no replay', () => {
  const sealed = new Sealed();
  const { buses } = sealed;
  const a = buses.agent('a', { seals: true });
  const b = buses.agent('b', { thread: 1 });
  atOnce(buses.bus.send(a, 'b', text('again'), kept));
  buses.carry();
  const delivery = b.take() ?? assert.fail();
  b.bus.settle(delivery, { kind: 'cancelled', reason: 'x', usage: answer('').usage });
  buses.carry();
  buses.pass(2000);
  b.work();
  assert.deepEqual(b.heard, ['again', 'again']);
  assert.deepEqual(sealed.refused, []);
});

// Attacks: whoever can write between the threads.

interface Scene {
  readonly sealed: Sealed;
  readonly heard: () => string[];
}

/** `a` (whose messages are sealed) has sent `text` to `b`, on another thread; `c` and `d` are there, too. */
function scene(words = 'pay 1'): Scene {
  const sealed = new Sealed();
  const { buses } = sealed;
  const a = buses.agent('a', { seals: true });
  const b = buses.agent('b', { thread: 1 });
  buses.agent('c', { thread: 1, seals: true });
  const d = buses.agent('d', { thread: 1 });
  atOnce(buses.bus.send(a, 'b', text(words), kept));
  return {
    sealed,
    heard: () => {
      buses.carry();
      b.work();
      d.work();
      return [...b.heard, ...d.heard];
    },
  };
}

test('untouched, the message is heard', () => {
  assert.deepEqual(scene().heard(), ['pay 1']);
});

test('attack, forged sender: a message of a cannot become one of c', () => {
  const { sealed, heard } = scene();
  sealed.tamperMessage((message) => ({ ...message, sender: 'c' }));
  assert.deepEqual(heard(), []);
  assert.deepEqual(sealed.why, ['unauthentic']);
});

test('attack, forged sender: what nobody sealed is not of an agent that seals', () => {
  const { sealed, heard } = scene();
  sealed.tamperMessage(({ isSealed: _, ...message }) => ({ ...message, body: Buffer.from('pay 1000') }));
  assert.deepEqual(heard(), []);
  assert.deepEqual(sealed.why, ['it is not sealed']);
});

test('attack, replayed message: the second of the same envelope is refused', () => {
  const { sealed, heard } = scene();
  sealed.buses.frames.push(...sealed.buses.frames);
  assert.deepEqual(heard(), ['pay 1']);
  assert.deepEqual(sealed.why, ['replayed']);
});

test('attack, swapped recipient: what was sealed for b opens for nobody else', () => {
  const { sealed, heard } = scene();
  const d = sealed.buses.directory.find('d');
  sealed.buses.directory.reserve(d);
  sealed.tamper((frame) => ({ ...frame, to: [d] }));
  assert.deepEqual(heard(), []);
  assert.deepEqual(sealed.why, ['unauthentic']);
});

for (const [field, change] of [
  ['subject', { subject: 'agent.b.admin' }],
  ['id', { id: 'another' }],
  ['reply-to', { replyTo: '_inbox.mine' }],
  ['content type', { contentType: 'text/html' }],
  ['time', { sentAtNs: 1n }],
  ['deadline', { deadlineNs: 2n ** 62n }],
] as const)
  test(`attack, changed ${field}: all of the envelope is authenticated`, () => {
    const { sealed, heard } = scene();
    sealed.tamperMessage((message) => ({ ...message, ...change }));
    assert.deepEqual(heard(), []);
    assert.deepEqual(sealed.why, ['unauthentic']);
  });

test('attack, future timestamp: sealed by a clock that is more than a minute ahead', () => {
  const { sealed, heard } = scene();
  const ahead = new HandClock();
  ahead.ms += 61_000;
  const seal = envelopes(ahead);
  sealed.tamperMessage((message) => {
    const plain = { ...message, sentAtNs: ahead.wallNs(), body: Buffer.from('later') };
    return { ...plain, body: seal.seal(plain, 'b') };
  });
  assert.deepEqual(heard(), []);
  assert.deepEqual(sealed.why, ['future']);
});

test('attack, key substitution: sealed with keys of another run or host', () => {
  const { sealed, heard } = scene();
  const seal = envelopes(new HandClock(), new Uint8Array(32).fill(4));
  sealed.tamperMessage((message) => {
    const plain = { ...message, body: Buffer.from('pay 1000') };
    return { ...plain, body: seal.seal(plain, 'b') };
  });
  assert.deepEqual(heard(), []);
  assert.deepEqual(sealed.why, ['unauthentic']);
});

test('attack, flipped bits: none of the body goes unnoticed', () => {
  for (let bit = 0; bit < 400; bit += 7) {
    const { sealed, heard } = scene();
    sealed.tamperMessage((message) => {
      const body = Uint8Array.from(message.body);
      body[bit % body.length] = (body[bit % body.length] ?? 0) ^ (1 << (bit & 7));
      return { ...message, body };
    });
    assert.deepEqual(heard(), [], `bit ${bit}`);
    assert.equal(sealed.refused.length, 1);
  }
});

test('what is refused and was to be delivered at least once is a dead letter, which is told', () => {
  const { sealed, heard } = scene();
  sealed.tamperMessage((message) => ({ ...message, subject: 'agent.b.admin' }));
  heard();
  sealed.buses.carry();
  const letters = [...sealed.buses.at(0).deadLetters(9), ...sealed.buses.at(1).deadLetters(9)];
  assert.deepEqual(
    letters.map(({ reason, receiver }) => [reason, receiver]),
    [['corrupt', 'b']],
  );
  assert.equal(tagOf(letters[0]), undefined);
});
