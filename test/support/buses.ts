import { Bus, type BusOptions } from '../../host/bus/bus.ts';
import type { Accepted, Delivery, ReceiverTerms, Reply, Sender } from '../../host/bus/delivery.ts';
import { Directory, defaultMailbox, type MailboxLimits } from '../../host/bus/directory.ts';
import type { Frame } from '../../host/bus/frame-kinds.ts';
import type { BusError, Failure, Guarantee, Payload } from '../../host/bus/message.ts';
import type { SigningMode } from '../../host/bus/message-signer.ts';
import { Wheel } from '../../host/clock/wheel.ts';
import type { Clock, Random } from '../../host/clock.ts';
import type { Outcome, Usage } from '../../host/outcome.ts';

export const usage: Usage = { fuel: 0n, memoryBytes: 0, wallMs: 0, outputBytes: 0 };

export const done: Outcome<undefined> = { kind: 'ok', value: undefined, usage };

export function answer(text: string): Outcome<Uint8Array> {
  return { kind: 'ok', value: new TextEncoder().encode(text), usage };
}

export function failed(failure: Failure): Outcome<undefined> {
  return { kind: 'error', exitCode: 1, failure, usage };
}

export const outside: Sender = { id: 0, name: undefined };

export function text(words: string, headers: Payload['headers'] = []): Payload {
  return { contentType: 'text/plain', headers, body: new TextEncoder().encode(words) };
}

export function wordsOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}

/** The words of an answer, or the tag of what came instead. */
export function replyText(reply: Reply): string {
  if ('error' in reply) return reply.error.tag;
  return reply.outcome.kind === 'ok' ? wordsOf(reply.outcome.value) : reply.outcome.kind;
}

export function tagOf(result: unknown): string | undefined {
  return typeof result === 'object' && result !== null && 'tag' in result ? String(result.tag) : undefined;
}

/** What `send` answered at once. */
export function atOnce(result: Accepted | BusError | Promise<Accepted | BusError>): Accepted | BusError {
  if (result instanceof Promise) throw new Error('it waits');
  return result;
}

/** Time that passes when told to. */
export class HandClock implements Clock {
  ms: number = 1000;
  wallNs(): bigint {
    return 1_700_000_000_000_000_000n + this.monotonicNs();
  }
  monotonicNs(): bigint {
    return BigInt(Math.round(this.ms * 1e6));
  }
  monotonicMs(): number {
    return this.ms;
  }
  sleep(): Promise<void> {
    throw new Error('nobody sleeps here');
  }
}

/** The same bytes every time. */
export const countingRandom: Random = {
  fill: (bytes) => {
    for (let at = 0; at < bytes.length; at++) bytes[at] = at + 1;
    return bytes;
  },
};

export interface AgentOptions {
  readonly thread?: number;
  readonly mailbox?: MailboxLimits;
  readonly guarantee?: Guarantee;
  /** Whether what it sends and gets is sealed. */
  readonly seals?: boolean;
  readonly sign?: SigningMode;
  readonly terms?: Partial<ReceiverTerms>;
}

/** An agent of a test: what reaches it waits until the test takes it, unless it was told what to answer. */
export class TestAgent implements Sender {
  readonly id: number;
  readonly name: string;
  readonly woken: number[] = [];
  readonly cancelled: Delivery[] = [];
  readonly handled: Delivery[] = [];
  /** Handles every message when it comes. */
  handle: ((delivery: Delivery) => Outcome<Uint8Array | undefined>) | undefined;
  /** What all who ask are answered instead. */
  refuses: Outcome<Uint8Array | undefined> | undefined;
  bus: Bus;

  constructor(id: number, name: string, bus: Bus) {
    this.id = id;
    this.name = name;
    this.bus = bus;
  }

  wake(id: number): void {
    this.woken.push(id);
    if (this.handle !== undefined) this.work();
  }

  refusal(): Outcome<Uint8Array | undefined> | undefined {
    return this.refuses;
  }

  cancel(_id: number, delivery: Delivery): void {
    this.cancelled.push(delivery);
  }

  take(): Delivery | undefined {
    const delivery = this.bus.take(this.id);
    if (delivery !== undefined) this.handled.push(delivery);
    return delivery;
  }

  /** Takes and handles until nothing is there; `handle` or else `ok`. */
  work(): number {
    let count = 0;
    for (let next = this.take(); next !== undefined; next = this.take()) {
      this.bus.settle(next, this.handle?.(next) ?? done);
      count++;
    }
    return count;
  }

  /** The words of what it got, in order. */
  get heard(): string[] {
    return this.handled.map(({ message }) => wordsOf(message.body));
  }
}

const terms: ReceiverTerms = {
  mailbox: defaultMailbox,
  redelivery: { attemptsMax: 3, backoffMs: 1000, backoffMsMax: 60_000 },
  rate: { perSecond: 10_000, burst: 20_000 },
  messageBytesMax: 1024 * 1024,
};

/** Buses of several threads in one: frames pass as they are, at once or when the test lets them. */
export class Buses {
  readonly clock: HandClock = new HandClock();
  readonly directory: Directory;
  readonly wheels: Wheel[] = [];
  readonly all: Bus[] = [];
  /** Frames on their way when `isDeferred`. */
  readonly frames: { readonly from: number; readonly to: number; readonly frame: Frame }[] = [];
  isDeferred: boolean = false;
  /** Whether the ways between threads are full. */
  isFull: boolean = false;

  constructor(threads = 1, options: Partial<BusOptions> = {}) {
    this.directory = Directory.create(100, countingRandom);
    for (let self = 0; self < threads; self++) {
      const wheel = new Wheel({ nowMs: () => this.clock.ms });
      this.wheels.push(wheel);
      this.all.push(
        new Bus({
          directory: this.directory,
          clock: this.clock,
          random: countingRandom,
          wheel,
          ...options,
          links: { self, threads, post: (to, frame) => this.#post(self, to, frame) },
        }),
      );
    }
  }

  get bus(): Bus {
    return this.at(0);
  }

  at(thread: number): Bus {
    const bus = this.all[thread];
    if (bus === undefined) throw new Error(`no thread ${thread}`);
    return bus;
  }

  agent(name: string, options: AgentOptions = {}): TestAgent {
    const { thread = 0, mailbox = defaultMailbox, guarantee = 'at-least-once' } = options;
    const { seals = false, sign = 'none' } = options;
    const id = this.directory.add(name, mailbox, guarantee, seals, sign);
    const agent = new TestAgent(id, name, this.at(thread));
    agent.bus.attach(id, name, agent, { ...terms, mailbox, ...options.terms });
    this.directory.place(id, thread);
    return agent;
  }

  /** Lets time pass, slot by slot. */
  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 4) {
      this.clock.ms += Math.min(4, ms - passed);
      for (const wheel of this.wheels) wheel.turn();
    }
    this.clock.ms += 4;
    for (const wheel of this.wheels) wheel.turn();
  }

  /** Brings the frames that are on their way, and those they cause. */
  carry(): void {
    for (let next = this.frames.shift(); next !== undefined; next = this.frames.shift())
      this.at(next.to).accept(next.frame, next.from);
  }

  #post(from: number, to: number, frame: Frame): boolean {
    if (this.isFull) return false;
    if (this.isDeferred) this.frames.push({ from, to, frame });
    else this.at(to).accept(frame, from);
    return true;
  }
}
