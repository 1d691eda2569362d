import { createServer, type Server } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { type Clock, type Random, systemClock, systemRandom } from '../clock.ts';
import { HostError } from '../errors.ts';
import type { Serving } from '../host/serving.ts';
import { Answers } from './answer.ts';
import { Bodies } from './body.ts';
import { answerClientError } from './client-error.ts';
import { Connections } from './connections.ts';
import type { Fault, Front } from './front.ts';
import { Gate } from './gate.ts';
import { defaultHttpLimits, type HttpLimits } from './http-limits.ts';
import { openApiDocument } from './openapi.ts';
import { Reception } from './reception.ts';
import { RequestIds } from './request-id.ts';
import { routeTable } from './route-table.ts';
import { createRouter } from './router.ts';
import { Streams } from './streams.ts';
import { TokenStore } from './token-store.ts';
import { Traffic } from './traffic.ts';

export interface ListenOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 8080; 0 takes a free one. */
  readonly port?: number;
  /** Where `tokens.json` is; undefined: there are no tokens. */
  readonly stateFolder?: string;
  /** Tokens are asked for on loopback too; without it only once there is one. Elsewhere they always are. */
  readonly auth?: boolean;
  /** Names under which pages and programs of this machine may ask, beside `localhost`. */
  readonly hostNames?: readonly string[];
  /** Origins whose pages may call and read: `https://console.example`. */
  readonly corsOrigins?: readonly string[];
  readonly limits?: Partial<HttpLimits>;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Told of faults of ours; default: a warning of the process. */
  readonly report?: (fault: Fault) => void;
}

/** A front door that is open. */
export interface HttpFront {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  readonly port: number;
  /** Everybody who reaches it may do everything: say so. */
  readonly authOff: boolean;
  /** The contrary. */
  readonly needsToken: boolean;
  /** Takes nothing new, ends streams, lets what runs finish within `drainMs`, then cuts the rest. */
  close(drainMs?: number): Promise<void>;
}

/**
 * Opens the front door of a serving host.
 * @throws HostError `HOST_ERR_LISTEN_FAILED` when the address cannot be had, or reaches beyond this machine without
 * tokens
 */
export async function listen(serving: Serving, options: ListenOptions = {}): Promise<HttpFront> {
  const { host = '127.0.0.1', port = 8080, hostNames = [], corsOrigins = [] } = options;
  const limits = limitsOf(host, options);
  const front = frontOf(serving, limits, options);
  const tokens = tokensOf(front, options, !isLoopback(host));
  if (!isLoopback(host) && (tokens === undefined || tokens.isEmpty)) throw openToAll(host);
  const gate = new Gate({ limits, tokens, hostNames, corsOrigins });
  const reception = new Reception(front, gate, new RequestIds(options.random ?? systemRandom));
  const server = serverOf(front, reception);
  const app = createRouter(
    front,
    (request) => reception.exchangeOf(request),
    (route) => {
      reception.routeBy(route);
      return server;
    },
  );
  await app.ready();
  await bind(server, host, port);
  return opened(front, server, app, tokens, host);
}

function opened(
  front: Front,
  server: Server,
  app: FastifyInstance,
  tokens: TokenStore | undefined,
  host: string,
): HttpFront {
  const sweeping = new AbortController();
  void sweep(front, sweeping.signal);
  const { port } = server.address() as AddressInfo;
  const needsToken = tokens?.isRequired(front.clock.monotonicMs()) === true;
  let closed: Promise<void> | undefined;
  const close = async (drainMs: number): Promise<void> => {
    await drain(front, server, drainMs);
    sweeping.abort();
    await app.close();
  };
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    authOff: !needsToken,
    needsToken,
    close: (drainMs = drainMsDefault) => {
      closed ??= close(drainMs);
      return closed;
    },
  };
}

