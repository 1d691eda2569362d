import { type Budget, Stopped } from '../../budget.ts';
import type { Answer, AsyncCalls, PendingCall, Rest } from '../../instance.ts';
import { Suspended } from '../../instance.ts';
import { type Abi, violation } from '../abi.ts';
import { cancelOf, isPromise } from '../host-call.ts';
import type { CoreValue } from '../lift.ts';
import type { ExportProgram, ImportProgram, Program } from '../program.ts';
import {
  type AsyncState,
  addHandle,
  cancelled,
  firstEvent,
  newState,
  returned,
  type Subtask,
  setAt,
  started,
  subtaskAt,
  type Task,
} from './state.ts';

/** Codes an asynchronous export and its callback give. */
const exitCode = 0;
const yieldCode = 1;
const waitCode = 2;

/** What a callback is told: `none` after a yield, or that a subtask came to another state. */
export interface Event {
  readonly code: 0 | 1;
  readonly handle: number;
  readonly state: number;
}

const noEvent: Event = { code: 0, handle: 0, state: 0 };

/** The instance whose tasks these are. */
export interface Stage {
  readonly budget: Budget;
  /** The allocator and memory of an import or export. */
  abiOf(program: ImportProgram | ExportProgram): Abi;
  /** Runs a core export, on a stack of its own if anything in it may suspend. */
  run(core: string, args: readonly CoreValue[]): CoreValue | undefined | Promise<CoreValue | undefined>;
  /** The instance is busy until the task has ended. */
  settle(task: Promise<unknown>): Promise<unknown>;
  burn(fuel: number): void;
  /** Ends the call under way with this at its next step, whatever the guest does. */
  fail(thrown: unknown): void;
  /** Throws what ended the call under way, if anything has. */
  raise(): void;
}

/** Somebody who waits until a set has an event. */
interface Waiter {
  readonly set: number;
  readonly wake: (event: Event) => void;
  readonly give: (thrown: unknown) => void;
}

/**
 * Where answers go: to the instance, and once its agent has left, to whoever keeps that. Answers to calls that
 * are not open any more are nobody's.
 */
interface Room {
  /** Handles by token. */
  readonly open: Map<number, number>;
  answer: (answer: Answer) => void;
}

/**
 * The asynchronous half of one instance (component-model CanonicalABI.md, "canon lift" with a callback and
 * "canon lower" with `async`). While its task waits, no frame of the guest is on any stack: all there is are the
 * guest's memory and the plain data of `AsyncState`.
 *
 * Answers of host functions are given to the guest one by one in the order they came, and only where it waits or
 * yields, so what it does depends on their order alone.
 */
export class Tasks implements AsyncCalls {
  readonly #stage: Stage;
  readonly #program: Program;
  #state: AsyncState = newState();
  #room: Room = this.#newRoom();
  /** Of open calls that want to know. */
  #cancels: Map<number, () => void> | undefined;
  #waiter: Waiter | undefined;
  /** Of calls that are not asynchronous. */
  #slots: [number, number] = [0, 0];
  onLateAnswer: ((answer: Answer) => void) | undefined;
  rest: Rest | undefined;
  /** `rest` knows that something has come. */
  #isReady = false;

  constructor(stage: Stage, program: Program) {
    this.#stage = stage;
    this.#program = program;
  }

  get state(): AsyncState {
    return this.#state;
  }

  get task(): Task {
    const { task } = this.#state;
    if (task === undefined) throw violation('it used a task outside of an asynchronous call');
    return task;
  }

  /** What `context.get` and `context.set` work on. */
  get slots(): [number, number] {
    return this.#state.task?.slots ?? this.#slots;
  }

  /** Why it cannot be saved now. */
  get unsaveable(): string | undefined {
    const { task } = this.#state;
    return task === undefined || task.waitsFor !== undefined ? undefined : 'it is in a call';
  }

  get waiting(): boolean {
    return this.#state.task?.waitsFor !== undefined;
  }

