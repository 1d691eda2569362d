import type { Budget } from './budget.ts';

/** Who waits for the end of a call: one of the two is called, once. Functions of their own: they are handed on. */
export interface CallWaiter {
  readonly returned: (value: unknown) => void;
  readonly threw: (thrown: unknown) => void;
}

/**
 * One live run of a component or core module: the port every lane implements.
 * An instance does one call at a time; a call that arrives meanwhile is refused with
 * `HOST_ERR_INSTANCE_BUSY` (the agent's mailbox queues, not the instance). After a trap every call is
 * refused with `HOST_ERR_INSTANCE_CLOSED`.
 */
export interface Instance {
  readonly budget: Budget;
  /** Whether `name` can be called: `handle`, `wasi:cli/run@0.2.6#run`. */
  has(name: string): boolean;
  /**
   * Calls an export with WIT values in jco's conventions (see `linker.ts`). A WIT `result` comes back as
   * `{tag: 'ok' | 'err', val}`; it is never thrown.
   * @throws Trap when the guest ended abnormally (read `budget.cause` first: it overrides the trap)
   * @throws HostError for an unknown export or arguments of the wrong type
   */
  call(name: string, args: readonly unknown[]): Promise<unknown>;
  /**
   * As `call`, of an export with one argument, for those who call often: the end may be heard of before this returns.
   * What is begun while it is heard of begins when that is done.
   */
  begin?(name: string, argument: unknown, waiter: CallWaiter): void;
  /**
   * Of a program with tasks on the general lane: resolves when none is left of what was called, which may go on after
   * `call` has its value. @throws as `call`
   */
  settled?(): Promise<void>;
  /** Of a program that uses the asynchronous ABI on the fast lane. */
  readonly asyncCalls?: AsyncCalls | undefined;
  /** Drops the instance; settles nothing: no call may be under way. */
  dispose(): void;
}

/** What the host function behind an asynchronous call came to. */
export type Answer =
  /** A value as its import's type says; for a `result`, `{tag: 'ok' | 'err', val}`. */
  | { readonly token: number; readonly value: unknown }
  /** It failed in a way that is not the guest's business, which ends the instance. */
  | { readonly token: number; readonly fault: unknown };

/** A call of a host function that the guest made asynchronously and that has not been answered. */
export interface PendingCall {
  /** Names the call as long as its agent lives. */
  readonly token: number;
  /** As the component imports it: `motehost:agent/async-bus@0.1.0`, `request`. */
  readonly interface: string;
  readonly func: string;
  /** Tells the host function that nobody waits any more, if it wants to know. */
  readonly cancel: (() => void) | undefined;
}

/** Whoever decides when a guest that waited gets its turn again. */
export interface Rest {
  /** The task waits, and none of it is on any stack. */
  began(): void;
  /** Something has come for a task that waits: it takes it at the next `AsyncCalls.resume`. Once per wait. */
  ready(): void;
}

/**
 * The calls a guest has in flight. While an asynchronous export waits for them, the guest has no frame on any
 * stack: its memory, its globals and what `save` gives are all there is, and can go on in another instance.
 */
export interface AsyncCalls {
  /** Whether a call is under way in which only the host can bring things forward. */
  readonly waiting: boolean;
  readonly pending: readonly PendingCall[];
  /** Without one, a task goes on as soon as something comes. */
  rest: Rest | undefined;
  /** Lets a task that waits take what has come; false: it was nothing for it, and it waits on. */
  resume(): boolean;
  /** Gets the answers that come after the agent has left the instance: `answer` them where it goes on. */
  onLateAnswer: ((answer: Answer) => void) | undefined;
  /** Answers a pending call, as its promise would have; one that is not pending is nobody's. */
  answer(answer: Answer): void;
  /** Plain data, to be structured-cloned; undefined when there is nothing to keep. Only while waiting or between calls. */
  save(): unknown;
  /** Puts back what `save` gave, once memory and globals are as they were then. */
  restore(saved: unknown): void;
  /** After `restore`: how to cancel the calls that were pending where it was saved. */
  reopen(calls: readonly Pick<PendingCall, 'token' | 'cancel'>[]): void;
  /**
   * Takes the agent out of the instance: the call under way is rejected with `Suspended`, and nothing here
   * remembers it.
   */
  clear(): void;
  /** After `restore` of a call that waited: its value, as `Instance.call` would have given it. */
  continue(): Promise<unknown>;
}

/** What a call ends with whose agent was taken out of its instance: it goes on elsewhere, by `AsyncCalls.continue`. */
export class Suspended extends Error {
  override readonly name = 'Suspended';
  constructor() {
    super('the agent was taken out of its instance while it waited');
  }
}
