import type { ServingStatus, ThreadScheduling, ThreadStatus } from '../../host/serving.ts';
import { levels } from '../../manifest/scheduling.ts';
import { metricsContentType, metricsText } from '../prometheus.ts';
import { jsonAnswer, type Route, route } from '../route.ts';
import { count, listOf, number, objectOf, text } from '../schema.ts';
import { summed } from '../traffic.ts';
import { agentStates, lifecycleStates } from './agent-schema.ts';

const threadScheduling = objectOf<ThreadScheduling>('ThreadScheduling', {
  queued: {
    type: 'object',
    description: 'Agents that wait for a turn, by level.',
    properties: Object.fromEntries(levels.map((level) => [level, count()])),
    required: levels,
  },
  starts: count('Messages begun, and calls gone on with after they waited.'),
  slices: count('Ends of fuel slices at which a guest gave way.'),
  preemptions: count('Those at which somebody else was to run first.'),
  aged: count('Turns given to a level that had been passed over for long.'),
  latenessMs: number('By how much turns began late, on average.'),
  latenessMsMax: number(),
});

const threadStatus = objectOf<ThreadStatus>('ThreadStatus', {
  thread: count(),
  agents: count(),
  active: count('Calls under way, waiting ones included.'),
  handled: count(),
  fuel: count(),
  memories: count(),
  heapBytes: count(),
  utilisation: number('Share of the time its event loop was busy, 0 to 1.'),
  scheduling: threadScheduling,
});

export const statusRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/status',
    operation: 'status',
    summary: 'Threads, agents by state, memories',
    needs: { verb: 'read' },
    answers: {
      200: jsonAnswer(
        'How the host is.',
        objectOf<ServingStatus>('ServingStatus', {
          version: text(),
          startedAtMs: number('Milliseconds since 1970.'),
          agents: {
            type: 'object',
            properties: Object.fromEntries(agentStates.map((state) => [state, count()])),
            required: agentStates,
          },
          lifecycle: {
            type: 'object',
            properties: Object.fromEntries(lifecycleStates.map((state) => [state, count()])),
            required: lifecycleStates,
          },
          memories: objectOf<ServingStatus['memories']>('Memories', { live: count(), max: count() }),
          threads: listOf(threadStatus),
          deadLetters: count(),
        }),
      ),
    },
    run: async ({ serving, answers }, { exchange }) => {
      answers.json(exchange, 200, await serving.status());
      return undefined;
    },
  }),
  route({
    method: 'GET',
    path: '/metrics',
    operation: 'metrics',
    summary: 'Everything counted, for Prometheus',
    needs: { verb: 'metrics' },
    answers: {
      200: { description: 'Text exposition format 0.0.4.', contentType: 'text/plain', schema: text() },
    },
    run: async ({ serving, answers, traffic, connections, streams }, { exchange }) => {
      const own = traffic.metrics(connections.clients, streams.size);
      const others = (await serving.doors?.metrics()) ?? [];
      const metrics = [...(await serving.metrics()), ...summed([own, ...others])];
      answers.bytes(exchange, 200, metricsContentType, Buffer.from(metricsText(metrics)));
      return undefined;
    },
  }),
];
