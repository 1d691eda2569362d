import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostError } from '../../host/errors.ts';
import { metricsText } from '../../host/http/prometheus.ts';
import { routeTable } from '../../host/http/route-table.ts';
import { type Asking, ask, open } from '../support/front.ts';
import { usage } from '../support/memory-serving.ts';

const json = { 'content-type': 'application/json' };

test('agents come in pages, in the order of their names', async (t) => {
  const { front, serving } = await open(t);
  for (const name of ['b', 'a', 'c'])
    serving.add(name, () => ({ kind: 'refused', reason: 'full', retryAfterMs: 1 }));
  const namesOf = (agents: unknown): string[] => (agents as { name: string }[]).map(({ name }) => name);
  const first = (await ask(front, '/v1/agents?limit=2')).json;
  assert.deepEqual([namesOf(first.agents), first.next], [['a', 'b'], 'b']);
  const second = (await ask(front, '/v1/agents?limit=2&after=b')).json;
  assert.deepEqual([namesOf(second.agents), second.next], [['c', 'echo'], undefined]);
  assert.deepEqual(namesOf((await ask(front, '/v1/agents?prefix=e')).json.agents), ['echo']);
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'lmit=1'])
    assert.equal((await ask(front, `/v1/agents?${query}`)).json.code, 'value-invalid', query);
});

test('an agent is installed, upgraded once its difference was accepted, looked at and removed', async (t) => {
  const { front, serving } = await open(t);
  const install = (asking: Asking, query = '') =>
    ask(front, `/v1/agents${query}`, { headers: json, ...asking });
  const component = new Uint8Array([1, 2, 3]);
  const body = (manifest: string) =>
    JSON.stringify({ manifest, component: Buffer.from(component).toString('base64') });
  const made = await install({ body: body('name = "new"\n') });
  assert.deepEqual(
    [made.status, made.headers.location, made.json.name, made.json.change],
    [201, '/v1/agents/new', 'new', 'installed'],
  );
  assert.deepEqual(serving.installs[0]?.component, component);
  const wider = body('name = "new"\n[capabilities.bus]\n');
  const refused = await install({ body: wider });
  assert.deepEqual([refused.status, refused.json.code], [409, 'wants-more']);
  const { toDigest } = refused.json.difference as { readonly toDigest: string };
  const upgraded = await install({ body: wider }, `?accept=${toDigest}`);
  assert.deepEqual([upgraded.status, upgraded.json.change], [200, 'upgraded']);
  const wasm = { 'content-type': 'application/wasm' };
  assert.equal((await install({ body: component, headers: wasm }, '?name=plain')).status, 201);
  const principal = { name: 'local' };
  const request = { manifest: 'name = "plain"\n', component, principal, isAnybodys: true };
  assert.deepEqual(serving.installs.at(-1), request);
  assert.equal((await ask(front, '/v1/agents/plain')).json.name, 'plain');
  assert.equal((await ask(front, '/v1/agents/plain', { method: 'DELETE' })).status, 204);
  assert.equal((await ask(front, '/v1/agents/plain')).json.code, 'HOST_ERR_AGENT_UNKNOWN');
});

test('what is no request to install says what is wrong with it', async (t) => {
  const { front } = await open(t, { limits: { installBytesMax: 100 } });
  const wasm = { 'content-type': 'application/wasm' };
  const asks: readonly [Asking, number, string][] = [
    [{ method: 'POST' }, 400, 'value-invalid'],
    [{ body: 'x', headers: { 'content-type': 'text/plain' } }, 415, 'media-type-unsupported'],
    [{ body: '{', headers: json }, 400, 'value-invalid'],
    [{ body: '[]', headers: json }, 400, 'value-invalid'],
    [{ body: '{"manifest":"x","component":"?"}', headers: json }, 400, 'value-invalid'],
    [{ body: '{"manifest":"x","component":"","more":1}', headers: json }, 400, 'value-invalid'],
    [{ body: '{"manifest":"","component":""}', headers: json }, 400, 'HOST_ERR_CONFIG_INVALID'],
    [{ body: 'x', headers: wasm }, 400, 'value-invalid'],
    [{ body: 'x'.repeat(101), headers: wasm }, 413, 'body-too-large'],
  ];
  for (const [asking, status, code] of asks) {
    const answer = await ask(front, '/v1/agents', asking);
    assert.deepEqual([answer.status, answer.json.code], [status, code], answer.text);
  }
});

