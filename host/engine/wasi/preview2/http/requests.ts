import type { OutgoingMessage } from 'node:http';
import { WitError } from '../../../linker.ts';
import { type Guest, Resource } from '../guest.ts';
import type { Holding } from '../held-bytes.ts';
import { HttpFault } from './codes.ts';
import { type FieldLine, Fields, heldBytesOf, latin1, linesFrom, takeLines, tokenPattern } from './fields.ts';
import { type Incoming, IncomingBody, incomingBytes } from './incoming-body.ts';
import { type BodyTransfer, OutgoingBody, requestTransfer } from './outgoing-body.ts';

const methodNames = ['get', 'head', 'post', 'put', 'delete', 'connect', 'options', 'trace', 'patch'] as const;

/** Characters of one request target; servers take 8,000 at least (RFC 9112, 3). */
const pathCharactersMax = 65_536;
const nameCharactersMax = 255;

/** Variant `method`. */
export type Method =
  | { readonly tag: (typeof methodNames)[number] }
  | { readonly tag: 'other'; readonly val: string };

/** Variant `scheme`. */
export type Scheme = { readonly tag: 'HTTP' | 'HTTPS' } | { readonly tag: 'other'; readonly val: string };

/** What a request is made of, once the guest gave it away. */
export interface RequestParts {
  readonly method: Method;
  readonly path: string | undefined;
  readonly scheme: Scheme | undefined;
  readonly authority: string | undefined;
  readonly lines: readonly FieldLine[];
  /** Undefined when the guest never asked for the body: there is none. */
  readonly transfer: BodyTransfer | undefined;
}

let partsOf: (request: OutgoingRequest) => RequestParts;

/** What may stand in a request; what is no target all the same is refused when it is sent. */
export interface TargetRules {
  isPath(text: string): boolean;
  isAuthority(text: string): boolean;
}

const strictRules: TargetRules = { isPath, isAuthority: (text) => parseAuthority(text) !== undefined };

/** Resource `wasi:http/types.outgoing-request`. */
export class OutgoingRequest extends Resource {
  readonly #guest: Guest;
  readonly #lines: readonly FieldLine[];
  readonly #held: Holding;
  readonly #rules: TargetRules;
  #method: Method = { tag: 'get' };
  #path: string | undefined;
  #scheme: Scheme | undefined;
  #authority: string | undefined;
  #transfer: BodyTransfer | undefined;
  #isSent = false;

  static {
    partsOf = (request) => request.#take();
  }

