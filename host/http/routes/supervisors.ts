import type { SupervisedChild, SupervisorStatus } from '../../host/serving.ts';
import type { Front } from '../front.ts';
import { type Call, jsonAnswer, type Route, route } from '../route.ts';
import { count, listOf, objectOf, oneOf, text } from '../schema.ts';
import { type NameParams, nameParam } from './names.ts';

const childSchema = objectOf<SupervisedChild>(
  'SupervisedChild',
  {
    name: text(),
    kind: oneOf('agent', 'supervisor'),
    state: oneOf('down', 'starting', 'up', 'waiting', 'stopping'),
    restarts: count('Since its supervisor was started.'),
    lastExit: text('How it ended last; missing: it has not.'),
    restartsInMs: count('Milliseconds until it is started again; missing: it does not wait for that.'),
  },
  ['lastExit', 'restartsInMs'],
);

const supervisorSchema = objectOf<SupervisorStatus>(
  'Supervisor',
  {
    name: text(),
    parent: text('Missing: it is the root of its tree.'),
    strategy: oneOf('one-for-one', 'one-for-all', 'rest-for-one'),
    restartsMax: count('Restarts there may be within the period; beyond, it gives up.'),
    periodMs: count(),
    restartsNow: count('Restarts within the period, up to now.'),
    state: oneOf('up', 'ended'),
    children: listOf(childSchema, 'In the order in which they are started.'),
  },
  ['parent'],
);

function list({ serving, answers }: Front, { exchange }: Call<unknown, unknown, unknown>): undefined {
  answers.json(exchange, 200, { supervisors: serving.supervisors() });
}

async function restart(
  { serving, answers }: Front,
  { exchange, params }: Call<NameParams, unknown, unknown>,
): Promise<undefined> {
  await serving.restartSupervisor(params.name, exchange.access.principal);
  answers.bytes(exchange, 204, undefined, undefined);
}

export const supervisorRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/supervisors',
    operation: 'listSupervisors',
    summary: 'Supervisors, their children, and how these are',
    needs: { verb: 'read' },
    answers: {
      200: jsonAnswer(
        'Parents before those under them.',
        objectOf<{ supervisors: unknown }>('Supervisors', { supervisors: listOf(supervisorSchema) }),
      ),
    },
    run: list,
  }),
  route<NameParams>({
    method: 'POST',
    path: '/v1/supervisors/:name/restart',
    operation: 'restartSupervisor',
    summary: 'Stops a tree, if it is up, and starts it anew: after it gave up, too',
    needs: { verb: 'admin' },
    params: { name: nameParam },
    answers: {
      204: { description: 'It was started; what came of that is in the list.' },
      404: { description: 'There is no tree whose root is called so.' },
    },
    run: restart,
  }),
];
