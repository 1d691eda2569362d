import type { IncomingMessage, ServerResponse } from 'node:http';
import { Stopped } from '../../../budget.ts';
import type { Guest } from '../../preview2/guest.ts';
import type { Callable } from '../../preview2/preview2.ts';
import type { Settled } from '../flow.ts';
import { received } from './request.ts';
import { Response, respond } from './response.ts';

/** Milliseconds that a task may go on after its answer is out. */
const afterAnswerMsMax = 1_000;

interface Answered {
  readonly tag: 'ok' | 'err';
  readonly val: unknown;
}

/**
 * Has a guest that serves by `wasi:http/handler` of WASI 0.3 answer one request. Resolves when the answer is out and its
 * tasks have ended, or have had their time for that; with undefined, or with the `err` that the guest gave, for which
 * the client gets a 500.
 * @throws Stopped when the guest is stopped before, and as `Instance.call`
 */
export async function serve(
  guest: Guest,
  instance: Callable,
  name: string,
  message: IncomingMessage,
  to: ServerResponse,
): Promise<unknown> {
  const answered = await answer(guest, instance, name, message, to);
  if (answered === undefined) await lingering(guest, instance);
  return answered;
}

/** A client gets its answer whole, or a 500, or sees that it is cut off. */
async function answer(
  guest: Guest,
  instance: Callable,
  name: string,
  message: IncomingMessage,
  to: ServerResponse,
): Promise<Settled<unknown> | undefined> {
  try {
    const answered = (await instance.call(name, [received(guest, message)])) as Answered;
    if (answered.tag === 'err' || !(answered.val instanceof Response)) {
      fail(to);
      return { tag: 'err', val: answered.val };
    }
    const sent = await untilStopped(guest, respond(answered.val, to));
    await untilStopped(guest, ended(to));
    return sent.tag === 'err' ? sent : undefined;
  } catch (thrown) {
    fail(to);
    throw thrown;
  }
}

function fail(to: ServerResponse): void {
  if (to.headersSent) {
    if (!to.writableFinished) to.destroy();
    return;
  }
  to.statusCode = 500;
  to.end();
}

/** Whoever stops the guest ends its answer. */
function untilStopped<T>({ budget }: Guest, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const forget = budget.onStop(({ kind }) => reject(new Stopped(kind)));
  return Promise.race([work, promise]).finally(forget);
}

/** Resolves when the client has the whole answer, or has gone. */
function ended(to: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (to.closed || to.writableFinished) resolve();
    else to.once('close', resolve).once('finish', resolve);
  });
}

/** What a guest does after its answer it may bring to an end, for a moment. */
async function lingering({ budget }: Guest, instance: Callable): Promise<void> {
  const timer = new AbortController();
  const over = budget.clock.sleep(afterAnswerMsMax, timer.signal).catch(() => {});
  await Promise.race([instance.settled?.(), over]).finally(() => timer.abort());
}
