import { createServer, type Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { type Clock, type Random, systemClock, systemRandom } from '../clock.ts';
import { HostError } from '../errors.ts';
import { Answers } from './answer.ts';
import { Bodies } from './body.ts';
import { answerClientError, refuseTunnel, turnAway, turnedAwayMax } from './client-error.ts';
import { Connections, isOfClient } from './connections.ts';
import type { Caller, Fault, Front } from './front.ts';
import { Gate } from './gate.ts';
import { defaultHttpLimits, type HttpLimits } from './http-limits.ts';
import { openApiDocument } from './openapi.ts';
import { type Leave, PlainLines } from './plain-line.ts';
import { Problem } from './problem.ts';
import { type Elsewhere, Reception } from './reception.ts';
import { RequestIds } from './request-id.ts';
import { routeTable } from './route-table.ts';
import { Streams } from './streams.ts';
import { type TokenChange, TokenStore } from './token-store.ts';
import { Traffic } from './traffic.ts';

/** What can be said of a door in every thread: plain data. */
export interface DoorSettings {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Where `tokens.json` is; undefined: there are no tokens. */
  readonly stateFolder?: string;
  /** Tokens are asked for on loopback too; without it only once there is one. Elsewhere they always are. */
  readonly auth?: boolean;
  /** Names under which pages and programs of this machine may ask, beside `localhost`. */
  readonly hostNames?: readonly string[];
  /** Origins whose pages may call and read: `https://console.example`. */
  readonly corsOrigins?: readonly string[];
  readonly limits?: Partial<HttpLimits>;
}

export interface DoorOptions extends DoorSettings {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Told of faults of ours; default: a warning of the process. */
  readonly report?: (fault: Fault) => void;
  /** Takes every request that is no plain invocation. */
  readonly elsewhere?: Elsewhere;
  /** Told of tokens that came or went. */
  readonly onTokens?: (change: TokenChange) => void;
}

/** Where a server listens: an address, which threads may share, or a local socket. */
export type Place =
  | { readonly host: string; readonly port: number; readonly reusePort: boolean }
  | { readonly path: string };

/** Milliseconds for the last answers to go out. */
const flushMsMax = 250;

/** Connections the system may hold before they are accepted. */
const backlogMax = 4096;

/** One thread's part of the front door: who may ask, what is answered here, and everything that is bounded. */
export class Door<Serves extends Caller> {
  readonly front: Front<Serves>;
  readonly reception: Reception<Serves>;
  readonly tokens: TokenStore | undefined;
  readonly #limits: HttpLimits;
  readonly #lines: PlainLines;
  readonly #servers: Server[] = [];
  readonly #sweeping = new AbortController();

  /** @throws HostError `HOST_ERR_TOKEN_INVALID`; `HOST_ERR_LISTEN_FAILED` when it would be open to all */
  constructor(serving: Serves, options: DoorOptions) {
    const { host = '127.0.0.1', hostNames = [], corsOrigins = [], elsewhere } = options;
    this.#limits = limitsOf(host, options);
    this.front = frontOf(serving, this.#limits, options);
    this.tokens = tokensOf(this.front, options, !isLoopback(host));
    if (!isLoopback(host) && (this.tokens === undefined || this.tokens.isEmpty)) throw openToAll(host);
    const gate = new Gate({ limits: this.#limits, tokens: this.tokens, hostNames, corsOrigins });
    const ids = new RequestIds(options.random ?? systemRandom);
    this.reception = new Reception(this.front, gate, ids, elsewhere);
    this.#lines = new PlainLines({
      clock: this.front.clock,
      limits: this.#limits,
      ids,
      take: this.reception.takeWhole.bind(this.reception),
    });
  }

  /** A server that takes requests for this door; `open` binds it. */
  server(): Server {
    const server = serverOf(this.front, this.reception, this.#lines);
    this.#servers.push(server);
    if (this.#servers.length === 1) void this.#sweep();
    return server;
  }

  async #sweep(): Promise<void> {
    const { clock, connections } = this.front;
    while (!this.#sweeping.signal.aborted) {
      await clock.sleep(this.#limits.sweepMs, this.#sweeping.signal).catch(() => undefined);
      connections.sweep(clock.monotonicMs());
      // What nobody asks with any more is on the record too.
      this.tokens?.generation(clock.monotonicMs());
    }
  }

  /** Takes nothing new, ends streams, lets what runs finish within `drainMs`, then tells the rest that it is cut off. */
  async close(drainMs: number): Promise<void> {
    const { answers, clock, connections, streams } = this.front;
    for (const server of this.#servers) stopListening(server);
    answers.isClosing = true;
    streams.endAll('the host is shutting down');
    const late = new AbortController();
    const within = (ms: number): Promise<void> => clock.sleep(ms, late.signal).catch(() => undefined);
    await Promise.race([connections.quiet(), within(drainMs)]);
    for (const exchange of connections.unanswered()) answers.problem(exchange, cutOff());
    await Promise.race([connections.empty(), within(flushMsMax)]);
    late.abort();
    connections.destroyAll();
    this.#sweeping.abort();
    this.tokens?.refresh();
  }
}

/** Not `http.Server.close`: it cuts connections whose last answer is still on its way out. */
export function stopListening(server: Server): void {
  NetServer.prototype.close.call(server);
}

/** @throws HostError `HOST_ERR_LISTEN_FAILED` */
export async function bind(server: Server, place: Place): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ ...place, backlog: backlogMax }, resolve);
  try {
    await promise;
  } catch (error) {
    throw unbound(place, error);
  } finally {
    server.off('error', reject);
  }
}

function unbound(place: Place, error: unknown): HostError {
  const cause = error instanceof Error ? error.message : String(error);
  const where = 'path' in place ? place.path : `${place.host}:${place.port}`;
  const cure = 'choose another with --listen HOST:PORT; port 0 is any that is free';
  return new HostError('HOST_ERR_LISTEN_FAILED', `cannot listen on ${where} (${cause}): ${cure}`, { where });
}

/** On loopback everybody is the same address, and whoever is there could do worse than ask often. */
function limitsOf(host: string, { limits }: DoorOptions): HttpLimits {
  const addressRate = isLoopback(host) ? undefined : defaultHttpLimits.addressRate;
  return { ...defaultHttpLimits, addressRate, ...limits };
}

let document: Readonly<Record<string, unknown>> | undefined;

/** Made when first asked for. */
function openApi(): Readonly<Record<string, unknown>> {
  document ??= openApiDocument(routeTable);
  return document;
}

function tokensOf(
  front: Front<Caller>,
  { stateFolder, auth, onTokens }: DoorOptions,
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
    onChange: onTokens,
  });
}

