import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Parking } from '../../host/agent/parking.ts';
import type { StopCause } from '../../host/engine/budget.ts';
import type { Answer, AsyncCalls, PendingCall } from '../../host/engine/instance.ts';

/** An instance with calls open, by their tokens. */
class Calls implements AsyncCalls {
  readonly waiting = true;
  readonly given: number[] = [];
  readonly cancelled: number[] = [];
  pending: PendingCall[];
  rest: AsyncCalls['rest'];
  onLateAnswer: AsyncCalls['onLateAnswer'];
  readonly reopened = new Map<number, (() => void) | undefined>();

  constructor(...tokens: number[]) {
    this.pending = tokens.map((token) => {
      const cancel = (): void => void this.cancelled.push(token);
      return { token, interface: 'a:b/c', func: 'ask', cancel };
    });
  }

  answer({ token }: Answer): void {
    this.given.push(token);
  }
  reopen(calls: readonly Pick<PendingCall, 'token' | 'cancel'>[]): void {
    for (const { token, cancel } of calls) this.reopened.set(token, cancel);
  }
  resume(): boolean {
    return false;
  }
  save(): void {}
  restore(): void {}
  clear(): void {}
  async continue(): Promise<void> {}
}

const noticesOf = (answersBytesMax = 100) => {
  const notices: string[] = [];
  const parking = new Parking({
    answersBytesMax,
    rests: () => notices.push('rests'),
    ready: () => notices.push('ready'),
    stop: (cause: StopCause) => notices.push(cause.kind === 'limit' ? `limit ${cause.limit}` : cause.kind),
  });
  return { parking, notices };
};

/** An agent that left an instance with these calls open, and the way their answers come. */
function away(calls: Calls, answersBytesMax?: number) {
  const { parking, notices } = noticesOf(answersBytesMax);
  const open = calls.pending;
  calls.pending = [];
  assert.equal(parking.join(calls), true);
  calls.pending = open;
  const late = calls.onLateAnswer;
  parking.leave();
  assert.ok(late !== undefined);
  return { parking, notices, late };
}

const answer = (token: number, bytes = 1): Answer => ({ token, value: new Uint8Array(bytes) });

test('answers are kept while the agent is away, told once, and given where it goes on', () => {
  const { parking, notices, late } = away(new Calls(1, 2, 3));
  late(answer(2));
  late(answer(1));
  assert.deepEqual(notices, ['ready']);
  const next = new Calls(1, 2, 3);
  assert.equal(parking.join(next), true);
  assert.deepEqual(next.given, [2, 1]);
  late(answer(3));
  late(answer(3));
  assert.deepEqual(next.given, [2, 1, 3], 'once, and at once now that it is back');
});

test('what was not open when it left is nobody’s', () => {
  const { parking, notices, late } = away(new Calls(1));
  late(answer(7));
  assert.deepEqual(notices, []);
  assert.equal(parking.join(new Calls(1, 7)), false, 'nor can anybody answer it');
});

test('a call that is cancelled where the agent goes on is cancelled where it began, and its answer dropped', () => {
  const first = new Calls(1);
  const { parking, late } = away(first);
  const next = new Calls(1);
  parking.join(next);
  next.reopened.get(1)?.();
  assert.deepEqual(first.cancelled, [1]);
  late(answer(1));
  assert.deepEqual(next.given, []);
});

test('what is kept has a bound', () => {
  const { notices, late } = away(new Calls(1, 2), 100);
  late(answer(1, 90));
  late(answer(2, 11));
  assert.deepEqual(notices, ['ready', 'limit memoryBytesMax']);
});

test('at the end every call is cancelled and nothing is kept', () => {
  const first = new Calls(1, 2);
  const { parking, notices, late } = away(first);
  late(answer(1));
  parking.end();
  assert.deepEqual(first.cancelled, [2]);
  late(answer(2));
  assert.deepEqual(notices, ['ready']);
  const next = new Calls();
  parking.join(next);
  assert.deepEqual(next.given, []);
});

test('a call whose turn it is waits again when what came was nothing for it', () => {
  const { parking, notices } = noticesOf();
  parking.join(new Calls());
  parking.ready();
  assert.equal(parking.isReady, true);
  parking.resume();
  assert.deepEqual(notices, ['ready', 'rests']);
  assert.equal(parking.isReady, false);
});
