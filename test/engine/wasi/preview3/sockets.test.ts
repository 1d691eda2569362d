import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { WitError } from '../../../../host/engine/linker.ts';
import { readText, type Scene3, scene3, written } from './scene.ts';

const v4 = (address: number[], port: number) => ({ tag: 'ipv4', val: { address, port } });
const here = (port: number) => v4([127, 0, 0, 1], port);
const here6 = (port: number) => ({
  tag: 'ipv6',
  val: { address: [0, 0, 0, 0, 0, 0, 0, 1], port, flowInfo: 0, scopeId: 0 },
});
const loopback = { net: [{ host: '127.0.0.1', port: undefined }] };
const bytes = (of: string): Uint8Array => new TextEncoder().encode(of);

const tcp = (it: Scene3, family = 'ipv4') => it.resource('wasi:sockets/types', 'TcpSocket').create(family);
const udp = (it: Scene3, family = 'ipv4') => it.resource('wasi:sockets/types', 'UdpSocket').create(family);

/** A loopback server; gone with its connections at the end of the test. */
async function server(onConnection: (socket: Socket) => void): Promise<Server & AsyncDisposable> {
  const open = new Set<Socket>();
  const it = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  it.listen(0, '127.0.0.1');
  await once(it, 'listening');
  return Object.assign(it, {
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      it.close();
    },
  });
}

const portOf = (it: { address(): unknown }): number => (it.address() as AddressInfo).port;

async function code(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (thrown) {
    assert.ok(thrown instanceof WitError, String(thrown));
    return (thrown.payload as { tag: string }).tag;
  }
  return 'ok';
}

test('a granted connection carries bytes both ways, and each direction ends by itself', async () => {
  await using echo = await server((socket) => socket.pipe(socket));
  await using it = await scene3({ net: [{ host: '127.0.0.1', port: portOf(echo) }] });
  const socket = tcp(it);
  await socket.connect(here(portOf(echo)));
  assert.deepEqual(socket.getRemoteAddress(), here(portOf(echo)));
  assert.deepEqual(socket.getLocalAddress().val.address, [127, 0, 0, 1]);
  const reading = socket.receive();
  const data = written('over ', 'there');
  assert.deepEqual(await socket.send(data), { tag: 'ok' });
  assert.ok(data.isDropped);
  assert.deepEqual(await readText(reading), { text: 'over there', end: { tag: 'ok' } });
});

test('without a grant, and outside of it, a connection is denied whatever is there', async () => {
  let connections = 0;
  await using there = await server(() => {
    connections += 1;
  });
  const port = portOf(there);
  for (const net of [[], [{ host: '127.0.0.1', port: port + 1 }], [{ host: '127.0.0.2', port }]]) {
    await using it = await scene3({ net });
    assert.equal(await code(() => tcp(it).connect(here(port))), 'access-denied');
    assert.equal(await code(() => tcp(it).connect(here(1))), 'access-denied');
    assert.equal(await code(() => tcp(it).bind(here(0))), 'access-denied');
    assert.equal(await code(() => tcp(it).listen()), 'access-denied');
  }
  assert.equal(connections, 0);
});

test('a granted port where nobody listens is refused, and the socket is good for nothing more', async () => {
  const gone = await server(() => {});
  const port = portOf(gone);
  gone.close();
  await once(gone, 'close');
  await using it = await scene3(loopback);
  const socket = tcp(it);
  assert.equal(await code(() => socket.connect(here(port))), 'connection-refused');
  assert.equal(await code(() => socket.connect(here(port))), 'invalid-state');
  assert.equal(await code(() => socket.listen()), 'invalid-state');
});

test('addresses nobody can connect to or bind to are invalid arguments', async () => {
  await using it = await scene3(loopback);
  for (const address of [here(0), v4([0, 0, 0, 0], 9), v4([224, 0, 0, 1], 9), here6(9)]) {
    assert.equal(await code(() => tcp(it).connect(address)), 'invalid-argument');
    assert.equal(await code(() => udp(it).connect(address)), 'invalid-argument');
    assert.equal(await code(() => udp(it).send(bytes('x'), address)), 'invalid-argument');
  }
  assert.equal(await code(() => tcp(it).bind(here6(0))), 'invalid-argument');
  assert.equal(await code(() => udp(it).bind(here6(0))), 'invalid-argument');
});