  get pending(): readonly PendingCall[] {
    return [...this.#room.open].map(([token, handle]) => {
      const { planned } = this.#import(subtaskAt(this.#state, handle));
      const cancel = this.#cancels?.get(token);
      return { token, interface: planned.interface, func: planned.func, cancel };
    });
  }

  /** A call begins that is not asynchronous. */
  beginSync(): void {
    this.#slots = [0, 0];
  }

  /**
   * Runs an asynchronous export to its end.
   * @throws Trap, and whatever ended the call
   */
  async call(program: ExportProgram, core: readonly CoreValue[]): Promise<unknown> {
    this.#state.task = { export: program.name, slots: [0, 0] };
    return this.#drive(program, await this.#stage.run(program.core, core));
  }

  /** Goes on with a task that waited when it was saved. */
  continue(): Promise<unknown> {
    const { task } = this;
    const program = this.#program.exports.get(task.export);
    if (program === undefined || task.waitsFor === undefined)
      throw new Error('bug: continued a task that does not wait');
    this.#stage.budget.waited();
    const lost = (task.fuelUsed ?? 0n) - this.#stage.budget.fuelUsed;
    if (lost > 0n) this.#stage.burn(Number(lost));
    return this.#stage.settle(this.#drive(program, (task.waitsFor << 4) | waitCode));
  }

  async #drive(program: ExportProgram, first: CoreValue | undefined): Promise<unknown> {
    let packed = first as number;
    for (;;) {
      this.#stage.raise();
      const code = packed & 15;
      if (code === exitCode) return this.#end();
      if (code !== yieldCode && code !== waitCode) throw violation(`it gave the callback code ${code}`);
      const event = code === yieldCode ? await this.#afterYield() : await this.#afterWait(packed >>> 4);
      const { callback } = program;
      if (callback === undefined) throw new Error('bug: a task without a callback');
      packed = (await this.#stage.run(callback, [event.code, event.handle, event.state])) as number;
    }
  }

  #end(): unknown {
    const { result } = this.task;
    delete this.#state.task;
    if (result === undefined) throw violation('its task ended without a result');
    return result.value;
  }

  /** Lets others run, and takes in everything that has come. */
  async #afterYield(): Promise<Event> {
    await this.yield();
    return noEvent;
  }

  async yield(): Promise<void> {
    const { budget } = this.#stage;
    await budget.pause();
    budget.check();
    this.#stage.raise();
    while (this.#state.answers.length > 0) this.#takeOne();
  }

  async #afterWait(set: number): Promise<Event> {
    const known = this.next(set);
    if (known !== undefined) return known;
    const { task } = this;
    task.waitsFor = set;
    try {
      const event = this.wait(set);
      this.#isReady = false;
      this.rest?.began();
      return await event;
    } finally {
      delete task.waitsFor;
    }
  }

  /** The next event of a set, if something has come for it. */
  next(set: number): Event | undefined {
    for (;;) {
      const event = this.poll(set);
      if (event !== undefined || this.#state.answers.length === 0) return event;
      this.#takeOne();
    }
  }

  /** The next event of a set that the guest could know of. */
  poll(set: number): Event | undefined {
    const handle = firstEvent(this.#state, setAt(this.#state, set));
    if (handle === 0) return undefined;
    const subtask = subtaskAt(this.#state, handle);
    subtask.event = 0;
    return { code: 1, handle, state: subtask.state };
  }

  /** Waits for an event of a set. @throws Stopped when the guest is ended meanwhile */
  wait(set: number): Promise<Event> {
    const { members } = setAt(this.#state, set);
    if (!members.some((one) => subtaskAt(this.#state, one).state === started))
      throw violation(`it waits for ever: nothing can happen in waitable set ${set}`);
    return new Promise((resolve, reject) => {
      const forget = this.#stage.budget.onStop((cause) => give(new Stopped(cause.kind)));
      const end = (): void => {
        forget();
        this.#waiter = undefined;
      };
      const give = (thrown: unknown): void => {
        end();
        reject(thrown);
      };
      const wake = (event: Event): void => {
        end();
        resolve(event);
      };
      this.#waiter = { set, wake, give };
    });
  }

  /** Takes one answer in: its result goes to the guest's memory, its end becomes an event. */
  #takeOne(): void {
    const answer = this.#state.answers.shift();
    const handle = answer === undefined ? undefined : this.#room.open.get(answer.token);
    if (answer === undefined || handle === undefined) return;
    this.#room.open.delete(answer.token);
    this.#cancels?.delete(answer.token);
    const subtask = subtaskAt(this.#state, handle);
    const program = this.#import(subtask);
    program.lower(this.#stage.abiOf(program), [subtask.resultPointer], answer.value);
    this.#resolve(subtask, returned);
  }

  #resolve(subtask: Subtask, state: Subtask['state']): void {
    this.#state.events += 1;
    subtask.state = state;
    subtask.event = this.#state.events;
  }

  #import(subtask: Subtask): ImportProgram {
    return this.#program.imports[subtask.import] as ImportProgram;
  }

  /** An import was called asynchronously and the host gave `result`: the status for the guest, with a handle if it is not done. */
  begin(program: ImportProgram, abi: Abi, core: readonly CoreValue[], result: unknown): number {
    if (!isPromise(result)) {
      program.lower(abi, core, result);
      return returned;
    }
    this.#state.tokens += 1;
    const token = this.#state.tokens;
    const handle = addHandle(this.#state, {
      kind: 'subtask',
      token,
      import: program.index,
      resultPointer: (core.at(-1) ?? 0) as number,
      state: started,
      event: 0,
      set: 0,
    });
    const room = this.#room;
    room.open.set(token, handle);
    const cancel = cancelOf(result);
    if (cancel !== undefined) {
      this.#cancels ??= new Map();
      this.#cancels.set(token, cancel);
    }
    result.then(
      (value) => room.open.has(token) && room.answer({ token, value }),
      (fault: unknown) => room.open.has(token) && room.answer({ token, fault }),
    );
    return started | (handle << 4);
  }

  answer(answer: Answer): void {
    if (!this.#room.open.has(answer.token)) return;
    if ('fault' in answer) {
      this.#stage.fail(answer.fault);
      this.#waiter?.give(answer.fault);
      return;
    }
    this.#state.answers.push(answer);
    // A guest that waits on a stack has its turn still.
    if (this.rest === undefined || !this.waiting) this.resume();
    else if (!this.#isReady) {
      this.#isReady = true;
      this.rest.ready();
    }
  }

  resume(): boolean {
    this.#isReady = false;
    const waiter = this.#waiter;
    if (waiter === undefined) return false;
    this.#stage.budget.waited();
    try {
      const event = this.next(waiter.set);
      if (event === undefined) return false;
      waiter.wake(event);
    } catch (error) {
      waiter.give(error);
    }
    return true;
  }

  /** `subtask.cancel`: a host function is given up at once, whatever it answers later. */
  cancel(handle: number, isAsync: boolean): number {
    const subtask = subtaskAt(this.#state, handle);
    if (subtask.set !== 0 && !isAsync)
      throw violation(`it cancelled subtask ${handle} and waits for it, while a set has it`);
    if (subtask.state !== started && subtask.event === 0)
      throw violation(`it cancelled subtask ${handle}, whose end it knew`);
    if (subtask.state === started) {
      this.#give(subtask.token);
      this.#resolve(subtask, cancelled);
    }
    subtask.event = 0;
    return subtask.state;
  }

  #give(token: number): void {
    this.#room.open.delete(token);
    const cancel = this.#cancels?.get(token);
    this.#cancels?.delete(token);
    cancel?.();
  }

  /** The instance has ended: nobody waits for anything. */
  end(): void {
    for (const token of [...this.#room.open.keys()]) this.#give(token);
    this.rest = undefined;
    this.#isReady = false;
    this.#state = newState();
    this.#waiter?.give(new Stopped('closed'));
  }

  /** The state of an agent between messages or while its task waits; undefined when there is none. */
  save(): AsyncState | undefined {
    const state = this.#state;
    const { task } = state;
    if (task !== undefined && task.waitsFor === undefined) throw new Error('bug: saved a task that runs');
    const isEmpty = task === undefined && state.backpressure === 0 && !state.handles.some((one) => one);
    if (isEmpty) return undefined;
    const saved = structuredClone(state);
    if (saved.task !== undefined) saved.task.fuelUsed = this.#stage.budget.fuelUsed;
    return saved;
  }

  /** Puts back what `save` gave, into an instance with the memory and globals of then; then `continue` if it waits. */
  restore(saved: unknown): void {
    const state = structuredClone(saved) as AsyncState;
    this.#state = state;
    this.#room = this.#newRoom();
    for (const [handle, one] of state.handles.entries())
      if (one?.kind === 'subtask' && one.state === started) this.#room.open.set(one.token, handle);
  }

  reopen(calls: readonly Pick<PendingCall, 'token' | 'cancel'>[]): void {
    for (const { token, cancel } of calls) {
      if (cancel === undefined || !this.#room.open.has(token)) continue;
      this.#cancels ??= new Map();
      this.#cancels.set(token, cancel);
    }
  }

  /** The agent leaves the instance, its task ends here with `Suspended`; answers to its calls go to `onLateAnswer` from now on. */
  clear(): void {
    const late = this.onLateAnswer;
    this.#room.answer = (answer) => late?.(answer);
    this.onLateAnswer = undefined;
    this.rest = undefined;
    this.#isReady = false;
    this.#room = this.#newRoom();
    this.#cancels = undefined;
    this.#state = newState();
    this.#waiter?.give(new Suspended());
  }

  #newRoom(): Room {
    return { open: new Map(), answer: (answer) => this.answer(answer) };
  }
}
