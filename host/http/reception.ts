import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange as ExchangeType } from './exchange.ts';
import { Exchange } from './exchange.ts';
import type { Caller, Front } from './front.ts';
import { admitPublic, type Gate, refusedExpectation } from './gate.ts';
import type { PlainExchange } from './plain-exchange.ts';
import { Problem } from './problem.ts';
import type { RequestIds } from './request-id.ts';
import { originForm } from './request-target.ts';
import { methodsOf } from './route-table.ts';
import type { Listener } from './router.ts';
import { invoke, invokeRoute, invokeWhole } from './routes/invoke.ts';
import { fail, missingRight } from './run.ts';
import { passedOn, type RouteMeter } from './traffic.ts';

const agentsPrefix = '/v1/agents/';
const invokeSuffix = '/invoke';
/** The host's own public paths; every other path outside `/v1` may be an agent's. */
const ownPaths: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics', '/openapi.json']);

/** Another thread's affair; resolves when the answer is out. */
export type Elsewhere = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Takes every request first: checks its head, answers the one hot operation itself, leaves the rest to the router. */
export class Reception<Serves extends Caller> {
  readonly #front: Front<Serves>;
  readonly #gate: Gate;
  readonly #ids: RequestIds;
  readonly #exchanges = new WeakMap<IncomingMessage, ExchangeType>();
  readonly #invokeMeter: RouteMeter;
  readonly #siteMeter: RouteMeter;
  readonly #otherMeter: RouteMeter;
  readonly #passedOnMeter: RouteMeter;
  readonly #elsewhere: Elsewhere | undefined;
  #route: Listener | undefined;

  constructor(front: Front<Serves>, gate: Gate, ids: RequestIds, elsewhere?: Elsewhere) {
    this.#elsewhere = elsewhere;
    this.#front = front;
    this.#gate = gate;
    this.#ids = ids;
    this.#invokeMeter = front.traffic.of(invokeRoute.path);
    this.#siteMeter = front.traffic.of('agent site');
    this.#otherMeter = front.traffic.of('none');
    this.#passedOnMeter = front.traffic.of(passedOn);
  }

  /** Where requests go that are not answered here. */
  routeBy(route: Listener): void {
    this.#route = route;
  }

  exchangeOf(request: IncomingMessage): ExchangeType {
    const exchange = this.#exchanges.get(request);
    if (exchange === undefined) throw new Error('a request that did not come through the reception');
    return exchange;
  }

  take(request: IncomingMessage, response: ServerResponse): void {
    const { clock, connections, answers } = this.#front;
    const connection = connections.of(request.socket);
    const nowMs = clock.monotonicMs();
    const id = this.#ids.of(request.headers['x-request-id']);
    const exchange = new Exchange(request, response, connection, id, nowMs);
    connections.begin(exchange);
    const misaddressed = originForm(request);
    if (misaddressed === undefined && this.#elsewhere !== undefined && !isInvocation(request)) {
      void this.#passOn(exchange, this.#elsewhere);
      return;
    }
    const problem = misaddressed ?? (answers.isClosing ? closing() : this.#gate.enter(exchange, nowMs));
    if (problem === undefined) {
      this.#direct(exchange, request.url ?? '/', nowMs);
      return;
    }
    exchange.meter = this.#otherMeter;
    answers.problem(exchange, problem);
  }

  /** As `take`, for an invocation that was read whole. */
  takeWhole(exchange: PlainExchange, body: Uint8Array<ArrayBuffer>): void {
    const { answers, connections } = this.#front;
    const { startedMs, request } = exchange;
    const name = request.agent;
    connections.begin(exchange);
    exchange.meter = this.#otherMeter;
    let problem = answers.isClosing ? closing() : this.#gate.enter(exchange, startedMs);
    if (problem === undefined) {
      exchange.meter = this.#invokeMeter;
      problem = this.#gate.admit(exchange, startedMs) ?? missingRight(exchange, invokeRoute, { name });
    }
    if (problem === undefined) void this.#invokedWhole(exchange, name, body);
    else answers.problem(exchange, problem);
  }

  async #invokedWhole(exchange: PlainExchange, name: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      const problem = await invokeWhole(this.#front, exchange, name, body);
      if (problem !== undefined) this.#front.answers.problem(exchange, problem);
    } catch (error) {
      fail(this.#front, exchange, error);
    }
  }

  async #passOn(exchange: ExchangeType, elsewhere: Elsewhere): Promise<void> {
    const { answers } = this.#front;
    const { request, response } = exchange;
    const problem = refusedExpectation(request);
    exchange.meter = problem === undefined ? this.#passedOnMeter : this.#otherMeter;
    if (problem !== undefined) {
      answers.problem(exchange, problem);
      return;
    }
    if (request.headers.expect !== undefined) response.writeContinue();
    try {
      await elsewhere(request, response);
      answers.settle(exchange, response.statusCode);
    } catch (error) {
      fail(this.#front, exchange, error);
    }
  }

