import { parentPort, workerData } from 'node:worker_threads';
import { type Answers, Channel } from './channel.ts';
import type { Calls, Packet, ThreadStart } from './protocol.ts';

/** What a thread of the pool does for its owner. */
export interface ThreadSide<Mine extends Calls> {
  readonly answers: Answers<Mine>;
  /** The thread is to end: finish what was begun, take nothing new. It is ended at a deadline in any case. */
  onRetire(): void | Promise<void>;
}

/** What the owner started this thread with (`PoolOptions.start`). */
export function threadStart<Start>(): ThreadStart<Start> {
  return workerData as ThreadStart<Start>;
}

/** Joins this thread to its owner; called once by a thread's entry module, when it is ready for its first call. */
export function joinOwner<Mine extends Calls, Theirs extends Calls>(
  side: ThreadSide<Mine>,
): Channel<Mine, Theirs> {
  const port = parentPort;
  if (port === null) throw new Error('bug: a thread of the pool was started outside a worker thread');
  const channel = new Channel<Mine, Theirs>(port, side.answers);
  const retire = async (): Promise<void> => {
    await side.onRetire();
    port.postMessage({ kind: 'retired' } satisfies Packet);
  };
  port.on('message', (packet: Packet) => {
    if (!channel.receive(packet) && packet.kind === 'retire') void retire();
  });
  port.postMessage({ kind: 'ready' } satisfies Packet);
  return channel;
}
