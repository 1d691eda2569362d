import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { agentHeader, ExchangeProxy } from '../../host/host/exchange-proxy.ts';
import { ExchangeServer } from '../../host/host/thread/exchange-server.ts';

// The main thread passes a site's requests on to the agent's thread over a socket that carries one after the other.

/** What agent 1 is sent through the front when a client writes `text`. */
async function reached(t: TestContext, text: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'motehost-smuggled-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const seen: string[] = [];
  const server = await ExchangeServer.listen(join(folder, '1.sock'), async (agent, request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    seen.push(`${agent} ${request.method} ${request.url} ${Buffer.concat(chunks)}`);
    response.end();
  });
  const proxy = new ExchangeProxy(8);
  const front = http.createServer(
    (request, response) => void proxy.pass(join(folder, '1.sock'), [agentHeader, '1'], request, response),
  );
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  const socket = connect((front.address() as AddressInfo).port, '127.0.0.1');
  socket.resume().write(text);
  await once(socket, 'close');
  proxy.close();
  await server.close();
  front.close();
  return seen;
}

const inner = 'GET /inner HTTP/1.1\r\nhost: x\r\nx-mote-agent-id: 2\r\n\r\n';
const chunked = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`;

for (const method of ['GET', 'DELETE', 'OPTIONS', 'POST', 'TRACE']) {
  test(`a body in chunks of a ${method} is a body, and no request to another agent`, async (t) => {
    const head = `${method} /outer HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n`;
    assert.deepEqual(await reached(t, head + chunked), [`1 ${method} /outer ${inner}`]);
  });
}

test('an agent’s id in the head or the trailer of a request is nobody’s', async (t) => {
  const head =
    'POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-mote-agent-id: 2\r\nX-Mote-Agent-Id: 3\r\n';
  const body = 'transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-mote-agent-id: 4\r\n\r\n';
  assert.deepEqual(await reached(t, head + body), ['1 POST / a']);
});
