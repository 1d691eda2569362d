import { docsPage } from '../docs-page.ts';
import { jsonAnswer, type Route, route } from '../route.ts';
import { text } from '../schema.ts';

export const docsRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/',
    operation: 'docs',
    summary: 'This page',
    answers: {
      200: {
        description: 'The operations, with lines to try them.',
        contentType: 'text/html',
        schema: text(),
      },
    },
    run: ({ answers, document }, { exchange }) => {
      const { host } = exchange.request.headers;
      const page = docsPage(document(), host === undefined ? 'http://localhost:8080' : `http://${host}`);
      answers.bytes(exchange, 200, 'text/html; charset=utf-8', page, pageHeaders);
      return undefined;
    },
  }),
  route({
    method: 'GET',
    path: '/openapi.json',
    operation: 'openapi',
    summary: 'The OpenAPI 3.1 document',
    answers: {
      200: jsonAnswer('The document.', { type: 'object' }),
    },
    run: ({ answers, document }, { exchange }) => {
      answers.json(exchange, 200, document());
      return undefined;
    },
  }),
];

/** The page loads nothing, and nothing may frame it. */
const pageHeaders: readonly string[] = [
  'content-security-policy',
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'referrer-policy',
  'no-referrer',
];
