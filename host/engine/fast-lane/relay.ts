/**
 * Calls that follow one another on one suspendable stack. A new stack costs more than a short guest does; so when a
 * guest has come back, and what that sets off begins the next call, of whichever instance, that one takes the stack
 * over. A guest that suspends keeps it, and the next call has a new one.
 */

/** One call of a core function `(i32) -> i32`, made by `run`. */
export interface Leg {
  readonly core: WebAssembly.ExportedFunction;
  readonly argument: number;
  /** Whether it is to be made still. */
  readonly isDue: boolean;
  /** The guest came back. What this begins may have its stack. */
  returned(result: number): void;
  /** The guest did not come back, or `returned` threw. */
  threw(thrown: unknown): void;
}

/**
 * ```wat
 * (type $core (func (param i32) (result i32)))
 * (import "r" "back" (func $back (param externref i32) (result f64)))
 * (import "r" "next" (func $next (param externref) (result (ref $core))))
 * (func (export "run") (param $stack externref) (param $leg (ref $core)) (param $argument i32) (local $more f64)
 *   (loop
 *     (local.set $more (call $back (local.get $stack) (call_ref $core (local.get $argument) (local.get $leg))))
 *     (if (f64.lt (local.get $more) (f64.const 0)) (then (return)))
 *     (if (f64.ge (local.get $more) (f64.const 4294967296)) (then
 *       (local.set $more (f64.sub (local.get $more) (f64.const 4294967296)))
 *       (local.set $leg (call $next (local.get $stack)))))
 *     (local.set $argument (i32.trunc_f64_u (local.get $more)))
 *     (br 0)))
 * (func (export "fits") (param (ref $core)))
 * ```
 */
const moduleBase64 =
  'AGFzbQEAAAABHgVgAX8Bf2ACb38BfGABbwFkAGADb2QAfwBgAWQAAAITAgFyBGJhY2sAAQFyBG5leHQAAgMDAgMEBw4CA3J1bgACBGZpdHMAAwpS' +
  'Ak0BAXwDQCAAIAIgARQAEAAhAyADRAAAAAAAAAAAYwRADwsgA0QAAAAAAADwQWYEQCADRAAAAAAAAPBBoSEDIAAQASEBCyADqyECDAALCwIACw==';

/** `(module (func (export "f") (param i32) (result i32) local.get 0))` */
const echoBase64 = 'AGFzbQEAAAABBgFgAX8BfwMCAQAHBQEBZgAACgYBBAAgAAs=';
/** V8 remembers whom a place in the code has called, and so keeps their memories, until there are more than four. */
const echoes = 8;

/** What `back` answers: nothing follows; or an argument, and this much more if it is for another function. */
const nothing = -1;
const another = 2 ** 32;

/** A stack and whose call is on it. */
class Stack {
  leg: Leg;
  next: Leg | undefined;

  constructor(leg: Leg) {
    this.leg = leg;
  }

  back(result: number): number {
    const { leg } = this;
    const before = free;
    free = this;
    try {
      leg.returned(result);
    } finally {
      free = before;
    }
    const { next } = this;
    this.next = undefined;
    if (next?.isDue !== true) return nothing;
    this.leg = next;
    const argument = next.argument >>> 0;
    return next.core === leg.core ? argument : another + argument;
  }

  readonly broke = (thrown: unknown): void => {
    this.leg.threw(thrown);
  };
}

/** The stack whose guest has just come back. */
let free: Stack | undefined;

interface Loop {
  readonly run: (stack: Stack, core: WebAssembly.ExportedFunction, argument: number) => Promise<void>;
  readonly fits: (core: WebAssembly.ExportedFunction) => void;
}

let made: Loop | undefined;

function loop(): Loop {
  made ??= makeLoop();
  return made;
}

function moduleOf(base64: string): WebAssembly.Module {
  return new WebAssembly.Module(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}

function makeLoop(): Loop {
  const imports = {
    r: {
      back: (stack: Stack, result: number) => stack.back(result),
      next: (stack: Stack) => stack.leg.core,
    },
  };
  const { run, fits } = new WebAssembly.Instance(moduleOf(moduleBase64), imports).exports;
  const made = {
    run: WebAssembly.promising(run as WebAssembly.ExportedFunction),
    fits: fits as WebAssembly.ExportedFunction,
  };
  const echo = moduleOf(echoBase64);
  for (let count = 0; count < echoes; count += 1) {
    const core = new WebAssembly.Instance(echo).exports.f as WebAssembly.ExportedFunction;
    const leg: Leg = { core, argument: 0, isDue: true, returned: () => {}, threw: () => {} };
    void made.run(new Stack(leg), core, 0);
  }
  return made;
}

/** Whether a core function is one that `run` can call: its type may be one of its own although it looks the same. */
export function fits(core: WebAssembly.ExportedFunction): boolean {
  try {
    loop().fits(core);
    return true;
  } catch {
    return false;
  }
}

/** Makes a call, on a stack that is free or else on one of its own: now, or as soon as what set it off is done. */
export function run(leg: Leg): void {
  if (free !== undefined && free.next === undefined) {
    free.next = leg;
    return;
  }
  const stack = new Stack(leg);
  loop().run(stack, leg.core, leg.argument).catch(stack.broke);
}
