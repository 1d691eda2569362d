import type { InstallRequest } from '../../host/serving.ts';
import { local } from '../access.ts';
import type { Front } from '../front.ts';
import { Problem } from '../problem.ts';
import { type Call, jsonAnswer, type Route, route } from '../route.ts';
import { count, listOf, objectOf, text } from '../schema.ts';
import {
  agentDetail,
  agentSummary,
  difference,
  type InstalledAgent,
  installedAgent,
} from './agent-schema.ts';
import { type NameParams, nameParam } from './names.ts';

interface ListQuery {
  readonly after?: string;
  readonly limit: number;
  readonly prefix?: string;
}

interface ResumeQuery {
  readonly message: 'retry' | 'drop';
}

interface InstallQuery {
  readonly name?: string;
  readonly accept?: string;
}

interface InstallBody {
  readonly manifest: string;
  readonly component: string;
  readonly signature?: string;
}

const wasm = 'application/wasm';

async function list(
  { serving, answers }: Front,
  { exchange, query }: Call<unknown, ListQuery, unknown>,
): Promise<undefined> {
  // One more than asked for says whether there is a next page.
  const found = await serving.agents(query.after, query.limit + 1, query.prefix);
  const agents = found.slice(0, query.limit);
  const next = found.length > agents.length ? agents.at(-1)?.name : undefined;
  answers.json(exchange, 200, { agents, next });
}

async function inspect(
  { serving, answers }: Front,
  { exchange, params }: Call<NameParams, unknown, unknown>,
): Promise<undefined> {
  answers.json(exchange, 200, await serving.agent(params.name));
}

async function remove(
  { serving, answers }: Front,
  { exchange, params }: Call<NameParams, unknown, unknown>,
): Promise<undefined> {
  await serving.remove(params.name, exchange.access.principal);
  answers.bytes(exchange, 204, undefined, undefined);
}

async function resume(
  { serving, answers }: Front,
  { exchange, params, query }: Call<NameParams, ResumeQuery, unknown>,
): Promise<Problem | undefined> {
  if (!(await serving.resume(params.name, query.message === 'drop', exchange.access.principal)))
    return new Problem(409, 'agent-not-held', `${params.name} is neither paused, held nor terminated`);
  answers.bytes(exchange, 204, undefined, undefined);
  return undefined;
}

async function install(
  { serving, answers }: Front,
  { exchange, query, body }: Call<unknown, InstallQuery, InstallBody | Uint8Array<ArrayBuffer>>,
): Promise<Problem | undefined> {
  const wanted = installRequest(query, body);
  if (wanted instanceof Problem) return wanted;
  const isAnybodys = exchange.access === local;
  const { principal } = exchange.access;
  const installed = await serving.install({ ...wanted, principal, isAnybodys });
  if (installed.kind === 'wants-more') {
    const cure = `look at it, then ask again with ?accept=${installed.difference.toDigest}`;
    return new Problem(409, 'wants-more', `the new version asks for more than the present one: ${cure}`, {
      data: { difference: installed.difference },
    });
  }
  const { agent, kind } = installed;
  const location = ['location', `/v1/agents/${encodeURIComponent(agent.name)}`];
  const shown: InstalledAgent = { ...agent, change: kind };
  answers.json(exchange, kind === 'installed' ? 201 : 200, shown, location);
  return undefined;
}

function installRequest(
  query: InstallQuery,
  body: InstallBody | Uint8Array<ArrayBuffer>,
): InstallRequest | Problem {
  const accept = query.accept === undefined ? {} : { accept: query.accept };
  if (body instanceof Uint8Array) {
    if (query.name === undefined)
      return new Problem(400, 'value-invalid', `a body of ${wasm} needs ?name=NAME`, {
        data: { field: 'name' },
      });
    return { manifest: `name = ${JSON.stringify(query.name)}\n`, component: body, ...accept };
  }
  const component = bytesOf(body.component);
  const signature = body.signature === undefined ? {} : { signature: Buffer.from(body.signature) };
  if (component !== undefined) return { manifest: body.manifest, component, ...signature, ...accept };
  return new Problem(400, 'value-invalid', 'body/component is no Base64', {
    data: { field: 'body/component' },
  });
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromBase64(base64);
  } catch {
    return undefined;
  }
}

