import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';

/** A component from a core module in text form and a world; small enough to be read next to its test. */
export async function componentFrom(wat: string, wit: string, world: string): Promise<Uint8Array> {
  const binary = await parse(wat);
  return await componentNew(await componentEmbed({ binary, witSource: wit, world }), []);
}

/** What a guest needs to take lists and strings: an allocator that never frees. */
export const allocator = `
  (global $top (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local i32)
    (local.set 4 (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (local.get 4) (local.get 3)))
    (local.get 4))`;

const wasiWit = `
package wasi:io@0.2.6 {
  interface error { resource error { to-debug-string: func() -> string; } }
  interface poll { resource pollable { block: func(); } }
  interface streams {
    use error.{error};
    use poll.{pollable};
    variant stream-error { last-operation-failed(error), closed }
    resource output-stream {
      blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
      subscribe: func() -> pollable;
    }
  }
}
package wasi:cli@0.2.6 {
  interface stdout { use wasi:io/streams@0.2.6.{output-stream}; get-stdout: func() -> output-stream; }
  interface run { run: func() -> result; }
}`;

const helloWit = `
package test:hello;
${wasiWit}
world hello {
  import wasi:cli/stdout@0.2.6;
  import wasi:io/streams@0.2.6;
  import wasi:io/poll@0.2.6;
  export wasi:cli/run@0.2.6;
}`;

const helloWat = `(module
  (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.6" "[method]output-stream.subscribe" (func $subscribe (param i32) (result i32)))
  (import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.6" "[resource-drop]pollable" (func $drop-pollable (param i32)))
  (import "wasi:io/streams@0.2.6" "[resource-drop]output-stream" (func $drop-stream (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "hello\\0a")
  ${allocator}
  (func (export "wasi:cli/run@0.2.6#run") (result i32) (local $out i32) (local $ready i32)
    (local.set $out (call $stdout))
    (local.set $ready (call $subscribe (local.get $out)))
    (call $block (local.get $ready))
    (call $drop-pollable (local.get $ready))
    (call $write (local.get $out) (i32.const 16) (i32.const 6) (i32.const 64))
    (call $drop-stream (local.get $out))
    (i32.load8_u (i32.const 64))))`;

/** A `wasi:cli/run` command that waits for stdout, writes "hello" and fails when the write did. */
export function helloComponent(): Promise<Uint8Array> {
  return componentFrom(helloWat, helloWit, 'hello');
}

const labWit = `
package test:lab@0.1.0;
interface host {
  resource thing { constructor(n: u32); get: func() -> u32; twice: static func(n: u32) -> u32; }
  plain: func(n: u32) -> u32;
  may-fail: func(n: u32) -> result<u32, string>;
  wait: func(n: u32) -> u32;
}
world lab {
  import host;
  import top: func(n: u32) -> u32;
  export echo: func(text: string) -> string;
  export bytes: func(b: list<u8>) -> list<u8>;
  export choose: func(n: u32) -> result<u32, string>;
  export plain: func(n: u32) -> u32;
  export wait: func(n: u32) -> u32;
  export make: func(n: u32) -> u32;
  export trap: func();
  export deep: func(n: u32) -> u32;
  export outside: func() -> list<u8>;
  export bad-text: func() -> string;
  export bad-enum: func() -> option<u32>;
  export bomb: func() -> list<list<u8>>;
  export spin: func(n: u32) -> u32;
}`;

const list = (name: string, pointer: number, length: number) => `
  (func (export "${name}") (result i32)
    (i32.store (i32.const 16) (i32.const ${pointer}))
    (i32.store (i32.const 20) (i32.const ${length}))
    (i32.const 16))`;

