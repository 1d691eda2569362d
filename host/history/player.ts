import {
  type HostFunction,
  type HostInterface,
  type HostResource,
  Linker,
  WitError,
} from '../engine/linker.ts';
import { adopted, type HandleAction, handleClass } from './handles.ts';
import type { Answer, Names, Step } from './turns.ts';
import { ValueReader } from './value-reader.ts';
import { type HandleName, ValueWriter } from './value-writer.ts';

/** Where a program that runs again does something else than it did. */
export interface Divergence {
  /** Calls of host functions in this turn before it, all equal. */
  readonly step: number;
  readonly expected: CallText | undefined;
  readonly found: CallText | undefined;
}

/** A call of a host function, for people. */
export interface CallText {
  readonly name: string;
  readonly args: unknown;
}

/** Out of a host function, to end a program that does something else than it did. */
export class Diverged extends Error {
  override readonly name = 'Diverged';
}

interface Waiting {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

const argsBytesMax = 64 * 1024 * 1024;
const noStep: readonly Step[] = [];

/** Answers a program as it was answered before, as long as it asks as it did before. One life of one agent. */
export class Player {
  readonly #handles = new Map<number, object>();
  readonly #handleNames = new WeakMap<object, HandleName>();
  readonly #classes = new Map<string, HostResource>();
  readonly #args: ValueWriter;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exhausted: () => void;
  #handleCount = 0;
  #pending = 0;
  #steps: readonly Step[] = noStep;
  #at = 0;
  #divergence: Divergence | undefined;
  /** Whether the host ended the turn, at a moment that nothing in the history names. */
  #isOpen = false;

  /** `exhausted` is called when the program waits for what never came. */
  constructor(exhausted: () => void) {
    this.#args = new ValueWriter(argsBytesMax, (value) => this.#handleNames.get(value));
    this.#exhausted = exhausted;
  }

  get divergence(): Divergence | undefined {
    return this.#divergence;
  }

  /**
   * What is to come next; what was left before is forgotten. `isOpen`: the host ended this turn, so that the program may
   * get further now than it did then.
   */
  play(steps: readonly Step[], isOpen = false): void {
    this.#steps = steps;
    this.#isOpen = isOpen;
    this.#at = 0;
    this.#divergence = undefined;
    queueMicrotask(this.#bring);
  }

  /** Whether the program asked all that it asked before. What it did not is a divergence. */
  finish(): Divergence | undefined {
    const rest = this.#steps.slice(this.#at).find((step) => step.kind === 'call');
    if (this.#divergence === undefined && rest?.kind === 'call')
      this.#divergence = { step: this.#at, expected: this.#recorded(rest), found: undefined };
    return this.#divergence;
  }

  /** How many calls of host functions were equal. */
  get step(): number {
    return this.#at;
  }

  /** A value as it was written, with handles of this life. */
  read(bytes: Uint8Array): unknown {
    return new ValueReader(bytes, (handle) => this.#handle(handle)).value();
  }

  #handle(name: HandleName): object {
    const known = this.#handles.get(name.number);
    if (known !== undefined) return known;
    const shown = this.#classes.get(name.type);
    if (shown === undefined)
      throw new Diverged(`a handle of ${name.type}, which the program does not import`);
    const handle = adopted(shown);
    this.#join(handle, name);
    return handle;
  }

  #join(handle: object, name: HandleName): void {
    this.#handles.set(name.number, handle);
    this.#handleNames.set(handle, name);
    this.#handleCount = Math.max(this.#handleCount, name.number + 1);
  }

  /** What a program that was linked with `names` is linked with to run again. */
  linker(names: Names): Linker {
    return new PlayedLinker(this.#interfaces(names));
  }

  #interfaces({ functions, suspending }: Names): Map<string, HostInterface> {
    const offered = new Map<string, Record<string, HostFunction | HostResource>>();
    const members = new Map<string, string[]>();
    for (const name of functions) {
      const [interfaceName = '', member = ''] = name.split('#');
      const own = offered.get(interfaceName) ?? {};
      offered.set(interfaceName, own);
      const className = /^([A-Z]\w*)[.:]/.exec(member)?.[1];
      if (className === undefined) own[member] = (...args: unknown[]) => this.#ask(name, args);
      else {
        const key = `${interfaceName}#${className}`;
        members.set(key, [...(members.get(key) ?? []), member.slice(className.length)]);
      }
    }
    for (const [key, names] of members) {
      const [interfaceName = '', className = ''] = key.split('#');
      const own = offered.get(interfaceName) as Record<string, HostFunction | HostResource>;
      own[className] = this.#class(key, names);
    }
    return new Map(
      [...offered].map(([name, own]) => [
        name,
        { functions: own, suspending: suspendingOf(name, suspending) },
      ]),
    );
  }

  #class(name: string, members: readonly string[]): HostResource {
    const model = class {};
    for (const member of members) {
      const on = member.startsWith(':') ? model : model.prototype;
      if (member !== '.constructor') Object.defineProperty(on, member.slice(1), { value: () => {} });
    }
    const call = (what: HandleAction, self: object | undefined, args: readonly unknown[]): unknown => {
      const answer = this.#ask(what.name, what.kind === 'method' ? [self, ...args] : args);
      if (what.kind === 'constructor') this.#join(self as object, { number: this.#handleCount, type: name });
      return answer;
    };
    const { shown } = handleClass(name, model, call);
    this.#classes.set(name, shown);
    return shown;
  }

