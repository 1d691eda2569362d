import type { AgentTie } from '../../host/serving.ts';
import type { Front } from '../front.ts';
import { Problem } from '../problem.ts';
import { type Call, jsonAnswer, type Route, route } from '../route.ts';
import { count, listOf, objectOf, oneOf, type Schema, text } from '../schema.ts';
import { type NameParams, nameParam } from './names.ts';

interface OtherParams extends NameParams {
  readonly other: string;
}

interface NumberParams extends NameParams {
  readonly monitor: string;
}

const otherParam: Schema = { ...nameParam, description: 'Another agent’s name.' };
const monitorParam: Schema = {
  type: 'string',
  pattern: '^[0-9]{1,15}$',
  description: 'The number of a monitor.',
};

const tieSchema = objectOf<AgentTie>(
  'AgentTie',
  {
    kind: oneOf('link', 'monitor'),
    agent: text('The other one.'),
    monitor: count('Of a monitor that was asked for; missing for links and for what a manifest declares.'),
  },
  ['monitor'],
);

const unknown = { 404: { description: 'No such agent.' } } as const;

async function list(
  { serving, answers }: Front,
  { exchange, params }: Call<NameParams, unknown, unknown>,
): Promise<undefined> {
  const ties = await serving.handle(params.name, exchange.access.principal).ties();
  answers.json(exchange, 200, { ties });
}

async function link(
  { serving, answers }: Front,
  { exchange, params: { name, other } }: Call<OtherParams, unknown, unknown>,
): Promise<undefined> {
  await serving.handle(name, exchange.access.principal).link(other);
  answers.bytes(exchange, 204, undefined, undefined);
}

async function unlink(
  { serving, answers }: Front,
  { exchange, params: { name, other } }: Call<OtherParams, unknown, unknown>,
): Promise<Problem | undefined> {
  if (!(await serving.handle(name, exchange.access.principal).unlink(other))) {
    const why = `nobody asked for a link of ${name} and ${other}; what a manifest declares is changed there`;
    return new Problem(404, 'tie-unknown', why);
  }
  answers.bytes(exchange, 204, undefined, undefined);
  return undefined;
}

async function monitor(
  { serving, answers }: Front,
  { exchange, params: { name, other } }: Call<OtherParams, unknown, unknown>,
): Promise<undefined> {
  const number = await serving.handle(name, exchange.access.principal).monitor(other);
  answers.json(exchange, 201, { kind: 'monitor', agent: other, monitor: number } satisfies AgentTie);
}

async function demonitor(
  { serving, answers }: Front,
  { exchange, params }: Call<NumberParams, unknown, unknown>,
): Promise<Problem | undefined> {
  const agent = serving.handle(params.name, exchange.access.principal);
  if (!(await agent.demonitor(Number(params.monitor))))
    return new Problem(
      404,
      'tie-unknown',
      `${params.name} has no monitor ${params.monitor}, or none any more`,
    );
  answers.bytes(exchange, 204, undefined, undefined);
  return undefined;
}

export const agentTieRoutes: readonly Route[] = [
  route<NameParams>({
    method: 'GET',
    path: '/v1/agents/:name/ties',
    operation: 'agentTies',
    summary: 'Links of an agent, and whom it watches',
    needs: { verb: 'read' },
    params: { name: nameParam },
    answers: {
      200: jsonAnswer(
        'Those its manifest declares included.',
        objectOf<{ ties: unknown }>('AgentTies', { ties: listOf(tieSchema) }),
      ),
      ...unknown,
    },
    run: list,
  }),
  route<OtherParams>({
    method: 'POST',
    path: '/v1/agents/:name/links/:other',
    operation: 'linkAgents',
    summary: 'Links two agents until the first end of either: who fails takes the other along',
    needs: { verb: 'admin' },
    params: { name: nameParam, other: otherParam },
    answers: { 204: { description: 'They are linked.' }, ...unknown },
    run: link,
  }),
  route<OtherParams>({
    method: 'DELETE',
    path: '/v1/agents/:name/links/:other',
    operation: 'unlinkAgents',
    summary: 'Takes a link back that was asked for',
    needs: { verb: 'admin' },
    params: { name: nameParam, other: otherParam },
    answers: { 204: { description: 'It is gone.' }, 404: { description: 'No such agent, or link.' } },
    run: unlink,
  }),
  route<OtherParams>({
    method: 'POST',
    path: '/v1/agents/:name/monitors/:other',
    operation: 'monitorAgent',
    summary: 'Has an agent told of the end of another, by a message down.NAME',
    needs: { verb: 'admin' },
    params: { name: nameParam, other: otherParam },
    answers: { 201: jsonAnswer('The monitor.', tieSchema), ...unknown },
    run: monitor,
  }),
  route<NumberParams>({
    method: 'DELETE',
    path: '/v1/agents/:name/monitors/:monitor',
    operation: 'demonitorAgent',
    summary: 'Ends a monitor',
    needs: { verb: 'admin' },
    params: { name: nameParam, monitor: monitorParam },
    answers: { 204: { description: 'It is gone.' }, 404: { description: 'No such agent, or monitor.' } },
    run: demonitor,
  }),
];
