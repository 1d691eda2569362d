import type { LogEntry, LogFilter } from '../../host/serving.ts';
import type { Front } from '../front.ts';
import { jsonText, Problem } from '../problem.ts';
import { type Call, type Route, route } from '../route.ts';
import { forbidden } from '../run.ts';
import { listOf, number, objectOf, oneOf, text } from '../schema.ts';
import type { EventStream } from '../streams.ts';

interface LogQuery {
  readonly agent?: string;
  readonly level?: NonNullable<LogFilter['levelMin']>;
  readonly follow?: string;
  readonly tail: number;
}

const levels: readonly LogEntry['level'][] = ['trace', 'debug', 'info', 'warn', 'error'];
const eventStream = 'text/event-stream';

function show(front: Front, { exchange, query }: Call<unknown, LogQuery, unknown>): Problem | undefined {
  const { agent = '*', level, tail } = query;
  if (!exchange.access.may('logs', agent)) return forbidden(exchange, 'logs', query.agent);
  const filter: LogFilter = {
    ...(query.agent === undefined ? {} : { agent }),
    ...(level === undefined ? {} : { levelMin: level }),
  };
  const accept = exchange.request.headers.accept ?? '';
  const isStream = accept.includes(eventStream);
  const follows = query.follow === '1' || query.follow === 'true';
  if (follows && !isStream)
    return new Problem(406, 'value-invalid', `?follow=1 needs 'accept: ${eventStream}'`, {
      data: { field: 'accept' },
    });
  const recent = tail === 0 ? [] : front.serving.recentLogs(filter, tail);
  if (isStream) return follow(front, exchange, filter, recent, follows);
  const lines = recent.map((entry) => `${jsonText(entry)}\n`).join('');
  front.answers.bytes(exchange, 200, 'application/x-ndjson', Buffer.from(lines));
  return undefined;
}

function follow(
  { serving, streams }: Front,
  exchange: Call<unknown, unknown, unknown>['exchange'],
  filter: LogFilter,
  recent: readonly LogEntry[],
  follows: boolean,
): Problem | undefined {
  const start = (stream: EventStream): (() => void) =>
    follows ? serving.followLogs(filter, (entry) => sendEntry(stream, entry)) : () => undefined;
  return streams.open(exchange, start, (stream) => {
    for (const entry of recent) sendEntry(stream, entry);
    if (!follows) streams.end(stream, undefined);
  });
}

function sendEntry(stream: EventStream, entry: LogEntry): void {
  stream.send('log', () => jsonText(entry));
}

export const logRoutes: readonly Route[] = [
  route<unknown, LogQuery>({
    method: 'GET',
    path: '/v1/logs',
    operation: 'logs',
    summary: 'What agents logged, and what the host logged about them',
    description:
      'JSON lines, or with `accept: text/event-stream` a stream of `log` events, which `follow=1` keeps open. ' +
      'Needs `logs:NAME` for the agent asked for, `logs` without one.',
    needs: { verb: 'logs', checked: 'by the query' },
    query: {
      agent: text('A name, or its beginning and `*`.'),
      level: { ...oneOf(...levels), description: 'This one and what is worse.' },
      follow: {
        ...oneOf('0', '1', 'true', 'false'),
        description: 'Whether the stream goes on with what comes; `1` needs `accept: text/event-stream`.',
      },
      tail: { type: 'integer', minimum: 0, maximum: 100_000, default: 100, description: 'Entries at most.' },
    },
    answers: {
      200: {
        description: 'Log entries, oldest first.',
        contentType: 'application/x-ndjson',
        schema: objectOf<LogEntry>(
          'LogEntry',
          {
            atMs: number('Milliseconds since 1970.'),
            level: { ...oneOf(...levels), description: 'This one and what is worse.' },
            agent: text('Missing for the host itself.'),
            messageId: text('The message at hand.'),
            text: text(),
            fields: listOf(objectOf<LogEntry['fields'][number]>('Header', { name: text(), value: text() })),
          },
          ['agent', 'messageId'],
        ),
      },
      406: { description: '`follow=1` without `accept: text/event-stream`.' },
    },
    run: show,
  }),
];
