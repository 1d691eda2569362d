import type { CallWaiter } from '../instance.ts';
import type { ExportProgram } from './program.ts';
import { type Leg, run } from './relay.ts';

/** The instance that is called. */
export interface Called {
  /** Ends a call whose guest came back. @throws what ended it */
  finish(program: ExportProgram, result: number): unknown;
  /** Ends the instance, and names what happened. */
  close(thrown: unknown): unknown;
}

/** The calls of one export `(i32) -> i32` of an instance, one at a time: made once, so that a call makes few objects. */
export class PlainCall implements Leg {
  readonly program: ExportProgram;
  readonly core: WebAssembly.ExportedFunction;
  argument = 0;
  readonly #called: Called;
  /** Undefined: no call is under way. */
  #waiter: CallWaiter | undefined;

  constructor(called: Called, program: ExportProgram, core: WebAssembly.ExportedFunction) {
    this.#called = called;
    this.program = program;
    this.core = core;
  }

  get isDue(): boolean {
    return this.#waiter !== undefined;
  }

  begin(argument: number, waiter: CallWaiter): void {
    this.argument = argument;
    this.#waiter = waiter;
    run(this);
  }

  /** The instance is dropped, and nobody waits any more. */
  drop(): void {
    this.#waiter = undefined;
  }

  returned(result: number): void {
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    this.#waiter = undefined;
    let value: unknown;
    try {
      value = this.#called.finish(this.program, result);
    } catch (thrown) {
      waiter.threw(this.#called.close(thrown));
      return;
    }
    waiter.returned(value);
  }

  threw(thrown: unknown): void {
    const waiter = this.#waiter;
    // Not the guest's: nothing of it is under way.
    if (waiter === undefined) throw thrown;
    this.#waiter = undefined;
    waiter.threw(this.#called.close(thrown));
  }
}
