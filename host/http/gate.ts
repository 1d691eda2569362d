import { clientHeader } from '../host/exchange-proxy.ts';
import { type Access, local, nobody } from './access.ts';
import type { Asked, Head } from './exchange.ts';
import type { HttpLimits } from './http-limits.ts';
import { Problem } from './problem.ts';
import { addressKey, type Bucket, Buckets } from './rate.ts';

/** Where tokens are kept, as the gate sees it. */
export interface TokenCheck {
  /** Whether a request without a token is refused. */
  isRequired(nowMs: number): boolean;
  /** Changes whenever the tokens do. */
  generation(nowMs: number): number;
  access(token: string, nowMs: number): Access | undefined;
}

export interface GateOptions {
  readonly limits: HttpLimits;
  /** Undefined: everybody may do everything, and only requests from this machine's own pages and programs pass. */
  readonly tokens: TokenCheck | undefined;
  /** Names under which this server is asked for, beside the loopback ones. */
  readonly hostNames: readonly string[];
  readonly corsOrigins: readonly string[];
}

const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** Decides on a request by its head alone: whose it is, and whether it is looked at any further. */
export class Gate {
  readonly #limits: HttpLimits;
  readonly #tokens: TokenCheck | undefined;
  readonly #hostNames: ReadonlySet<string>;
  readonly #corsOrigins: ReadonlySet<string>;
  readonly #buckets: Buckets | undefined;

  constructor({ limits, tokens, hostNames, corsOrigins }: GateOptions) {
    this.#limits = limits;
    this.#tokens = tokens;
    this.#hostNames = new Set([...loopbackNames, ...hostNames].map((name) => name.toLowerCase()));
    this.#corsOrigins = new Set(corsOrigins);
    const { addressRate, addressesMax } = limits;
    this.#buckets = addressRate === undefined ? undefined : new Buckets(addressRate, addressesMax);
  }

