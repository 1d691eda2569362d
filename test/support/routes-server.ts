import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it came, with its whole body. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Route = (seen: Seen, response: ServerResponse) => void;

/** A server with a test's own answers, by `METHOD /path`; what it has no answer for is a problem document of 404. */
export class RoutesServer implements AsyncDisposable {
  readonly #server: Server;
  readonly seen: Seen[] = [];

  private constructor(routes: Readonly<Record<string, Route>>) {
    this.#server = createServer(async (request, response) => {
      const url = new URL(request.url ?? '/', 'http://server');
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk;
      const { method = '', headers } = request;
      const seen = { method, path: url.pathname, query: url.searchParams, headers, body };
      this.seen.push(seen);
      const route = routes[`${method} ${url.pathname}`];
      if (route === undefined)
        problem(response, 404, 'HOST_ERR_AGENT_UNKNOWN', `no agent for ${url.pathname}`);
      else route(seen, response);
    });
  }

  static async listen(routes: Readonly<Record<string, Route>>): Promise<RoutesServer> {
    const server = new RoutesServer(routes);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close').catch(() => {});
  }
}

/** Answers with a problem document. */
export function problem(
  response: ServerResponse,
  status: number,
  code: string,
  detail: string,
  more: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly data?: Readonly<Record<string, unknown>>;
  } = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/problem+json',
    'x-request-id': 'r-1',
    ...more.headers,
  });
  response.end(JSON.stringify({ ...more.data, title: 'Problem', status, detail, code, requestId: 'r-1' }));
}

/** Answers with JSON. */
export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

/** Begins a stream of server-sent events; `events` are its first. */
export function eventStream(response: ServerResponse, events: readonly (readonly [string, unknown])[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(': \n\n');
  for (const [event, data] of events) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
