import type { Wheel } from '../clock/wheel.ts';
import type { Reply } from './delivery.ts';
import type { Envelopes } from './envelopes.ts';
import type { BusError, Message } from './message.ts';
import { TokenTable } from './token-table.ts';

/** A request of this thread that waits for its answer. */
export interface Pending {
  readonly token: number;
  /** The asker's id; 0: outside. */
  readonly from: number;
  readonly promise: Promise<Reply>;
  readonly resolve: (reply: Reply) => void;
  readonly signal: AbortSignal | undefined;
  readonly abort: (() => void) | undefined;
  /** Of an asker outside: the tokens of all requests that its signal ends. */
  readonly company: number[] | undefined;
  timer: number;
  /** The thread of each receiver that has not answered. */
  threads: number[];
  /** What was asked, and the names of those who got it sealed; answers come from these, sealed. */
  sealed: { readonly question: Message; readonly asked: Set<string> } | undefined;
  /** How the first receiver failed, while others may still answer. */
  failed: Reply | undefined;
}

export interface RequestsOptions {
  readonly wheel: Wheel;
  /** Asked for at once, over all agents of this thread. */
  readonly requestsMax: number;
  /** Tells a thread that nobody waits any more. */
  readonly cancel: (thread: number, request: number) => void;
  /** None: nothing is sealed. */
  readonly envelopes: Envelopes | undefined;
  /** A request of this asker is over. */
  readonly closed: (from: number) => void;
}

/** Requests of this thread by their tokens: the first answer counts, and an end of any kind is the only one. */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #timeoutKind: number;
  /** By the signals of askers outside. Those of connections outlive many requests: they are listened to once. */
  readonly #companies = new WeakMap<AbortSignal, number[]>();
  readonly #pending = new TokenTable<Pending>();
  #token = 0;

  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#timeoutKind = options.wheel.kind((token) => this.end(token, { error: { tag: 'timed-out' } }));
  }

  get size(): number {
    return this.#pending.size;
  }

  has(token: number): boolean {
    return this.#pending.get(token) !== undefined;
  }

  /** Undefined: as many wait as may. */
  open(from: number, untilMs: number, signal: AbortSignal | undefined): Pending | undefined {
    if (this.#pending.size >= this.#options.requestsMax) return undefined;
    const token = this.#nextToken();
    const timer = this.#options.wheel.arm(this.#timeoutKind, token, untilMs);
    if (timer === 0) return undefined;
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const company = signal === undefined || from !== 0 ? undefined : this.#companyOf(signal);
    company?.push(token);
    const abort =
      signal === undefined || from === 0
        ? undefined
        : (): void => this.end(token, { error: { tag: 'cancelled' } });
    if (abort !== undefined) signal?.addEventListener('abort', abort, { once: true });
    const pending: Pending = {
      token,
      from,
      promise,
      resolve,
      signal,
      abort,
      company,
      timer,
      threads: [],
      sealed: undefined,
      failed: undefined,
    };
    this.#pending.set(pending);
    return pending;
  }

  #companyOf(signal: AbortSignal): number[] {
    const known = this.#companies.get(signal);
    if (known !== undefined) return known;
    const company: number[] = [];
    this.#companies.set(signal, company);
    const abort = (): void => {
      for (const token of [...company]) this.end(token, { error: { tag: 'cancelled' } });
    };
    signal.addEventListener('abort', abort, { once: true });
    return company;
  }

  /** The thread of one more receiver that has the message. */
  sent(token: number, thread: number): void {
    this.#pending.get(token)?.threads.push(thread);
  }

  /** One more receiver got it sealed. */
  sealed(token: number, question: Message, receiver: string): void {
    const pending = this.#pending.get(token);
    if (pending === undefined) return;
    pending.sealed ??= { question, asked: new Set() };
    pending.sealed.asked.add(receiver);
  }

  /** What one receiver on `thread` answered. A failure waits for those that may still answer better. */
  answer(token: number, thread: number, answer: Reply): void {
    const pending = this.#pending.get(token);
    if (pending === undefined) return;
    const { sealed } = pending;
    const reply =
      sealed === undefined
        ? answer
        : (this.#options.envelopes?.openedReply(sealed.question, sealed.asked, answer) ?? answer);
    const { threads } = pending;
    const at = threads.indexOf(thread);
    if (at === threads.length - 1) threads.pop();
    else if (at !== -1) threads.splice(at, 1);
    const isAnswer = 'outcome' in reply && reply.outcome.kind === 'ok';
    if (isAnswer || pending.threads.length === 0)
      this.end(token, isAnswer ? reply : (pending.failed ?? reply));
    else pending.failed ??= reply;
  }

  /** Ends a request whatever its receivers do; they are told. */
  end(token: number, reply: Reply): void {
    const pending = this.#pending.get(token);
    if (pending === undefined) return;
    this.#pending.delete(token);
    this.#options.wheel.cancel(pending.timer);
    if (pending.company !== undefined) leave(pending.company, token);
    if (pending.abort !== undefined) pending.signal?.removeEventListener('abort', pending.abort);
    if (pending.threads.length > 0)
      for (const thread of new Set(pending.threads)) if (thread >= 0) this.#options.cancel(thread, token);
    this.#options.closed(pending.from);
    pending.resolve(reply);
  }

  /** One receiver is on another thread than it was, or below 0 on none for now. */
  moved(token: number, from: number, to: number): void {
    const threads = this.#pending.get(token)?.threads;
    const at = threads?.indexOf(from) ?? -1;
    if (threads !== undefined && at !== -1) threads[at] = to;
  }

  /** The asker is gone. */
  endOf(from: number, error: BusError): void {
    for (const pending of this.#pending.all()) if (pending.from === from) this.end(pending.token, { error });
  }

  /** A thread is gone, and its receivers' answers with it. */
  forget(thread: number): void {
    for (const { token, threads } of this.#pending.all()) {
      const lost = threads.filter((one) => one === thread).length;
      for (let count = 0; count < lost; count++)
        this.answer(token, thread, { error: { tag: 'unavailable' } });
    }
  }

  #nextToken(): number {
    do this.#token = this.#token === 0x7fffffff ? 1 : this.#token + 1;
    while (!this.#pending.isFree(this.#token));
    return this.#token;
  }
}

function leave(company: number[], token: number): void {
  const last = company.pop();
  if (last === undefined || last === token) return;
  const at = company.indexOf(token);
  if (at !== -1) company[at] = last;
}