test('a guest that listens gets its connections as a stream, with what it set for them', async () => {
  await using it = await scene3(loopback);
  const socket = tcp(it);
  socket.bind(here(0));
  socket.setKeepAliveIdleTime(42_000_000_000n);
  const stream = socket.listen();
  assert.ok(socket.getIsListening());
  const peer = connect(socket.getLocalAddress().val.port, '127.0.0.1');
  const heard = text(peer);
  for await (const accepted of stream) {
    assert.ok(accepted instanceof it.resource('wasi:sockets/types', 'TcpSocket'));
    assert.equal(accepted.getKeepAliveIdleTime(), 42_000_000_000n);
    assert.equal(accepted.getRemoteAddress().val.port, peer.localPort);
    assert.deepEqual(await accepted.send(written('welcome')), { tag: 'ok' });
    break;
  }
  assert.equal(await heard, 'welcome');
  peer.destroy();
});

test('a listening address is taken, and free again when its socket and its stream were dropped', async () => {
  await using it = await scene3(loopback);
  const first = tcp(it);
  first.bind(here(0));
  const local = first.getLocalAddress();
  const iterator = first.listen()[Symbol.asyncIterator]();
  assert.equal(await code(() => tcp(it).bind(local)), 'address-in-use');
  first[Symbol.dispose]();
  assert.equal(await code(() => tcp(it).bind(local)), 'address-in-use', 'the stream still takes connections');
  await iterator.return();
  assert.equal(await code(() => tcp(it).bind(local)), 'ok');
});

test('a bound socket connects from its address', async () => {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  await using there = await server((socket) => resolve(socket.remotePort));
  await using it = await scene3(loopback);
  const socket = tcp(it);
  socket.bind(here(0));
  const { port } = socket.getLocalAddress().val;
  await socket.connect(here(portOf(there)));
  assert.equal(await promise, port);
});

test('each direction is given out once, and only of a connected socket', async () => {
  await using there = await server((socket) => socket.resume());
  await using it = await scene3(loopback);
  const socket = tcp(it);
  const invalid = { tag: 'err', val: { tag: 'invalid-state' } };
  assert.deepEqual(await socket.send(written('x')), invalid);
  assert.deepEqual(await readText(socket.receive()), { text: '', end: invalid });
  await socket.connect(here(portOf(there)));
  await socket.send(written('x'));
  const refused = written('y');
  assert.deepEqual(await socket.send(refused), invalid);
  assert.ok(refused.isDropped);
  socket.receive();
  assert.deepEqual(await readText(socket.receive()), { text: '', end: invalid });
});

test('a connection that is reset ends its stream with that', async () => {
  await using there = await server((socket) => {
    socket.once('data', () => socket.resetAndDestroy());
  });
  await using it = await scene3(loopback);
  const socket = tcp(it);
  await socket.connect(here(portOf(there)));
  const reading = socket.receive();
  await socket.send(written('x'));
  assert.deepEqual(await readText(reading), {
    text: '',
    end: { tag: 'err', val: { tag: 'connection-reset' } },
  });
});

test('what a guest leaves open is closed with it, and what it sent still arrives', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  await using there = await server((socket) => resolve(text(socket)));
  let port = 0;
  {
    await using it = await scene3(loopback);
    const socket = tcp(it);
    await socket.connect(here(portOf(there)));
    await socket.send(written('last words'));
    socket.receive();
    const listening = tcp(it);
    listening.bind(here(0));
    listening.listen();
    port = listening.getLocalAddress().val.port;
    udp(it).bind(here(0));
  }
  assert.equal(await promise, 'last words');
  const late = connect(port, '127.0.0.1');
  const [refused] = await once(late, 'error');
  assert.equal(refused.code, 'ECONNREFUSED');
});

test('a stopped guest waits for no connection and no datagram', async () => {
  await using it = await scene3(loopback);
  const socket = tcp(it);
  socket.bind(here(0));
  const next = socket.listen()[Symbol.asyncIterator]().next();
  const port = udp(it);
  port.bind(here(0));
  const datagram = port.receive();
  it.budget.stop({ kind: 'cancelled', reason: 'test' });
  await assert.rejects(next, { name: 'Stopped' });
  await assert.rejects(datagram, { name: 'Stopped' });
});

test('datagrams go to granted peers and come back, each with its sender', async () => {
  const peer = createSocket('udp4');
  peer.bind(0, '127.0.0.1');
  await once(peer, 'listening');
  peer.on('message', (data, { port, address }) => peer.send(`${data}!`, port, address));
  await using it = await scene3({ net: [{ host: '127.0.0.1', port: portOf(peer) }] });
  const socket = udp(it);
  await socket.send(bytes('ping'), here(portOf(peer)));
  const [data, from] = await socket.receive();
  assert.equal(Buffer.from(data).toString(), 'ping!');
  assert.deepEqual(from, here(portOf(peer)));
  assert.equal(await code(() => socket.send(bytes('x'), here(1))), 'access-denied');
  assert.equal(await code(() => udp(it).bind(here(0))), 'access-denied');
  assert.equal(await code(() => socket.send(new Uint8Array(65_508), from)), 'datagram-too-large');
  peer.close();
});

