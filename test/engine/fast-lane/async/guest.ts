import { Linker, WitError } from '../../../../host/engine/linker.ts';

/** WIT and WAT of the guests that the tests of the asynchronous ABI run. */
export const wit = `package a:b@0.1.0;
interface bus {
  ask: async func(text: string) -> result<list<u8>, string>;
  sum: async func(a: u32, b: u32, c: u32, d: u32, e: u32) -> u64;
  wait-ms: async func(ms: u32);
}
world guest {
  import bus;
  export handle: async func(text: string) -> result<list<u8>, string>;
  export plain: func() -> u32;
}`;

/**
 * Built-ins and imports under short names, an allocator and shorthands, around `body`: at least `$handle` and
 * `$callback`. `$begin` asks with text `at`, `length` and the result at `to`, and puts what is pending into the set
 * `$all`; `$end` takes an ended subtask off; `$reply` returns the result at `at`.
 */
export function guestWat(body: string, more = ''): string {
  return `(module
  (import "a:b/bus@0.1.0" "[async-lower]ask" (func $ask (param i32 i32 i32) (result i32)))
  (import "a:b/bus@0.1.0" "[async-lower]wait-ms" (func $waitMs (param i32) (result i32)))
  (import "a:b/bus@0.1.0" "wait-ms" (func $waitMsSync (param i32)))
  (import "a:b/bus@0.1.0" "[async-lower]sum" (func $sum (param i32 i32) (result i32)))
  (import "[export]$root" "[task-return]handle" (func $return (param i32 i32 i32)))
  (import "[export]$root" "[task-cancel]" (func $taskCancel))
  (import "$root" "[context-get-0]" (func $get (result i32)))
  (import "$root" "[context-set-0]" (func $set (param i32)))
  (import "$root" "[waitable-set-new]" (func $newSet (result i32)))
  (import "$root" "[waitable-set-wait]" (func $wait (param i32 i32) (result i32)))
  (import "$root" "[waitable-set-poll]" (func $poll (param i32 i32) (result i32)))
  (import "$root" "[waitable-set-drop]" (func $dropSet (param i32)))
  (import "$root" "[waitable-join]" (func $join (param i32 i32)))
  (import "$root" "[subtask-cancel]" (func $cancel (param i32) (result i32)))
  (import "$root" "[subtask-drop]" (func $drop (param i32)))
  (import "$root" "[backpressure-inc]" (func $inc))
  (import "$root" "[backpressure-dec]" (func $dec))
  (import "$root" "[thread-yield]" (func $yield (result i32)))
  ${more}
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 8192))
  (global $all (mut i32) (i32.const 0))
  (global $left (mut i32) (i32.const 0))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.set $heap (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.get $heap)
    (global.set $heap (i32.add (global.get $heap) (local.get 3))))
  (func $track (param $status i32)
    (if (i32.eqz (global.get $all)) (then (global.set $all (call $newSet))))
    (if (i32.eq (i32.and (local.get $status) (i32.const 15)) (i32.const 1)) (then
      (global.set $left (i32.add (global.get $left) (i32.const 1)))
      (call $join (i32.shr_u (local.get $status) (i32.const 4)) (global.get $all)))))
  (func $begin (param $at i32) (param $length i32) (param $to i32)
    (call $track (call $ask (local.get $at) (local.get $length) (local.get $to))))
  (func $end (param $handle i32)
    (call $drop (local.get $handle))
    (global.set $left (i32.sub (global.get $left) (i32.const 1))))
  (func $reply (param $at i32)
    (call $return (i32.load8_u (local.get $at)) (i32.load offset=4 (local.get $at)) (i32.load offset=8 (local.get $at))))
  (func $waitAll (result i32)
    (i32.or (i32.const 2) (i32.shl (global.get $all) (i32.const 4))))
  (export "[async-lift]handle" (func $handle))
  (export "[callback][async-lift]handle" (func $callback))
  (func (export "plain") (result i32) (call $set (i32.const 5)) (call $get))
  ${body}
)`;
}

/** \`$handle\` does \`act\` and, if that leaves without it, returns "ok" with nothing; no callback is expected. */
export function acting(act: string): string {
  return guestWat(`
  (func $handle (param $at i32) (param $length i32) (result i32) (local $h i32) (local $s i32)
    ${act}
    (call $return (i32.const 0) (i32.const 0) (i32.const 0))
    (i32.const 0))
  (func $callback (param i32 i32 i32) (result i32) unreachable)`);
}

/** Asks for each byte of its text, and answers with the bytes in the order of the answers. */
export const eachByte: string = guestWat(`
  (func $handle (param $at i32) (param $length i32) (result i32) (local $i i32)
    (global.set $count (i32.const 0))
    (loop $next
      (call $begin (i32.add (local.get $at) (local.get $i)) (i32.const 1)
        (i32.add (i32.const 65536) (i32.mul (local.get $i) (i32.const 16))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $length))))
    (call $waitAll))
  (global $count (mut i32) (i32.const 0))
  (func $callback (param $event i32) (param $handle i32) (param $state i32) (result i32)
    (i32.store8 (i32.add (i32.const 1024) (global.get $count)) (local.get $handle))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (call $end (local.get $handle))
    (if (global.get $left) (then (return (call $waitAll))))
    (call $return (i32.const 0) (i32.const 1024) (global.get $count))
    (i32.const 0))`);

/** Questions that were asked, to be answered by hand in any order. */
export class Questions {
  readonly asked: string[] = [];
  readonly given: string[] = [];
  readonly #open = new Map<string, PromiseWithResolvers<Uint8Array>>();

  linker(): Linker {
    return new Linker().define('a:b/bus@0.1.0', {
      functions: {
        ask: (text: string) => this.#ask(text),
        sum: (...all: number[]) => all.reduce((sum, one) => sum + BigInt(one), 0n),
        waitMs: () => undefined,
      },
      suspending: new Set(),
    });
  }

  #ask(text: string): unknown {
    this.asked.push(text);
    if (text === 'now') return bytesOf('now!');
    if (text === 'no') throw new WitError('refused');
    const open = Promise.withResolvers<Uint8Array>();
    this.#open.set(text, open);
    return Object.assign(open.promise, { cancel: () => this.given.push(text) });
  }

  answer(text: string, body = `${text}!`): void {
    this.#open.get(text)?.resolve(bytesOf(body));
  }

  fail(text: string, thrown: unknown): void {
    this.#open.get(text)?.reject(thrown);
  }
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
