/** WIT and WAT of the guests that the tests of the asynchronous ABI run. */
export const wit = `package a:b@0.1.0;
interface bus {
  ask: async func(text: string) -> result<list<u8>, string>;
  wait-ms: async func(ms: u32);
  sum: async func(a: u32, b: u32, c: u32, d: u32, e: u32) -> u64;
}
world guest {
  import bus;
  export handle: async func(text: string) -> result<list<u8>, string>;
}`;

/** Built-ins and imports under short names, an allocator, and \`body\`: at least \`handle\` and \`callback\`. */
export function guestWat(body: string): string {
  return `(module
  (import "a:b/bus@0.1.0" "[async-lower]ask" (func $ask (param i32 i32 i32) (result i32)))
  (import "a:b/bus@0.1.0" "[async-lower]wait-ms" (func $waitMs (param i32) (result i32)))
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
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.set $heap (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.get $heap)
    (global.set $heap (i32.add (global.get $heap) (local.get 3))))
  ${body}
)`;
}
