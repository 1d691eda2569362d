// The asynchronous half of the canonical ABI: one task at a time, the host's calls it has under way, and nothing on
// a stack while it waits.
import { Future, Pending } from "../future";
import { give, release, take } from "./memory";

// @ts-ignore: decorator
@external("$root", "[waitable-set-new]")
declare function newSet(): i32;
// @ts-ignore: decorator
@external("$root", "[waitable-join]")
declare function join(handle: i32, set: i32): void;
// @ts-ignore: decorator
@external("$root", "[subtask-cancel]")
declare function cancelSubtask(handle: i32): i32;
// @ts-ignore: decorator
@external("$root", "[subtask-drop]")
declare function dropSubtask(handle: i32): void;

const exitCode: i32 = 0;
const waitCode: i32 = 2;
const subtaskEvent: i32 = 1;
const starting: i32 = 0;
const returned: i32 = 2;

let set: i32 = 0;
let task: Task | null = null;
// Calls under way by handle; they are alive because they are here.
let calls: Map<i32, Pending> | null = null;

function theSet(): i32 {
  if (set == 0) set = newSet();
  return set;
}

/** A call of an asynchronous import. The generated class lifts its result. */
export class HostCall<T> extends Future<T> {
  private handle: i32 = 0;
  /** Where the host writes the result. */
  area: usize = 0;

  constructor(areaBytes: usize) {
    super();
    if (areaBytes != 0) this.area = take(areaBytes);
  }

  lift(at: usize): T {
    return unreachable();
  }

  /** The import was called and gave this. Blocks of the arguments go back: the host has read them. */
  begin(status: i32): Future<T> {
    const state = status & 15;
    if (state == starting) throw new Error("the host put a call off");
    release();
    if (state == returned) {
      this.finish();
      return this;
    }
    this.handle = status >>> 4;
    if (calls === null) calls = new Map<i32, Pending>();
    calls!.set(this.handle, this);
    join(this.handle, theSet());
    return this;
  }

  cancel(): bool {
    if (this.handle == 0) return false;
    join(this.handle, 0);
    // What was answered meanwhile lies in blocks that only lifting gives back.
    if (cancelSubtask(this.handle) == returned) this.lift(this.area);
    this.leave();
    return true;
  }

  __ended(state: i32): void {
    if (state == returned) this.finish();
  }

  private finish(): void {
    const value = this.lift(this.area);
    this.leave();
    this.resolve(value);
  }

  private leave(): void {
    if (this.handle != 0) {
      calls!.delete(this.handle);
      dropSubtask(this.handle);
      this.handle = 0;
    }
    if (this.area != 0) give(this.area);
    this.area = 0;
  }
}

/** A call of an asynchronous export. The generated class lowers its result. */
export class Task {
  get isDone(): bool {
    return unreachable();
  }

  giveResult(): void {}
}

/** Begins the task of an export; gives what the host is to do next. */
export function startTask(started: Task): i32 {
  task = started;
  return step();
}

/** Behind every `[callback]`: the host has an event. */
export function taskEvent(event: i32, handle: i32, state: i32): i32 {
  if (event == subtaskEvent && calls !== null && calls!.has(handle)) calls!.get(handle).__ended(state);
  return step();
}

function step(): i32 {
  const current = task!;
  if (!current.isDone) return waitCode | (theSet() << 4);
  task = null;
  current.giveResult();
  release();
  return exitCode;
}