test('a connected UDP socket talks to its peer only, until it is disconnected', async () => {
  const peer = createSocket('udp4');
  peer.bind(0, '127.0.0.1');
  await once(peer, 'listening');
  await using it = await scene3(loopback);
  const socket = udp(it);
  assert.equal(await code(() => socket.disconnect()), 'invalid-state');
  assert.equal(await code(() => socket.receive()), 'invalid-state');
  assert.equal(await code(() => socket.send(bytes('x'), undefined)), 'invalid-argument');
  socket.connect(here(portOf(peer)));
  assert.deepEqual(socket.getLocalAddress().val.address, [127, 0, 0, 1]);
  const arrived = once(peer, 'message');
  await socket.send(bytes('hello'), undefined);
  assert.equal(String((await arrived)[0]), 'hello');
  assert.equal(await code(() => socket.send(bytes('x'), here(9))), 'invalid-argument');
  socket.disconnect();
  assert.equal(await code(() => socket.getRemoteAddress()), 'invalid-state');
  peer.close();
});

test('without any grant a UDP socket is bound to nothing and sends nothing', async () => {
  await using it = await scene3();
  assert.equal(await code(() => udp(it).bind(v4([0, 0, 0, 0], 0))), 'access-denied');
  assert.equal(await code(() => udp(it).connect(here(9))), 'access-denied');
  assert.equal(await code(() => udp(it).send(bytes('x'), here(9))), 'access-denied');
});

test('a name is looked up only when it was granted, and an address is its own answer', async () => {
  await using it = await scene3({ net: [{ host: 'localhost', port: undefined }] });
  const resolve = (name: string) => it.call('wasi:sockets/ip-name-lookup', 'resolveAddresses', name);
  assert.deepEqual(await resolve('192.0.2.7'), [{ tag: 'ipv4', val: [192, 0, 2, 7] }]);
  assert.equal(await code(() => resolve('example.com')), 'access-denied');
  assert.equal(await code(() => resolve('no name')), 'invalid-argument');
  const addresses: { tag: string; val: number[] }[] = await resolve('localhost');
  assert.ok(addresses.some(({ val }) => val[0] === 127 || val[7] === 1));
});

test('settings are clamped to what the system takes, and zero is none of them', async () => {
  await using it = await scene3(loopback);
  const socket = tcp(it);
  const zeros = ['setKeepAliveIdleTime', 'setKeepAliveInterval', 'setReceiveBufferSize', 'setSendBufferSize'];
  for (const set of [...zeros, 'setListenBacklogSize'])
    assert.equal(await code(() => socket[set](0n)), 'invalid-argument', set);
  for (const set of ['setKeepAliveCount', 'setHopLimit'])
    assert.equal(await code(() => socket[set](0)), 'invalid-argument', set);
  socket.setKeepAliveInterval(1n);
  assert.equal(socket.getKeepAliveInterval(), 1_000_000_000n);
  socket.setKeepAliveIdleTime(2n ** 64n - 1n);
  assert.equal(socket.getKeepAliveIdleTime(), 32_767_000_000_000n);
  socket.setKeepAliveCount(2 ** 32 - 1);
  assert.equal(socket.getKeepAliveCount(), 127);
});

test('a hop limit that the system would not send with is kept, and the socket does not go out with another', async () => {
  await using it = await scene3(loopback);
  await using there = await server(() => {});
  const socket = tcp(it);
  socket.setHopLimit(9);
  assert.equal(socket.getHopLimit(), 9);
  assert.equal(await code(() => socket.connect(here(portOf(there)))), 'not-supported');
  assert.equal(await code(() => socket.listen()), 'not-supported');
  socket.setHopLimit(64);
  await socket.connect(here(portOf(there)));
  assert.equal(await code(() => socket.setHopLimit(9)), 'not-supported');
  assert.equal(socket.getHopLimit(), 64);
});

test('a guest may hold so many sockets, and a dropped one makes room', async () => {
  await using it = await scene3(loopback);
  const open: Disposable[] = [];
  const fill = () => {
    for (;;) open.push(tcp(it));
  };
  assert.equal(await code(fill), 'other');
  open.pop()?.[Symbol.dispose]();
  assert.equal(await code(() => udp(it)), 'ok');
});
