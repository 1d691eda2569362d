import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { clientHeader } from '../../host/host/exchange-proxy.ts';
import type { Caller } from '../../host/http/front.ts';
import { listen } from '../../host/http/listen.ts';
import { openThreadDoor } from '../../host/http/thread-door.ts';
import { MemoryServing } from '../support/memory-serving.ts';

// Threads of agents share one address and pass on what is not theirs over a socket of the main thread.

function folder(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), 'motehost-shared-'));
  t.after(() => rmSync(home, { recursive: true }));
  return home;
}

/** A thread's door, and what the main thread does with what is passed on. */
async function door(t: TestContext, main: http.RequestListener): Promise<number> {
  const mainSocketPath = join(folder(t), 'main.sock');
  const server = http.createServer(main).listen(mainSocketPath);
  await once(server, 'listening');
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const opened = await openThreadDoor(new MemoryServing() as Caller, {
    host: '127.0.0.1',
    port,
    mainSocketPath,
  });
  t.after(async () => {
    await opened.close(0);
    server.closeAllConnections();
    server.close();
  });
  return port;
}

test('event streams that last keep no other request waiting, however many they are', async (t) => {
  const port = await door(t, (request, response) => {
    response.writeHead(200);
    if (request.url === '/v1/events') response.write(': \n\n');
    else response.end();
  });
  const streams = Array.from({ length: 600 }, () => {
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n');
    return socket;
  });
  t.after(() => {
    for (const socket of streams) socket.destroy();
  });
  await Promise.all(streams.map((socket) => once(socket, 'data')));
  assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
});

test('a client that asks first is told to go on by the thread that took its connection', async (t) => {
  const port = await door(t, (_request, response) => response.end());
  const request = http.request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    headers: { expect: '100-continue' },
  });
  request.flushHeaders();
  await once(request, 'continue');
  request.end('x');
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  assert.equal(answer.statusCode, 200);
  answer.resume();
});

test('what cannot be expected is refused by the thread that took the connection, and not passed on', async (t) => {
  const port = await door(t, () => assert.fail('was passed on'));
  const request = http.request({ host: '127.0.0.1', port, method: 'POST', headers: { expect: 'tea' } });
  request.end('x');
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  assert.equal(answer.statusCode, 417);
  answer.resume();
});

test('clients of one connection among threads have rates of their own, and nobody another’s by saying so', async (t) => {
  const socketPath = join(folder(t), 'main.sock');
  const serving = Object.assign(new MemoryServing(), {
    doors: { socketPath, open: async () => {}, close: async () => {}, metrics: async () => [] },
  });
  const front = await listen(serving, { port: 0, limits: { addressRate: { perSecond: 0.001, burst: 1 } } });
  t.after(() => front.close(0));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const statusOf = async (client: string): Promise<number | undefined> => {
    const request = http.get({
      socketPath,
      path: '/healthz',
      agent,
      headers: { host: 'localhost', [clientHeader]: client },
    });
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    answer.resume();
    await once(answer, 'end');
    return answer.statusCode;
  };
  assert.deepEqual(
    [await statusOf('10.0.0.1'), await statusOf('10.0.0.1'), await statusOf('10.0.0.2')],
    [200, 429, 200],
  );
});

test('an address another host of the same user listens at is taken, though threads could share it', async (t) => {
  const home = folder(t);
  const served = (name: string): MemoryServing =>
    Object.assign(new MemoryServing(), {
      doors: {
        socketPath: join(home, name),
        open: async () => {},
        close: async () => {},
        metrics: async () => [],
      },
    });
  const port = await door(t, (_request, response) => response.end());
  await assert.rejects(listen(served('b'), { port }), {
    code: 'HOST_ERR_LISTEN_FAILED',
    message: /EADDRINUSE/,
  });
});
