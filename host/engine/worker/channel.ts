import type { MessagePort, Transferable, Worker } from 'node:worker_threads';
import { fromWire, HostError, toWire } from '../../errors.ts';
import { ownBytes } from './own-bytes.ts';
import type { AnswerOf, Calls, InputOf, Packet } from './protocol.ts';

/** What a call answers when parts of it are to be moved, not copied. */
export class Moved<T> {
  readonly value: T;
  readonly transfer: readonly Transferable[];

  constructor(value: T, transfer: readonly Transferable[]) {
    this.value = value;
    this.transfer = transfer;
  }
}

/** What this side does when called: one function per name of its table. */
export type Answers<Mine extends Calls> = {
  readonly [Name in keyof Mine]: (
    input: InputOf<Mine[Name]>,
  ) =>
    | AnswerOf<Mine[Name]>
    | Moved<AnswerOf<Mine[Name]>>
    | Promise<AnswerOf<Mine[Name]> | Moved<AnswerOf<Mine[Name]>>>;
};

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

const callsMax = 65_536;

/** Both ways of the control plane between a thread and its owner: calls that are answered, and posts that are not. */
export class Channel<Mine extends Calls, Theirs extends Calls> {
  readonly #port: MessagePort | Worker;
  readonly #answers: Answers<Mine>;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #closed: HostError | undefined;

  constructor(port: MessagePort | Worker, answers: Answers<Mine>) {
    this.#port = port;
    this.#answers = answers;
  }

  /** Calls that wait for their answer. */
  get callsInFlight(): number {
    return this.#waiting.size;
  }

  /**
   * Calls the other side. Bytes are copied (a view of a larger buffer only for what it shows) unless their buffer is
   * in `transfer`.
   * @throws what the other side threw, a HostError as one; `HOST_ERR_THREAD_LOST` when it is gone before it answers
   */
  call<Name extends keyof Theirs & string>(
    name: Name,
    input: InputOf<Theirs[Name]>,
    transfer: readonly Transferable[] = [],
  ): Promise<AnswerOf<Theirs[Name]>> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (this.#waiting.size >= callsMax) return Promise.reject(new Error(`bug: ${callsMax} calls in flight`));
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<AnswerOf<Theirs[Name]>>();
    this.#send({ kind: 'call', id, name, input }, transfer);
    this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
    return promise;
  }

  /** Tells the other side; nothing comes back, and nothing is said when it is gone. */
  post<Name extends keyof Theirs & string>(
    name: Name,
    input: InputOf<Theirs[Name]>,
    transfer: readonly Transferable[] = [],
  ): void {
    if (this.#closed === undefined) this.#send({ kind: 'post', name, input }, transfer);
  }

  /** Takes a packet that arrived; false for one that is not a call, a post or an answer. */
  receive(packet: Packet): boolean {
    switch (packet.kind) {
      case 'call':
        void this.#answer(packet.id, packet.name, packet.input);
        return true;
      case 'post':
        this.#do(packet.name, packet.input);
        return true;
      case 'answer':
        this.#settle(packet.id)?.resolve(packet.value);
        return true;
      case 'error':
        this.#settle(packet.id)?.reject(fromWire(packet.error));
        return true;
      case 'bug':
        this.#settle(packet.id)?.reject(new Error(packet.text));
        return true;
      default:
        return false;
    }
  }

  /** The other side is gone: every call in flight and every later one fails with `error`. */
  close(error: HostError): void {
    this.#closed ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #send(packet: Packet, transfer: readonly Transferable[]): void {
    this.#port.postMessage(ownBytes(packet, transfer), [...transfer]);
  }

  #do(name: string, input: unknown): unknown {
    const answer = Object.hasOwn(this.#answers, name) ? this.#answers[name] : undefined;
    if (answer === undefined) throw new Error(`bug: nobody answers '${name}'`);
    return answer(input as InputOf<Mine[string]>);
  }

  async #answer(id: number, name: string, input: unknown): Promise<void> {
    try {
      const answer = await this.#do(name, input);
      if (answer instanceof Moved) this.#send({ kind: 'answer', id, value: answer.value }, answer.transfer);
      else this.#send({ kind: 'answer', id, value: answer }, []);
    } catch (thrown) {
      this.#send(failureOf(id, thrown), []);
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}

function failureOf(id: number, thrown: unknown): Packet {
  if (thrown instanceof HostError) return { kind: 'error', id, error: toWire(thrown) };
  return {
    kind: 'bug',
    id,
    text: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
  };
}