  constructor(guest: Guest, headers: Fields, rules: TargetRules = strictRules) {
    const held = guest.held.open();
    super(guest, (self) => {
      held.empty();
      if (#transfer in self && !self.#isSent)
        self.#transfer?.abort(new HttpFault({ tag: 'connection-terminated' }));
    });
    this.#guest = guest;
    this.#rules = rules;
    this.#lines = takeLines(headers);
    this.#held = held;
    this.#hold();
  }

  /** @throws WitError the second time */
  body(): OutgoingBody {
    this.#guest.budget.check();
    if (this.#transfer !== undefined) throw new WitError(undefined);
    this.#transfer = requestTransfer(this.#guest, this.#lines);
    return new OutgoingBody(this.#guest, this.#transfer);
  }

  method(): Method {
    return this.#method;
  }

  /** @throws WitError for what is no method name */
  setMethod(method: Method): void {
    if (method.tag === 'other' && !isToken(method.val)) throw new WitError(undefined);
    this.#method = known(method);
    this.#hold();
  }

  pathWithQuery(): string | undefined {
    return this.#path;
  }

  /** @throws WitError for what is no origin-form target */
  setPathWithQuery(path: string | undefined): void {
    if (path !== undefined && !this.#rules.isPath(path)) throw new WitError(undefined);
    this.#path = path;
    this.#hold();
  }

  scheme(): Scheme | undefined {
    return this.#scheme;
  }

  /** @throws WitError for what is no scheme name */
  setScheme(scheme: Scheme | undefined): void {
    if (scheme?.tag === 'other' && !/^[a-z][a-z0-9+\-.]{0,63}$/i.test(scheme.val))
      throw new WitError(undefined);
    this.#scheme = scheme;
    this.#hold();
  }

  authority(): string | undefined {
    return this.#authority;
  }

  /** @throws WitError for what is no `host` or `host:port` */
  setAuthority(authority: string | undefined): void {
    if (authority !== undefined && !this.#rules.isAuthority(authority)) throw new WitError(undefined);
    this.#authority = authority;
    this.#hold();
  }

  headers(): Fields {
    this.#guest.budget.check();
    return new Fields(this.#guest, this.#lines, false);
  }

  #hold(): void {
    const named = [this.#method, this.#scheme].map((one) => (one?.tag === 'other' ? one.val.length : 0));
    const texts = [...named, this.#path?.length ?? 0, this.#authority?.length ?? 0];
    this.#held.resize(texts.reduce((sum, length) => sum + length, heldBytesOf(this.#lines)));
  }

  #take(): RequestParts {
    this.#isSent = true;
    this[Symbol.dispose]();
    return {
      method: this.#method,
      path: this.#path,
      scheme: this.#scheme,
      authority: this.#authority,
      lines: this.#lines,
      transfer: this.#transfer,
    };
  }
}

/** Takes a request apart that the guest gave away. */
export function takeRequest(request: OutgoingRequest): RequestParts {
  return partsOf(request);
}

let timeoutsOf: (options: RequestOptions) => Timeouts;

/** Nanoseconds; undefined means no limit but the guest's deadline. */
export interface Timeouts {
  readonly connectNs: bigint | undefined;
  readonly firstByteNs: bigint | undefined;
  readonly betweenBytesNs: bigint | undefined;
}

/** Resource `wasi:http/types.request-options`: all three timeouts are kept. */
export class RequestOptions extends Resource {
  #connectNs: bigint | undefined;
  #firstByteNs: bigint | undefined;
  #betweenBytesNs: bigint | undefined;

  static {
    timeoutsOf = (options) => ({
      connectNs: options.#connectNs,
      firstByteNs: options.#firstByteNs,
      betweenBytesNs: options.#betweenBytesNs,
    });
  }

  connectTimeout(): bigint | undefined {
    return this.#connectNs;
  }

  setConnectTimeout(duration: bigint | undefined): void {
    this.#connectNs = duration;
  }

  firstByteTimeout(): bigint | undefined {
    return this.#firstByteNs;
  }

  setFirstByteTimeout(duration: bigint | undefined): void {
    this.#firstByteNs = duration;
  }

  betweenBytesTimeout(): bigint | undefined {
    return this.#betweenBytesNs;
  }

  setBetweenBytesTimeout(duration: bigint | undefined): void {
    this.#betweenBytesNs = duration;
  }
}

/** Reads options that the guest gave away. */
export function takeTimeouts(options: RequestOptions | undefined): Timeouts {
  if (options === undefined)
    return { connectNs: undefined, firstByteNs: undefined, betweenBytesNs: undefined };
  const timeouts = timeoutsOf(options);
  options[Symbol.dispose]();
  return timeouts;
}

/** Resource `wasi:http/types.incoming-request`. */
export class IncomingRequest extends Resource {
  readonly #guest: Guest;
  readonly #incoming: Incoming;
  readonly #scheme: Scheme;
  #isConsumed = false;

  constructor(guest: Guest, incoming: Incoming, scheme: Scheme) {
    const held = guest.held.open();
    held.resize(incomingBytes(incoming));
    super(guest, (self) => {
      held.empty();
      if (#isConsumed in self && !self.#isConsumed) incoming.abandon();
    });
    this.#guest = guest;
    this.#incoming = incoming;
    this.#scheme = scheme;
  }

  method(): Method {
    return known({ tag: 'other', val: this.#incoming.message.method ?? 'GET' });
  }

  pathWithQuery(): string | undefined {
    return this.#incoming.message.url;
  }

  scheme(): Scheme | undefined {
    return this.#scheme;
  }

  authority(): string | undefined {
    return this.#incoming.message.headers.host;
  }

  headers(): Fields {
    this.#guest.budget.check();
    return new Fields(this.#guest, linesFrom(this.#incoming.message.rawHeaders), false);
  }

  /** @throws WitError the second time */
  consume(): IncomingBody {
    this.#guest.budget.check();
    if (this.#isConsumed) throw new WitError(undefined);
    this.#isConsumed = true;
    return new IncomingBody(this.#guest, this.#incoming);
  }
}

/** A method's name on the wire. */
export function methodName(method: Method): string {
  return method.tag === 'other' ? method.val : method.tag.toUpperCase();
}

/** Sets a message's header lines, in order, each with all its values. */
export function setLines(message: OutgoingMessage, lines: readonly FieldLine[]): void {
  for (const [name, value] of lines) message.appendHeader(name, latin1(value));
}

/** `host` or `host:port` taken apart; no user information. Undefined for anything else. */
export function parseAuthority(text: string): { host: string; port: number | undefined } | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]\\]+)(?::(\d{0,5}))?$/i.exec(text);
  if (match === null || text.length > nameCharactersMax * 4) return undefined;
  const [, host = '', port = ''] = match;
  if (Number(port) > 65_535) return undefined;
  return { host, port: port === '' ? undefined : Number(port) };
}

function isToken(text: string): boolean {
  return text.length <= nameCharactersMax && tokenPattern.test(text);
}

/** Visible ASCII, from the root, without a fragment (RFC 9112, 3.2.1). */
function isPath(text: string): boolean {
  return text.length <= pathCharactersMax && /^(?:[/?][\x21-\x22\x24-\x7e]*|\*)?$/.test(text);
}

/** A path as it goes out, in ASCII (RFC 3987, 3.1). Undefined for one that is no target. */
export function targetOf(path: string): string | undefined {
  if (path === '') return '/';
  const text = path.replace(/\P{ASCII}+/gu, encodeURIComponent);
  return isPath(text) ? text.replace(/^\?/, '/?') : undefined;
}

/** `other("GET")` is `get`. */
function known(method: Method): Method {
  if (method.tag !== 'other') return method;
  const tag = methodNames.find((name) => name.toUpperCase() === method.val);
  return tag === undefined ? method : { tag };
}
