import type { ClientRequest, IncomingMessage, RequestOptions as NodeRequest } from 'node:http';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../../../../clock.ts';
import { WitError } from '../../../linker.ts';
import type { HttpAsked, HttpGate, WasiGrants } from '../../grants.ts';
import type { Guest } from '../guest.ts';
import { ipText, parseIp } from '../ip.ts';
import { hostName, type Reach } from '../reach.ts';
import { Arrival } from '../readiness.ts';
import { type ErrorCode, HttpFault, httpCode } from './codes.ts';
import { contentLength, heldBytesOf } from './fields.ts';
import { headerBytesMax, type Incoming } from './incoming-body.ts';
import {
  methodName,
  parseAuthority,
  type RequestParts,
  setLines,
  type Timeouts,
  targetOf,
} from './requests.ts';
import { type Answer, FutureIncomingResponse } from './responses.ts';

const nsPerMs = 1_000_000n;
/** How long a GET whose body stays open may wait with its header for the first byte, which decides the framing. */
const framingMsMax = 20;

/** Where a request goes. */
interface Target {
  readonly isTls: boolean;
  readonly asked: HttpAsked;
  /** As in the URL, without brackets. */
  readonly host: string;
  readonly port: number;
  /** As it stands in the first line. */
  readonly path: string;
  /** Undefined for an address. */
  readonly lookup: LookupFunction | undefined;
}

/** Outgoing HTTP/1.1 of one guest, as far as its network grants reach. Redirects and encodings are the guest's own affair. */
export class HttpClient {
  readonly #guest: Guest;
  readonly #reach: Reach;
  readonly #gate: HttpGate | undefined;
  readonly #clock: Clock;

  constructor(guest: Guest, reach: Reach, { clock, http }: Pick<WasiGrants, 'clock' | 'http'>) {
    this.#guest = guest;
    this.#reach = reach;
    this.#gate = http;
    this.#clock = clock;
  }

  /**
   * Sends a request.
   * @throws WitError with the `error-code` of a request that is invalid or goes where no grant reaches
   */
  send(parts: RequestParts, timeouts: Timeouts): FutureIncomingResponse {
    this.#guest.budget.check();
    try {
      return this.#send(parts, this.#target(parts), timeouts);
    } catch (thrown) {
      if (!(thrown instanceof HttpFault)) throw thrown;
      parts.transfer?.abort(thrown);
      throw new WitError(thrown.code);
    }
  }

  #target(parts: RequestParts): Target {
    const { scheme, authority, lines, transfer, method } = parts;
    const { host, port } = parseAuthority(authority ?? '') ?? refuse('HTTP-request-URI-invalid');
    const path = targetOf(parts.path ?? '') ?? refuse('HTTP-request-URI-invalid');
    if (scheme?.tag === 'other') refuse('HTTP-protocol-error');
    if (method.tag === 'connect') refuse('HTTP-request-method-invalid');
    const length = contentLength(lines);
    if (Number.isNaN(length) || (transfer === undefined && (length ?? 0) > 0))
      refuse('HTTP-request-body-size', undefined);
    const isTls = scheme?.tag !== 'HTTP';
    return { isTls, path, ...this.#permitted(parts, isTls, host, port ?? (isTls ? 443 : 80)) };
  }

