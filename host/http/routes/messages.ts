import type { Front } from '../front.ts';
import { Problem } from '../problem.ts';
import { type Call, jsonAnswer, type Route, route } from '../route.ts';
import { count, objectOf, type Schema, text } from '../schema.ts';

interface IdParams {
  readonly id: string;
}

interface ProofFile {
  readonly version: number;
  readonly header: string;
  readonly payload: string;
  readonly proof: string;
  readonly introduction: string;
}

const idParam: Schema = { type: 'string', minLength: 1, maxLength: 255, description: 'The message’s id.' };

async function proof(
  { serving, answers }: Front,
  { exchange, params }: Call<IdParams, unknown, unknown>,
): Promise<Problem | undefined> {
  const file = await serving.messageProof(params.id);
  if (file === undefined)
    return new Problem(404, 'proof-unknown', `no proof is kept of a message '${params.id.slice(0, 100)}'`);
  answers.json(exchange, 200, JSON.parse(file) as ProofFile);
  return undefined;
}

export const messageRoutes: readonly Route[] = [
  route<IdParams>({
    method: 'GET',
    path: '/v1/messages/:id/proof',
    operation: 'messageProof',
    summary: 'What proves who sent a message, to anybody who has the host’s public key',
    needs: { verb: 'admin' },
    params: { id: idParam },
    answers: {
      200: jsonAnswer(
        'The message and its proof (docs/identity.md), in base64url.',
        objectOf<ProofFile>('MessageProof', {
          version: count(),
          header: text(),
          payload: text(),
          proof: text(),
          introduction: text(),
        }),
      ),
      404: { description: 'Its sender does not sign, or the proof is kept no more.' },
    },
    run: proof,
  }),
];
