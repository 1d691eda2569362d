import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { host } from '../../support/cli.ts';
import { HostProcess } from '../../support/process.ts';

// Programs in TypeScript that answer HTTP: built by `host build`, served by `host dev`, asked by real requests.

const home = mkdtempSync(join(tmpdir(), 'motehost-ts-http-'));
const timeout = { timeout: 60_000 };
after(() => rmSync(home, { recursive: true }));

const echo = `import { CallError, utf8 } from 'motehost:agent';
import {
  Fields,
  type IncomingRequest,
  OutgoingBody,
  OutgoingResponse,
  ResponseOutparam,
} from 'wasi:http/types';

function bodyOf(request: IncomingRequest): Uint8Array[] {
  const body = request.consume();
  const stream = body.stream();
  const parts: Uint8Array[] = [];
  try {
    for (;;) parts.push(stream.blockingRead(65_536n));
  } catch (error) {
    if (!(error instanceof CallError) || error.payload.tag !== 'closed') throw error;
  }
  stream[Symbol.dispose]();
  body[Symbol.dispose]();
  return parts;
}

function answer(out: ResponseOutparam, status: number, headers: Fields, parts: Uint8Array[]): void {
  const response = new OutgoingResponse(headers);
  response.setStatusCode(status);
  const body = response.body();
  ResponseOutparam.set(out, { tag: 'ok', val: response });
  const stream = body.write();
  for (const part of parts)
    for (let at = 0; at < part.length; at += 4096) stream.blockingWriteAndFlush(part.slice(at, at + 4096));
  stream[Symbol.dispose]();
  OutgoingBody.finish(body, undefined);
}

function handle(request: IncomingRequest, out: ResponseOutparam): void {
  const path = request.pathWithQuery();
  console.log('asked', request.method().tag, path);
  if (path === '/throw') throw new RangeError('too much');
  if (path === '/refuse') return ResponseOutparam.set(out, { tag: 'err', val: { tag: 'connection-timeout' } });
  if (path === '/time') return answer(out, 200, new Fields(), [utf8.encode(String(Date.now() > 1e12))]);
  if (path === '/immutable') {
    try {
      request.headers().set('x-name', []);
    } catch (error) {
      if (error instanceof CallError) return answer(out, 409, new Fields(), [utf8.encode(error.message)]);
    }
  }
  const [name = new Uint8Array(0)] = request.headers().get('x-name');
  const headers = Fields.fromList([['content-type', utf8.encode('text/plain')], ['x-name', name]]);
  answer(out, 201, headers, bodyOf(request));
}

export const incomingHandler = { handle };
`;

before(async () => {
  for (const name of ['web', 'echo']) {
    const made = await host(['new', name, '--lang', 'ts', '--template', 'http'], { cwd: home });
    assert.equal(made.code, 0, made.stderr);
  }
  writeFileSync(join(home, 'echo/agent.ts'), echo);
});

test('the template http answers as it is, in as many bytes as the engine takes', timeout, async () => {
  await using run = new HostProcess(['dev', 'web', '--port', '0'], home);
  const [, url = ''] = await run.stderr.until(/serving (http:\/\/127\.0\.0\.1:\d+)\//);
  assert.equal(await (await fetch(`${url}/a?b=c`)).text(), 'Hello from /a?b=c\n');
  const { length } = readFileSync(join(home, 'web/build/web.wasm'));
  assert.ok(length > 1_200_000 && length < 1_800_000, `${length} bytes`);
  assert.equal(await run.end('SIGINT'), 130);
});

test('bodies, headers, statuses and errors go through', timeout, async (context) => {
  await using run = new HostProcess(['dev', 'echo', '--port', '0'], home);
  const [, url = ''] = await run.stderr.until(/serving (http:\/\/127\.0\.0\.1:\d+)\//);

  const body = 'Grüße '.repeat(20_000);
  const said = await fetch(`${url}/echo`, { method: 'POST', body, headers: { 'x-name': 'Ada' } });
  assert.deepEqual(
    [said.status, said.headers.get('x-name'), said.headers.get('content-type')],
    [201, 'Ada', 'text/plain'],
  );
  assert.equal(await said.text(), body);
  const [line = ''] = await run.stderr.until(/asked post \/echo[\s\S]*host: POST \/echo 201 · fuel .*/);
  context.diagnostic(line);

  assert.equal(await (await fetch(`${url}/time`)).text(), 'true');
  const immutable = await fetch(`${url}/immutable`);
  assert.deepEqual([immutable.status, await immutable.text()], [409, 'Fields.set failed: immutable']);
  assert.equal((await fetch(`${url}/throw`)).status, 500);
  await run.stderr.until(
    /incomingHandler\.handle threw RangeError: too much\n {4}at handle \(agent\.ts:39\)\n[\s\S]*GET \/throw 500 · trap: unreachable/,
  );
  assert.ok((await fetch(`${url}/refuse`)).status >= 500);
  assert.equal((await fetch(`${url}/echo`)).status, 201, 'one that failed hurts no other');
  assert.equal(await run.end('SIGINT'), 130);
});

test('a handler that is missing is shown as it should be', async () => {
  assert.equal((await host(['new', 'none', '-l', 'ts', '-t', 'http'], { cwd: home })).code, 0);
  writeFileSync(join(home, 'none/agent.ts'), 'export const handle = 1;\n');
  const { code, stderr } = await host(['build', 'none'], { cwd: home });
  assert.notEqual(code, 0);
  assert.match(
    stderr,
    /needs the export 'incomingHandler' \(there is none\); it looks like this:\n {2}import type \{ IncomingRequest, ResponseOutparam \} from 'wasi:http\/types';\n/,
  );
});