  #permitted(
    parts: RequestParts,
    isTls: boolean,
    text: string,
    port: number,
  ): Omit<Target, 'isTls' | 'path'> {
    const place = this.#place(parts, isTls, text, port);
    const asked = askedOf(parts, isTls, place.host, port);
    if (this.#gate?.permits?.(asked) === false) refuse('HTTP-request-denied');
    return { ...place, asked };
  }

  /** Granted or not, and nothing else: what lies outside is refused before anybody looks for it. */
  #place(
    parts: RequestParts,
    isTls: boolean,
    text: string,
    port: number,
  ): Omit<Target, 'isTls' | 'path' | 'asked'> {
    const bare = hostName(text) ?? text;
    const ip = parseIp(bare);
    const host = ip === undefined ? bare : ipText(ip);
    const lookup = ip === undefined ? this.#lookup : undefined;
    if (this.#isGranted(parts, isTls, host, port)) return { host, port, lookup };
    const mayConnect =
      ip === undefined ? this.#reach.mayRequest(bare, port) : this.#reach.mayConnect(ip, port);
    if (!mayConnect) refuse('HTTP-request-denied');
    return { host, port, lookup };
  }

  #isGranted(parts: RequestParts, isTls: boolean, host: string, port: number): boolean {
    if (this.#gate === undefined || this.#reach.covers(host, port)) return false;
    const asked = askedOf(parts, isTls, host, port);
    if (this.#gate.mayRequest(asked)) return true;
    this.#guest.budget.deny(
      `a request ${asked.method} ${asked.scheme}://${host}:${port}${asked.path}`,
      this.#gate.cure(asked),
    );
    refuse('HTTP-request-denied');
  }

  /** Node's look-up, through the grants: it connects to nothing else than what this gives. */
  readonly #lookup: LookupFunction = (host, { all }, done) => {
    this.#reach.resolve(host).then(
      (addresses) => {
        const found = addresses.map((ip) => ({ address: ipText(ip), family: ip.tag === 'ipv4' ? 4 : 6 }));
        const [first] = found;
        if (all === true) done(null, found);
        else done(null, first?.address ?? '', first?.family ?? 4);
      },
      (cause: NodeJS.ErrnoException) => done(cause, ''),
    );
  };

  #send(parts: RequestParts, target: Target, timeouts: Timeouts): FutureIncomingResponse {
    if (!this.#guest.openConnection()) refuse('connection-limit-reached');
    const answer = new Arrival<Answer>();
    const requestBytes = heldBytesOf(parts.lines) + (parts.path?.length ?? 0);
    const request = this.#request(parts, target);
    const abandon = (): void => void request.destroy();
    const endWatch = this.#gate?.watch?.(target.asked, abandon);
    request.on('close', () => {
      endWatch?.();
      this.#guest.closeConnection();
      answer.settle({ tag: 'err', val: { tag: 'connection-terminated' } });
    });
    request.on('error', (cause) => answer.settle({ tag: 'err', val: httpCode(cause) }));
    request.on('response', (message) => {
      message.on('error', () => {});
      answer.settle({ tag: 'ok', val: this.#incoming(message, timeouts, requestBytes, abandon) });
    });
    this.#limit(request, answer, timeouts, target.isTls);
    this.#sendBody(request, parts);
    try {
      return new FutureIncomingResponse(this.#guest, answer, requestBytes, abandon);
    } catch (thrown) {
      abandon();
      throw thrown;
    }
  }

  #request(parts: RequestParts, { isTls, host, port, path, lookup }: Target): ClientRequest {
    const options: NodeRequest = {
      host,
      port,
      method: methodName(parts.method),
      path,
      // A connection of its own, closed afterwards: nothing is shared between requests or guests.
      agent: false,
      maxHeaderSize: headerBytesMax,
      ...(lookup && { lookup }),
    };
    const { request } = isTls
      ? process.getBuiltinModule('node:https')
      : process.getBuiltinModule('node:http');
    const sent = request(options);
    setLines(sent, parts.lines);
    return sent;
  }

  #incoming(
    message: IncomingMessage,
    { betweenBytesNs }: Timeouts,
    requestBytes: number,
    abandon: () => void,
  ): Incoming {
    return {
      message,
      betweenBytesMs: betweenBytesNs === undefined ? undefined : milliseconds(betweenBytesNs),
      clock: this.#clock,
      requestBytes,
      abandon,
    };
  }

  #sendBody(request: ClientRequest, { transfer, method }: RequestParts): void {
    if (transfer === undefined) {
      request.end();
      return;
    }
    transfer.attach(request);
    // Where Node frames a body by itself, and where the length is known, the header can go at once.
    const isFramed = method.tag === 'post' || method.tag === 'put' || method.tag === 'patch';
    if (isFramed || request.hasHeader('content-length')) request.flushHeaders();
    else this.#after(framingMsMax, request, () => flushFramed(request));
  }

  #limit(request: ClientRequest, answer: Arrival<Answer>, timeouts: Timeouts, isTls: boolean): void {
    const { connectNs, firstByteNs } = timeouts;
    if (connectNs !== undefined) {
      const connected = new AbortController();
      request.on('socket', (socket) =>
        socket.once(isTls ? 'secureConnect' : 'connect', () => connected.abort()),
      );
      const late = (): void => void request.destroy(new HttpFault({ tag: 'connection-timeout' }));
      this.#after(milliseconds(connectNs), request, late, connected);
    }
    if (firstByteNs === undefined) return;
    const late = (): void => {
      if (!answer.isReady()) request.destroy(new HttpFault({ tag: 'connection-read-timeout' }));
    };
    this.#after(milliseconds(firstByteNs), request, late);
  }

  /** Calls `act` after a time, unless the request is closed or `cancel` aborts before. */
  #after(ms: number, request: ClientRequest, act: () => void, cancel = new AbortController()): void {
    request.on('close', () => cancel.abort());
    this.#clock.sleep(ms, cancel.signal).then(act, () => {});
  }
}

function askedOf({ method, path }: RequestParts, isTls: boolean, host: string, port: number): HttpAsked {
  const [bare = ''] = (path ?? '/').split('?', 1);
  const scheme = isTls ? 'https' : 'http';
  return { scheme, host, port, method: methodName(method), path: bare === '' ? '/' : bare };
}

/** A body that is still open by now may come to have bytes: it is framed for that. */
function flushFramed(request: ClientRequest): void {
  if (request.headersSent) return;
  request.setHeader('transfer-encoding', 'chunked');
  request.flushHeaders();
}

function milliseconds(ns: bigint): number {
  return Number((ns + nsPerMs - 1n) / nsPerMs);
}

function refuse(tag: ErrorCode['tag'], val?: unknown): never {
  throw new HttpFault({ tag, val });
}
