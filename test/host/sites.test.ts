import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Sites } from '../../host/host/sites.ts';
import { type Exchange, ExchangeServer } from '../../host/host/thread/exchange-server.ts';

const exchangesMax = 8;

/** A front with the sites `1`, `2`, …, whose requests are told by their first letter, all in one thread. */
class Front {
  readonly #port: number;
  /** What the front could not pass on. */
  readonly refused: readonly string[];

  private constructor(port: number, refused: readonly string[]) {
    this.#port = port;
    this.refused = refused;
  }

  static async open(t: TestContext, exchange: Exchange): Promise<Front> {
    const folder = mkdtempSync(join(tmpdir(), 'mote-sites-'));
    const socketPath = join(folder, '1.sock');
    const threads = await ExchangeServer.listen(socketPath, exchange);
    const sites = new Sites(exchangesMax);
    const refused: string[] = [];
    const server = http.createServer((request, response) => {
      const id = Number(request.url?.[1]);
      sites.pass({ agent: `site-${id}`, id, socketPath }, request, response).catch((thrown) => {
        refused.push(thrown.code);
        response.writeHead(503, { 'x-why': thrown.message }).end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(async () => {
      server.closeAllConnections();
      server.close();
      sites.close();
      await threads.close();
      rmSync(folder, { recursive: true });
    });
    return new Front((server.address() as AddressInfo).port, refused);
  }

  /** A request whose body begins and does not end before it is told to. */
  stall(path: string): http.ClientRequest {
    const request = http.request({ port: this.#port, path, method: 'POST', agent: false });
    request.on('error', () => undefined);
    request.write('x');
    return request;
  }

  async get(path: string): Promise<http.IncomingMessage> {
    const [answer] = await once(http.get({ port: this.#port, path, agent: false }), 'response');
    return (answer as http.IncomingMessage).resume();
  }
}

/** Answers when the body has ended; `reached` resolves when so many are here. */
function reading(count: number): { readonly exchange: Exchange; readonly reached: Promise<void> } {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  let left = count;
  const exchange: Exchange = async (_id, request, response) => {
    left -= 1;
    if (left === 0) resolve();
    request.resume();
    await once(request, 'end');
    response.end();
  };
  return { exchange, reached };
}

test('a site that is sent bodies without end leaves half of the places to others, and is told to be busy', async (t) => {
  const { exchange, reached } = reading(exchangesMax / 2);
  const front = await Front.open(t, exchange);
  const stalled = Array.from({ length: exchangesMax / 2 }, () => front.stall('/1'));
  await reached;
  const answer = await front.get('/1');
  assert.equal(answer.statusCode, 503);
  assert.match(String(answer.headers['x-why']), /site-1 has 4 requests under way/);
  assert.deepEqual(front.refused, ['HOST_ERR_SITE_BUSY']);
  assert.equal((await front.get('/2')).statusCode, 200);
  const [first] = stalled;
  first?.end();
  await once(first as http.ClientRequest, 'response');
  assert.equal((await front.get('/1')).statusCode, 200);
});

test('a body that goes on after its answer holds no place', async (t) => {
  const front = await Front.open(t, async (_id, _request, response) => void response.end('no need'));
  for (let count = 0; count < 2 * exchangesMax; count += 1) {
    const [answer] = await once(front.stall('/1'), 'response');
    await once((answer as http.IncomingMessage).resume(), 'end');
  }
  assert.equal((await front.get('/1')).statusCode, 200);
});

test('what a site says in the host’s name, or of the whole origin, does not go out', async (t) => {
  const front = await Front.open(t, async (_id, _request, response) => {
    response.writeHead(200, {
      'X-Request-Id': 'mine',
      'Service-Worker-Allowed': '/',
      'Clear-Site-Data': '"*"',
      'Strict-Transport-Security': 'max-age=1',
      'X-Mote-Outcome': 'ok',
      'x-own': 'yes',
      'set-cookie': ['a=1', 'b=2'],
    });
    response.end();
  });
  const { headers } = await front.get('/1');
  const names = ['x-request-id', 'service-worker-allowed', 'clear-site-data', 'strict-transport-security'];
  for (const name of [...names, 'x-mote-outcome']) assert.equal(headers[name], undefined, name);
  assert.deepEqual([headers['x-own'], headers['set-cookie']], ['yes', ['a=1', 'b=2']]);
});
