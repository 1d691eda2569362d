import type { Front } from '../front.ts';
import { jsonText, type Problem } from '../problem.ts';
import { type AnswerNote, type Call, type Route, route } from '../route.ts';
import { text } from '../schema.ts';
import { messageJson, messageSchema } from './message-json.ts';
import { subjectParam } from './names.ts';

interface PatternParams {
  readonly pattern: string;
}

interface GroupQuery {
  readonly group?: string;
}

const streamNote =
  'Events: `message`, whose data is a message as JSON; `lost`, whose data counts what a slow reader missed; `end`, ' +
  'with a reason, before the host closes the stream. A comment comes every 15 seconds. There is no history: ' +
  '`Last-Event-ID` is ignored, and a reader that comes back gets what is sent from then on.';

const streamed: Readonly<Record<number, AnswerNote>> = {
  200: { description: streamNote, contentType: 'text/event-stream', schema: messageSchema },
  400: { description: 'This is no pattern.' },
};

function open(
  front: Front,
  { exchange, params, query }: Call<PatternParams, GroupQuery, unknown>,
): Problem | undefined {
  return openPattern(front, exchange, params.pattern, query.group);
}

function openPattern(
  { serving, streams }: Front,
  exchange: Call<unknown, unknown, unknown>['exchange'],
  pattern: string,
  group: string | undefined,
): Problem | undefined {
  return streams.open(exchange, (stream) =>
    serving.subscribe(
      pattern,
      group,
      (message) => stream.send('message', () => jsonText(messageJson(message)), message.id),
      { principal: exchange.access.principal, ended: (reason) => streams.end(stream, reason) },
    ),
  );
}

export const subscribeRoutes: readonly Route[] = [
  route<PatternParams, GroupQuery>({
    method: 'GET',
    path: '/v1/subscribe/:pattern',
    operation: 'subscribe',
    summary: 'Streams the messages of some subjects as they come',
    description: 'In a pattern `*` stands for one word and a `>` at the end for one or more.',
    needs: { verb: 'subscribe', target: 'pattern' },
    params: {
      pattern: { ...subjectParam, description: 'A pattern of subjects: `orders.*.created`, `orders.>`.' },
    },
    query: {
      group: text('Shares the messages with other subscribers of the group: each goes to one of them.'),
    },
    answers: streamed,
    run: open,
  }),
  route({
    method: 'GET',
    path: '/v1/events',
    operation: 'hostEvents',
    summary: 'Streams what happens to agents: the subjects `host.>`',
    description: 'Needs `subscribe:host.>`.',
    needs: { verb: 'subscribe', fixed: 'host.>' },
    answers: streamed,
    run: (front, { exchange }) => openPattern(front, exchange, 'host.>', undefined),
  }),
];
