import type { EventsAsked, RecordHead, ServingRecord } from '../../host/serving.ts';
import type { Front } from '../front.ts';
import { jsonText, Problem } from '../problem.ts';
import { type Call, jsonAnswer, type Route, route } from '../route.ts';
import { count, listOf, number, objectOf, type Schema, text } from '../schema.ts';

interface EventQuery {
  readonly agent?: string;
  readonly kind?: string;
  readonly principal?: string;
}

interface PageQuery extends EventQuery {
  readonly from?: string;
  readonly to?: string;
  readonly after?: number;
  readonly limit: number;
}

interface ForgetBody {
  readonly subject: string;
  readonly reason: string;
}

interface StampBody {
  readonly batch: number;
  readonly authority: string;
  readonly token: string;
}

const needs = { verb: 'audit' } as const;
const noChain = { description: 'The host keeps no chain (`--audit off`).' };
const eventQuery = {
  agent: text('Only of these agents, with commas between.'),
  kind: text('Only of these kinds, with commas between: `message-denied,limit`.'),
  principal: text('Only on behalf of this one: a token’s name, `local`, an agent.'),
};

/** Fields of its kind stand beside these. */
const eventSchema: Schema = {
  title: 'AuditEvent',
  type: 'object',
  properties: {
    sequence: count('Its place on the chain, from 1.'),
    kind: text(),
    time: text('By the wall clock of the thread that saw it.'),
    agent: { type: ['string', 'null'] },
    principal: { type: ['string', 'null'] },
    thread: count(),
    threadSequence: count(),
    monotonicNs: { type: ['integer', 'string'] },
  },
  required: ['sequence', 'kind', 'time', 'agent', 'principal', 'thread', 'threadSequence', 'monotonicNs'],
};

/** With the chain, or a problem where there is none. */
function withRecord<C>(
  run: (front: Front, record: ServingRecord, call: C) => Promise<Problem | undefined> | Problem | undefined,
): (front: Front, call: C) => Promise<Problem | undefined> {
  return async (front, call) => {
    const { record } = front.serving;
    if (record === undefined)
      return new Problem(404, 'audit-off', 'this host keeps no audit chain (--audit off)');
    return run(front, record, call);
  };
}

function asked({ agent, kind, principal }: EventQuery): EventsAsked {
  return {
    ...(agent === undefined ? {} : { agents: agent.split(',') }),
    ...(kind === undefined ? {} : { kinds: kind.split(',') }),
    ...(principal === undefined ? {} : { principal }),
  };
}

async function list(
  { answers }: Front,
  record: ServingRecord,
  { exchange, query }: Call<unknown, PageQuery, unknown>,
): Promise<Problem | undefined> {
  const [fromMs, toMs] = [momentOf(query.from), momentOf(query.to)];
  const wrong = Number.isNaN(fromMs) ? 'from' : Number.isNaN(toMs) ? 'to' : undefined;
  if (wrong !== undefined)
    return new Problem(400, 'value-invalid', `?${wrong}= is no time; write 2026-12-31T18:00:00Z`, {
      data: { field: `querystring/${wrong}` },
    });
  const wanted: EventsAsked = {
    ...asked(query),
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
    ...(query.after === undefined ? {} : { after: query.after }),
  };
  // One more than asked for says whether there is a next page.
  const found = await record.events(wanted, query.limit + 1);
  const events = found.slice(0, query.limit);
  const next = found.length > events.length ? events.at(-1)?.sequence : undefined;
  answers.json(exchange, 200, { events, next });
  return undefined;
}

function momentOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time);
}

function follow(
  { streams }: Front,
  record: ServingRecord,
  { exchange, query }: Call<unknown, EventQuery, unknown>,
): Problem | undefined {
  return streams.open(exchange, (stream) =>
    record.follow(
      asked(query),
      (event) => stream.send('audit', () => jsonText(event), String(event.sequence)),
      (events) => stream.send('lost', () => jsonText({ count: events })),
    ),
  );
}

async function head(
  { answers }: Front,
  record: ServingRecord,
  { exchange }: Call<unknown, unknown, unknown>,
): Promise<Problem | undefined> {
  const found = await record.head();
  if (found === undefined)
    return new Problem(503, 'HOST_ERR_AUDIT_UNKNOWN', 'nothing is sealed yet', { retryAfterMs: 100 });
  answers.json(exchange, 200, found);
  return undefined;
}

