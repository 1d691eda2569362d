import type { ServerResponse } from 'node:http';
import { WitError } from '../../../linker.ts';
import { type Guest, Resource } from '../guest.ts';
import { Pollable } from '../poll.ts';
import type { Arrival } from '../readiness.ts';
import { type ErrorCode, HttpFault } from './codes.ts';
import { contentLength, type FieldLine, Fields, heldBytesOf, linesFrom, takeLines } from './fields.ts';
import { headerBytesMax, type Incoming, IncomingBody, incomingBytes, type Result } from './incoming-body.ts';
import { BodyTransfer, OutgoingBody } from './outgoing-body.ts';
import { setLines } from './requests.ts';

/** Resource `wasi:http/types.incoming-response`. */
export class IncomingResponse extends Resource {
  readonly #guest: Guest;
  readonly #incoming: Incoming;
  #isConsumed = false;

  constructor(guest: Guest, incoming: Incoming) {
    const held = guest.held.open();
    held.resize(incomingBytes(incoming));
    super(guest, (self) => {
      held.empty();
      if (#isConsumed in self && !self.#isConsumed) incoming.abandon();
    });
    this.#guest = guest;
    this.#incoming = incoming;
  }

  status(): number {
    return this.#incoming.message.statusCode ?? 0;
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

/** What came of a request: a response, or why there is none. */
export type Answer = Result<Incoming, ErrorCode>;

/** Resource `wasi:http/types.future-incoming-response`. */
export class FutureIncomingResponse extends Resource {
  readonly #guest: Guest;
  readonly #answer: Arrival<Answer>;
  #isTaken = false;

  /**
   * `abandon` ends the exchange when the guest drops the future without the response; `requestBytes` is what the
   * request costs the host.
   */
  constructor(guest: Guest, answer: Arrival<Answer>, requestBytes: number, abandon: () => void) {
    const held = guest.held.open();
    // The header section may arrive while nobody can be told that there is no room for it.
    held.resize(requestBytes + headerBytesMax);
    super(guest, (self) => {
      held.empty();
      if (#isTaken in self && !self.#isTaken) abandon();
    });
    this.#guest = guest;
    this.#answer = answer;
  }

  subscribe(): Pollable {
    return new Pollable(this.#guest, this.#answer);
  }

  get(): Result<Result<IncomingResponse, ErrorCode>, undefined> | undefined {
    this.#guest.budget.check();
    const answer = this.#answer.value?.value;
    if (answer === undefined) return undefined;
    if (this.#isTaken) return { tag: 'err', val: undefined };
    this.#isTaken = true;
    if (answer.tag === 'err') return { tag: 'ok', val: answer };
    const response = new IncomingResponse(this.#guest, answer.val);
    return { tag: 'ok', val: { tag: 'ok', val: response } };
  }
}

let sendResponse: (response: OutgoingResponse, to: ServerResponse) => void;

/** Resource `wasi:http/types.outgoing-response`. */
export class OutgoingResponse extends Resource {
  readonly #guest: Guest;
  readonly #lines: readonly FieldLine[];
  #status = 200;
  #transfer: BodyTransfer | undefined;
  #isSent = false;

  static {
    sendResponse = (response, to) => response.#send(to);
  }

  constructor(guest: Guest, headers: Fields) {
    const held = guest.held.open();
    super(guest, (self) => {
      held.empty();
      if (#transfer in self && !self.#isSent)
        self.#transfer?.abort(new HttpFault({ tag: 'connection-terminated' }));
    });
    this.#guest = guest;
    this.#lines = takeLines(headers);
    held.resize(heldBytesOf(this.#lines));
  }

  statusCode(): number {
    return this.#status;
  }

  /** @throws WitError for what is no final status code */
  setStatusCode(status: number): void {
    if (status < 200 || status > 599) throw new WitError(undefined);
    this.#status = status;
  }

  headers(): Fields {
    this.#guest.budget.check();
    return new Fields(this.#guest, this.#lines, false);
  }

  /** @throws WitError the second time */
  body(): OutgoingBody {
    this.#guest.budget.check();
    if (this.#transfer !== undefined) throw new WitError(undefined);
    const length = contentLength(this.#lines);
    this.#transfer = new BodyTransfer(this.#guest, 'HTTP-response-body-size', length);
    return new OutgoingBody(this.#guest, this.#transfer);
  }

  #send(to: ServerResponse): void {
    this.#isSent = true;
    this[Symbol.dispose]();
    to.statusCode = this.#status;
    setLines(to, this.#lines);
    if (this.#transfer === undefined) to.end();
    else {
      to.flushHeaders();
      this.#transfer.attach(to);
    }
  }
}

let setOutparam: (param: ResponseOutparam, response: Result<OutgoingResponse, ErrorCode>) => void;

/** Resource `wasi:http/types.response-outparam`: how a serving guest answers, once. */
export class ResponseOutparam extends Resource {
  readonly #respond: (response: Result<OutgoingResponse, ErrorCode>) => void;
  #isSet = false;

  static {
    setOutparam = (param, response) => param.#set(response);
  }

  /** Answers on `to`; a guest that drops this unset, or says it failed, answers 500. */
  constructor(guest: Guest, to: ServerResponse) {
    const respond = (response: Result<OutgoingResponse, ErrorCode>): void => {
      if (response.tag === 'ok') sendResponse(response.val, to);
      else fail(to);
    };
    super(guest, (self) => {
      if (#isSet in self && !self.#isSet) fail(to);
    });
    this.#respond = respond;
  }

  static set(param: ResponseOutparam, response: Result<OutgoingResponse, ErrorCode>): void {
    setOutparam(param, response);
  }

  #set(response: Result<OutgoingResponse, ErrorCode>): void {
    this.#isSet = true;
    this[Symbol.dispose]();
    this.#respond(response);
  }
}

function fail(to: ServerResponse): void {
  to.statusCode = 500;
  to.end();
}
