import { type Route, route } from '../route.ts';
import { text } from '../schema.ts';

const plain = 'text/plain; charset=utf-8';

export const healthRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/healthz',
    operation: 'health',
    summary: 'Whether the process answers',
    answers: { 200: { description: '`ok`', contentType: 'text/plain', schema: text() } },
    run: ({ answers }, { exchange }) => {
      answers.bytes(exchange, 200, plain, 'ok\n');
      return undefined;
    },
  }),
  route({
    method: 'GET',
    path: '/readyz',
    operation: 'readiness',
    summary: 'Whether the host takes requests',
    answers: {
      200: { description: '`ok`', contentType: 'text/plain', schema: text() },
      503: { description: 'What is not ready yet, a line each', contentType: 'text/plain', schema: text() },
    },
    run: ({ answers, serving }, { exchange }) => {
      const readiness = serving.readiness();
      const waiting = readiness.ready ? [] : readiness.waitingFor;
      if (readiness.ready) answers.bytes(exchange, 200, plain, 'ok\n');
      else answers.bytes(exchange, 503, plain, `${waiting.join('\n')}\n`);
      return undefined;
    },
  }),
];
