import type { Answer } from '../../instance.ts';
import { violation } from '../abi.ts';

/** What an instance may hold of waitable sets and subtasks together. */
export const handlesMax = 4_096;

/** Where a subtask is, in the numbers of the canonical ABI; a host function always starts at once. */
export const started = 1;
export const returned = 2;
export const cancelled = 4;

export interface WaitableSet {
  readonly kind: 'set';
  /** Handles of subtasks, in the order they joined. */
  readonly members: number[];
}

/** One call of an asynchronously lowered import, from its start until the guest drops its handle. */
export interface Subtask {
  readonly kind: 'subtask';
  /** Names the call to the host, for good: a handle is used again. */
  readonly token: number;
  /** Index in the plan's imports. */
  readonly import: number;
  /** Where the guest wants the result. */
  readonly resultPointer: number;
  state: typeof started | typeof returned | typeof cancelled;
  /** Since when its end waits to be told: a running number, 0 when nothing does. */
  event: number;
  /** The set it is in, 0 for none. */
  set: number;
}

export type Handle = WaitableSet | Subtask;

/** The one task of an instance: a call of an asynchronously lifted export. */
export interface Task {
  readonly export: string;
  /** `context.get` and `context.set`. */
  readonly slots: [number, number];
  /** Filled by `task.return`. */
  result?: { readonly value: unknown };
  /** The set it waits for while none of its frames is on a stack. */
  waitsFor?: number;
  /** Fuel it had burnt when it was saved. */
  fuelUsed?: bigint;
}

/**
 * Everything the asynchronous ABI keeps outside the guest's memory, as plain data: cloned, stored and put back
 * into another instance of the same program, whose memories and globals were put back as well.
 */
export interface AsyncState {
  readonly version: 1;
  /** By handle; 0 is never one. */
  readonly handles: (Handle | undefined)[];
  readonly free: number[];
  tokens: number;
  events: number;
  backpressure: number;
  task?: Task;
  /** Came in and were not given to the guest yet, in the order they came. */
  readonly answers: Extract<Answer, { value: unknown }>[];
}

export function newState(): AsyncState {
  return { version: 1, handles: [undefined], free: [], tokens: 0, events: 0, backpressure: 0, answers: [] };
}

/** A handle for it. @throws Trap `canonical-abi` when there are too many */
export function addHandle(state: AsyncState, handle: Handle): number {
  const index = state.free.pop() ?? state.handles.length;
  if (index > handlesMax) throw violation(`it holds more than ${handlesMax} subtasks and waitable sets`);
  state.handles[index] = handle;
  return index;
}

function removeHandle(state: AsyncState, index: number): void {
  state.handles[index] = undefined;
  state.free.push(index);
}

/** @throws Trap `canonical-abi` when the guest's number is no waitable set */
export function setAt(state: AsyncState, index: number): WaitableSet {
  const handle = state.handles[index];
  if (handle?.kind !== 'set') throw violation(`${index >>> 0} is no waitable set`);
  return handle;
}

/** @throws Trap `canonical-abi` when the guest's number is no subtask */
export function subtaskAt(state: AsyncState, index: number): Subtask {
  const handle = state.handles[index];
  if (handle?.kind !== 'subtask') throw violation(`${index >>> 0} is no subtask`);
  return handle;
}

/** `waitable.join`: 0 takes it out of its set. @throws Trap `canonical-abi` for wrong handles */
export function join(state: AsyncState, index: number, set: number): void {
  const subtask = subtaskAt(state, index);
  const target = set === 0 ? undefined : setAt(state, set);
  leaveSet(state, index, subtask);
  subtask.set = set;
  target?.members.push(index);
}

function leaveSet(state: AsyncState, index: number, subtask: Subtask): void {
  if (subtask.set === 0) return;
  const { members } = setAt(state, subtask.set);
  members.splice(members.indexOf(index), 1);
  subtask.set = 0;
}

/** @throws Trap `canonical-abi` when the guest has not been told its end, or it has none yet */
export function dropSubtask(state: AsyncState, index: number): void {
  const subtask = subtaskAt(state, index);
  if (subtask.state === started || subtask.event !== 0)
    throw violation(`it dropped subtask ${index} before it knew how that ended`);
  leaveSet(state, index, subtask);
  removeHandle(state, index);
}

/** @throws Trap `canonical-abi` while something is in the set or the task waits for it */
export function dropSet(state: AsyncState, index: number): void {
  if (setAt(state, index).members.length > 0)
    throw violation(`it dropped waitable set ${index} with members`);
  removeHandle(state, index);
}

/** The handle in the set whose end has waited longest to be told, or 0. */
export function firstEvent(state: AsyncState, set: WaitableSet): number {
  let first = 0;
  let since = Number.POSITIVE_INFINITY;
  for (const index of set.members) {
    const { event } = state.handles[index] as Subtask;
    if (event === 0 || event >= since) continue;
    first = index;
    since = event;
  }
  return first;
}
