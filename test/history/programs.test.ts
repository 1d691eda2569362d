import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { answerOf, kindsOf, recorded, turnsOf } from '../support/replays.ts';
import { buildScript } from '../support/script-agent.ts';

// Programs that reach far: files, HTTP, resources with handles. None of it is there when they run again.

const options = { timeout: 50_000 };
const fetching = `
  import { OutgoingRequest, Fields } from 'wasi:http/types';
  import { handle as ask } from 'wasi:http/outgoing-handler';
  let count = 0;
  export function handle(message) {
    const authority = new TextDecoder().decode(message.body);
    const request = new OutgoingRequest(Fields.fromList([]));
    request.setScheme({ tag: 'HTTP' });
    request.setAuthority(authority);
    request.setPathWithQuery('/' + (count += 1));
    const future = ask(request, undefined);
    future.subscribe().block();
    const got = future.get();
    const response = got.val?.val ?? got.val ?? got;
    const stream = response.consume().stream();
    const text = new TextDecoder().decode(stream.blockingRead(1000n));
    return new TextEncoder().encode(response.status() + ' ' + text + ' ' + Math.random());
  }`;

test('HTTP that an agent asks for is answered from the history', options, async (t) => {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    response.setHeader('connection', 'close');
    response.end(`${request.url} ${Math.random()}`);
  });
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { bytes } = await buildScript(fetching, {
    wit: 'package a:b; world w { include motehost:agent/handler@0.1.0; import wasi:http/outgoing-handler@0.2.0; }',
  });
  const state = temporaryState(t);
  const grant = `[[capabilities.http]]\nhost = "127.0.0.1"\nport = ${port}\nscheme = "http"\n`;
  const hosted = await Hosted.start(t, state, [localAgent('script', bytes, `${recorded}${grant}`)]);
  const answers = [];
  for (let at = 0; at < 3; at += 1) answers.push(await hosted.ask('script', `127.0.0.1:${port}`));
  answers.push(await hosted.ask('script', 'elsewhere.example:80'));
  await hosted.close(1000);
  assert.match(answers[0] ?? '', /^200 \/1 /);
  const turns = await turnsOf(state, 'script');
  assert.deepEqual(
    kindsOf(turns),
    answers.map(() => 'same'),
  );
  assert.deepEqual(turns.map(answerOf), answers);
  assert.equal(asked, 3, 'nobody was asked again');
});

const reading = `
  import { getDirectories } from 'wasi:filesystem/preopens';
  export function handle(message) {
    const name = new TextDecoder().decode(message.body);
    const [[folder]] = getDirectories();
    let said;
    try {
      const file = folder.openAt({}, name, {}, { read: true });
      said = new TextDecoder().decode(file.read(100n, 0n)[0]) + file.stat().size;
    } catch (error) {
      said = error.payload;
    }
    const made = folder.openAt({}, 'last', { create: true }, { write: true });
    made.write(message.body, 0n);
    return new TextEncoder().encode([said, Date.now(), Math.random()].join(' '));
  }`;

test('files that were there then are read again, though they are others now', options, async (t) => {
  const state = temporaryState(t);
  const data = join(state, 'agent', 'data');
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, 'a'), 'first');
  const { bytes } = await buildScript(reading, {
    wit: 'package a:b; world w { include motehost:agent/handler@0.1.0; import wasi:filesystem/preopens@0.2.0; }',
  });
  const files = '[[capabilities.files]]\npath = "data"\nguest = "/data"\nmode = "read-write"\n';
  const agent = localAgent('reader', bytes, `${recorded}${files}`);
  const manifestPath = join(state, 'agent', 'agent.toml');
  const hosted = await Hosted.start(t, join(state, 'state'), [{ ...agent, manifestPath }]);
  const answers = [];
  for (const name of ['a', 'b', 'a']) {
    answers.push(await hosted.ask('reader', name));
    writeFileSync(join(data, name), 'changed');
  }
  await hosted.close(1000);
  assert.match(answers.join('\n'), /^first5 .*\nno-entry .*\nchanged7 /);
  rmSync(data, { recursive: true });
  const turns = await turnsOf(join(state, 'state'), 'reader');
  assert.deepEqual(kindsOf(turns), ['same', 'same', 'same']);
  assert.deepEqual(turns.map(answerOf), answers);
});
