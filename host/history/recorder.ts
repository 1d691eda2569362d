import { type HostFunction, type HostInterface, type HostResource, WitError } from '../engine/linker.ts';
import type { Outcome } from '../outcome.ts';
import { type HandleCall, Handles, handleClass, wrapped } from './handles.ts';
import { marks, records } from './marks.ts';
import { writeEnd } from './turn-end.ts';
import { UnwritableValue, ValueWriter } from './value-writer.ts';

/** What an agent's turns have in common from one start of it to its end, over every hibernation. */
export interface LifeFacts {
  /** SHA-256 of the component, hexadecimal. */
  readonly digest: string;
  /** As in `Limits`. */
  readonly limits: Readonly<Record<string, number | bigint>>;
  readonly atMs: number;
  /** It may go back to its state from before a turn (`back`). */
  readonly goesBack?: boolean;
}

/** Takes whole records, and copies what it keeps of them. */
export interface HistorySink {
  append(record: ValueWriter): void;
  /** A life that is about to be appended runs this component (SHA-256, hexadecimal). */
  needs(component: string): void;
  /** What was appended last is the last of its agent here for now. */
  ended(): void;
}

export interface RecorderOptions {
  readonly agent: string;
  readonly sink: HistorySink;
  /** Bytes of one turn; a longer one is not recorded, and the history says so. */
  readonly turnBytesMax: number;
}

const faultCharsMax = 500;

/**
 * Writes down what one agent is told: the messages it handles and what every host function answers it, in the order in
 * which it learns of it. What it does with that follows from its program. It lives as long as its agent.
 */
export class Recorder {
  readonly #agent: string;
  readonly #sink: HistorySink;
  readonly #turnBytesMax: number;
  /** The turn under way, after the kind of the record and the agent's name. */
  readonly #entries: ValueWriter;
  readonly #headBytes: number;
  readonly #handles = new Handles();
  readonly #indexes = new Map<string, number>();
  readonly #suspending = new Set<string>();
  #namesWritten = 0;
  #pending = 0;
  #life = 0;
  #unwritable: string | undefined;
  #isInTurn = false;

  constructor({ agent, sink, turnBytesMax }: RecorderOptions) {
    this.#agent = agent;
    this.#sink = sink;
    this.#turnBytesMax = turnBytesMax;
    this.#entries = new ValueWriter(turnBytesMax, (value) => this.#handles.nameOf(value));
    this.#entries.byte(records.turn);
    this.#entries.text(agent);
    this.#headBytes = this.#entries.length;
  }

  /** An instance begins from nowhere. */
  begins(facts: LifeFacts): void {
    this.#pending = 0;
    this.#life += 1;
    // Each life can be read without those before it, which may be gone.
    this.#namesWritten = 0;
    this.#handles.restart();
    this.#clear();
    this.#sink.needs(facts.digest);
    this.#write(records.life, (writer) => writer.value({ ...facts, limits: { ...facts.limits } }));
  }

  /** The instance is gone; what comes next is another life. */
  ends(): void {
    this.#life += 1;
    this.#clear();
    this.#write(records.over, () => {});
    this.#sink.ended();
  }

  /** The instance is gone; what comes next is this life, with its state from before the last turn. */
  goesBack(): void {
    this.#life += 1;
    this.#pending = 0;
    this.#handles.restart();
    this.#clear();
    this.#write(records.back, () => {});
    this.#sink.ended();
  }

  #write(kind: number, body: (writer: ValueWriter) => void): void {
    const writer = new ValueWriter(this.#turnBytesMax);
    writer.byte(kind);
    writer.text(this.#agent);
    body(writer);
    this.#sink.append(writer);
  }

  #clear(): void {
    this.#entries.clear(this.#headBytes);
    this.#unwritable = undefined;
    this.#isInTurn = false;
  }