  #ask(name: string, args: readonly unknown[]): unknown {
    const step = this.#steps[this.#at];
    if (this.#divergence !== undefined) throw new Diverged(name);
    if (step === undefined && this.#isOpen) {
      this.#exhausted();
      throw new Diverged(name);
    }
    this.#args.clear();
    this.#args.value(args);
    if (step?.kind !== 'call' || step.name !== name || !isEqual(step.args, this.#args.bytes)) {
      const expected = step?.kind === 'call' ? this.#recorded(step) : undefined;
      this.#divergence = { step: this.#at, expected, found: { name, args: readable(this.#args.bytes) } };
      throw new Diverged(name);
    }
    this.#at += 1;
    return this.#give(step.answer);
  }

  #recorded(step: Step & { kind: 'call' }): CallText {
    return { name: step.name, args: readable(step.args) };
  }

  #give(answer: Answer): unknown {
    queueMicrotask(this.#bring);
    switch (answer.kind) {
      case 'value':
        return this.read(answer.bytes);
      case 'error':
        throw new WitError(this.read(answer.bytes));
      case 'fault':
        throw new Error(answer.text);
      default:
        return this.#wait();
    }
  }

  #wait(): Promise<unknown> {
    const number = this.#pending;
    this.#pending += 1;
    return new Promise((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
  }

  /** Gives the answers that came next. */
  readonly #bring = (): void => {
    const step = this.#steps[this.#at];
    if (step === undefined && this.#waiting.size > 0 && this.#isOpen) this.#exhausted();
    if (step?.kind !== 'later') return;
    this.#at += 1;
    const waiting = this.#waiting.get(step.pending);
    this.#waiting.delete(step.pending);
    try {
      waiting?.resolve(this.#give(step.answer));
    } catch (thrown) {
      waiting?.reject(thrown);
    }
  };
}

function suspendingOf(interfaceName: string, all: readonly string[]): ReadonlySet<string> {
  const start = `${interfaceName}#`;
  return new Set(all.filter((name) => name.startsWith(start)).map((name) => name.slice(start.length)));
}

/** Offers what was offered before, and nothing that anybody defines. */
class PlayedLinker extends Linker {
  readonly #offered: ReadonlyMap<string, HostInterface>;

  constructor(offered: ReadonlyMap<string, HostInterface>) {
    super();
    this.#offered = offered;
  }

  override define(): this {
    return this;
  }

  override get(importName: string): HostInterface | undefined {
    return this.#offered.get(importName);
  }
}

function readable(bytes: Uint8Array): unknown {
  return new ValueReader(bytes).value();
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