  #direct(exchange: ExchangeType, url: string, nowMs: number): void {
    if (url.startsWith('/v1/')) {
      const name = isInvocation(exchange.request) ? invokedName(url) : undefined;
      if (name !== undefined) {
        this.#invoke(exchange, name, nowMs);
        return;
      }
    } else if (this.#site(exchange, url)) return;
    exchange.meter = this.#otherMeter;
    if (this.#crossOrigin(exchange, url)) return;
    const problem = this.#admit(exchange, url, nowMs);
    if (problem !== undefined) {
      this.#front.answers.problem(exchange, problem);
      return;
    }
    this.#exchanges.set(exchange.request, exchange);
    this.#route?.(exchange.request, exchange.response);
  }

  #admit(exchange: ExchangeType, url: string, nowMs: number): Problem | undefined {
    if (url.startsWith('/v1/') || url === '/metrics') return this.#gate.admit(exchange, nowMs);
    admitPublic(exchange);
    return undefined;
  }

  #invoke(exchange: ExchangeType, name: string, nowMs: number): void {
    exchange.meter = this.#invokeMeter;
    const { answers } = this.#front;
    if (this.#crossOrigin(exchange, invokeRoute.path)) return;
    const problem = this.#gate.admit(exchange, nowMs) ?? missingRight(exchange, invokeRoute, { name });
    if (problem === undefined) void this.#invoked(exchange, name);
    else answers.problem(exchange, problem);
  }

  async #invoked(exchange: ExchangeType, name: string): Promise<void> {
    try {
      const problem = await invoke(this.#front, exchange, name);
      if (problem !== undefined) this.#front.answers.problem(exchange, problem);
    } catch (error) {
      fail(this.#front, exchange, error);
    }
  }

  /** A request to an agent's own site; it is public, and what it means is the agent's affair. */
  #site(exchange: ExchangeType, url: string): boolean {
    const query = url.indexOf('?');
    const path = query < 0 ? url : url.slice(0, query);
    if (ownPaths.has(path) || !path.startsWith('/')) return false;
    const agent = this.#front.serving.routeOf(path);
    if (agent === undefined) return false;
    exchange.meter = this.#siteMeter;
    void this.#handOver(exchange, agent);
    return true;
  }

  async #handOver(exchange: ExchangeType, agent: string): Promise<void> {
    const { request, response } = exchange;
    const { answers, serving } = this.#front;
    response.setHeader('x-request-id', exchange.id);
    if (request.headers.expect !== undefined) response.writeContinue();
    try {
      await serving.exchange(agent, request, response);
      if (!response.writableEnded) response.destroy();
      answers.settle(exchange, response.statusCode);
    } catch (error) {
      if (response.headersSent) response.destroy();
      fail(this.#front, exchange, error);
    }
  }

  /** Answers `OPTIONS`, and lets pages of the listed origins read the answer; true when nothing is left to do. */
  #crossOrigin(exchange: ExchangeType, url: string): boolean {
    const origin = this.#gate.allowedOrigin(exchange);
    const { request, response } = exchange;
    if (origin !== undefined) {
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('vary', 'origin');
      response.setHeader(
        'access-control-expose-headers',
        'x-request-id, x-mote-message-id, x-mote-outcome, x-mote-fuel, x-mote-wall-ms, retry-after',
      );
    }
    if (request.method !== 'OPTIONS') return false;
    const methods = url === '*' ? ['OPTIONS'] : methodsOf(url.split('?')[0] ?? '');
    if (methods.length === 0) return false;
    const allow = methods.join(', ');
    const preflight =
      origin === undefined || request.headers['access-control-request-method'] === undefined
        ? []
        : [
            'access-control-allow-methods',
            allow,
            'access-control-allow-headers',
            corsHeaders,
            'access-control-max-age',
            '600',
          ];
    this.#front.answers.bytes(exchange, 204, undefined, undefined, ['allow', allow, ...preflight]);
    return true;
  }
}

const corsHeaders =
  'authorization, content-type, traceparent, x-request-id, x-mote-deadline-ms, x-mote-subject, x-mote-message-id';

function isInvocation({ method, url }: IncomingMessage): boolean {
  return method === 'POST' && url !== undefined && invokedName(url) !== undefined;
}

/** The agent of `/v1/agents/NAME/invoke` spelt plainly; escapes and queries are left to the router. */
function invokedName(url: string): string | undefined {
  if (!url.startsWith(agentsPrefix) || !url.endsWith(invokeSuffix)) return undefined;
  const end = url.length - invokeSuffix.length;
  if (end <= agentsPrefix.length) return undefined;
  for (let at = agentsPrefix.length; at < end; at += 1) {
    const char = url.charCodeAt(at);
    // `/`, `%`, `?`, `#`
    if (char === 47 || char === 37 || char === 63 || char === 35) return undefined;
  }
  return url.slice(agentsPrefix.length, end);
}

function closing(): Problem {
  return new Problem(503, 'closing', 'the host is shutting down', {
    retryAfterMs: 1000,
    headers: ['connection', 'close'],
  });
}
