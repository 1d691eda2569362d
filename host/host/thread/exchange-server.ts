import * as http from 'node:http';
import { agentHeader } from '../exchange-proxy.ts';

/** Has an agent of this thread answer a request; resolves when it has, whatever came of it. */
export type Exchange = (
  agentId: number,
  request: http.IncomingMessage,
  response: http.ServerResponse,
) => Promise<void>;

/** Where this thread takes HTTP requests for its agents from the main thread: a socket in a folder of the host's own. */
export class ExchangeServer {
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
  }

  static listen(socketPath: string, exchange: Exchange): Promise<ExchangeServer> {
    const server = http.createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
      const id = Number(request.headers[agentHeader]);
      exchange(id, request, response).then(
        () => end(response),
        () => end(response),
      );
    });
    server.on('clientError', (_cause, socket) => socket.destroy());
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(socketPath, () => resolve(new ExchangeServer(server)));
    });
  }

  /** Ends idle connections and takes no new ones; resolves when the last answer is out. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }
}

/** An agent that ended without an answer leaves its client with one all the same. */
function end(response: http.ServerResponse): void {
  if (response.writableEnded || response.destroyed) return;
  if (!response.headersSent) {
    response.writeHead(502, { 'content-type': 'application/problem+json' });
    response.end(
      JSON.stringify({
        type: 'about:blank',
        title: 'Bad Gateway',
        status: 502,
        detail: 'the agent gave no answer',
      }),
    );
  } else response.destroy();
}