/** On loopback everybody is the same address, and whoever is there could do worse than ask often. */
function limitsOf(host: string, { limits }: ListenOptions): HttpLimits {
  const addressRate = isLoopback(host) ? undefined : defaultHttpLimits.addressRate;
  return { ...defaultHttpLimits, addressRate, ...limits };
}

let document: Readonly<Record<string, unknown>> | undefined;

/** Made when first asked for. */
function openApi(): Readonly<Record<string, unknown>> {
  document ??= openApiDocument(routeTable);
  return document;
}

const drainMsDefault = 30_000;

function tokensOf(
  front: Front,
  { stateFolder, auth }: ListenOptions,
  isPublic: boolean,
): TokenStore | undefined {
  const isRequired = auth === true || isPublic;
  if (stateFolder === undefined) {
    if (auth !== true) return undefined;
    throw new HostError(
      'HOST_ERR_TOKEN_INVALID',
      'tokens are asked for and there is no state folder to keep them in',
    );
  }
  return new TokenStore({
    stateFolder,
    clock: front.clock,
    isRequired,
    rate: front.limits.tokenRate,
    onFault: (error) => front.report({ requestId: 'none', route: 'tokens', error }),
  });
}

function frontOf(serving: Serving, limits: HttpLimits, options: ListenOptions): Front {
  const clock = options.clock ?? systemClock;
  const connections = new Connections(limits.stallsMax);
  const answers = new Answers(
    () => clock.monotonicMs(),
    (exchange) => connections.settled(exchange.connection),
    limits.answersBytesMax,
  );
  return {
    serving,
    clock,
    limits,
    answers,
    connections,
    bodies: new Bodies(limits),
    streams: new Streams(limits, clock, answers),
    traffic: new Traffic(),
    document: openApi,
    report: options.report ?? warn,
  };
}

function serverOf(front: Front, reception: Reception): Server {
  const { limits, connections } = front;
  const server = createServer({
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: limits.sweepMs,
    noDelay: true,
    // Ours answers with a problem document.
    requireHostHeader: false,
  });
  server.maxConnections = limits.connectionsMax;
  server.maxHeadersCount = 0;
  server.on('connection', (socket) => connections.add(socket));
  const take = reception.take.bind(reception);
  server.on('request', take);
  // The body is asked for once the head was found good.
  server.on('checkContinue', take);
  server.on('checkExpectation', take);
  server.on('clientError', (error, socket) => answerClientError(front.traffic, error, socket));
  return server;
}

async function bind(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host, port, backlog: backlogMax }, resolve);
  try {
    await promise;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    const cure = 'choose another with --listen, or --port 0 for any that is free';
    throw new HostError('HOST_ERR_LISTEN_FAILED', `cannot listen on ${host}:${port} (${cause}): ${cure}`, {
      host,
      port,
    });
  } finally {
    server.off('error', reject);
  }
}

/** Connections the system may hold before they are accepted. */
const backlogMax = 4096;

async function sweep({ clock, connections, limits }: Front, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(limits.sweepMs, signal).catch(() => undefined);
    connections.sweep();
  }
}

async function drain(front: Front, server: Server, drainMs: number): Promise<void> {
  const { answers, clock, connections, streams } = front;
  // Not `http.Server.close`: it cuts connections whose last answer is still on its way out.
  NetServer.prototype.close.call(server);
  answers.isClosing = true;
  streams.endAll('the host is shutting down');
  const late = new AbortController();
  await Promise.race([connections.quiet(), clock.sleep(drainMs, late.signal).catch(() => undefined)]);
  late.abort();
  connections.destroyAll();
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

function openToAll(host: string): HostError {
  const cure = "make a token with 'host token create', or listen on 127.0.0.1";
  return new HostError(
    'HOST_ERR_LISTEN_FAILED',
    `${host} can be reached from other machines and there is no token: ${cure}`,
    {
      host,
    },
  );
}

function warn({ requestId, route, error }: Fault): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(`request ${requestId} to ${route}: ${text}`, 'HttpFault');
}