/** Every way to end a call: values, errors, traps, waits and broken promises of the canonical ABI. */
const labBody = `
  (func (export "echo") (param i32 i32) (result i32)
    (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))
  (func (export "bytes") (param i32 i32) (result i32)
    (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))
  (func (export "choose") (param i32) (result i32)
    (call $may-fail (local.get 0) (i32.const 32)) (i32.const 32))
  (func (export "plain") (param i32) (result i32) (call $plain (local.get 0)))
  (func (export "wait") (param i32) (result i32) (i32.add (call $wait (local.get 0)) (call $top (i32.const 1))))
  (func (export "make") (param i32) (result i32) (local i32)
    (local.set 1 (call $thing (local.get 0)))
    (i32.add (call $get (local.get 1)) (call $twice (local.get 0)))
    (call $drop (local.get 1)))
  (func (export "trap") unreachable)
  (func $deep (export "deep") (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))
  ${list('outside', 65_530, 100)}
  (data (i32.const 8) "\\ff\\fe")
  ${list('bad-text', 8, 2)}
  (func (export "bad-enum") (result i32) (i32.store8 (i32.const 16) (i32.const 7)) (i32.const 16))
  (func (export "bomb") (result i32) (local i32)
    (loop $next
      (i32.store (i32.add (i32.const 8192) (local.get 0)) (i32.const 0))
      (i32.store (i32.add (i32.const 8196) (local.get 0)) (i32.const 65536))
      (br_if $next (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 8))) (i32.const 40960))))
    (i32.store (i32.const 16) (i32.const 8192)) (i32.store (i32.const 20) (i32.const 5120)) (i32.const 16))`;

const labImports = `
  (import "test:lab/host@0.1.0" "plain" (func $plain (param i32) (result i32)))
  (import "test:lab/host@0.1.0" "may-fail" (func $may-fail (param i32 i32)))
  (import "test:lab/host@0.1.0" "wait" (func $wait (param i32) (result i32)))
  (import "test:lab/host@0.1.0" "[constructor]thing" (func $thing (param i32) (result i32)))
  (import "test:lab/host@0.1.0" "[method]thing.get" (func $get (param i32) (result i32)))
  (import "test:lab/host@0.1.0" "[static]thing.twice" (func $twice (param i32) (result i32)))
  (import "test:lab/host@0.1.0" "[resource-drop]thing" (func $drop (param i32)))
  (import "$root" "top" (func $top (param i32) (result i32)))`;

const labSpin = `
  (func (export "spin") (param i32) (result i32) (local i32)
    (loop $next (br_if $next (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (local.get 0))))
    (i32.add (local.get 1) (call $plain (i32.const 0))))`;

export function labComponent(): Promise<Uint8Array> {
  const wat = `(module ${labImports} (memory (export "memory") 1) ${allocator} ${labBody} ${labSpin})`;
  return componentFrom(wat, labWit, 'lab');
}

/**
 * The lab's core module as a meter would leave it, for `spin`, the allocator and a start function: each turn
 * costs 1, and the slow path asks the host.
 */
export function meteredLab(): Promise<Uint8Array> {
  const wat = `(module ${labImports}
  (import "motehost:meter" "out" (func $out (result i32)))
  (import "motehost:meter" "pause" (func $pause))
  (import "motehost:meter" "fuel" (global $fuel (mut i64)))
  (memory (export "memory") 1)
  (global $top (mut i32) (i32.const 4096))
  (global $started (mut i32) (i32.const 0))
  (func $charge
    (global.set $fuel (i64.sub (global.get $fuel) (i64.const 1)))
    (if (i64.lt_s (global.get $fuel) (i64.const 0)) (then
      (if (call $out) (then (call $pause)))
      (if (i64.lt_s (global.get $fuel) (i64.const 0)) (then unreachable)))))
  (func (export "motehost:meter/start") (call $burn (i32.const 1000)) (global.set $started (i32.const 1)))
  (func $burn (param i32)
    (loop $next (call $charge) (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local i32)
    (call $burn (i32.const 1000))
    (local.set 4 (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (local.get 4) (local.get 3)))
    (local.get 4))
  ${labBody}
  (func (export "spin") (param i32) (result i32) (local i32)
    (if (i32.eqz (global.get $started)) (then unreachable))
    (loop $next
      (call $charge)
      (br_if $next (i32.ne (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (local.get 0))))
    (i32.add (local.get 1) (call $plain (i32.const 0)))))`;
  return parse(wat);
}

