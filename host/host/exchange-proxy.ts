import * as http from 'node:http';
import { HostError } from '../errors.ts';

/** Carries the agent's id to the thread that owns it; whatever a client sent by this name is dropped. */
export const agentHeader = 'x-mote-agent-id';

/** Carries a client's address from the thread that took the connection to the main thread. */
export const clientHeader = 'x-mote-client-address';

const socketsIdleMax = 64;

/** Headers by their lower-case names: those of an answer that are not passed on. */
export type Withheld = (name: string) => boolean;
const nothing: Withheld = () => false;

/** Headers that belong to one connection (RFC 9110, 7.6.1), what the front door answered itself, and ours. */
const ownHeaders: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  agentHeader,
  clientHeader,
]);

/**
 * The way of HTTP requests from one thread to another: to the one whose agent answers them, or to the main thread,
 * whose affair everything else is.
 */
export class ExchangeProxy {
  readonly #agents = new Map<string, http.Agent>();
  readonly #socketsMax: number;

  /** `socketsMax`: requests under way at once to one socket; more wait for one to end. */
  constructor(socketsMax: number) {
    this.#socketsMax = socketsMax;
  }

  /**
   * Passes a request on to the server at a local socket, and the answer back; bodies as they come, in both
   * directions. Resolves when the answer is out or either side has gone. `withheld`: headers of the answer that stay
   * here.
   * @throws HostError `HOST_ERR_THREAD_LOST` when nobody answers there and nothing has been answered yet
   */
  pass(
    socketPath: string,
    header: readonly [name: string, value: string],
    request: http.IncomingMessage,
    response: http.ServerResponse,
    withheld: Withheld = nothing,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const upstream = http.request({
        socketPath,
        agent: this.#agentOf(socketPath),
        method: request.method ?? 'GET',
        path: request.url ?? '/',
        headers: [...passedOn(request.rawHeaders, nothing), ...framing(request), ...header],
        setHost: false,
      });
      upstream.on('response', (answer) => {
        // The host ended meanwhile, and said so itself.
        if (response.headersSent) return void upstream.destroy();
        const headers = passedOn(answer.rawHeaders, withheld);
        response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers);
        answer.pipe(response);
        // Its end may never come: what was promised is then cut off, so that the client sees that it is.
        answer.on('error', () => response.destroy());
      });
      upstream.on('error', (cause) => {
        if (response.headersSent || response.destroyed) response.destroy();
        else
          reject(new HostError('HOST_ERR_THREAD_LOST', 'the agent was lost meanwhile; try again', {}, cause));
      });
      response.on('close', () => {
        // The rest of a body that was answered before its end would hold the socket as long as its client likes.
        if (!response.writableFinished || !request.complete) upstream.destroy();
        resolve();
      });
      request.pipe(upstream);
    });
  }

  #agentOf(socketPath: string): http.Agent {
    let agent = this.#agents.get(socketPath);
    if (agent === undefined) {
      agent = new http.Agent({
        keepAlive: true,
        maxSockets: this.#socketsMax,
        maxFreeSockets: socketsIdleMax,
      });
      this.#agents.set(socketPath, agent);
    }
    return agent;
  }

  /** Ends the connections to a thread that is gone. */
  drop(socketPath: string): void {
    this.#agents.get(socketPath)?.destroy();
    this.#agents.delete(socketPath);
  }

  close(): void {
    for (const path of [...this.#agents.keys()]) this.drop(path);
  }
}

/**
 * How the end of a body of unknown length is told. Node frames none by itself for GET, DELETE and the like: the bytes
 * of such a body would stand bare after the head, and be taken for the next request, headers of ours and all.
 */
function framing({ headers }: http.IncomingMessage): readonly string[] {
  return headers['transfer-encoding'] === undefined ? [] : ['transfer-encoding', 'chunked'];
}

/** Names and values by turns, as Node has them, without those that end here. */
function passedOn(rawHeaders: readonly string[], withheld: Withheld): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    const lower = name.toLowerCase();
    if (!ownHeaders.has(lower) && !withheld(lower)) kept.push(name, rawHeaders[at + 1] as string);
  }
  return kept;
}
