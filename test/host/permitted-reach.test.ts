import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Capabilities } from '../../host/capability/capabilities.ts';
import { systemClock } from '../../host/clock.ts';
import { Budget } from '../../host/engine/budget.ts';
import { openFiles } from '../../host/engine/wasi/files/files.ts';
import type { OpenDirectory } from '../../host/engine/wasi/files/port.ts';
import type { WasiGrants } from '../../host/engine/wasi/grants.ts';
import { Clearance } from '../../host/host/policy/clearance.ts';
import { EffectiveRights } from '../../host/host/policy/effective-rights.ts';
import { permittedReach } from '../../host/host/policy/permitted-reach.ts';
import { defaultLimits } from '../../host/limits.ts';
import { parseManifest } from '../../host/manifest.ts';
import { denial } from '../../host/policy/decision.ts';
import { fails, openDirectory, openFile, readAll } from '../engine/wasi/files/sandbox.ts';
import { noGrants, scene } from '../engine/wasi/preview2/grants.ts';
import { type DecidingBoard, deciding, policySet } from '../support/policies.ts';

const read = { read: true, follow: true };
const write = { write: true, create: true, follow: true };

function reachOf(board: DecidingBoard, granted: Partial<WasiGrants>, toml = '') {
  const manifest = parseManifest(`name = "mover"\nworld = "handler"\n${toml}`, 'agent.toml');
  const { decider, clock } = board;
  const ask = async () => denial('nobody is asked here', decider.versionInForce);
  const clearance = new Clearance({ decider, clock, policyFolder: 'policies', ask });
  const capabilities = Capabilities.of(manifest.grants, 'agent.toml');
  const denials: string[] = [];
  const holder = {
    name: 'mover',
    capabilities,
    underWay: () => 1,
    asker: () => undefined,
    leftMs: () => 1_000,
    denied: (what: string, why: string) => void denials.push(`${what}: ${why}`),
  };
  const rights = new EffectiveRights(holder, clearance);
  return { reach: permittedReach({ ...noGrants, ...granted }, { manifest }, rights), denials, capabilities };
}

/** A folder with open/a, shut/b, a link from open/link to shut/b, and another that leads to the folder. */
function tree(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'motehost-reach-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['open', 'shut']) mkdirSync(join(folder, 'data', name), { recursive: true });
  writeFileSync(join(folder, 'data/open/a'), 'a');
  writeFileSync(join(folder, 'data/shut/b'), 'b');
  symlinkSync('../shut/b', join(folder, 'data/open/link'));
  symlinkSync('data', join(folder, 'alias'));
  return folder;
}

async function opened(t: TestContext, reach: WasiGrants): Promise<OpenDirectory> {
  const budget = new Budget({ limits: defaultLimits, clock: systemClock });
  const files = await openFiles(reach.preopens, budget);
  t.after(() => files.dispose());
  return files.preopens[0]?.directory as OpenDirectory;
}

test('files are read and written where policies permit it: not by a link, a new name or a folder that is open', async (t) => {
  const folder = tree(t);
  const open = `resource in Motehost::Data::"file:${folder}/data/open"`;
  const policies = `permit (principal, action == Motehost::Action::"file.read", ${open});
    permit (principal, action == Motehost::Action::"file.write", resource in Motehost::Data::"file:${folder}/data")
    when { context.bytes <= 4 };`;
  using board = deciding(policies);
  const preopen = { hostPath: join(folder, 'alias'), guestPath: '/data', mode: 'read-write' } as const;
  const { reach, denials } = reachOf(board, { preopens: [preopen] });
  const root = await opened(t, reach);
  const file = await openFile(root, 'open/a');
  assert.equal(await readAll(file), 'a');
  await fails('acces', () => root.openAt('shut/b', read));
  await fails('acces', () => root.openAt('shut/none', read));
  await fails('acces', () => root.openAt('open/link', read));
  await fails('acces', () => root.openAt('open/../shut/b', read));
  await fails('acces', () => root.statAt('shut/b', true));
  await fails('acces', () => root.rename('shut/b', root, 'open/b'));
  await fails('acces', () => root.rename('shut', root, 'open/shut'));
  await fails('acces', () => root.rename('open', root, 'other'));
  await fails('acces', async () => (await openDirectory(root, 'shut')).list(0n));
  const written = await openFile(root, 'shut/new', write);
  await written.write(new Uint8Array(4), 0n);
  await fails('acces', () => written.write(new Uint8Array(5), 0n));
  assert.match(
    denials.join('\n'),
    /reading \/data\/shut\/b: no policy permits it: host policy explain policies -p agent:mover/,
  );
  board.board.publish(policySet(''));
  await fails('acces', () => readAll(file));
  await fails('acces', () => written.write(new Uint8Array(1), 0n));
});

