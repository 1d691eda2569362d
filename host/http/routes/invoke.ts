import type { InvokeOptions } from '../../host/serving.ts';
import type { Asked, Exchange } from '../exchange.ts';
import type { Caller, Front } from '../front.ts';
import {
  type MessageHeaders,
  outcomeHeaders,
  readMessageHeaders,
  requestHeaders,
} from '../message-headers.ts';
import { Problem } from '../problem.ts';
import { answerReply } from '../reply.ts';
import { type AnswerNote, type Call, type Route, route } from '../route.ts';
import { priorityFault } from '../run.ts';
import { type NameParams, nameParam, type SubjectParams, subjectParam } from './names.ts';
import { payloadOf } from './payload.ts';

const bytes = { type: 'string', format: 'binary' } as const;

const headers = outcomeHeaders;
const replies: Readonly<Record<number, AnswerNote>> = {
  200: {
    description: 'The agent’s answer, under its own content type or the request’s.',
    contentType: '*/*',
    schema: bytes,
    headers,
  },
  204: { description: 'The agent answered without a body.', headers },
  403: {
    description: 'The token does not allow it, or the agent refused (`agent-error`, `agent-denied`).',
    headers,
  },
  404: { description: 'No such agent.' },
  413: { description: 'The body is too large.' },
  422: { description: 'The agent answered with an error.', headers },
  429: { description: 'A limit of the agent was reached (`agent-limit`), or too many requests.', headers },
  499: { description: 'The call was ended (`agent-cancelled`).', headers },
  501: { description: 'The agent does not do such a thing (`agent-error`).', headers },
  502: { description: 'The agent trapped.', headers },
  503: { description: 'The mailbox is full, or the agent is not there now; see `retry-after`.', headers },
  504: { description: 'The deadline passed.', headers },
};

const repliesOfSubject: typeof replies = {
  ...Object.fromEntries(Object.entries(replies).filter(([status]) => status !== '404')),
  400: { description: 'This is no subject.' },
  503: { description: 'Nobody answers this subject, or not now; see `retry-after`.', headers },
};

const body = {
  description: 'The message: any bytes of any type.',
  content: { '*/*': undefined, 'application/json': undefined },
} as const;

/** Reads the message, hands it over, answers. The one path of `invoke`, however the request came to it. */
export async function invoke(
  front: Front<Caller>,
  exchange: Exchange,
  name: string,
): Promise<Problem | undefined> {
  const headers = askedOf(exchange);
  if (headers instanceof Problem) return headers;
  const body = await front.bodies.read(exchange);
  return body instanceof Problem ? body : invokeWith(front, exchange, name, headers, body);
}

/** As `invoke`, with the whole body at hand. */
export async function invokeWhole(
  front: Front<Caller>,
  exchange: Asked,
  name: string,
  body: Uint8Array<ArrayBuffer>,
): Promise<Problem | undefined> {
  const headers = askedOf(exchange);
  return headers instanceof Problem ? headers : invokeWith(front, exchange, name, headers, body);
}

async function invokeWith(
  front: Front<Caller>,
  exchange: Asked,
  name: string,
  headers: MessageHeaders,
  body: Uint8Array<ArrayBuffer>,
): Promise<undefined> {
  const payload = payloadOf(exchange.request, body);
  const reply = await front.serving.invoke(name, payload, optionsOf(exchange, headers));
  answerReply(front.answers, exchange, reply);
}

async function request(
  front: Front,
  { exchange, params }: Call<SubjectParams, unknown, unknown>,
): Promise<Problem | undefined> {
  const headers = askedOf(exchange);
  if (headers instanceof Problem) return headers;
  const body = await front.bodies.read(exchange);
  if (body instanceof Problem) return body;
  const payload = payloadOf(exchange.request, body);
  answerReply(
    front.answers,
    exchange,
    await front.serving.request(params.subject, payload, optionsOf(exchange, headers)),
  );
  return undefined;
}

/** What its headers say, as far as its token allows it. */
function askedOf(exchange: Asked): MessageHeaders | Problem {
  const headers = readMessageHeaders(exchange.request);
  if (headers instanceof Problem) return headers;
  return priorityFault(exchange, headers.priority) ?? headers;
}

function optionsOf(exchange: Asked, headers: MessageHeaders): InvokeOptions {
  return { principal: exchange.access.principal, signal: exchange.connection.signal, ...headers };
}

export const invokeRoute: Route = route<NameParams>({
  method: 'POST',
  path: '/v1/agents/:name/invoke',
  operation: 'invokeAgent',
  summary: 'Sends one message to an agent and waits for its answer',
  description:
    'The answer says in `x-mote-outcome`, `x-mote-fuel`, `x-mote-wall-ms` and `x-mote-message-id` how it went. ' +
    'When the client goes away the call is cancelled.',
  needs: { verb: 'invoke', target: 'name' },
  params: { name: nameParam },
  headers: requestHeaders,
  body,
  readsBody: true,
  answers: replies,
  run: (front, { exchange, params }) => invoke(front, exchange, params.name),
});

export const invokeRoutes: readonly Route[] = [
  invokeRoute,
  route<SubjectParams>({
    method: 'POST',
    path: '/v1/request/:subject',
    operation: 'requestSubject',
    summary: 'Asks whoever answers a subject',
    needs: { verb: 'publish', target: 'subject' },
    params: { subject: subjectParam },
    headers: requestHeaders,
    body,
    readsBody: true,
    answers: repliesOfSubject,
    run: request,
  }),
];