test('send and publish are accepted with an id, and a repeated id counts once', async (t) => {
  const { front, serving } = await open(t);
  const headers = { 'x-mote-message-id': 'once' };
  const first = await ask(front, '/v1/agents/echo/send', { body: 'x', headers });
  assert.deepEqual([first.status, first.json], [202, { id: 'once', receivers: 1 }]);
  assert.deepEqual((await ask(front, '/v1/agents/echo/send', { body: 'x', headers })).json.receivers, 0);
  assert.equal(serving.sent.length, 1);
  assert.equal((await ask(front, '/v1/agents/nobody/send', { body: 'x' })).status, 404);
  const published = await ask(front, '/v1/publish/a.b?guarantee=at-least-once', { body: 'x' });
  assert.deepEqual([published.status, published.json.receivers], [202, 0]);
  assert.equal(
    (await ask(front, '/v1/publish/a.b?guarantee=maybe', { body: 'x' })).json.code,
    'value-invalid',
  );
});

test('a mailbox that is full says when to come again', async (t) => {
  const { front, serving } = await open(t);
  serving.send = () => Promise.reject(new HostError('HOST_ERR_MAILBOX_FULL', 'the mailbox is full'));
  const full = await ask(front, '/v1/agents/echo/send', { body: 'x' });
  assert.deepEqual(
    [full.status, full.json.code, full.headers['retry-after']],
    [503, 'HOST_ERR_MAILBOX_FULL', '1'],
  );
});

test('dead letters are listed, retried and dropped', async (t) => {
  const { front, serving } = await open(t);
  const failure = { tag: 'custom', val: { code: 'E', message: 'm', detail: new Uint8Array([1]) } } as const;
  await serving.send(
    'echo',
    { contentType: undefined, headers: [], body: new Uint8Array(1) },
    { principal: { name: 't' } },
  );
  const [message] = serving.sent;
  assert.ok(message);
  serving.letters.push({ message, receiver: 'echo', reason: 'attempts', failure, atMs: 5 });
  const [letter] = (await ask(front, '/v1/dead-letters')).json.deadLetters as {
    message: object;
    failure: unknown;
  }[];
  assert.deepEqual(letter?.failure, {
    tag: 'custom',
    val: { code: 'E', message: 'm', detailBase64: 'AQ==' },
  });
  assert.equal((await ask(front, '/v1/dead-letters/m-1/retry', { method: 'POST' })).status, 204);
  assert.equal(
    (await ask(front, '/v1/dead-letters/m-1', { method: 'DELETE' })).json.code,
    'dead-letter-unknown',
  );
});

test('readiness is 503 with what is waited for', async (t) => {
  const { front, serving } = await open(t);
  assert.deepEqual(
    [(await ask(front, '/readyz')).status, (await ask(front, '/healthz')).text],
    [200, 'ok\n'],
  );
  serving.waitingFor = ['agent billing', 'journal'];
  const waiting = await ask(front, '/readyz');
  assert.deepEqual([waiting.status, waiting.text], [503, 'agent billing\njournal\n']);
});

test('numbers beyond a double keep their digits', async (t) => {
  const { front } = await open(t);
  assert.match((await ask(front, '/v1/status')).text, /"fuel":1152921504606846976,/);
});

test('metrics are the host’s and the front door’s own, escaped as Prometheus reads them', async (t) => {
  const { front, serving } = await open(t);
  const samples = [{ labels: { name: 'a"b\\c\nd' }, value: Number.POSITIVE_INFINITY }];
  serving.extra.push({ name: 'mote_x', help: 'Two\nlines \\', kind: 'gauge', samples });
  await ask(front, '/v1/agents/echo/invoke', { body: 'x' });
  const { text, headers } = await ask(front, '/metrics');
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
  assert.match(
    text,
    /^# HELP mote_x Two\\nlines \\\\\n# TYPE mote_x gauge\nmote_x\{name="a\\"b\\\\c\\nd"\} \+Inf$/m,
  );
  assert.match(text, /^motehost_http_requests_total\{route="\/v1\/agents\/:name\/invoke",status="200"\} 1$/m);
  assert.match(text, /^motehost_http_request_duration_seconds_bucket\{route="[^"]*invoke",le="\+Inf"\} 1$/m);
  assert.equal(
    metricsText([{ name: 'x', help: 'h', kind: 'counter', samples: [{ labels: {}, value: 2 }] }]),
    '# HELP x h\n# TYPE x counter\nx 2\n',
  );
});

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
    readonly description?: string;
  }[];
  readonly responses: Record<string, { readonly headers?: Record<string, object> } | undefined>;
}

