import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Allowance, type AllowanceTerms } from '../../../../host/scheduler/allowance.ts';
import { HandClock } from '../../../support/hand-clock.ts';
import { type Scene, scene, witError } from './grants.ts';

// What an agent may use of disk and network, at the interfaces of WASI: allowed, at the limit, over it.

const nothing: AllowanceTerms = {
  cpuMs: undefined,
  fuel: undefined,
  disk: undefined,
  network: undefined,
  connectionsMax: undefined,
  isFree: false,
};

const tenASecond = { perSecond: 10, burst: 10 };
const turnOfLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function make(terms: Partial<AllowanceTerms>) {
  const clock = new HandClock();
  const told: string[] = [];
  const flows = new Allowance({ ...nothing, ...terms }, clock, (what) => {
    told.push(what);
    return false;
  });
  return { clock, told, flows };
}

/** A promise, and whether it has come to an end while nobody turned the clock. */
async function isPending(soon: unknown): Promise<boolean> {
  if (!(soon instanceof Promise)) return false;
  let isDone = false;
  soon.then(
    () => {
      isDone = true;
    },
    () => {
      isDone = true;
    },
  );
  for (let count = 0; count < 20; count += 1) await turnOfLoop();
  return !isDone;
}

const here = (port: number) => ({ tag: 'ipv4', val: { address: [127, 0, 0, 1], port } });
const network = (it: Scene) => it.call('wasi:sockets/instance-network', 'instanceNetwork');
const tcp = (it: Scene) => it.call('wasi:sockets/tcp-create-socket', 'createTcpSocket', 'ipv4');
const udp = (it: Scene) => it.call('wasi:sockets/udp-create-socket', 'createUdpSocket', 'ipv4');
const reach = { net: [{ host: '127.0.0.1', port: undefined }] };