/**
 * Two components in one: the outer `run` calls the inner `work`, which has a memory of its own, takes a
 * string across, waits for the host and counts. Between the two lies an adapter that the generator makes.
 */
export function composedComponent(): Promise<Uint8Array> {
  return parse(`(component
    (import "wait" (func $wait (param "n" u32) (result u32)))
    (component $inner
      (import "wait" (func $wait (param "n" u32) (result u32)))
      (core func $wait' (canon lower (func $wait)))
      (core module $m
        (import "" "wait" (func $wait (param i32) (result i32)))
        (memory (export "memory") 1)
        ${allocator}
        (func (export "work") (param i32 i32 i32) (result i32) (local i32)
          (loop $next
            (br_if $next (i32.lt_u (local.tee 3 (i32.add (local.get 3) (i32.const 1))) (local.get 2))))
          (i32.add (call $wait (local.get 3)) (local.get 1))))
      (core instance $i (instantiate $m (with "" (instance (export "wait" (func $wait'))))))
      (func (export "work") (param "text" string) (param "n" u32) (result u32)
        (canon lift (core func $i "work") (memory (core memory $i "memory")) (realloc (core func $i "cabi_realloc")))))
    (instance $inner (instantiate $inner (with "wait" (func $wait))))
    (component $asking
      (import "work" (func $work (param "text" string) (param "n" u32) (result u32)))
      (core module $memory (memory (export "memory") 1) ${allocator} (data (i32.const 8) "four"))
      (core instance $memory (instantiate $memory))
      (core func $work (canon lower (func $work) (memory (core memory $memory "memory"))))
      (core module $m
        (import "" "work" (func $work (param i32 i32 i32) (result i32)))
        (func (export "run") (param i32) (result i32)
          (i32.mul (i32.const 10) (call $work (i32.const 8) (i32.const 4) (local.get 0)))))
      (core instance $i (instantiate $m (with "" (instance (export "work" (func $work))))))
      (func (export "run") (param "n" u32) (result u32) (canon lift (core func $i "run"))))
    (instance $asking (instantiate $asking (with "work" (func $inner "work"))))
    (func (export "run") (alias export $asking "run")))`);
}

const counterWit = `
package test:res@0.1.0;
interface counters {
  resource counter {
    constructor(first: u32);
    next: func() -> result<u32, string>;
    zero: static func() -> counter;
  }
  peek: func(c: borrow<counter>) -> u32;
  dropped: func() -> u32;
}
world res { export counters; }`;

/** A component that exports a resource; a counter's representation is its own address. */
export function counterComponent(): Promise<Uint8Array> {
  const own = '[export]test:res/counters@0.1.0';
  const name = 'test:res/counters@0.1.0';
  const wat = `(module
    (import "${own}" "[resource-new]counter" (func $new (param i32) (result i32)))
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (global $dropped (mut i32) (i32.const 0))
    (func $make (param i32) (result i32)
      (global.set $top (i32.add (global.get $top) (i32.const 8)))
      (i32.store (global.get $top) (local.get 0))
      (call $new (global.get $top)))
    (func (export "${name}#[constructor]counter") (param i32) (result i32) (call $make (local.get 0)))
    (func (export "${name}#[static]counter.zero") (result i32) (call $make (i32.const 0)))
    (func (export "${name}#[method]counter.next") (param i32) (result i32)
      (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1)))
      (i32.store8 (i32.const 16) (i32.const 0))
      (i32.store (i32.const 20) (i32.load (local.get 0)))
      (i32.const 16))
    (func (export "${name}#peek") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "${name}#dropped") (result i32) (global.get $dropped))
    (func (export "${name}#[dtor]counter") (param i32)
      (global.set $dropped (i32.add (global.get $dropped) (i32.const 1))))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable))`;
  return componentFrom(wat, counterWit, 'res');
}
