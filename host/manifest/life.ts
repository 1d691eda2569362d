import { pauseMsMax, pausesOf } from './pauses.ts';
import type { Table } from './table.ts';

/** How fast an agent may send, by a token bucket. */
export interface Rates {
  /** Messages sent, published and requested a second, in the long run. */
  readonly messagesPerSecond: number;
  /** Messages it may send at once after a pause. */
  readonly messageBurst: number;
  /** Bytes of one message's headers and body together. */
  readonly messageBytesMax: number;
}

/** How many messages and bytes wait for an agent. Senders wait from `high` on until `low` is reached again. */
export interface MailboxLimits {
  readonly capacity: number;
  readonly high: number;
  readonly low: number;
  /** Of the messages over 1 KiB that wait, the first one aside. */
  readonly bytesMax: number;
}

export interface Hibernate {
  /** Milliseconds without a message until an agent leaves memory; undefined: it stays. */
  readonly afterMs: number | undefined;
  /** One whose state cannot be saved stays in memory (`keep`), or loses it and starts anew (`restart`). */
  readonly unsaveable: 'keep' | 'restart';
}

/** Whether what an agent is told is written down, so that its runs can be run again. */
export interface History {
  readonly record: boolean;
}

/** What sending to this agent means, unless the sender says otherwise. Pauses double from `backoffMs` to `backoffMsMax`. */
export interface DeliveryRules {
  readonly guarantee: 'at-most-once' | 'at-least-once' | 'exactly-once';
  /** Deliveries of one message before it is a dead letter. */
  readonly attemptsMax: number;
  readonly backoffMs: number;
  readonly backoffMsMax: number;
}

export const defaultRates: Rates = {
  messagesPerSecond: 10_000,
  messageBurst: 2_000,
  messageBytesMax: 1024 * 1024,
};
export const defaultMailbox: MailboxLimits = {
  capacity: 1000,
  high: 800,
  low: 200,
  bytesMax: 16 * 1024 * 1024,
};
export const defaultHibernate: Hibernate = { afterMs: 60_000, unsaveable: 'keep' };
export const defaultDelivery: DeliveryRules = {
  guarantee: 'at-least-once',
  attemptsMax: 5,
  backoffMs: 1000,
  backoffMsMax: 60_000,
};

const pauseBounds = { min: 1, max: pauseMsMax };
const rateBounds = { min: 1, max: 1_000_000_000 };
const messageBytesBounds = { min: 1, max: 64 * 1024 * 1024 };
const mailboxBytesBounds = { min: 1024, max: 1024 * 1024 * 1024 };
const capacityBounds = { min: 1, max: 1_000_000 };
const attemptBounds = { min: 1, max: 1_000_000 };

/** The keys of `[limits]` that are rates; the others are an invocation's limits. */
export const rateKeys: readonly string[] = ['messages-per-second', 'message-burst', 'message-bytes'];

/** @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_LIMIT_INVALID`; as do all of this file */
export function ratesOf(limits: Table): Rates {
  const { messagesPerSecond, messageBurst, messageBytesMax } = defaultRates;
  return {
    messagesPerSecond: limits.quantity('messages-per-second', 'count', rateBounds, messagesPerSecond),
    messageBurst: limits.quantity('message-burst', 'count', rateBounds, messageBurst),
    messageBytesMax: limits.quantity('message-bytes', 'bytes', messageBytesBounds, messageBytesMax),
  };
}

export function mailboxOf(manifest: Table): MailboxLimits {
  const table = manifest.table('mailbox').only(['capacity', 'high', 'low', 'bytes']);
  const capacity = table.quantity('capacity', 'count', capacityBounds, defaultMailbox.capacity);
  const bounds = { min: 0, max: capacity };
  const high = table.quantity('high', 'count', { min: 1, max: capacity }, Math.max(1, scaled(capacity, 80)));
  const low = table.quantity('low', 'count', bounds, Math.min(scaled(capacity, 20), high - 1));
  if (low >= high) throw table.wrong('low', `below high, which is ${high}`);
  const bytesMax = table.quantity('bytes', 'bytes', mailboxBytesBounds, defaultMailbox.bytesMax);
  return { capacity, high, low, bytesMax };
}

function scaled(capacity: number, percent: number): number {
  return Math.floor((capacity * percent) / 100);
}

/** @param stays whether it is in memory unless it says otherwise */
export function hibernateOf(manifest: Table, stays: boolean): Hibernate {
  const table = manifest.table('hibernate').only(['after', 'unsaveable']);
  const afterMs =
    table.value('after') === 'never' || (stays && !table.has('after'))
      ? undefined
      : table.quantity('after', 'ms', pauseBounds, defaultHibernate.afterMs ?? pauseMsMax);
  return {
    afterMs,
    unsaveable: table.choice('unsaveable', ['keep', 'restart'], defaultHibernate.unsaveable),
  };
}

export function historyOf(manifest: Table): History {
  const table = manifest.table('history').only(['record']);
  return { record: table.flag('record') };
}

export function deliveryOf(manifest: Table): DeliveryRules {
  const table = manifest.table('delivery').only(['guarantee', 'attempts', 'backoff', 'backoff-max']);
  const { guarantee, attemptsMax } = defaultDelivery;
  return {
    guarantee: table.choice('guarantee', ['at-most-once', 'at-least-once', 'exactly-once'], guarantee),
    attemptsMax: table.quantity('attempts', 'count', attemptBounds, attemptsMax),
    ...pausesOf(table, defaultDelivery),
  };
}