async function echo(t: TestContext): Promise<number> {
  const server = createServer((socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('sockets: as many as it may have are open at once, one more is refused, and one that is closed makes room', async () => {
  const { flows, told } = make({ connectionsMax: 2 });
  await using it = await scene({ ...reach, flows });
  const [first] = [tcp(it), udp(it)];
  assert.deepEqual(told, []);
  assert.equal(await witError(() => tcp(it)), 'new-socket-limit');
  assert.equal(await witError(() => udp(it)), 'new-socket-limit');
  assert.deepEqual(told, ['connections']);
  first[Symbol.dispose]();
  tcp(it)[Symbol.dispose]();
});

test('requests: one too many is refused, and one that has ended makes room', async (t) => {
  const server = createHttpServer((_, response) => response.end('ok'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  const { flows, told } = make({ connectionsMax: 1 });
  await using it = await scene({ ...reach, flows });
  const types = it.linker.get('wasi:http/types@0.2.0')?.functions as unknown as {
    readonly OutgoingRequest: new (
      fields: unknown,
    ) => {
      setScheme(scheme: object): void;
      setAuthority(authority: string): void;
    };
    readonly Fields: new () => object;
  };
  const ask = () => {
    const request = new types.OutgoingRequest(new types.Fields());
    request.setScheme({ tag: 'HTTP' });
    request.setAuthority(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    return it.call('wasi:http/outgoing-handler', 'handle', request, undefined);
  };
  const first = ask();
  assert.deepEqual(await witError(ask), { tag: 'connection-limit-reached', val: undefined });
  assert.deepEqual(told, ['connections']);
  await first.subscribe().block();
  first[Symbol.dispose]();
  for (let isFree = false; !isFree; await turnOfLoop()) isFree = flows.connections?.take() === true;
});

test('a connection: bytes go out up to the limit, beyond it the guest waits, and they come in as slowly', async (t) => {
  const { flows, clock, told } = make({ network: tenASecond });
  await using it = await scene({ ...reach, flows }, {}, clock);
  const socket = tcp(it);
  socket.startConnect(network(it), here(await echo(t)));
  await socket.subscribe().block();
  const [input, output] = socket.finishConnect();
  assert.equal(output.checkWrite(), 10n, 'allowed');
  output.write(new Uint8Array(10));
  assert.equal(output.checkWrite(), 0n, 'at the limit');
  const room = output.subscribe().block();
  assert.equal(await isPending(room), true, 'over it');
  assert.deepEqual(told, ['network']);
  clock.turn(400);
  await room;
  const [came] = [await input.blockingRead(100n)];
  assert.equal(came.length, 4, 'as much as may pass');
  const rest = input.blockingRead(100n);
  assert.equal(await isPending(rest), true);
  clock.turn(600);
  assert.equal((await rest).length, 6);
});

test('a connection: whoever waits for its share and has no time left is stopped', async (t) => {
  const { flows, clock } = make({ network: { perSecond: 1, burst: 1 } });
  await using it = await scene({ ...reach, flows }, { deadlineMs: 500 }, clock);
  const socket = tcp(it);
  socket.startConnect(network(it), here(await echo(t)));
  await socket.subscribe().block();
  const [, output] = socket.finishConnect();
  output.checkWrite();
  output.write(new Uint8Array(1));
  const room = output.subscribe().block();
  assert.equal(await isPending(room), true);
  clock.turn(500);
  await assert.rejects(room);
  assert.equal(it.budget.cause?.kind, 'limit');
});

test('datagrams: no permit and none received while nothing may pass', async (t) => {
  const peer = createSocket('udp4');
  t.after(() => peer.close());
  peer.bind(0, '127.0.0.1');
  await once(peer, 'listening');
  const { flows, clock } = make({ network: tenASecond });
  await using it = await scene({ ...reach, flows }, {}, clock);
  const socket = udp(it);
  socket.startBind(network(it), { tag: 'ipv4', val: { address: [0, 0, 0, 0], port: 0 } });
  await socket.subscribe().block();
  socket.finishBind();
  const [incoming, outgoing] = socket.stream(here(peer.address().port));
  assert.ok(outgoing.checkSend() > 0n, 'allowed');
  assert.equal(outgoing.send([{ data: new Uint8Array(10), remoteAddress: undefined }]), 1n);
  assert.equal(outgoing.checkSend(), 0n, 'at the limit');
  const [, from] = await once(peer, 'message');
  peer.send('hello', from.port, '127.0.0.1');
  const ready = incoming.subscribe().block();
  assert.equal(await isPending(ready), true);
  assert.deepEqual(incoming.receive(10n), []);
  clock.turn(100);
  await ready;
  assert.equal(incoming.receive(10n)[0]?.data.length, 5);
  assert.equal(outgoing.checkSend(), 0n, 'what came in counts, too');
});

test('files: reads, writes and streams of one agent share what it may move', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-flows-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'a'), 'abcdefghijklmnopqrstuvwxyz');
  const { flows, clock, told } = make({ disk: tenASecond });
  const preopens = [{ hostPath: folder, guestPath: '/', mode: 'read-write' as const }];
  await using it = await scene({ preopens, flows }, {}, clock);
  const [[base]] = await it.call('wasi:filesystem/preopens', 'getDirectories');
  const file = await base.openAt({}, 'a', {}, { read: true, write: true });
  const [bytes] = await file.read(8n, 0n);
  assert.equal(Buffer.from(bytes).toString(), 'abcdefgh', 'allowed');
  assert.equal(await file.write(new TextEncoder().encode('ABCD'), 0n), 2n, 'at the limit');
  const later = file.read(4n, 0n);
  assert.equal(await isPending(later), true, 'over it');
  assert.deepEqual(told, ['disk']);
  clock.turn(400);
  assert.equal(Buffer.from((await later)[0]).toString(), 'ABcd');
  const stream = file.appendViaStream();
  assert.equal(stream.checkWrite(), 0n);
  clock.turn(1000);
  assert.equal(stream.checkWrite(), 10n);
  await stream.blockingWriteAndFlush(new TextEncoder().encode('!'));
  assert.equal(readFileSync(join(folder, 'a'), 'utf8'), 'ABcdefghijklmnopqrstuvwxyz!');
});
