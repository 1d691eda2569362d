import type { IncomingMessage } from 'node:http';
import { type Guest, Resource } from '../../preview2/guest.ts';
import type { ErrorCode } from '../../preview2/http/codes.ts';
import { Fields, linesFrom } from '../../preview2/http/fields.ts';
import { IncomingBody } from '../../preview2/http/incoming-body.ts';
import { requestTransfer } from '../../preview2/http/outgoing-body.ts';
import {
  type Method,
  OutgoingRequest,
  parseAuthority,
  type RequestParts,
  type Scheme,
  type TargetRules,
  type Timeouts,
  takeRequest,
} from '../../preview2/http/requests.ts';
import type { GuestStream, Settled } from '../flow.ts';
import { type Consumed, Contents, type Trailers } from './contents.ts';
import { incomingBody, pulled } from './incoming.ts';
import { RequestOptions, takeOptions } from './options.ts';

/** What a request is made of, once the guest gave it away. */
export interface TakenRequest {
  readonly parts: RequestParts;
  readonly contents: Contents;
  readonly timeouts: Timeouts | undefined;
}

const pathCharactersMax = 65_536;
const authorityCharactersMax = 1024;

/** What is a path or an authority by RFC 3986, of whatever form: only some are sent. */
const rules: TargetRules = {
  isPath: (text) =>
    text.length <= pathCharactersMax && /^(?:[\w\-.~%!$&'()*+,;=:@/?"{|}^[\]\\]|\P{ASCII})*$/u.test(text),
  isAuthority: (text) =>
    text.length <= authorityCharactersMax &&
    parseAuthority(text.replace(/^[\w\-.~%!$&'()*+,;=:]*@/, '')) !== undefined,
};

let take: (request: Request) => TakenRequest;
let consume: (request: Request, outcome: PromiseLike<Settled<ErrorCode>>) => Consumed;

/** Resource `wasi:http/types.request` of WASI 0.3, as a guest makes it. */
export class Request extends Resource {
  readonly #guest: Guest;
  readonly #head: OutgoingRequest;
  readonly #contents: Contents;
  readonly #timeouts: Timeouts | undefined;

  static {
    take = (request) => request.#take();
    consume = (request, outcome) => request.#consume(outcome);
  }

  constructor(guest: Guest, head: OutgoingRequest, contents: Contents, timeouts: Timeouts | undefined) {
    super(guest, () => {
      head[Symbol.dispose]();
      contents.drop();
    });
    this.#guest = guest;
    this.#head = head;
    this.#contents = contents;
    this.#timeouts = timeouts;
  }

  /** `new`, for one guest. */
  static made(
    guest: Guest,
    headers: Fields,
    stream: GuestStream<number> | undefined,
    trailers: PromiseLike<Trailers>,
    options: RequestOptions | undefined,
  ): [Request, Promise<Settled<ErrorCode>>] {
    guest.budget.check();
    const contents = new Contents(guest, stream, trailers);
    const timeouts = options === undefined ? undefined : takeOptions(options);
    const request = new Request(guest, new OutgoingRequest(guest, headers, rules), contents, timeouts);
    return [request, contents.sent];
  }

  getMethod(): Method {
    return this.#head.method();
  }

  /** @throws WitError for what is no method name */
  setMethod(method: Method): void {
    this.#head.setMethod(method);
  }

  getPathWithQuery(): string | undefined {
    return this.#head.pathWithQuery();
  }

  /** @throws WitError for what is no origin-form target */
  setPathWithQuery(path: string | undefined): void {
    this.#head.setPathWithQuery(path === '' ? '/' : path);
  }

  getScheme(): Scheme | undefined {
    return this.#head.scheme();
  }

  /** @throws WitError for what is no scheme name */
  setScheme(scheme: Scheme | undefined): void {
    this.#head.setScheme(known(scheme));
  }

  getAuthority(): string | undefined {
    return this.#head.authority();
  }

  /** @throws WitError for what is no `host` or `host:port` */
  setAuthority(authority: string | undefined): void {
    this.#head.setAuthority(authority);
  }

  getOptions(): RequestOptions | undefined {
    this.#guest.budget.check();
    return this.#timeouts && new RequestOptions(this.#guest, this.#timeouts, false);
  }

  getHeaders(): Fields {
    return this.#head.headers();
  }

  static consumeBody(request: Request, outcome: PromiseLike<Settled<ErrorCode>>): Consumed {
    return consume(request, outcome);
  }

  #take(): TakenRequest {
    const head = takeRequest(this.#head);
    const contents = this.#contents;
    const transfer = contents.isEmpty ? undefined : requestTransfer(this.#guest, head.lines);
    return { parts: { ...head, transfer }, contents, timeouts: this.#timeouts };
  }

  #consume(outcome: PromiseLike<Settled<ErrorCode>>): Consumed {
    const consumed = this.#contents.consume(outcome);
    this[Symbol.dispose]();
    return consumed;
  }
}

/** Takes a request apart that the guest gave away; whoever does drops it afterwards. */
export function takeParts(request: Request): TakenRequest {
  return take(request);
}

const noTrailers: PromiseLike<Trailers> = Promise.resolve({ tag: 'ok', val: undefined });

/** A request from a client, for a guest that serves; its body is read when the guest reads it. */
export function received(guest: Guest, message: IncomingMessage): Request {
  const { method = 'GET', url = '/', headers } = message;
  const host = headers.host === '' ? undefined : headers.host;
  // What a client sent is shown as it is.
  const asSent: TargetRules = {
    isPath: (text) => text === url || rules.isPath(text),
    isAuthority: (text) => text === host || rules.isAuthority(text),
  };
  const lines = linesFrom(message.rawHeaders);
  const head = new OutgoingRequest(guest, new Fields(guest, lines, false), asSent);
  head.setMethod({ tag: 'other', val: method });
  head.setScheme({ tag: 'HTTP' });
  head.setAuthority(host);
  head.setPathWithQuery(url);
  return new Request(guest, head, contentsOf(guest, message), undefined);
}

function contentsOf(guest: Guest, message: IncomingMessage): Contents {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = message.headers;
  if (length === '0' && coding === undefined) return new Contents(guest, undefined, noTrailers);
  // A body that nobody wants is read off, or the connection could not carry another request.
  const abandon = (): void => void message.resume();
  const incoming = {
    message,
    betweenBytesMs: undefined,
    clock: guest.budget.clock,
    requestBytes: 0,
    abandon,
  };
  const [stream, trailers] = incomingBody(guest, new IncomingBody(guest, incoming));
  return new Contents(guest, pulled(stream), trailers);
}

/** `other("http")` is `HTTP`. */
function known(scheme: Scheme | undefined): Scheme | undefined {
  if (scheme?.tag !== 'other') return scheme;
  if (scheme.val === 'http') return { tag: 'HTTP' };
  return scheme.val === 'https' ? { tag: 'HTTPS' } : scheme;
}
