import { readWit, witFolder } from '../../guest-sdk/build/wit-text.ts';
import { componentOf } from './wat.ts';

/** Where a message's body is in memory: after ids, subjects and options (wit/types.wit). */
const bodyAt = 88;

const own = `
package wasi:clocks@0.3.0 { interface monotonic-clock { wait-for: async func(how-long: u64); } }
package wasi:cli@0.3.0 { interface stdout { write-via-stream: func(data: stream<u8>); } }
package test:tasks {
  world tasks {
    import wasi:clocks/monotonic-clock@0.3.0;
    import wasi:cli/stdout@0.3.0;
    use motehost:agent/types@0.1.0.{message, failure};
    export handle: async func(message: message) -> result<option<list<u8>>, failure>;
  }
}`;

const first = (letter: string): string => `(i32.eq (global.get $first) (i32.const ${letter.charCodeAt(0)}))`;

/**
 * An agent with tasks of WASI 0.3 on the general lane: it waits a millisecond, then answers how many messages it had (up
 * to 9). A body that begins with `s` computes for ever after that wait, `t` traps, `n` waits for ever, `l` answers, waits
 * again, and counts once more.
 */
export function tasksAgent(): Promise<Uint8Array<ArrayBuffer>> {
  const text = `(module
    (import "wasi:clocks/monotonic-clock@0.3.0" "[async-lower]wait-for" (func $wait-for (param i64) (result i32)))
    (import "wasi:cli/stdout@0.3.0" "[stream-new-0]write-via-stream" (func $stream (result i64)))
    (import "[export]$root" "[task-return]handle" (func $return (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "$root" "[waitable-set-new]" (func $new-set (result i32)))
    (import "$root" "[waitable-set-drop]" (func $drop-set (param i32)))
    (import "$root" "[waitable-join]" (func $join (param i32 i32)))
    (import "$root" "[subtask-drop]" (func $drop (param i32)))
    (memory (export "memory") 1)
    (global $heap (mut i32) (i32.const 8192))
    (global $first (mut i32) (i32.const 0))
    (global $count (mut i32) (i32.const 48))
    (global $set (mut i32) (i32.const 0))
    (global $has-answered (mut i32) (i32.const 0))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $heap)
      (global.set $heap (i32.and (i32.add (i32.add (global.get $heap) (local.get 3)) (i32.const 7)) (i32.const -8))))
    (func $wait (param $ns i64) (result i32)
      (local $call i32)
      ;; On a busy machine it may be over before it is looked at: state 2, and no subtask.
      (loop $again
        (local.set $call (call $wait-for (local.get $ns)))
        (br_if $again (i32.eq (i32.and (local.get $call) (i32.const 15)) (i32.const 2))))
      (call $join (i32.shr_u (local.get $call) (i32.const 4)) (global.get $set))
      (i32.or (i32.const 2) (i32.shl (global.get $set) (i32.const 4))))
    (func (export "[async-lift]handle") (param $message i32) (result i32)
      (global.set $heap (i32.const 8192))
      (global.set $has-answered (i32.const 0))
      (global.set $first (i32.const 0))
      (if (i32.load offset=${bodyAt + 4} (local.get $message))
        (then (global.set $first (i32.load8_u (i32.load offset=${bodyAt} (local.get $message))))))
      (if ${first('t')} (then unreachable))
      (if ${first('x')} (then (drop (call $stream))))
      (global.set $set (call $new-set))
      (call $wait (select (i64.const 1000000000000000000) (i64.const 1000000) ${first('n')})))
    (func (export "[callback][async-lift]handle") (param $event i32) (param $handle i32) (param i32) (result i32)
      (call $join (local.get $handle) (i32.const 0))
      (call $drop (local.get $handle))
      (if ${first('s')} (then (loop $ever (br $ever))))
      (if (i32.eqz (global.get $has-answered)) (then
        (global.set $has-answered (i32.const 1))
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (i32.store8 (i32.const 64) (global.get $count))
        (call $return (i32.const 0) (i32.const 1) (i32.const 64) (i32.const 1)
          (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
        (if ${first('l')} (then (return (call $wait (i64.const 1000000)))))))
      (if ${first('l')} (then (global.set $count (i32.add (global.get $count) (i32.const 1)))))
      (call $drop-set (global.get $set))
      (i32.const 0)))`;
  return componentOf(text, `${readWit(witFolder, []).text}\n${own}`, 'test:tasks/tasks');
}