export const agentRoutes: readonly Route[] = [
  route<unknown, ListQuery>({
    method: 'GET',
    path: '/v1/agents',
    operation: 'listAgents',
    summary: 'Agents in the order of their names',
    needs: { verb: 'read' },
    query: {
      after: text('The name after which to begin: `next` of the page before.'),
      limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100, description: 'Agents at most.' },
      prefix: text('Only names that begin so.'),
    },
    answers: {
      200: jsonAnswer(
        'One page of agents; without `next` it is the last.',
        objectOf<{ agents: unknown; next?: unknown }>(
          'AgentPage',
          { agents: listOf(agentSummary), next: text('`after` of the next page.') },
          ['next'],
        ),
      ),
    },
    run: list,
  }),
  route<unknown, InstallQuery, InstallBody | Uint8Array<ArrayBuffer>>({
    method: 'POST',
    path: '/v1/agents',
    operation: 'installAgent',
    summary: 'Installs an agent, or a new version of one',
    description:
      `JSON with manifest and component, or the component alone as \`${wasm}\` with \`?name=\`: then it is granted ` +
      'nothing. `component` may be missing in the manifest, and `world`, which the component tells.',
    needs: { verb: 'admin' },
    query: {
      name: { ...nameParam, description: `The agent’s name, for a body of ${wasm}.` },
      accept: text('Digest of the component whose new imports and grants were seen and are accepted.'),
    },
    body: {
      description: 'What to install.',
      content: {
        'application/json': objectOf<InstallBody>(
          'InstallRequest',
          {
            manifest: text('The text of `agent.toml`.'),
            component: text('The component, Base64.'),
            signature: text('The text of the `.sig` file beside the component, when it is signed.'),
          },
          ['signature'],
        ),
        [wasm]: undefined,
      },
    },
    answers: {
      200: jsonAnswer('Upgraded, or there already: `change` says which.', installedAgent),
      201: jsonAnswer('Installed.', installedAgent),
      409: {
        description: 'The new version asks for more than the present one: `difference` says what.',
        contentType: 'application/problem+json',
        schema: { type: 'object', properties: { difference, status: count() } },
      },
      422: { description: 'The manifest or the component is not valid.' },
    },
    run: install,
  }),
  route<NameParams>({
    method: 'GET',
    path: '/v1/agents/:name',
    operation: 'inspectAgent',
    summary: 'Everything about one agent',
    needs: { verb: 'read' },
    params: { name: nameParam },
    answers: {
      200: jsonAnswer('The agent.', agentDetail),
      404: { description: 'No such agent.' },
    },
    run: inspect,
  }),
  route<NameParams>({
    method: 'DELETE',
    path: '/v1/agents/:name',
    operation: 'removeAgent',
    summary: 'Stops an agent and forgets it',
    needs: { verb: 'admin' },
    params: { name: nameParam },
    answers: { 204: { description: 'Removed.' }, 404: { description: 'No such agent.' } },
    run: remove,
  }),
  route<NameParams, ResumeQuery>({
    method: 'POST',
    path: '/v1/agents/:name/resume',
    operation: 'resumeAgent',
    summary: 'Lets an agent go on that was paused, held or terminated',
    needs: { verb: 'admin' },
    params: { name: nameParam },
    query: {
      message: {
        type: 'string',
        enum: ['retry', 'drop'],
        default: 'retry',
        description: 'What it was held with comes again, or is a dead letter.',
      },
    },
    answers: {
      204: { description: 'It goes on.' },
      404: { description: 'No such agent.' },
      409: { description: 'It is neither paused, held nor terminated.' },
    },
    run: resume,
  }),
];
