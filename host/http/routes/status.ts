import type {
  MetricsSnapshot,
  ServingStatus,
  StealingStatus,
  ThreadScheduling,
  ThreadStatus,
} from '../../host/serving.ts';
import { levels } from '../../manifest/scheduling.ts';
import { metricsContentType, metricsText } from '../prometheus.ts';
import { jsonAnswer, type Route, route } from '../route.ts';
import { count, listOf, number, objectOf, text } from '../schema.ts';
import { summed } from '../traffic.ts';
import { agentStates, lifecycleStates } from './agent-schema.ts';

const policyStanding = objectOf<ThreadScheduling['policy']>(
  'PolicyStanding',
  {
    policy: text('Who is to decide inside a level, as the settings say.'),
    inForce: text('Who decides now: another policy once that one failed on this thread.'),
    asked: count('How often the component of a custom policy was asked.'),
    fault: text('Why another one decides.'),
  },
  ['fault'],
);

const admissionCounts = objectOf<ThreadScheduling['admission']>('AdmissionCounts', {
  admission: text('What becomes of calls that will not end in time: `queue` or `predictive`.'),
  judged: count('Calls whose end was forecast.'),
  refused: count('Those that were refused as their deadline comes before it.'),
});

const threadScheduling = objectOf<ThreadScheduling>('ThreadScheduling', {
  policy: policyStanding,
  admission: admissionCounts,
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

const stealing = objectOf<StealingStatus>('StealingStatus', {
  steals: count('Times that a thread with nothing to do took agents of another one.'),
  moved: count('Agents that went to another thread so.'),
  refused: count('Agents that were to, and had begun something else meanwhile.'),
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

const metricsSnapshot = objectOf<MetricsSnapshot>('MetricsSnapshot', {
  timestamp: count('Seconds since 1970.'),
  scheduler: objectOf<MetricsSnapshot['scheduler']>('SchedulerMetrics', {
    total_scheduled: count('Messages agents were given a turn for since the host began.'),
    uptime_seconds: count(),
    running_agents: count(),
    queued_agents: count('Agents with mail that wait for their turn.'),
    suspended_agents: count('Agents that handle nothing until somebody says so.'),
    max_capacity: count('Agents the host has room for.'),
    load_factor: number('Running agents by that.'),
  }),
  task_manager: objectOf<MetricsSnapshot['task_manager']>('TaskManagerMetrics', {
    total_tasks: count('Agents there are.'),
    healthy_tasks: count('Those of them that take messages.'),
    average_uptime_seconds: number(),
    total_memory_usage: count('Bytes of all linear memories.'),
  }),
  load_balancer: objectOf<MetricsSnapshot['load_balancer']>('LoadBalancerMetrics', {
    total_allocations: count('Instances that came into memory since the host began.'),
    active_allocations: count('Linear memories there are.'),
    memory_utilization: number('0 to 1.'),
    cpu_utilization: number('0 to 1.'),
    allocation_failures: count(),
    average_allocation_time_ms: number(),
  }),
  system: objectOf<MetricsSnapshot['system']>('SystemResourceMetrics', {
    memory_usage_mb: number('MiB the process has.'),
    cpu_usage_percent: number('Of all cores, 0 to 100.'),
  }),
  compaction: {
    type: ['object', 'null'],
    description: 'What summaries of contexts saved; null without contexts.',
  },
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
          stealing,
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
    path: '/v1/metrics',
    operation: 'snapshot',
    summary: 'How the host is at this moment, as one document',
    needs: { verb: 'metrics' },
    answers: { 200: jsonAnswer('A snapshot.', metricsSnapshot) },
    run: async ({ serving, answers }, { exchange }) => {
      answers.json(exchange, 200, await serving.snapshot());
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
