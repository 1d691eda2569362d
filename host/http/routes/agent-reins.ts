import type { AgentHandle, AgentMetrics, LifecycleState } from '../../host/serving.ts';
import type { Front } from '../front.ts';
import { type Call, jsonAnswer, type Route, route } from '../route.ts';
import { count, objectOf, oneOf, type Schema } from '../schema.ts';
import { lifecycleStates } from './agent-schema.ts';
import { type NameParams, nameParam } from './names.ts';

/** An agent's state, and what it did. */
export interface AgentStateAnswer extends AgentMetrics {
  readonly name: string;
  /** Whether it is what was waited for. */
  readonly reached: boolean;
}

interface StateQuery {
  readonly until?: LifecycleState | 'ended';
  readonly timeoutMs: number;
}

const waitMsMax = 60_000;

const stateAnswer: Schema = objectOf<AgentStateAnswer>('AgentState', {
  name: nameParam,
  lifecycle: oneOf(...lifecycleStates),
  mailboxDepth: count('Messages waiting.'),
  handled: count('Messages dealt with since the host started.'),
  failed: count(),
  memoryBytes: count('As of its last message.'),
  fuel: count('Since the host started.'),
  reached: { type: 'boolean', description: 'Whether it is what was waited for.' },
});

async function state(
  { serving, answers }: Front,
  { exchange, params: { name }, query }: Call<NameParams, StateQuery, unknown>,
): Promise<undefined> {
  const agent = serving.handle(name, exchange.access.principal);
  const { until, timeoutMs } = query;
  const states = until === undefined || until === 'ended' ? {} : { states: [until] };
  const found = until === undefined ? '' : await agent.wait({ ...states, timeoutMs });
  const metrics = await agent.metrics();
  answers.json(exchange, 200, { name, ...metrics, reached: found !== undefined });
  return undefined;
}

/** One of the ways to take an agent in hand. */
function reinRoute(rein: 'pause' | 'stop' | 'kill', summary: string, description: string): Route {
  return route<NameParams>({
    method: 'POST',
    path: `/v1/agents/:name/${rein}`,
    operation: `${rein}Agent`,
    summary,
    description,
    needs: { verb: 'admin' },
    params: { name: nameParam },
    query: {},
    answers: {
      204: { description: 'It is told.' },
      404: { description: 'No such agent.' },
      409: { description: 'It is in a state from which it cannot be this: `data` says in which.' },
    },
    run: async ({ serving, answers }, { exchange, params }) => {
      const agent: AgentHandle = serving.handle(params.name, exchange.access.principal);
      await agent[rein]();
      answers.bytes(exchange, 204, undefined, undefined);
      return undefined;
    },
  });
}

export const agentReinRoutes: readonly Route[] = [
  route<NameParams, StateQuery>({
    method: 'GET',
    path: '/v1/agents/:name/state',
    operation: 'agentState',
    summary: 'Where an agent is in its life; waits for a state, if told to',
    needs: { verb: 'read' },
    params: { name: nameParam },
    query: {
      until: {
        ...oneOf('ended', ...lifecycleStates),
        description: 'Answers when it is in this state; `ended`: completed, failed or terminated.',
      },
      timeoutMs: {
        type: 'integer',
        minimum: 0,
        maximum: waitMsMax,
        default: 30_000,
        description: 'Milliseconds to wait for it.',
      },
    },
    answers: { 200: jsonAnswer('The state.', stateAnswer), 404: { description: 'No such agent.' } },
    run: state,
  }),
  reinRoute(
    'pause',
    'Has an agent stand still, in the middle of a message too',
    'Its mail waits, and the time of its call does not run, until `resume`. Nothing if it is paused already.',
  ),
  reinRoute(
    'stop',
    'Ends an agent in good order',
    'After the message under way; what waits for it becomes dead letters. `resume` has it begin anew.',
  ),
  reinRoute(
    'kill',
    'Ends an agent at once',
    'With the message under way, and what it saved. `resume` has it begin anew.',
  ),
];
