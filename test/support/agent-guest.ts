import { readWit, witFolder } from '../../guest-sdk/build/wit-text.ts';
import { componentOf } from './wat.ts';

/** Where a message's body is in memory: after ids, subjects and options (wit/types.wit). */
const bodyAt = 88;

/**
 * A component of the world `agent` that counts: it answers `name` and how many messages it had (up to 9), followed by
 * `r` when it was told that it is resumed. It logs its start, and its end with the number of the reason's case. A body that
 * begins with `s` never ends, `t` traps, `f` fails; `g` grows its memory and says nothing.
 */
export function agentGuest(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = `(module
    (import "motehost:agent/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 8) "started")
    (data (i32.const 24) "ended by 0")
    (data (i32.const 40) "no")
    (data (i32.const 64) "${name}00")
    (global $count (mut i32) (i32.const 0))
    (global $resumed (mut i32) (i32.const 0))
    (global $heap (mut i32) (i32.const 8192))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $heap)
      (global.set $heap (i32.and (i32.add (i32.add (global.get $heap) (local.get 3)) (i32.const 7)) (i32.const -8))))
    (func (export "start") (param i32 i32 i32 i32 i32) (result i32)
      (global.set $resumed (local.get 4))
      (call $log (i32.const 2) (i32.const 8) (i32.const 7) (i32.const 0) (i32.const 0))
      (i32.store (i32.const 128) (i32.const 0))
      (i32.const 128))
    (func (export "stop") (param i32 i32 i32)
      (i32.store8 (i32.const 33) (i32.add (local.get 0) (i32.const 48)))
      (call $log (i32.const 2) (i32.const 24) (i32.const 10) (i32.const 0) (i32.const 0)))
    (func (export "handle") (param $message i32) (result i32) (local $first i32)
      (if (i32.load offset=${bodyAt + 4} (local.get $message))
        (then (local.set $first (i32.load8_u (i32.load offset=${bodyAt} (local.get $message))))))
      (if (i32.eq (local.get $first) (i32.const ${'s'.charCodeAt(0)})) (then (loop $ever (br $ever))))
      (if (i32.eq (local.get $first) (i32.const ${'t'.charCodeAt(0)})) (then unreachable))
      (if (i32.eq (local.get $first) (i32.const ${'g'.charCodeAt(0)})) (then (drop (memory.grow (i32.const 100000)))))
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (if (i32.eq (local.get $first) (i32.const ${'f'.charCodeAt(0)})) (then
        (i32.store (i32.const 128) (i32.const 1))
        (i32.store (i32.const 132) (i32.const 0))
        (i32.store (i32.const 136) (i32.const 40))
        (i32.store (i32.const 140) (i32.const 2))
        (return (i32.const 128))))
      (i32.store8 (i32.const ${64 + name.length}) (i32.add (global.get $count) (i32.const 48)))
      (i32.store8 (i32.const ${65 + name.length}) (i32.const ${'r'.charCodeAt(0)}))
      (i32.store (i32.const 128) (i32.const 0))
      (i32.store (i32.const 132) (i32.const 1))
      (i32.store (i32.const 136) (i32.const 64))
      (i32.store (i32.const 140) (i32.add (i32.const ${name.length + 1}) (global.get $resumed)))
      (i32.const 128)))`;
  return componentOf(text, readWit(witFolder, []).text, 'agent');
}