interface SchemaChecker {
  addSchema(schema: object, key: string): void;
  validate(schema: object, value: unknown): boolean;
  validateSchema(schema: object): unknown;
  readonly errors: unknown;
}

/** The checker that fastify brings along. */
function schemaChecker(): SchemaChecker {
  const fromFastify = createRequire(createRequire(import.meta.url).resolve('fastify'));
  const { Ajv2020 } = createRequire(fromFastify.resolve('@fastify/ajv-compiler'))('ajv/dist/2020.js') as {
    readonly Ajv2020: new (options: object) => SchemaChecker;
  };
  return new Ajv2020({ strict: false, validateFormats: false });
}

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, object> };
}

test('the document has every route, every reference in it leads somewhere, and operations have names of their own', async (t) => {
  const { front } = await open(t);
  const { json: answer, text } = await ask(front, '/openapi.json');
  const document = answer as object as Document;
  assert.equal(document.openapi, '3.1.0');
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(
    operations.sort(),
    routeTable.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`).sort(),
  );
  for (const [, name = ''] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g))
    assert.ok(document.components.schemas[name], name);
  const ids = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map((one) => one.operationId),
  );
  assert.equal(new Set(ids).size, ids.length);
  for (const [path, methods] of Object.entries(document.paths))
    for (const operation of Object.values(methods)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = operation.parameters ?? [];
      assert.deepEqual(
        declared.filter((one) => one.in === 'path').map(({ name }) => name),
        inPath,
      );
    }
});

test('the document says what every parameter is, and who is not let in', async (t) => {
  const stateFolder = mkdtempSync(join(tmpdir(), 'motehost-api-'));
  t.after(() => rmSync(stateFolder, { recursive: true }));
  const { front } = await open(t, { auth: true, stateFolder });
  const document = (await ask(front, '/openapi.json')).json as object as Document;
  for (const { method, path, params = {}, needs, operation } of routeTable) {
    const noted = document.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
    for (const { name, description = '' } of noted?.parameters ?? [])
      assert.ok(description.length > 5, `${operation}: ${name}`);
    const url = path.replace(/:(\w+)/g, (_, name: string) => (name in params ? 'x' : name));
    const { status } = await ask(front, url, { method });
    assert.equal(status === 401, needs !== undefined, operation);
    assert.equal(noted?.responses[401] !== undefined, needs !== undefined, operation);
    assert.equal(noted?.responses[403] !== undefined, needs !== undefined, operation);
  }
});

test('the document says which headers answers have, and they have them', async (t) => {
  const { front } = await open(t);
  const document = (await ask(front, '/openapi.json')).json as object as Document;
  const noted = (path: string, status: number): string[] =>
    Object.keys(document.paths[path]?.post?.responses[status]?.headers ?? {});
  const invoked = await ask(front, '/v1/agents/echo/invoke', { body: 'x' });
  const names = noted('/v1/agents/{name}/invoke', 200);
  assert.ok(names.includes('x-mote-message-id'));
  assert.deepEqual(
    names.filter((name) => invoked.headers[name] === undefined),
    [],
  );
  const sent = await ask(front, '/v1/agents/echo/send', { body: 'x' });
  assert.deepEqual(noted('/v1/agents/{name}/send', 202), ['x-mote-message-id']);
  assert.equal(sent.headers['x-mote-message-id'], sent.json.id);
});

test('every schema in the document is one by the rules of JSON Schema 2020-12', async (t) => {
  const { front } = await open(t);
  const document = (await ask(front, '/openapi.json')).json as object as Document;
  const ajv = schemaChecker();
  const found: [string, unknown][] = Object.entries(document.components.schemas);
  const gather = (place: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value))
      if (key === 'schema') found.push([`${place}/schema`, inner]);
      else gather(`${place}/${key}`, inner);
  };
  gather('paths', document.paths);
  assert.ok(found.length > 50);
  for (const [place, schema] of found)
    assert.ok(ajv.validateSchema(schema as object), `${place}: ${JSON.stringify(ajv.errors)}`);
  assert.equal(ajv.validateSchema({ type: 'text' }), false, 'it would say so');
});

test('answers are as the document says', async (t) => {
  const { front, serving } = await open(t);
  const document = (await ask(front, '/openapi.json')).json as object as Document;
  const principal = { name: 't' };
  await serving.send('echo', { contentType: undefined, headers: [], body: new Uint8Array(1) }, { principal });
  const [message] = serving.sent;
  assert.ok(message);
  serving.letters.push({
    message,
    receiver: 'echo',
    reason: 'attempts',
    failure: { tag: 'other', val: 'x' },
    atMs: 5,
  });
  assert.ok(usage.fuel > 0n);
  const ajv = schemaChecker();
  ajv.addSchema({ components: document.components }, 'doc');
  for (const [path, at] of [
    ['/v1/agents', '/v1/agents'],
    ['/v1/agents/echo', '/v1/agents/{name}'],
    ['/v1/status', '/v1/status'],
    ['/v1/dead-letters', '/v1/dead-letters'],
  ] as const) {
    const answer = await ask(front, path);
    const noted = document.paths[at]?.get?.responses[200] as {
      content: Record<string, { schema: { $ref: string } }>;
    };
    const { $ref } = noted.content['application/json']?.schema ?? { $ref: '' };
    assert.ok(ajv.validate({ $ref: `doc${$ref}` }, answer.json), `${path}: ${JSON.stringify(ajv.errors)}`);
  }
  const problem = await ask(front, '/v1/agents/nobody');
  assert.ok(ajv.validate({ $ref: 'doc#/components/schemas/Problem' }, problem.json));
});

test('the page stands alone, shows every operation and does not run what it is given', async (t) => {
  const { front } = await open(t, { hostNames: ['a<script>'] });
  const { text, headers } = await ask(front, '/', { headers: { host: 'a<script>' } });
  assert.match(String(headers['content-security-policy']), /default-src 'none'/);
  assert.doesNotMatch(text, /(?:src|href)="(?:https?:)?\/\//);
  assert.doesNotMatch(text, /a<script>/);
  assert.match(text, /prefers-color-scheme:dark/);
  for (const { path } of routeTable)
    assert.ok(text.includes(`<code>${path.replace(/:(\w+)/g, '{$1}')}</code>`), path);
  assert.equal(text.match(/<pre>curl /g)?.length, routeTable.length);
});

test('an agent that is held goes on with its message or without, once; another that is not is told apart', async (t) => {
  const { front, serving } = await open(t);
  const resume = (path: string) => ask(front, `/v1/agents/${path}`, { method: 'POST' });
  serving.held.add('echo');
  assert.equal((await resume('echo/resume')).status, 204);
  const again = await resume('echo/resume');
  assert.deepEqual([again.status, again.json.code], [409, 'agent-not-held']);
  serving.held.add('echo');
  assert.equal((await resume('echo/resume?message=drop')).status, 204);
  assert.deepEqual(serving.resumed, ['echo retry', 'echo drop']);
  assert.equal((await resume('nobody/resume')).json.code, 'HOST_ERR_AGENT_UNKNOWN');
  assert.equal((await resume('echo/resume?message=keep')).json.code, 'value-invalid');
});

test('an agent is paused, stopped and killed; one in the wrong state, and none at all, are told apart', async (t) => {
  const { front, serving } = await open(t);
  const post = (path: string) => ask(front, `/v1/agents/${path}`, { method: 'POST' });
  for (const rein of ['pause', 'stop', 'kill']) assert.equal((await post(`echo/${rein}`)).status, 204);
  assert.deepEqual(serving.pulled, ['pause echo', 'stop echo', 'kill echo']);
  for (const rein of ['pause', 'stop', 'kill']) assert.equal((await post(`echo/${rein}?x=1`)).status, 400);
  assert.equal((await post('nobody/pause')).json.code, 'HOST_ERR_AGENT_UNKNOWN');
  serving.held.add('echo');
  const refused = await post('echo/pause');
  assert.deepEqual(
    [refused.status, refused.json.code, refused.json.from],
    [409, 'HOST_ERR_LIFECYCLE_ILLEGAL', 'suspended'],
  );
});

test('the state of an agent is told, and waited for', async (t) => {
  const { front } = await open(t);
  const state = async (query: string) => (await ask(front, `/v1/agents/echo/state${query}`)).json;
  assert.deepEqual([(await state('')).lifecycle, (await state('')).reached], ['ready', true]);
  assert.equal((await state('?until=ready')).reached, true);
  assert.equal((await state('?until=terminated&timeoutMs=1')).reached, false);
  const asleep = await state('?until=asleep');
  assert.equal(asleep.code, 'value-invalid');
  assert.match(
    String(asleep.detail),
    /^until of the query must be one of: ended, created, initializing, .*, unreachable$/,
  );
  assert.equal((await ask(front, '/v1/agents/nobody/state')).status, 404);
});
