import type { AnswerNote, BodyNote, Route } from './route.ts';
import type { Schema } from './schema.ts';

/** The OpenAPI 3.1 document of a table of routes, made of the very schemas they check with. */
export function openApiDocument(routes: readonly Route[]): Record<string, unknown> {
  const schemas = new Map<string, Schema>();
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, schemas) };
  }
  schemas.set('Problem', problemSchema);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Motehost',
      version: apiVersion,
      summary: 'Agents: called, sent to, watched',
      description: 'Every error is `application/problem+json` and every answer has an `x-request-id`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))),
      responses: { Problem: { description: 'What is wrong, and the cure.', content: problemContent } },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  };
}

/** Of the API: a change that breaks callers gets another path. */
const apiVersion = '1.0.0';

const problemContent = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

const problemSchema: Schema = {
  type: 'object',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', description: 'Stays the same from version to version.' },
    requestId: { type: 'string' },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
};

function operationOf(route: Route, schemas: Map<string, Schema>): Record<string, unknown> {
  const { operation, summary, description, needs, body, answers } = route;
  return {
    operationId: operation,
    summary,
    ...(description === undefined ? {} : { description }),
    ...(needs === undefined
      ? { security: [] }
      : { security: [{ token: [] }], 'x-capability': capabilityOf(needs) }),
    parameters: [
      ...parametersOf('path', route.params, schemas),
      ...parametersOf('query', route.query, schemas),
      ...parametersOf('header', route.headers, schemas),
    ],
    ...(body === undefined ? {} : { requestBody: requestBodyOf(body, route.readsBody !== true, schemas) }),
    responses: {
      ...Object.fromEntries(
        Object.entries(needs === undefined ? answers : { ...guarded, ...answers }).map(([status, note]) => [
          status,
          responseOf(Number(status), note, schemas),
        ]),
      ),
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

/** What every operation answers that is not public, unless it says more of it. */
const guarded: Route['answers'] = {
  401: { description: 'A token is needed, or this one is not valid: `www-authenticate` says which kind.' },
  403: {
    description: 'The token does not allow it, or a page or name is asked through that is not this host’s.',
  },
};

function capabilityOf({ verb, target, fixed }: NonNullable<Route['needs']>): string {
  if (fixed !== undefined) return `${verb}:${fixed}`;
  return target === undefined ? verb : `${verb}:{${target}}`;
}

function parametersOf(
  place: 'path' | 'query' | 'header',
  parameters: Readonly<Record<string, Schema>> = {},
  schemas: Map<string, Schema>,
): unknown[] {
  return Object.entries(parameters).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    required: place === 'path',
    ...(description === undefined ? {} : { description }),
    schema: hoisted(schema, schemas),
  }));
}

function requestBodyOf(body: BodyNote, required: boolean, schemas: Map<string, Schema>): unknown {
  const content = Object.entries(body.content).map(([type, schema]) => [
    type,
    schema === undefined ? {} : { schema: hoisted(schema, schemas) },
  ]);
  return { description: body.description, required, content: Object.fromEntries(content) };
}

function responseOf(status: number, note: AnswerNote, schemas: Map<string, Schema>): unknown {
  const { description, contentType, schema, headers } = note;
  const head = {
    description,
    ...(headers === undefined ? {} : { headers: headersOf(headers, schemas) }),
  };
  if (contentType !== undefined && schema !== undefined)
    return { ...head, content: { [contentType]: { schema: hoisted(schema, schemas) } } };
  return status >= 400 ? { ...head, content: problemContent } : head;
}

function headersOf(headers: Readonly<Record<string, Schema>>, schemas: Map<string, Schema>): unknown {
  return Object.fromEntries(
    Object.entries(headers).map(([name, { description, ...schema }]) => [
      name,
      { ...(description === undefined ? {} : { description }), schema: hoisted(schema, schemas) },
    ]),
  );
}

/** The schema with everything that has a title moved to the document's components. */
function hoisted(schema: unknown, schemas: Map<string, Schema>): unknown {
  if (Array.isArray(schema)) return schema.map((one) => hoisted(one, schemas));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { title, ...rest } = schema as Schema;
  const inner = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, hoisted(value, schemas)]),
  );
  if (typeof title !== 'string') return inner;
  schemas.set(title, inner);
  return { $ref: `#/components/schemas/${title}` };
}
