import { type Level, levelNamed, levels } from '../manifest/scheduling.ts';
import { isSubject, subjectBytesMax } from '../subject.ts';
import type { Head } from './exchange.ts';
import { Problem } from './problem.ts';
import type { Schema } from './schema.ts';

const deadlineMsMax = 86_400_000;
const messageIdCharsMax = 128;

const messageIdText = '^[\\x21-\\x7e]+$';

/** Headers that say more about a message; also the parameters of the OpenAPI document. */
export const messageHeaders: Readonly<Record<string, Schema>> = {
  'x-mote-deadline-ms': {
    type: 'integer',
    minimum: 1,
    maximum: deadlineMsMax,
    description: 'Milliseconds until the call is given up, at most the agent’s own limit.',
  },
  'x-mote-subject': {
    type: 'string',
    maxLength: subjectBytesMax,
    description:
      'The subject the agent sees; default `agent.NAME`. Not one that begins with `host`, `agent`, `trigger` or `_inbox`.',
  },
  'x-mote-message-id': {
    type: 'string',
    maxLength: messageIdCharsMax,
    pattern: messageIdText,
    description:
      'The message’s id, one of the host’s own without it. Under an id that was there before, the message is ' +
      'accepted, and not delivered again.',
  },
  'x-mote-priority': {
    type: 'string',
    enum: levels,
    description:
      'The level at which the agent is to handle it, if its own is none before it. One before `normal` needs the ' +
      'capability `priority:LEVEL`.',
  },
  traceparent: { type: 'string', description: 'W3C trace context, handed to the agent.' },
};

/** The same for a request, whose asker waits: it is made as often as it is asked. */
export const requestHeaders: Readonly<Record<string, Schema>> = {
  ...messageHeaders,
  'x-mote-message-id': {
    ...messageHeaders['x-mote-message-id'],
    description:
      'The message’s id, one of the host’s own without it. Every request is dealt with, also under an id that was ' +
      'there before: `send` and `publish` drop a repetition.',
  },
};

/** What an answer says of the message. */
export const outcomeHeaders: Readonly<Record<string, Schema>> = {
  'x-mote-outcome': {
    type: 'string',
    enum: ['ok', 'error', 'trap', 'limit', 'cancelled', 'denied'],
    description: 'How it ended. Missing when no agent took the message, but for `limit` after its deadline.',
  },
  'x-mote-fuel': { type: 'string', pattern: '^\\d+$', description: 'Fuel it took: a whole number.' },
  'x-mote-wall-ms': { type: 'number', minimum: 0, description: 'Milliseconds it took in the agent.' },
  'x-mote-message-id': { type: 'string', description: 'The message’s id.' },
};

const messageIdPattern = new RegExp(messageIdText);
/** What only the host itself may say. */
const reserved = /^(?:host|agent|trigger|_inbox)(?:\.|$)/;

export interface MessageHeaders {
  readonly deadlineMs?: number;
  readonly subject?: string;
  readonly messageId?: string;
  readonly priority?: Level;
}

const noHeaders: MessageHeaders = {};

/** Reads them; most requests have none. */
export function readMessageHeaders(request: Head): MessageHeaders | Problem {
  const { headers } = request;
  const deadline = headers['x-mote-deadline-ms'];
  const subject = headers['x-mote-subject'];
  const messageId = headers['x-mote-message-id'];
  const priority = headers['x-mote-priority'];
  if (deadline === undefined && subject === undefined && messageId === undefined && priority === undefined)
    return noHeaders;
  const read: { deadlineMs?: number; subject?: string; messageId?: string; priority?: Level } = {};
  if (deadline !== undefined) {
    const deadlineMs = Number(deadline);
    if (!Number.isSafeInteger(deadlineMs) || deadlineMs < 1 || deadlineMs > deadlineMsMax)
      return invalid('x-mote-deadline-ms', `a whole number from 1 to ${deadlineMsMax}`);
    read.deadlineMs = deadlineMs;
  }
  if (subject !== undefined) {
    if (!isFree(subject))
      return invalid('x-mote-subject', 'a subject without wildcards that is not reserved');
    read.subject = subject;
  }
  if (messageId !== undefined) {
    if (
      typeof messageId !== 'string' ||
      messageId.length > messageIdCharsMax ||
      !messageIdPattern.test(messageId)
    )
      return invalid('x-mote-message-id', `at most ${messageIdCharsMax} visible ASCII characters`);
    read.messageId = messageId;
  }
  if (priority !== undefined) {
    const level = levelNamed(String(priority));
    if (level === undefined) return invalid('x-mote-priority', `one of ${levels.join(', ')}`);
    read.priority = level;
  }
  return read;
}

function isFree(subject: string | string[]): subject is string {
  return typeof subject === 'string' && isSubject(subject) && !reserved.test(subject);
}

function invalid(header: string, expected: string): Problem {
  return new Problem(400, 'value-invalid', `header ${header}: expected ${expected}`, {
    data: { field: header },
  });
}