  /** An export is called. */
  begin(name: string, argument: unknown): void {
    if (this.#namesWritten < this.#indexes.size) this.#writeNames();
    this.#isInTurn = true;
    this.#entries.byte(marks.begin);
    this.#entries.text(name);
    this.#value(argument);
  }

  #writeNames(): void {
    const isFresh = this.#namesWritten === 0;
    this.#namesWritten = this.#indexes.size;
    this.#write(records.names, (writer) =>
      writer.value({ functions: [...this.#indexes.keys()], suspending: [...this.#suspending], isFresh }),
    );
  }

  /** The call ended; `value` is what the export returned. */
  end(outcome: Outcome): void {
    if (!this.#isInTurn) return;
    const entries = this.#entries;
    entries.byte(marks.end);
    try {
      writeEnd(entries, outcome);
    } catch (thrown) {
      this.#note(thrown);
    }
    const reason = entries.isFull ? `more than ${this.#turnBytesMax} bytes` : this.#unwritable;
    if (reason === undefined) this.#sink.append(entries);
    else this.#write(records.cut, (writer) => writer.text(reason));
    this.#clear();
  }

  /** The same interface, of which every answer is written down. For every instance of the agent. */
  wrap(interfaceName: string, offered: HostInterface): HostInterface {
    for (const name of offered.suspending) this.#suspending.add(`${interfaceName}#${name}`);
    return wrapped(interfaceName, offered, {
      functionFor: (name, real) => this.#wrapFunction(name, real),
      classFor: (name, real) => this.#wrapClass(name, real),
      alias: (name) => void this.#indexOf(name),
    });
  }

  #indexOf(name: string): number {
    let index = this.#indexes.get(name);
    if (index === undefined) {
      index = this.#indexes.size;
      this.#indexes.set(name, index);
    }
    return index;
  }

  #wrapFunction(name: string, real: HostFunction): HostFunction {
    const index = this.#indexOf(name);
    return (...args) => {
      this.#call(index, args);
      let result: unknown;
      try {
        result = real(...(this.#handles.isEmpty ? args : this.#handles.unwrapAll(args)));
      } catch (thrown) {
        this.#threw(thrown);
        throw thrown;
      }
      return isPromise(result) ? this.#wait(result) : this.#came(result);
    };
  }

  #wrapClass(name: string, real: HostResource): HostResource {
    const call: HandleCall = (what, self, args) => {
      this.#call(this.#indexOf(what.name), what.kind === 'method' ? [self, ...args] : args);
      let result: unknown;
      try {
        result = this.#handles.act(what, real, self, args);
      } catch (thrown) {
        this.#threw(thrown);
        throw thrown;
      }
      return isPromise(result) ? this.#wait(result) : this.#came(result);
    };
    const { shown, names } = handleClass(name, real, call);
    for (const each of names) this.#indexOf(each);
    this.#handles.show(real, shown, name);
    return shown;
  }

  #call(index: number, args: readonly unknown[]): void {
    this.#entries.byte(marks.call);
    this.#entries.varint(index);
    this.#value(args);
  }

  #came(result: unknown): unknown {
    const shown = this.#handles.isNone ? result : this.#handles.wrapDeep(result);
    this.#entries.byte(marks.value);
    this.#value(shown);
    return shown;
  }

  #threw(thrown: unknown): void {
    if (thrown instanceof WitError) {
      this.#entries.byte(marks.error);
      this.#value(thrown.payload);
    } else {
      this.#entries.byte(marks.fault);
      this.#entries.text(String(thrown).slice(0, faultCharsMax));
    }
  }

  /** Whether the process had the memory that the agent wanted, which its program cannot know. */
  readonly growth = (isGranted: boolean): void => {
    this.#entries.byte(marks.growth);
    this.#entries.byte(isGranted ? 1 : 0);
  };

  /** Whoever can cancel the promise still can. */
  #wait(result: Promise<unknown>): Promise<unknown> {
    const number = this.#pending;
    const life = this.#life;
    this.#pending += 1;
    this.#entries.byte(marks.pending);
    const settled = result.then(
      (value) => {
        // What was asked in an earlier life is nobody's in this one.
        if (life !== this.#life) return value;
        this.#later(number);
        return this.#came(value);
      },
      (thrown: unknown) => {
        if (life !== this.#life) throw thrown;
        this.#later(number);
        this.#threw(thrown);
        throw thrown;
      },
    );
    const { cancel } = result as { cancel?: unknown };
    return typeof cancel === 'function'
      ? Object.assign(settled, { cancel: () => cancel.call(result) })
      : settled;
  }

  #later(number: number): void {
    this.#entries.byte(marks.later);
    this.#entries.varint(number);
  }

  #value(value: unknown): void {
    try {
      this.#entries.value(value);
    } catch (thrown) {
      this.#note(thrown);
    }
  }

  #note(thrown: unknown): void {
    if (!(thrown instanceof UnwritableValue)) throw thrown;
    this.#unwritable ??= thrown.message;
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