function frontOf<Serves extends Caller>(
  serving: Serves,
  limits: HttpLimits,
  options: DoorOptions,
): Front<Serves> {
  const clock = options.clock ?? systemClock;
  const connections = new Connections(limits.stallsMax);
  const answers = new Answers(
    () => clock.monotonicMs(),
    (exchange) => connections.settled(exchange),
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

function serverOf<Serves extends Caller>(
  front: Front<Serves>,
  reception: Reception<Serves>,
  lines: PlainLines,
): Server {
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
  server.maxConnections = limits.connectionsMax + Math.min(turnedAwayMax, limits.connectionsMax);
  server.maxHeadersCount = 0;
  // Node's own reader begins when a connection is no plain line any more.
  const readers = server.listeners('connection');
  server.removeAllListeners('connection');
  const leave: Leave = ({ socket }) => {
    for (const read of readers) read.call(server, socket);
  };
  server.on('connection', (socket) => {
    if (connections.clients >= limits.connectionsMax && isOfClient(socket))
      turnAway(front.traffic, socket, limits, front.clock);
    else lines.begin(connections.add(socket), leave);
  });
  const take = reception.take.bind(reception);
  server.on('request', take);
  // The body is asked for once the head was found good.
  server.on('checkContinue', take);
  server.on('checkExpectation', take);
  server.on('clientError', (error, socket) => answerClientError(front.traffic, error, socket));
  server.on('connect', (_, socket) => refuseTunnel(front.traffic, socket));
  return server;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

function cutOff(): Problem {
  const detail =
    'the host ends, and did not wait any longer for this request; whether it was dealt with is not known';
  return new Problem(503, 'closing', detail, { retryAfterMs: 1000, headers: ['connection', 'close'] });
}

function openToAll(host: string): HostError {
  const cure = "make a token with 'host token create', or listen on 127.0.0.1";
  return new HostError(
    'HOST_ERR_LISTEN_FAILED',
    `${host} can be reached from other machines and there is no token: ${cure}`,
    { host },
  );
}

function warn({ requestId, route, error }: Fault): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(`request ${requestId} to ${route}: ${text}`, 'HttpFault');
}