  /** What every request must be, whatever it asks for. */
  enter(exchange: Asked, nowMs: number): Problem | undefined {
    const { request } = exchange;
    const expectation = refusedExpectation(request);
    if (expectation !== undefined) return expectation;
    // Node drops what exceeds its own count without a word; here it is refused.
    if (request.rawHeaders.length > 2 * this.#limits.headersMax)
      return tooManyHeaders(this.#limits.headersMax);
    const host = request.headers.host;
    if (host === undefined && request.httpVersionMinor > 0)
      return new Problem(400, 'malformed-request', 'HTTP/1.1 requests need a Host header');
    if (host !== exchange.connection.hostSeen && this.#isOpen(nowMs)) {
      if (host !== undefined && !this.#isOurs(host)) return foreignHost(host);
      exchange.connection.hostSeen = host;
    }
    return this.#buckets === undefined ? undefined : this.#rateOf(exchange, this.#buckets, nowMs);
  }

  /** Whose request it is; for all that is not public. */
  admit(exchange: Asked, nowMs: number): Problem | undefined {
    const { authorization } = exchange.request.headers;
    // Who shows a token is held to it, though nobody needs one here: it may be one with few rights.
    if (authorization === undefined && this.#isOpen(nowMs)) {
      const problem = this.#crossSite(exchange);
      if (problem === undefined) exchange.access = local;
      return problem;
    }
    const access = this.#tokens && this.#accessOf(exchange, this.#tokens, nowMs);
    if (access === undefined) return unauthorized(authorization, this.#isOpen(nowMs));
    exchange.access = access;
    return access.bucket === undefined ? undefined : limited(access.bucket, nowMs, 'this token');
  }

  /** The origin that may read the answer, when the request comes from a page that is on the list. */
  allowedOrigin(exchange: Asked): string | undefined {
    if (this.#corsOrigins.size === 0) return undefined;
    const { origin } = exchange.request.headers;
    return origin !== undefined && this.#corsOrigins.has(origin) ? origin : undefined;
  }

  #isOpen(nowMs: number): boolean {
    return this.#tokens === undefined || !this.#tokens.isRequired(nowMs);
  }

  #accessOf(exchange: Asked, tokens: TokenCheck, nowMs: number): Access | undefined {
    const { authorization } = exchange.request.headers;
    if (authorization === undefined) return undefined;
    const { connection } = exchange;
    const generation = tokens.generation(nowMs);
    const isSeen = connection.authorizationSeen === authorization && connection.generationSeen === generation;
    if (isSeen && connection.accessSeen?.isValid() === true) return connection.accessSeen;
    const token = /^Bearer +([A-Za-z0-9._~+/=-]{1,512})$/i.exec(authorization)?.[1];
    const access = token === undefined ? undefined : tokens.access(token, nowMs);
    if (access === undefined) return undefined;
    connection.authorizationSeen = authorization;
    connection.generationSeen = tokens.generation(nowMs);
    connection.accessSeen = access;
    return access;
  }

  #rateOf(exchange: Asked, buckets: Buckets, nowMs: number): Problem | undefined {
    const { connection, request } = exchange;
    const address = connection.socket.remoteAddress;
    // A connection of another thread of ours carries the requests of many clients.
    if (address !== undefined) connection.bucket ??= buckets.of(addressKey(address), nowMs);
    const bucket =
      address === undefined ? buckets.of(addressKey(clientOf(request)), nowMs) : connection.bucket;
    if (bucket === undefined)
      return new Problem(429, 'rate-limited', 'too many clients at once; ask again', { retryAfterMs: 1000 });
    return limited(bucket, nowMs, 'this address');
  }

  /** A name that some other site points at this machine is not ours (DNS rebinding). */
  #isOurs(host: string): boolean {
    const name = host.replace(/:\d{1,5}$/, '').toLowerCase();
    return this.#hostNames.has(name);
  }

  /**
   * A page may send requests here; without tokens that is all it would take. Neither may one of our own origin: that
   * is what pages of agents' sites are, and the host has none that calls.
   */
  #crossSite(exchange: Asked): Problem | undefined {
    const { headers } = exchange.request;
    const site = headers['sec-fetch-site'];
    const { origin } = headers;
    if (origin === undefined && site === undefined) return undefined;
    // Browsers name no origin when a page reads from its own.
    const from = origin ?? (site === 'same-origin' ? `http://${headers.host}` : undefined);
    if (from !== undefined && this.#corsOrigins.has(from)) return undefined;
    return origin === undefined && site === 'none' ? undefined : foreignOrigin(from);
  }
}

/** Only `100-continue` can be met (RFC 9110, 10.1.1). */
export function refusedExpectation({ headers: { expect } }: Head): Problem | undefined {
  if (expect === undefined || expect.toLowerCase() === '100-continue') return undefined;
  return new Problem(417, 'expectation-failed', 'Expect: 100-continue is all that can be expected here');
}

function clientOf({ headers }: Head): string | undefined {
  const client = headers[clientHeader];
  return typeof client === 'string' && client !== '' ? client : undefined;
}

/** For paths that are public: healthz, the document and the page about it, agents' own sites. */
export function admitPublic(exchange: Asked): void {
  exchange.access = nobody;
}

function limited(bucket: Bucket, nowMs: number, whose: string): Problem | undefined {
  const waitMs = bucket.take(nowMs);
  if (waitMs === 0) return undefined;
  return new Problem(429, 'rate-limited', `${whose} sent too many requests; ask again later`, {
    retryAfterMs: waitMs,
  });
}

function tooManyHeaders(headersMax: number): Problem {
  return new Problem(431, 'header-fields-too-large', `more headers than headersMax, ${headersMax}`, {
    data: { headersMax },
    headers: ['connection', 'close'],
  });
}

function foreignHost(host: string): Problem {
  const cure = 'ask for localhost, or start the host with tokens or with this name as its own';
  return new Problem(403, 'host-foreign', `'${host}' is no name of this server: ${cure}`, {
    headers: ['connection', 'close'],
  });
}

function foreignOrigin(origin: string | undefined): Problem {
  const page = origin === undefined ? 'A page of another site' : `A page of '${origin}'`;
  const cure = 'allow its origin for cross-origin requests, or start the host with tokens';
  return new Problem(403, 'origin-foreign', `${page} may not call this server: ${cure}`);
}

const openCure = "this host has no tokens; leave it out, or make one with 'host token create'";

function unauthorized(authorization: string | undefined, isOpen: boolean): Problem {
  const cure = "send 'Authorization: Bearer TOKEN' with a token made by 'host token create'";
  const detail =
    authorization === undefined
      ? `a token is needed: ${cure}`
      : `the token is not valid here: ${isOpen ? openCure : cure}`;
  return new Problem(401, 'unauthorized', detail, {
    headers: ['www-authenticate', 'Bearer realm="motehost"'],
  });
}
