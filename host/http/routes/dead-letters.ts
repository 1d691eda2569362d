import type { DeadLetter } from '../../host/serving.ts';
import type { Front } from '../front.ts';
import { Problem } from '../problem.ts';
import { type Call, jsonAnswer, type Route, route } from '../route.ts';
import { listOf, number, objectOf, type Schema, text } from '../schema.ts';
import { messageJson, messageSchema } from './message-json.ts';

interface LimitQuery {
  readonly limit: number;
}

interface IdParams {
  readonly id: string;
}

const idParam: Schema = { type: 'string', minLength: 1, maxLength: 255, description: 'The message’s id.' };

async function list(
  { serving, answers }: Front,
  { exchange, query }: Call<unknown, LimitQuery, unknown>,
): Promise<undefined> {
  const letters = await serving.deadLetters(query.limit);
  const deadLetters = letters.map(({ message, ...rest }) => ({
    message: messageJson(message),
    ...rest,
    failure: failureJson(rest.failure),
  }));
  answers.json(exchange, 200, { deadLetters });
}

/** As lifted, its bytes as Base64. */
function failureJson(failure: DeadLetter['failure']): unknown {
  if (failure?.tag !== 'custom') return failure;
  const { detail, ...rest } = failure.val;
  const detailBase64 = detail === undefined ? undefined : Buffer.from(detail).toString('base64');
  return { tag: failure.tag, val: { ...rest, detailBase64 } };
}

async function act(
  { answers }: Front,
  { exchange, params }: Call<IdParams, unknown, unknown>,
  done: Promise<boolean>,
): Promise<Problem | undefined> {
  if (!(await done))
    return new Problem(404, 'dead-letter-unknown', `there is no dead letter '${params.id.slice(0, 100)}'`);
  answers.bytes(exchange, 204, undefined, undefined);
  return undefined;
}

export const deadLetterRoutes: readonly Route[] = [
  route<unknown, LimitQuery>({
    method: 'GET',
    path: '/v1/dead-letters',
    operation: 'listDeadLetters',
    summary: 'Messages that could not be delivered, and why',
    needs: { verb: 'read' },
    query: {
      limit: { type: 'integer', minimum: 1, maximum: 10_000, default: 100, description: 'At most so many.' },
    },
    answers: {
      200: jsonAnswer(
        'The newest first.',
        objectOf<{ deadLetters: unknown }>('DeadLetters', {
          deadLetters: listOf(
            objectOf<DeadLetter>(
              'DeadLetter',
              {
                message: messageSchema,
                receiver: text(),
                reason: text(),
                failure: { type: 'object', description: 'What the agent answered last.' },
                atMs: number('Milliseconds since 1970.'),
              },
              ['failure'],
            ),
          ),
        }),
      ),
    },
    run: list,
  }),
  route<IdParams>({
    method: 'POST',
    path: '/v1/dead-letters/:id/retry',
    operation: 'retryDeadLetter',
    summary: 'Delivers it again',
    needs: { verb: 'admin' },
    params: { id: idParam },
    answers: { 204: { description: 'It is on its way.' }, 404: { description: 'No such dead letter.' } },
    run: (front, call) => act(front, call, front.serving.retryDeadLetter(call.params.id)),
  }),
  route<IdParams>({
    method: 'DELETE',
    path: '/v1/dead-letters/:id',
    operation: 'dropDeadLetter',
    summary: 'Forgets it',
    needs: { verb: 'admin' },
    params: { id: idParam },
    answers: { 204: { description: 'Forgotten.' }, 404: { description: 'No such dead letter.' } },
    run: (front, call) => act(front, call, front.serving.dropDeadLetter(call.params.id)),
  }),
];
