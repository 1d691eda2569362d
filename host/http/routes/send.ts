import type { Accepted, Guarantee, PublishOptions } from '../../host/serving.ts';
import type { Exchange } from '../exchange.ts';
import type { Front } from '../front.ts';
import { messageHeaders, readMessageHeaders } from '../message-headers.ts';
import { Problem } from '../problem.ts';
import { type AnswerNote, type Call, type Route, route } from '../route.ts';
import { priorityFault } from '../run.ts';
import { count, objectOf, oneOf, text } from '../schema.ts';
import { type NameParams, nameParam, type SubjectParams, subjectParam } from './names.ts';
import { payloadOf } from './payload.ts';

interface GuaranteeQuery {
  readonly guarantee?: Guarantee;
}

const guarantees: readonly Guarantee[] = ['at-most-once', 'at-least-once', 'exactly-once'];

const accepted: Readonly<Record<number, AnswerNote>> = {
  202: {
    description: 'Accepted; what is not `at-most-once` is on disk.',
    headers: { 'x-mote-message-id': text('The message’s id.') },
    contentType: 'application/json',
    schema: objectOf<Accepted>(
      'Accepted',
      {
        id: text('The message’s id.'),
        receivers: count('Who gets it; for `send` 1, or 0 for a repetition of an id.'),
        hasEnded: {
          type: 'boolean',
          description:
            'For `send`, if it is so: the agent is terminated, and the message a dead letter, or lost if it is ' +
            '`at-most-once`.',
        },
      },
      ['hasEnded'],
    ),
  },
  413: { description: 'The body is too large.' },
  503: { description: 'The mailbox is full; see `retry-after`.' },
};

const note = {
  query: {
    guarantee: {
      ...oneOf(...guarantees),
      description:
        'What is promised: default for `send` what the agent’s manifest says, else `at-least-once`; for `publish` ' +
        '`at-most-once`.',
    },
  },
  headers: {
    'x-mote-message-id': messageHeaders['x-mote-message-id'] ?? {},
    'x-mote-priority': messageHeaders['x-mote-priority'] ?? {},
    traceparent: messageHeaders.traceparent ?? {},
  },
  body: {
    description: 'The message: any bytes of any type.',
    content: { '*/*': undefined, 'application/json': undefined },
  },
  readsBody: true,
} as const;

async function deliver(
  { answers, bodies }: Front,
  exchange: Exchange,
  { guarantee }: GuaranteeQuery,
  accept: (payload: ReturnType<typeof payloadOf>, options: PublishOptions) => Promise<Accepted>,
): Promise<Problem | undefined> {
  const headers = readMessageHeaders(exchange.request);
  if (headers instanceof Problem) return headers;
  const { messageId, priority } = headers;
  const fault = priorityFault(exchange, priority);
  if (fault !== undefined) return fault;
  const body = await bodies.read(exchange);
  if (body instanceof Problem) return body;
  const { id, receivers, hasEnded } = await accept(payloadOf(exchange.request, body), {
    principal: exchange.access.principal,
    ...(guarantee === undefined ? {} : { guarantee }),
    ...(messageId === undefined ? {} : { messageId }),
    ...(priority === undefined ? {} : { priority }),
  });
  answers.json(exchange, 202, { id, receivers, ...(hasEnded === true ? { hasEnded } : {}) }, [
    'x-mote-message-id',
    id,
  ]);
  return undefined;
}

export const sendRoutes: readonly Route[] = [
  route<NameParams, GuaranteeQuery>({
    ...note,
    method: 'POST',
    path: '/v1/agents/:name/send',
    operation: 'sendToAgent',
    summary: 'Puts a message into an agent’s mailbox and does not wait for it',
    needs: { verb: 'invoke', target: 'name' },
    params: { name: nameParam },
    answers: { ...accepted, 404: { description: 'No such agent.' } },
    run: (front, { exchange, params, query }: Call<NameParams, GuaranteeQuery, unknown>) =>
      deliver(front, exchange, query, (payload, options) =>
        front.serving.send(params.name, payload, options),
      ),
  }),
  route<SubjectParams, GuaranteeQuery>({
    ...note,
    method: 'POST',
    path: '/v1/publish/:subject',
    operation: 'publish',
    summary: 'Gives a message to everybody who subscribed to its subject',
    needs: { verb: 'publish', target: 'subject' },
    params: { subject: subjectParam },
    answers: { ...accepted, 400: { description: 'This is no subject, or one that only the host may say.' } },
    run: (front, { exchange, params, query }: Call<SubjectParams, GuaranteeQuery, unknown>) =>
      deliver(front, exchange, query, (payload, options) =>
        front.serving.publish(params.subject, payload, options),
      ),
  }),
];
