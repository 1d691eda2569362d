import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { WasiGrants } from '../../host/engine/wasi/grants.ts';
import { recordedReach } from '../../host/host/record/recorded-reach.ts';
import { noGrants } from '../engine/wasi/preview2/grants.ts';
import { told } from '../support/chains.ts';
import { Hosted, localAgent, temporaryState } from '../support/hosted.ts';
import { buildScript } from '../support/script-agent.ts';

const data = { hostPath: '/srv/in', guestPath: '/data', mode: 'read-write' } as const;

function recording(granted: Partial<WasiGrants>): {
  readonly reach: WasiGrants;
  readonly noted: string[];
  readonly call: { id: number };
} {
  const noted: string[] = [];
  const call = { id: 1 };
  const grants = { ...noGrants, ...granted };
  const reach = recordedReach(
    grants,
    () => call.id,
    (...note) => void noted.push(note.join(' ')),
  );
  return { reach, noted, call };
}

test('each use is told once in a call, as the guest names it, and what policies deny as denied', () => {
  const gate = { mayRead: () => true, mayWrite: (_path: string, bytes: number) => bytes < 5 };
  const { reach, noted, call } = recording({ preopens: [{ ...data, gate }] });
  const [preopen] = reach.preopens;
  for (let time = 0; time < 3; time += 1) preopen?.gate?.mayRead('/srv/in/a/b');
  assert.equal(preopen?.gate?.mayWrite('/srv/in/a', 4), true);
  assert.equal(preopen?.gate?.mayWrite('/srv/in/a', 5), false);
  call.id = 2;
  preopen?.gate?.mayRead('/srv/in/a/b');
  assert.equal(reach.netGate?.mayConnect('10.0.0.1', 443), true);
  assert.deepEqual(noted, [
    'wasi:filesystem#read permitted /data/a/b',
    'wasi:filesystem#write permitted /data/a',
    'wasi:filesystem#write denied /data/a',
    'wasi:filesystem#read permitted /data/a/b',
    'wasi:sockets#connect permitted 10.0.0.1:443',
  ]);
});

test('nothing is permitted or denied by being recorded, and of very many uses it is told that there were more', () => {
  const { reach, noted } = recording({ preopens: [data] });
  const gate = reach.preopens[0]?.gate;
  for (let file = 0; file < 1000; file += 1) assert.equal(gate?.mayRead(`/srv/in/${file}`), true);
  assert.deepEqual(
    [noted.length, noted.at(-1)],
    [257, 'wasi:filesystem#read permitted more than 256 uses in one call'],
  );
  assert.equal(gate?.mayMoveFolders, true);
  const policed = { mayRead: () => true, mayWrite: () => true };
  assert.equal(
    recording({ preopens: [{ ...data, gate: policed }] }).reach.preopens[0]?.gate?.mayMoveFolders,
    false,
  );
});

const using = `
  import { getDirectories } from 'wasi:filesystem/preopens';
  import { OutgoingRequest, Fields } from 'wasi:http/types';
  import { handle as ask } from 'wasi:http/outgoing-handler';
  export function handle(message) {
    const [[folder]] = getDirectories();
    const file = folder.openAt({}, 'a', {}, { read: true });
    file.read(100n, 0n);
    file.read(100n, 0n);
    const made = folder.openAt({}, 'last', { create: true }, { write: true });
    made.write(message.body, 0n);
    const request = new OutgoingRequest(Fields.fromList([]));
    request.setScheme({ tag: 'HTTP' });
    request.setAuthority(new TextDecoder().decode(message.body));
    request.setPathWithQuery('/orders?secret=1');
    const future = ask(request, undefined);
    future.subscribe().block();
    const got = future.get();
    return new TextEncoder().encode(String((got.val?.val ?? got.val ?? got).status()));
  }`;

test('at level all what an agent reads, writes and asks for through WASI is on the chain', {
  timeout: 60_000,
}, async (t) => {
  const server = createServer((_request, response) => response.setHeader('connection', 'close').end('there'));
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const state = temporaryState(t);
  const folder = join(state, 'agent/data');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'a'), 'first');
  const imports = 'import wasi:filesystem/preopens@0.2.0; import wasi:http/outgoing-handler@0.2.0;';
  const { bytes } = await buildScript(using, {
    wit: `package a:b; world w { include motehost:agent/handler@0.1.0; ${imports} }`,
  });
  const toml = `[[capabilities.files]]\npath = "data"\nguest = "/data"\nmode = "read-write"
[[capabilities.http]]\nhost = "127.0.0.1"\nport = ${port}\nscheme = "http"
[audit]\nlevel = "all"\n`;
  const agent = { ...localAgent('script', bytes, toml), manifestPath: join(state, 'agent/agent.toml') };
  const host = await Hosted.start(t, state, [agent]);
  assert.equal(await host.ask('script', `127.0.0.1:${port}`), '200');
  await host.close(1000);
  const uses = (await told(state, 'host-call')).filter(({ outcome }) => outcome === 'permitted');
  assert.deepEqual(
    uses.map((use) => [use.agent, use.function, use.detail]),
    [
      ['script', 'wasi:filesystem#read', '/data/a'],
      ['script', 'wasi:filesystem#write', '/data/last'],
      ['script', 'wasi:http#request', `GET http://127.0.0.1:${port}/orders`],
    ],
  );
});
