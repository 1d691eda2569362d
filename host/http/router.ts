import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Exchange } from './exchange.ts';
import type { Front } from './front.ts';
import { Problem } from './problem.ts';
import type { Route } from './route.ts';
import { methodsOf, routeTable } from './route-table.ts';
import { finish, missingRight } from './run.ts';
import type { Schema } from './schema.ts';

const paramCharsMax = 1024;

/** Which exchange a request belongs to, for fastify's side. */
export type ExchangeOf = (request: IncomingMessage) => Exchange;

/** What listens for the requests that fastify is to route. */
export type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Fastify finds the route and checks parameters, query and JSON bodies; reading and answering are ours
 * (`Bodies`, `Answers`), so they are the same for requests that never pass here.
 */
export function createRouter(
  front: Front,
  exchangeOf: ExchangeOf,
  serverOf: (listener: Listener) => Server,
): FastifyInstance {
  const app: FastifyInstance = fastify<Server>({
    logger: false,
    serverFactory: serverOf,
    exposeHeadRoutes: true,
    // Ours are made before fastify sees a request.
    requestIdHeader: false,
    genReqId: () => '',
    routerOptions: { maxParamLength: paramCharsMax },
    ajv: {
      customOptions: { removeAdditional: false, useDefaults: true, coerceTypes: true, allErrors: false },
    },
    clientErrorHandler: () => undefined,
    frameworkErrors: (error, request, reply) => {
      refuse(front, exchangeOf(request.raw), reply, new Problem(400, 'malformed-request', error.message));
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request, _payload, done) => {
    parse(front, exchangeOf(request.raw), request, done);
  });
  app.setErrorHandler((error, request, reply) => {
    refuse(front, exchangeOf(request.raw), reply, problemOfRouter(error));
  });
  app.setNotFoundHandler((request, reply) => {
    refuse(front, exchangeOf(request.raw), reply, noRoute(request));
  });
  for (const route of routeTable) addRoute(app, front, exchangeOf, route);
  return app;
}

/** A refusal that travels through fastify, which wants an `Error`. */
class Refused extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

interface RouteConfig {
  readonly note: Route;
}

function addRoute(app: FastifyInstance, front: Front, exchangeOf: ExchangeOf, note: Route): void {
  const meter = front.traffic.of(note.path);
  app.route({
    method: note.method,
    url: note.path,
    config: { note } satisfies RouteConfig,
    schema: schemaOf(note),
    onRequest: (request, reply, done) => {
      const exchange = exchangeOf(request.raw);
      exchange.meter = meter;
      const problem = missingRight(exchange, note, request.params as Readonly<Record<string, string>>);
      if (problem === undefined) done();
      else refuse(front, exchange, reply, problem);
    },
    handler: (request, reply) => {
      reply.hijack();
      const exchange = exchangeOf(request.raw);
      const { params, query, body } = request;
      const call = { exchange, params: params as never, query: query as never, body: body as never };
      const isMissing = note.body !== undefined && note.readsBody !== true && body === undefined;
      void finish(front, exchange, () => (isMissing ? noBody(note) : note.run(front, call)));
    },
  });
}

function schemaOf(note: Route): Record<string, unknown> {
  const schema: Record<string, unknown> = {};
  if (note.params !== undefined) schema.params = { type: 'object', properties: note.params };
  if (note.query !== undefined)
    schema.querystring = { type: 'object', properties: note.query, additionalProperties: false };
  if (note.body === undefined || note.readsBody === true) return schema;
  const content = Object.entries(note.body.content).map(([type, json]) => [type, { schema: json ?? {} }]);
  schema.body = { content: Object.fromEntries(content) };
  return schema;
}

function noBody({ body }: Route): Problem {
  const types = Object.keys(body?.content ?? {}).join(' or ');
  return new Problem(400, 'value-invalid', `the request needs a body of ${types}`, {
    data: { field: 'body' },
  });
}

type Done = (error: Error | null, body?: unknown) => void;

function parse(front: Front, exchange: Exchange, request: FastifyRequest, done: Done): void {
  const note = (request.routeOptions.config as Partial<RouteConfig>).note;
  if (note === undefined || note.readsBody === true || note.body === undefined) {
    done(null, undefined);
    return;
  }
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const { content } = note.body;
  if (!Object.hasOwn(content, type)) {
    done(new Refused(unsupported(Object.keys(content))));
    return;
  }
  const schema: Schema | undefined = content[type];
  Promise.resolve(front.bodies.read(exchange, front.limits.installBytesMax)).then((body) => {
    if (body instanceof Problem) return done(new Refused(body));
    if (schema === undefined) return done(null, body);
    const json = parsed(body);
    if (json instanceof Problem) done(new Refused(json));
    else done(null, json);
  }, done);
}

function parsed(body: Uint8Array<ArrayBuffer>): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return new Problem(400, 'value-invalid', 'the body is no JSON in UTF-8');
  }
}

function unsupported(types: readonly string[]): Problem {
  return new Problem(415, 'media-type-unsupported', `send ${types.join(' or ')}`, {
    headers: ['accept-post', types.join(', ')],
  });
}

function noRoute(request: FastifyRequest): Problem {
  const path = request.url.split('?')[0] ?? '';
  const methods = methodsOf(path);
  if (methods.length === 0)
    return new Problem(
      404,
      'route-unknown',
      `nothing is at ${path.slice(0, 200)}; GET / lists what there is`,
    );
  const allow = methods.join(', ');
  return new Problem(405, 'method-not-allowed', `${path.slice(0, 200)} takes ${allow}`, {
    headers: ['allow', allow],
  });
}

/** What fastify itself refuses. */
function problemOfRouter(error: unknown): Problem | Error {
  if (error instanceof Refused) return error.problem;
  if (!(error instanceof Error)) return new Error(String(error));
  const { validation, validationContext, statusCode } = error as Error & {
    readonly validation?: readonly {
      readonly instancePath?: string;
      readonly params?: { readonly allowedValues?: readonly unknown[] };
    }[];
    readonly validationContext?: string;
    readonly statusCode?: number;
  };
  if (validation !== undefined) {
    const field = `${validationContext ?? ''}${validation[0]?.instancePath ?? ''}`;
    const allowed = validation[0]?.params?.allowedValues;
    const why =
      allowed === undefined ? error.message : `${placeOf(field)} must be one of: ${allowed.join(', ')}`;
    return new Problem(400, 'value-invalid', why, { data: { field } });
  }
  if (statusCode === 415)
    return new Problem(415, 'media-type-unsupported', 'this operation takes no such body');
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new Problem(statusCode, 'malformed-request', error.message);
  return error;
}

/** `querystring/until` as people call it: `until of the query`. */
function placeOf(field: string): string {
  const [place = '', ...path] = field.split('/');
  const name = path.join('.');
  return name === '' ? `the ${place}` : `${name} of the ${place === 'querystring' ? 'query' : place}`;
}

function refuse(front: Front, exchange: Exchange, reply: FastifyReply, problem: Problem | Error): void {
  reply.hijack();
  void finish(front, exchange, () => {
    if (problem instanceof Error) throw problem;
    return problem;
  });
}