test('a secret is there for whom a policy permits it', () => {
  using board = deciding(
    'permit (principal, action == Motehost::Action::"secret.use", resource == Motehost::Secret::"ours");',
  );
  const toml = '[environment]\nA = { secret = "ours" }\nB = { secret = "theirs" }\nC = "plain"\n';
  const env: [string, string][] = [
    ['A', '1'],
    ['B', '2'],
    ['C', '3'],
  ];
  const { reach, denials } = reachOf(board, { env }, toml);
  assert.deepEqual(
    reach.env.map(([name]) => name),
    ['A', 'C'],
  );
  assert.match(denials.join('\n'), /the secret theirs: no policy permits it/);
});

test('requests and connections go where policies permit it, and end with them', async (t) => {
  const server = createServer((request, response) => {
    response.write(`${request.method} ${request.url}`);
    if (request.url !== '/open/slow') response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const policies = `permit (principal, action == Motehost::Action::"http.request", resource == Motehost::Host::"127.0.0.1:${port}")
    when { context.method == "GET" && context.path like "/open/*" };
    permit (principal, action == Motehost::Action::"socket.connect", resource == Motehost::Host::"127.0.0.1:${port}");`;
  using board = deciding(policies);
  const toml = `[[capabilities.http]]\nhost = "127.0.0.1"\nscheme = "http"\nport = ${port}\n`;
  const http = { mayRequest: () => true, cure: () => '' };
  const net = [{ host: '127.0.0.1', port: undefined }];
  const asked = { scheme: 'http', host: '127.0.0.1', port, method: 'GET', path: '/open/a' } as const;
  const { reach, denials } = reachOf(board, { http, net }, toml);
  assert.equal(reach.http?.permits?.(asked), true);
  assert.equal(reach.http?.permits?.({ ...asked, method: 'POST' }), false);
  assert.equal(reach.http?.permits?.({ ...asked, path: '/other' }), false);
  assert.equal(reach.netGate?.mayConnect('127.0.0.1', port), true);
  assert.equal(reach.netGate?.mayConnect('127.0.0.1', port + 1), false);
  assert.match(denials.join('\n'), /a request POST http:\/\/127\.0\.0\.1:\d+\/open\/a: no policy permits it/);
  await using it = await scene(reach);
  // biome-ignore lint/suspicious/noExplicitAny: WIT resources have no static types on the host side
  const make = (name: string, ...args: unknown[]): any =>
    Reflect.construct(it.linker.get('wasi:http/types@0.2.0')?.functions[name] as () => void, args);
  const send = (path: string) => {
    const request = make('OutgoingRequest', make('Fields'));
    request.setScheme({ tag: 'HTTP' });
    request.setAuthority(`127.0.0.1:${port}`);
    request.setPathWithQuery(path);
    return it.call('wasi:http/outgoing-handler', 'handle', request, undefined);
  };
  assert.throws(() => send('/other'), {
    payload: { tag: 'HTTP-request-denied', val: undefined },
  });
  const future = send('/open/slow');
  await future.subscribe().block();
  const stream = future.get().val.val.consume().stream();
  assert.match(new TextDecoder().decode(await stream.blockingRead(100n)), /GET/);
  board.board.publish(policySet(''));
  board.decider.refresh();
  await assert.rejects(async () => {
    for (;;) await stream.blockingRead(100n);
  });
});
