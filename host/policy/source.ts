import type { MessagePort } from 'node:worker_threads';
import { receiveMessageOnPort } from 'node:worker_threads';
import { Entities } from './entities.ts';
import type { EntityRef, KnownEntity } from './entity.ts';
import type { Rule } from './rule.ts';

/** One change of what decides, as threads are sent it; together with those before it, it makes a version. */
export interface PolicyChange {
  readonly version: number;
  /** Whether it is all there is, rather than what became another. */
  readonly isWhole: boolean;
  readonly rules: readonly Rule[];
  /** Names of policies that are no more. */
  readonly gone: readonly string[];
  readonly entities: readonly KnownEntity[];
  readonly forgotten: readonly EntityRef[];
}

/** Where a decider finds what is in force. Version 0 is that of nothing: all is denied. */
export interface PolicySource {
  /** What is in force for the whole host, whether it has arrived here or not. */
  readonly versionInForce: number;
  /** What is here. */
  readonly version: number;
  readonly rules: ReadonlyMap<string, Rule>;
  readonly entities: Entities;
  /** Takes what has arrived. Whether what is in force is here now. */
  take(): boolean;
}

/** What decides in one thread. */
export class PolicyState {
  version = 0;
  readonly rules: Map<string, Rule> = new Map();
  readonly entities: Entities = new Entities();

  /** Takes the change that makes the next version; an older one, or one with a gap before it, changes nothing. */
  apply(change: PolicyChange): void {
    if (change.isWhole ? change.version <= this.version : change.version !== this.version + 1) return;
    if (change.isWhole) {
      this.rules.clear();
      this.entities.clear();
    }
    for (const id of change.gone) this.rules.delete(id);
    for (const rule of change.rules) this.rules.set(rule.id, rule);
    for (const entity of change.forgotten) this.entities.remove(entity);
    for (const entity of change.entities) this.entities.put(entity);
    this.version = change.version;
  }
}

/** What a thread is started with, to decide by the policies of another. */
export interface PolicyLine {
  readonly version: SharedArrayBuffer;
  /** To be among the transferred. */
  readonly port: MessagePort;
}

/** Messages taken at one look; more than are ever under way at once. */
const takenMax = 10_000;

/** A thread's end of a line: what changed is taken when a decision is asked for, even when the event loop stands still. */
export class PolicyInbox implements PolicySource {
  readonly #state = new PolicyState();
  readonly #version: Int32Array;
  readonly #port: MessagePort;
  #onArrival: () => void = () => {};

  constructor({ version, port }: PolicyLine) {
    this.#version = new Int32Array(version);
    this.#port = port;
    port.on('message', (change: PolicyChange) => {
      this.#state.apply(change);
      this.#onArrival();
    });
    port.unref();
  }

  get versionInForce(): number {
    return Atomics.load(this.#version, 0);
  }

  get version(): number {
    return this.#state.version;
  }

  get rules(): ReadonlyMap<string, Rule> {
    return this.#state.rules;
  }

  get entities(): Entities {
    return this.#state.entities;
  }

  take(): boolean {
    for (let taken = 0; taken < takenMax && this.version !== this.versionInForce; taken += 1) {
      const got: { message: PolicyChange } | undefined = receiveMessageOnPort(this.#port);
      if (got === undefined) break;
      this.#state.apply(got.message);
    }
    return this.version === this.versionInForce;
  }

  /** Called when a change came while nobody asked. */
  onArrival(listener: () => void): void {
    this.#onArrival = listener;
  }

  close(): void {
    this.#port.close();
  }
}
