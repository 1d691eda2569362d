import type { Approval } from '../../host/serving.ts';
import type { Front } from '../front.ts';
import { type Call, jsonAnswer, type Route, route } from '../route.ts';
import { listOf, number, objectOf, oneOf, type Schema, text } from '../schema.ts';

interface IdParams {
  readonly id: string;
}

interface AnswerQuery {
  readonly reason?: string;
}

const idParam: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 32,
  description: 'The approval’s id: a1.',
};

const approvalSchema = objectOf<Approval>('Approval', {
  id: text('Never used again while the host runs.'),
  kind: oneOf('step-up', 'defer'),
  principal: text('Who asks: agent:shop, principal:alice.'),
  action: text(),
  resource: text('What it asks for: tool:files/write.'),
  context: { type: 'object', description: 'What else is known of it.' },
  policies: listOf(text()),
  reason: text('What the policies say of it.'),
  askedAtMs: number('Milliseconds since 1970.'),
  deadlineMs: number('When it is denied if nobody answers.'),
});

function list({ serving, answers }: Front, { exchange }: Call<unknown, unknown, unknown>): undefined {
  answers.json(exchange, 200, { approvals: serving.approvals() });
}

function answer(
  { serving, answers }: Front,
  { exchange, params, query }: Call<IdParams, AnswerQuery, unknown>,
  isApproved: boolean,
): undefined {
  serving.answerApproval(params.id, isApproved, exchange.access.principal, query.reason ?? '');
  answers.bytes(exchange, 204, undefined, undefined);
}

const answering = {
  method: 'POST',
  needs: { verb: 'approve' },
  params: { id: idParam },
  query: { reason: { type: 'string', maxLength: 300, description: 'Why, for the record.' } },
  answers: {
    204: { description: 'It goes on.' },
    403: { description: 'The token does not allow it, or is that of who asks.' },
    404: { description: 'Nothing waits under this id; it may be answered already.' },
  },
} as const;

export const approvalRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/approvals',
    operation: 'listApprovals',
    summary: 'What policies want a person to approve',
    needs: { verb: 'approve' },
    answers: {
      200: jsonAnswer(
        'The oldest first.',
        objectOf<{ approvals: unknown }>('Approvals', { approvals: listOf(approvalSchema) }),
      ),
    },
    run: list,
  }),
  route<IdParams, AnswerQuery>({
    ...answering,
    path: '/v1/approvals/:id/approve',
    operation: 'approve',
    summary: 'Says yes to one; not for who asks itself',
    run: (front, call) => answer(front, call, true),
  }),
  route<IdParams, AnswerQuery>({
    ...answering,
    path: '/v1/approvals/:id/deny',
    operation: 'denyApproval',
    summary: 'Says no to one',
    run: (front, call) => answer(front, call, false),
  }),
];
