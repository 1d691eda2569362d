import type {
  KeyRevoked,
  KeyRotated,
  KnownKeys,
  OwnKey,
  PinnedKey,
  RevocationReason,
  RevokedKey,
  ServingKeys,
} from '../../host/trust/serving-keys.ts';
import type { Front } from '../front.ts';
import { Problem } from '../problem.ts';
import { type Call, jsonAnswer, type Route, route } from '../route.ts';
import { count, listOf, number, objectOf, oneOf, type Schema, text } from '../schema.ts';

interface OwnerParams {
  readonly owner: string;
}

interface RevokeBody {
  readonly reason: RevocationReason;
  readonly generation?: number;
}

interface RevokeForeignBody {
  readonly key: string;
  readonly reason: RevocationReason;
}

const needs = { verb: 'admin' } as const;
const ownerParam: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 255,
  description: '`host`, or an agent’s name.',
};
const reasonSchema = {
  ...oneOf('compromised', 'superseded', 'retired'),
  description: '`compromised`: nothing it ever signed counts; else nothing from now on.',
};
const own = {
  party: text('What peers call its owner.'),
  key: text('`ed25519:…`'),
  generation: count('From 1.'),
  introduction: text('The host’s word for the key, to hand to peers; base64url.'),
};
const rotation = text('What peers follow, signed by the old key and the new one; base64url.');
const ownSchema = objectOf<OwnKey>('OwnKey', own);

/** With the keys, or a problem where there are none; of agents that are there. */
function withKeys<P, B>(
  run: (keys: ServingKeys, call: Call<P, unknown, B>, front: Front) => Promise<unknown> | unknown,
): (front: Front, call: Call<P, unknown, B>) => Promise<Problem | undefined> {
  return async (front, call) => {
    const { keys } = front.serving;
    if (keys === undefined) return new Problem(404, 'keys-none', 'this host has no keys');
    const answer = await run(keys, call, front);
    if (answer === undefined) front.answers.bytes(call.exchange, 204, undefined, undefined);
    else front.answers.json(call.exchange, 200, answer);
    return undefined;
  };
}

/** @throws HostError `HOST_ERR_AGENT_UNKNOWN` */
async function requireOwner({ serving }: Front, owner: string): Promise<void> {
  if (owner !== 'host') await serving.agent(owner);
}

const unknownOwner = { description: 'No such agent.' };

export const keyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/keys',
    operation: 'listKeys',
    summary: 'The host’s keys, whose keys it trusts, and which are revoked',
    description: 'An agent’s key is listed once it is not its first; `GET /v1/keys/NAME` has every agent’s.',
    needs,
    answers: {
      200: jsonAnswer(
        'All it knows.',
        objectOf<KnownKeys>('KnownKeys', {
          keys: listOf(ownSchema),
          pinned: listOf(
            objectOf<PinnedKey>('PinnedKey', { party: text(), key: text(), generation: count(), by: text() }),
          ),
          revoked: listOf(
            objectOf<RevokedKey>(
              'RevokedKey',
              {
                party: text('Empty: somebody else’s.'),
                key: text(),
                reason: reasonSchema,
                fromMs: number('Milliseconds since 1970.'),
              },
              ['fromMs'],
            ),
          ),
        }),
      ),
    },
    run: withKeys((keys) => keys.list()),
  }),
  route<OwnerParams>({
    method: 'GET',
    path: '/v1/keys/:owner',
    operation: 'showKey',
    summary: 'The key that the host or an agent signs with',
    needs,
    params: { owner: ownerParam },
    answers: { 200: jsonAnswer('Its public half.', ownSchema), 404: unknownOwner },
    run: withKeys<OwnerParams, unknown>(async (keys, { params }, front) => {
      await requireOwner(front, params.owner);
      return keys.show(params.owner);
    }),
  }),
  route<OwnerParams>({
    method: 'POST',
    path: '/v1/keys/:owner/rotate',
    operation: 'rotateKey',
    summary: 'The next generation of a key signs from now on',
    needs,
    params: { owner: ownerParam },
    answers: {
      200: jsonAnswer(
        'The new key; it is on the audit chain.',
        objectOf<KeyRotated>('KeyRotated', { ...own, rotation }),
      ),
      404: unknownOwner,
    },
    run: withKeys<OwnerParams, unknown>(async (keys, { params, exchange }, front) => {
      await requireOwner(front, params.owner);
      return keys.rotate(params.owner, exchange.access.principal.name);
    }),
  }),
  route<OwnerParams, unknown, RevokeBody>({
    method: 'POST',
    path: '/v1/keys/:owner/revoke',
    operation: 'revokeKey',
    summary: 'A key of the host or an agent is not to be trusted any more',
    description: 'If it is the one that signs now, the next generation does from then on.',
    needs,
    params: { owner: ownerParam },
    body: {
      description: 'Why, and which generation; without one, that which signs now.',
      content: {
        'application/json': objectOf<RevokeBody>(
          'RevokeRequest',
          { reason: reasonSchema, generation: { type: 'integer', minimum: 1, maximum: 1_000_000 } },
          ['generation'],
        ),
      },
    },
    answers: {
      200: jsonAnswer(
        'It is revoked, and on the audit chain.',
        objectOf<KeyRevoked>(
          'KeyRevoked',
          {
            ...own,
            rotation,
            revokedKey: text(),
            revocations: text('All that the host revoked, signed by it, for peers; base64url.'),
          },
          ['rotation'],
        ),
      ),
      404: unknownOwner,
    },
    run: withKeys<OwnerParams, RevokeBody>(async (keys, { params, body, exchange }, front) => {
      await requireOwner(front, params.owner);
      return keys.revoke(params.owner, body, exchange.access.principal.name);
    }),
  }),
  route<unknown, unknown, RevokeForeignBody>({
    method: 'POST',
    path: '/v1/keys/revocations',
    operation: 'revokeForeignKey',
    summary: 'Somebody else’s key counts for nothing any more',
    needs,
    body: {
      description: 'Which, and why.',
      content: {
        'application/json': objectOf<RevokeForeignBody>('RevokeForeignRequest', {
          key: { type: 'string', minLength: 1, maxLength: 64 },
          reason: reasonSchema,
        }),
      },
    },
    answers: { 204: { description: 'It is revoked.' } },
    run: withKeys<unknown, RevokeForeignBody>((keys, { body, exchange }) =>
      keys.revokeForeign(body.key, body.reason, exchange.access.principal.name),
    ),
  }),
];
