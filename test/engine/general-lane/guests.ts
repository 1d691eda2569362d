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
