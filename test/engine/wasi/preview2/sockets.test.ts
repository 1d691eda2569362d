import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { type Scene, scene, witError } from './grants.ts';

const bytes = (of: string): Uint8Array => new TextEncoder().encode(of);
const text = (of: Uint8Array): string => new TextDecoder().decode(of);
const v4 = (address: number[], port: number) => ({ tag: 'ipv4', val: { address, port } });
const here = (port: number) => v4([127, 0, 0, 1], port);

/** A loopback server; gone with its connections at the end of the test. */
async function server(onConnection: (socket: Socket) => void): Promise<Server & AsyncDisposable> {
  const open = new Set<Socket>();
  const it = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
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
const network = (it: Scene) => it.call('wasi:sockets/instance-network', 'instanceNetwork');
const tcp = (it: Scene, family = 'ipv4') =>
  it.call('wasi:sockets/tcp-create-socket', 'createTcpSocket', family);
const udp = (it: Scene, family = 'ipv4') =>
  it.call('wasi:sockets/udp-create-socket', 'createUdpSocket', family);

async function connected(it: Scene, port: number) {
  const socket = tcp(it);
  socket.startConnect(network(it), here(port));
  await socket.subscribe().block();
  const [input, output] = socket.finishConnect();
  return { socket, input, output };
}

async function readAll(input: { blockingRead(len: bigint): Promise<Uint8Array> }): Promise<string> {
  let all = '';
  for (;;) {
    try {
      all += text(await input.blockingRead(1000n));
    } catch (thrown) {
      assert.deepEqual((thrown as { payload: unknown }).payload, { tag: 'closed' });
      return all;
    }
  }
}

test('a granted connection carries bytes both ways and closes in halves', async () => {
  await using echo = await server((socket) => socket.pipe(socket));
  await using it = await scene({ net: [{ host: '127.0.0.1', port: portOf(echo) }] });
  const { socket, input, output } = await connected(it, portOf(echo));
  assert.deepEqual(socket.remoteAddress(), here(portOf(echo)));
  assert.deepEqual(socket.localAddress().val.address, [127, 0, 0, 1]);
  await output.blockingWriteAndFlush(bytes('ping'));
  assert.equal(text(await input.blockingRead(100n)), 'ping');
  socket.shutdown('send');
  assert.deepEqual(await witError(() => output.checkWrite()), { tag: 'closed' });
  assert.equal(await readAll(input), '');
});

test('a megabyte through a slow reader arrives whole, within bounded buffers', async () => {
  let received = 0;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  await using sink = await server((socket) => {
    socket.on('data', (data) => {
      received += data.length;
      socket.pause();
      setImmediate(() => socket.resume());
    });
    socket.on('end', resolve);
  });
  await using it = await scene({ net: [{ host: '127.0.0.1', port: portOf(sink) }] });
  const { socket, input, output } = await connected(it, portOf(sink));
  for (let left = 1_048_576; left > 0; ) {
    const permit = Number(output.checkWrite());
    assert.ok(permit <= 65_536);
    if (permit === 0) await output.subscribe().block();
    output.write(new Uint8Array(Math.min(left, permit)));
    left -= Math.min(left, permit);
  }
  for (const handle of [output, input, socket]) handle[Symbol.dispose]();
  await ended;
  assert.equal(received, 1_048_576, 'what was written before the drop still goes out');
});

test('without a grant, and outside of it, connecting is refused whatever is there', async () => {
  let connections = 0;
  await using there = await server(() => {
    connections += 1;
  });
  const port = portOf(there);
  const outside = [
    { grants: [], what: 'no grant' },
    { grants: [{ host: '127.0.0.1', port: port + 1 }], what: 'another port' },
    { grants: [{ host: '127.0.0.2', port }], what: 'another address' },
    { grants: [{ host: 'localhost', port }], what: 'a name that was not looked up' },
  ];
  for (const { grants, what } of outside) {
    await using it = await scene({ net: grants });
    assert.equal(await witError(() => tcp(it).startConnect(network(it), here(port))), 'access-denied', what);
    assert.equal(await witError(() => tcp(it).startConnect(network(it), here(1))), 'access-denied', what);
  }
  assert.equal(connections, 0);
});

test('a granted port where nobody listens is a refused connection, and the socket is closed', async () => {
  const gone = await server(() => {});
  const port = portOf(gone);
  gone.close();
  await using it = await scene({ net: [{ host: '127.0.0.1', port }] });
  const socket = tcp(it);
  socket.startConnect(network(it), here(port));
  assert.equal(await witError(() => socket.startConnect(network(it), here(port))), 'concurrency-conflict');
  await socket.subscribe().block();
  assert.equal(await witError(() => socket.finishConnect()), 'connection-refused');
  assert.equal(await witError(() => socket.finishConnect()), 'not-in-progress');
  assert.equal(await witError(() => socket.startConnect(network(it), here(port))), 'invalid-state');
});

test('addresses nobody can connect to are invalid arguments', async () => {
  await using it = await scene({ net: [{ host: '127.0.0.1', port: undefined }] });
  const invalid = [
    v4([0, 0, 0, 0], 80),
    v4([127, 0, 0, 1], 0),
    v4([224, 0, 0, 1], 80),
    v4([255, 255, 255, 255], 80),
    { tag: 'ipv6', val: { address: [0, 0, 0, 0, 0, 0, 0, 1], port: 80, flowInfo: 0, scopeId: 0 } },
  ];
  for (const address of invalid)
    assert.equal(await witError(() => tcp(it).startConnect(network(it), address)), 'invalid-argument');
  const mapped = { address: [0, 0, 0, 0, 0, 0xffff, 0x7f00, 1], port: 80, flowInfo: 0, scopeId: 0 };
  const act = (): unknown => tcp(it, 'ipv6').startConnect(network(it), { tag: 'ipv6', val: mapped });
  assert.equal(await witError(act), 'invalid-argument');
});

test('out of turn, every operation of a TCP socket says so', async () => {
  await using it = await scene({ net: [{ host: '127.0.0.1', port: undefined }] });
  const socket = tcp(it);
  assert.equal(await witError(() => socket.finishConnect()), 'not-in-progress');
  assert.equal(await witError(() => socket.finishBind()), 'not-in-progress');
  assert.equal(await witError(() => socket.startListen()), 'invalid-state');
  assert.equal(await witError(() => socket.finishListen()), 'not-in-progress');
  assert.equal(await witError(() => socket.accept()), 'invalid-state');
  assert.equal(await witError(() => socket.localAddress()), 'invalid-state');
  assert.equal(await witError(() => socket.remoteAddress()), 'invalid-state');
  assert.equal(await witError(() => socket.shutdown('both')), 'invalid-state');
  assert.equal(socket.isListening(), false);
  assert.equal(socket.addressFamily(), 'ipv4');
  for (const set of ['setHopLimit', 'setKeepAliveCount'])
    assert.equal(await witError(() => socket[set](0)), 'invalid-argument');
  for (const set of [
    'setReceiveBufferSize',
    'setSendBufferSize',
    'setKeepAliveIdleTime',
    'setListenBacklogSize',
  ])
    assert.equal(await witError(() => socket[set](0n)), 'invalid-argument');
  assert.equal(socket.subscribe().ready(), true);
});

test('listening needs a grant for the local address itself', async () => {
  await using denied = await scene({ net: [{ host: 'example.org', port: undefined }] });
  assert.equal(await witError(() => tcp(denied).startBind(network(denied), here(0))), 'access-denied');
  assert.equal(
    await witError(() => tcp(denied).startBind(network(denied), v4([0, 0, 0, 0], 0))),
    'access-denied',
  );
});

test('a guest with a granted local address listens and accepts', async () => {
  await using it = await scene({ net: [{ host: '127.0.0.1', port: undefined }] });
  const socket = tcp(it);
  socket.startBind(network(it), here(0));
  await socket.subscribe().block();
  socket.finishBind();
  assert.equal(await witError(() => socket.startBind(network(it), here(0))), 'invalid-state');
  socket.startListen();
  socket.finishListen();
  assert.equal(socket.isListening(), true);
  assert.equal(await witError(() => socket.accept()), 'would-block');
  const client = connect(socket.localAddress().val.port, '127.0.0.1');
  client.end('hello');
  await socket.subscribe().block();
  const [accepted, input, output] = socket.accept();
  assert.equal(accepted.remoteAddress().val.port, client.localPort);
  assert.equal(await readAll(input), 'hello');
  output[Symbol.dispose]();
  await once(client.resume(), 'end');
});

test('a socket bound first connects from there', async () => {
  let from = 0;
  await using there = await server((socket) => {
    from = socket.remotePort ?? 0;
    socket.end('x');
  });
  await using it = await scene({ net: [{ host: '127.0.0.1', port: undefined }] });
  const socket = tcp(it);
  socket.startBind(network(it), here(0));
  await socket.subscribe().block();
  socket.finishBind();
  const local = socket.localAddress();
  socket.startConnect(network(it), here(portOf(there)));
  await socket.subscribe().block();
  const [input] = socket.finishConnect();
  assert.equal(await readAll(input), 'x');
  assert.equal(from, local.val.port);
});

test('sockets count as open files', async () => {
  await using it = await scene({}, { openFilesMax: 2 });
  const first = tcp(it);
  udp(it);
  assert.equal(await witError(() => tcp(it)), 'new-socket-limit');
  assert.equal(await witError(() => udp(it)), 'new-socket-limit');
  first[Symbol.dispose]();
  tcp(it);
});

test('a name is looked up only when it was granted, and opens its addresses for its port', async () => {
  await using there = await server((socket) => socket.end());
  const port = portOf(there);
  await using it = await scene({ net: [{ host: 'LocalHost.', port }] });
  const lookUp = (name: string) =>
    it.call('wasi:sockets/ip-name-lookup', 'resolveAddresses', network(it), name);
  assert.equal(await witError(() => lookUp('example.org')), 'access-denied');
  assert.equal(await witError(() => lookUp('no such name')), 'invalid-argument');
  const stream = lookUp('localhost');
  assert.equal(await witError(() => stream.resolveNextAddress()), 'would-block');
  await stream.subscribe().block();
  const found: unknown[] = [];
  for (let next = stream.resolveNextAddress(); next !== undefined; next = stream.resolveNextAddress())
    found.push(next);
  assert.ok(found.some((address) => (address as { tag: string }).tag === 'ipv4'));
  await connected(it, port);
  assert.equal(await witError(() => tcp(it).startConnect(network(it), here(port + 1))), 'access-denied');
});

test('an address is its own look-up and opens nothing', async () => {
  await using it = await scene();
  const stream = it.call('wasi:sockets/ip-name-lookup', 'resolveAddresses', network(it), '127.0.0.1');
  assert.deepEqual(stream.resolveNextAddress(), { tag: 'ipv4', val: [127, 0, 0, 1] });
  assert.equal(stream.resolveNextAddress(), undefined);
  assert.equal(await witError(() => tcp(it).startConnect(network(it), here(80))), 'access-denied');
});

async function boundUdp(it: Scene, address = v4([0, 0, 0, 0], 0)) {
  const socket = udp(it);
  socket.startBind(network(it), address);
  await socket.subscribe().block();
  socket.finishBind();
  return socket;
}

async function peer() {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return Object.assign(socket, { [Symbol.asyncDispose]: async () => void socket.close() });
}

test('datagrams go to granted peers and come back from them only', async () => {
  await using friend = await peer();
  await using stranger = await peer();
  await using it = await scene({ net: [{ host: '127.0.0.1', port: friend.address().port }] });
  const socket = await boundUdp(it);
  const [incoming, outgoing] = socket.stream(undefined);
  assert.ok(outgoing.checkSend() > 0n);
  const to = (port: number) => [{ data: bytes('hi'), remoteAddress: here(port) }];
  assert.equal(await witError(() => outgoing.send(to(stranger.address().port))), 'access-denied');
  outgoing.checkSend();
  assert.equal(outgoing.send(to(friend.address().port)), 1n);
  const [message, from] = await once(friend, 'message');
  assert.equal(String(message), 'hi');
  stranger.send('spoof', from.port, '127.0.0.1');
  friend.send('answer', from.port, '127.0.0.1');
  await incoming.subscribe().block();
  const received = incoming.receive(10n);
  assert.deepEqual(
    received.map(({ data }: { data: Uint8Array }) => text(data)),
    ['answer'],
  );
  assert.deepEqual(received[0].remoteAddress, here(friend.address().port));
});

test('a connected UDP socket talks to its peer only, and new streams replace the old', async () => {
  await using friend = await peer();
  await using it = await scene({ net: [{ host: '127.0.0.1', port: undefined }] });
  const socket = await boundUdp(it, here(0));
  const remote = here(friend.address().port);
  const [old] = socket.stream(undefined);
  const [, outgoing] = socket.stream(remote);
  assert.equal(await witError(() => old.receive(1n)), 'invalid-state');
  assert.deepEqual(socket.remoteAddress(), remote);
  assert.throws(() => outgoing.send([{ data: bytes('x') }]), { kind: 'canonical-abi' });
  outgoing.checkSend();
  const elsewhere = { data: bytes('x'), remoteAddress: here(friend.address().port + 1) };
  assert.equal(await witError(() => outgoing.send([elsewhere])), 'invalid-argument');
  outgoing.checkSend();
  const large = { data: new Uint8Array(70_000), remoteAddress: undefined };
  assert.equal(await witError(() => outgoing.send([large])), 'datagram-too-large');
  outgoing.checkSend();
  assert.equal(outgoing.send([{ data: bytes('one') }, { data: bytes('two') }, large]), 2n);
  assert.equal(String((await once(friend, 'message'))[0]), 'one');
});

test('without any grant a UDP socket cannot even bind', async () => {
  await using it = await scene();
  assert.equal(await witError(() => udp(it).startBind(network(it), v4([0, 0, 0, 0], 0))), 'access-denied');
  assert.equal(await witError(() => udp(it).stream(undefined)), 'invalid-state');
});
