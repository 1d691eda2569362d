import type { Reply } from './delivery.ts';
import type { Directory } from './directory.ts';
import type { Message } from './message.ts';
import { weightOf } from './weight.ts';

/** Seals payloads from a sender's thread to a receiver's turn: a port, the bus knows no keys. */
export interface EnvelopeSeal {
  /** The envelope of a message for one receiver; it goes in the place of the body. */
  seal(message: Message, receiver: string): Uint8Array;
  /**
   * The message as its sender sealed it, all of it authenticated; or why it is not believed. The same envelope opens
   * once.
   * @param message what came along with the envelope as its body
   */
  open(message: Message, receiver: string): Message | string;
  /** The answer of `receiver` to a message that came sealed. */
  sealReply(question: Message, receiver: string, reply: Answer): Uint8Array;
  /** @param asked who may answer */
  openReply(question: Message, asked: ReadonlySet<string>, body: Uint8Array): Answer | string;
}

/** What an answer carries. */
export interface Answer {
  readonly contentType: string | undefined;
  readonly headers: Message['headers'];
  readonly body: Uint8Array;
}

/** A message that was not believed. */
export interface RefusedMessage {
  readonly message: Message;
  readonly receiver: string;
  readonly why: string;
}

const noHeaders: Message['headers'] = Object.freeze([]);

/** Which messages are sealed: those to and from agents whose manifests say so. Everything else is passed by. */
export class Envelopes {
  readonly #directory: Directory;
  readonly #seal: EnvelopeSeal;
  readonly #onRefused: (refused: RefusedMessage) => void;

  constructor(directory: Directory, seal: EnvelopeSeal, onRefused: (refused: RefusedMessage) => void) {
    this.#directory = directory;
    this.#seal = seal;
    this.#onRefused = onRefused;
  }

  /** Whether what goes from `sender` to an agent is sealed. */
  isSealed(sender: string | undefined, to: number): boolean {
    const directory = this.#directory;
    if (!directory.hasSealed) return false;
    return directory.isSealed(to) || (sender !== undefined && directory.isSealed(directory.find(sender)));
  }

  /** A message as it goes to one receiver, its place being reserved: itself, or sealed, and then heavier. */
  outgoing(message: Message, to: number, receiver: string): Message {
    if (message.isSealed === true || !this.isSealed(message.sender, to)) return message;
    const body = this.#seal.seal(message, receiver);
    const sealed: Message = { ...message, headers: noHeaders, body, isSealed: true };
    this.#directory.reweigh(to, weightOf(message), weightOf(sealed));
    return sealed;
  }

  /** False: it should have been sealed, and was not; that is told. */
  isAcceptable(message: Message, to: number, receiver: string): boolean {
    if (message.isSealed === true || !this.isSealed(message.sender, to)) return true;
    this.#onRefused({ message, receiver, why: 'it is not sealed' });
    return false;
  }

  /** What a sealed message says; undefined: it is not believed, which is told. */
  opened(message: Message, receiver: string): Message | undefined {
    const opened = this.#seal.open(message, receiver);
    if (typeof opened !== 'string') {
      const { principal, priority } = message;
      return principal === undefined && priority === undefined
        ? opened
        : { ...opened, ...(principal !== undefined && { principal }), ...(priority && { priority }) };
    }
    this.#onRefused({ message, receiver, why: opened });
    return undefined;
  }

  /** The answer to a message that came sealed; one that is a failure has no payload to seal. */
  outgoingReply(question: Message, receiver: string, reply: Reply): Reply {
    if ('error' in reply || reply.outcome.kind !== 'ok') return reply;
    const { contentType, headers, outcome } = reply;
    const body = outcome.value ?? new Uint8Array(0);
    const value = this.#seal.sealReply(question, receiver, { contentType, headers, body });
    return { ...reply, headers: noHeaders, outcome: { ...outcome, value }, isSealed: true };
  }

  /** What came out of the answer to a sealed question. One that is not believed ends the question, and is told. */
  openedReply(question: Message, asked: ReadonlySet<string>, reply: Reply): Reply {
    if ('error' in reply || reply.outcome.kind !== 'ok') return reply;
    const { outcome } = reply;
    const opened =
      reply.isSealed === true
        ? this.#seal.openReply(question, asked, outcome.value ?? new Uint8Array(0))
        : 'its answer is not sealed';
    if (typeof opened === 'string') {
      this.#onRefused({ message: question, receiver: [...asked].join(), why: opened });
      return { error: { tag: 'unavailable' } };
    }
    const { contentType, headers, body } = opened;
    return { contentType, headers, outcome: { ...outcome, value: body } };
  }
}