async function forget(
  { answers }: Front,
  record: ServingRecord,
  { exchange, body }: Call<unknown, unknown, ForgetBody>,
): Promise<Problem | undefined> {
  const isKnown = await record.forget(body.subject, body.reason, exchange.access.principal.name);
  if (!isKnown) return new Problem(404, 'person-unknown', 'nothing on the chain is about such a person');
  answers.bytes(exchange, 204, undefined, undefined);
  return undefined;
}

async function stamp(
  { answers }: Front,
  record: ServingRecord,
  { exchange, body }: Call<unknown, unknown, StampBody>,
): Promise<Problem | undefined> {
  const token = Buffer.from(body.token, 'base64');
  await record.timestamped(body.batch, body.authority, token, exchange.access.principal.name);
  answers.bytes(exchange, 204, undefined, undefined);
  return undefined;
}

export const auditRoutes: readonly Route[] = [
  route<unknown, PageQuery>({
    method: 'GET',
    path: '/v1/audit',
    operation: 'auditEvents',
    summary: 'What is on the audit chain',
    description: 'The oldest first. `GET /v1/audit/head` says up to where it is sealed.',
    needs,
    query: {
      ...eventQuery,
      from: text('From this time on: `2026-12-31T18:00:00Z`.'),
      to: text('Before this time.'),
      after: { ...count('The event after which to begin: `next` of the page before.') },
      limit: { type: 'integer', minimum: 1, maximum: 10_000, default: 100, description: 'Events at most.' },
    },
    answers: {
      200: jsonAnswer(
        'One page of events; without `next` it is the last.',
        objectOf<{ events: unknown; next?: unknown }>(
          'AuditPage',
          { events: listOf(eventSchema), next: count('`after` of the next page.') },
          ['next'],
        ),
      ),
      404: noChain,
      422: { description: 'No such kind of event.' },
    },
    run: withRecord(list),
  }),
  route({
    method: 'GET',
    path: '/v1/audit/head',
    operation: 'auditHead',
    summary: 'The last seal of the audit chain',
    needs,
    answers: {
      200: jsonAnswer(
        'Up to where the chain is sealed.',
        objectOf<RecordHead>('AuditHead', {
          events: count('Sequence number of the last event.'),
          batch: count(),
          sealedMs: number('Milliseconds since 1970.'),
          signedBy: text('The host’s public key.'),
          anchor: text('One line to be kept elsewhere: a chain that lacks it was cut or written anew.'),
        }),
      ),
      404: noChain,
    },
    run: withRecord(head),
  }),
  route<unknown, EventQuery>({
    method: 'GET',
    path: '/v1/audit/stream',
    operation: 'auditStream',
    summary: 'Streams events as they become durable',
    description:
      '`audit` events, whose data is an event as JSON; `lost`, whose data counts what a slow reader missed.',
    needs,
    query: eventQuery,
    answers: {
      200: { description: 'From now on.', contentType: 'text/event-stream', schema: eventSchema },
      404: noChain,
      422: { description: 'No such kind of event.' },
    },
    run: withRecord(follow),
  }),
  route<unknown, unknown, ForgetBody>({
    method: 'POST',
    path: '/v1/audit/forget',
    operation: 'auditForget',
    summary: 'Makes what the chain says about a person unreadable for ever',
    needs,
    body: {
      description: 'Whom, and why: it goes on the record.',
      content: {
        'application/json': objectOf<ForgetBody>('ForgetRequest', {
          subject: { type: 'string', minLength: 1, maxLength: 256 },
          reason: { type: 'string', minLength: 1, maxLength: 1000 },
        }),
      },
    },
    answers: { 204: { description: 'Forgotten.' }, 404: { description: 'Nothing is about such a person.' } },
    run: withRecord(forget),
  }),
  route<unknown, unknown, StampBody>({
    method: 'POST',
    path: '/v1/audit/timestamps',
    operation: 'auditTimestamp',
    summary: 'Records what a timestamp authority (RFC 3161) says of a seal',
    needs,
    body: {
      description: 'The token; it is checked when the chain is verified.',
      content: {
        'application/json': objectOf<StampBody>('TimestampRequest', {
          batch: { type: 'integer', minimum: 1 },
          authority: { type: 'string', minLength: 1, maxLength: 2048 },
          token: { type: 'string', minLength: 1, maxLength: 10_000, description: 'DER, Base64.' },
        }),
      },
    },
    answers: { 204: { description: 'Recorded.' }, 404: { description: 'No such batch.' } },
    run: withRecord(stamp),
  }),
];
