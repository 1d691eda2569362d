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

/** What happened in a turn, for people. */
export type Happening =
  | { readonly kind: 'call'; readonly name: string; readonly args: unknown; readonly answer: AnswerText }
  /** The call of this number among those of the life that waited has its answer. */
  | { readonly kind: 'later'; readonly pending: number; readonly answer: AnswerText }
  | { readonly kind: 'growth'; readonly isGranted: boolean };

export type AnswerText =
  | { readonly kind: 'value' | 'error'; readonly value: unknown }
  | { readonly kind: 'fault'; readonly text: string }
  | { readonly kind: 'pending'; readonly pending: number };

/** What a program does that nothing outside brings any further. */
export const waits = 'waits for an answer that never came';

/** Out of a host function, to end a program that does something else than it did. */
export class Diverged extends Error {
  override readonly name = 'Diverged';
}

interface Waiting {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

const argsBytesMax = 64 * 1024 * 1024;
/** Of one turn, for people. */
export const happeningsMax = 10_000;
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
  #calls = 0;
  #divergence: Divergence | undefined;
  #isArmed = false;
  #happened: Happening[] | undefined;
  /** Whether the host ended the turn, at a moment that nothing in the history names. */
  #isOpen = false;

  /** Whether a turn is under way, so that it matters if the program waits for ever. */
  #isUnderWay = false;

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
   * get further now than it did then. `happened`: where to write down what happens, up to `happeningsMax`.
   */
  play(steps: readonly Step[], isOpen = false, happened?: Happening[]): void {
    this.#begin(steps, isOpen, happened, true);
  }

  #begin(
    steps: readonly Step[],
    isOpen: boolean,
    happened: Happening[] | undefined,
    happensInTurn: boolean,
  ): void {
    this.#steps = steps;
    this.#isOpen = isOpen;
    this.#happened = happened;
    this.#at = 0;
    this.#calls = 0;
    this.#divergence = undefined;
    this.#isUnderWay = happensInTurn;
    if (steps[0]?.kind === 'later') this.#arm();
  }

  /** Resolves when what was to come between two turns has come. */
  async between(steps: readonly Step[]): Promise<void> {
    if (steps.length === 0) return;
    this.#begin(steps, false, undefined, false);
    for (let at = -1; at < this.#at && this.#at < steps.length; ) {
      at = this.#at;
      await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
    }
  }

  /** Whether the program asked all that it asked before. What it did not is a divergence. */
  finish(): Divergence | undefined {
    this.#isUnderWay = false;
    if (this.#divergence === undefined && !this.#isOpen) {
      const rest = this.#steps.slice(this.#at).find((step) => step.kind === 'call');
      if (rest?.kind === 'call')
        this.#divergence = { step: this.#calls, expected: recorded(rest), found: undefined };
    }
    return this.#divergence;
  }

  /** How many calls of host functions were equal. */
  get calls(): number {
    return this.#calls;
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
    const aliases: [own: Record<string, HostFunction | HostResource>, alias: string][] = [];
    for (const name of functions) {
      const [interfaceName = '', member = ''] = name.split('#');
      const own = offered.get(interfaceName) ?? {};
      offered.set(interfaceName, own);
      const className = /^([A-Z]\w*)[.:]/.exec(member)?.[1];
      if (member.includes('=')) aliases.push([own, member]);
      else if (className === undefined) own[member] = (...args: unknown[]) => this.#ask(name, args);
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
    for (const [own, member] of aliases) {
      const [alias = '', className = ''] = member.split('=');
      const known = own[className];
      if (known !== undefined) own[alias] = known;
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
    if (this.#divergence !== undefined) throw new Diverged(name);
    const step = this.#nextCall();
    if (step === undefined && this.#isOpen) {
      this.#exhausted();
      throw new Diverged(name);
    }
    this.#args.clear();
    this.#args.value(args);
    if (step?.name !== name || !isEqual(step.args, this.#args.bytes)) {
      const expected = step && recorded(step);
      this.#divergence = { step: this.#calls, expected, found: { name, args: readable(this.#args.bytes) } };
      throw new Diverged(name);
    }
    this.#at += 1;
    this.#calls += 1;
    this.#note(() => ({ kind: 'call', name, args: readable(step.args), answer: this.#text(step.answer) }));
    if (this.#steps[this.#at]?.kind === 'later') this.#arm();
    return this.#give(step.answer);
  }

  /** Answers that had come before the next call come before it; another version may not want the memory. */
  #nextCall(): (Step & { kind: 'call' }) | undefined {
    for (;;) {
      const step = this.#steps[this.#at];
      if (step === undefined || step.kind === 'call') return step;
      this.#at += 1;
      if (step.kind === 'later') this.#answerLate(step);
    }
  }

  /** What waits is never answered; calls that wait are counted from 0 again. */
  forgetWaiting(): void {
    this.#pending = 0;
    this.#waiting.clear();
  }

  /** Whether the program has the memory it wants: as it did then, or as much as it likes where it did not ask then. */
  readonly grow = (): boolean => {
    const step = this.#steps[this.#at];
    if (step?.kind !== 'growth') return true;
    this.#at += 1;
    this.#note(() => step);
    if (this.#steps[this.#at]?.kind === 'later') this.#arm();
    return step.isGranted;
  };

  #note(happening: () => Happening): void {
    if (this.#happened !== undefined && this.#happened.length < happeningsMax)
      this.#happened.push(happening());
  }

  #text(answer: Answer): AnswerText {
    switch (answer.kind) {
      case 'fault':
        return answer;
      case 'pending':
        return { kind: 'pending', pending: this.#pending };
      default:
        return { kind: answer.kind, value: readable(answer.bytes) };
    }
  }

  #give(answer: Answer): unknown {
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
    this.#arm();
    return new Promise((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
  }

  /** What comes late comes when the program has done all that it can do without. */
  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(() => {
      this.#isArmed = false;
      this.#bring();
    });
  }

  #bring(): void {
    const step = this.#steps[this.#at];
    if (step?.kind === 'later') {
      this.#at += 1;
      this.#answerLate(step);
      this.#arm();
    } else if (this.#isStuck(step)) this.#exhausted();
  }

  /** Only called when nothing of the program is on any stack: it waits, or its turn is over. */
  #isStuck(step: Step | undefined): boolean {
    if (!this.#isUnderWay || this.#waiting.size === 0 || this.#divergence !== undefined) return false;
    if (!this.#isOpen || step !== undefined) {
      const expected = step?.kind === 'call' ? recorded(step) : undefined;
      this.#divergence = { step: this.#calls, expected, found: { name: waits, args: [] } };
    }
    return true;
  }

  #answerLate({ pending, answer }: Step & { kind: 'later' }): void {
    this.#note(() => ({ kind: 'later', pending, answer: this.#text(answer) }));
    const waiting = this.#waiting.get(pending);
    this.#waiting.delete(pending);
    try {
      waiting?.resolve(this.#give(answer));
    } catch (thrown) {
      waiting?.reject(thrown);
    }
  }
}

function recorded(step: Step & { kind: 'call' }): CallText {
  return { name: step.name, args: readable(step.args) };
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
