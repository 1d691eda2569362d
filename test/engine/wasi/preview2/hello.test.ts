import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kept, noGrants } from './grants.ts';
import { component, runCommand } from './guest-program.ts';

const wit = `
package test:hello;
package wasi:io@0.2.0 {
  interface error { resource error; }
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
package wasi:clocks@0.2.0 {
  interface monotonic-clock { use wasi:io/poll@0.2.0.{pollable}; subscribe-duration: func(when: u64) -> pollable; }
}
package wasi:cli@0.2.0 {
  interface stdout { use wasi:io/streams@0.2.0.{output-stream}; get-stdout: func() -> output-stream; }
  interface exit { exit: func(status: result); exit-with-code: func(status-code: u8); }
  interface run { run: func() -> result; }
}
world hello {
  import wasi:cli/stdout@0.2.0;
  import wasi:cli/exit@0.2.0;
  import wasi:clocks/monotonic-clock@0.2.0;
  export wasi:cli/run@0.2.0;
}`;

const hello = (end: string): string => `(module
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
  (import "wasi:cli/exit@0.2.0" "exit-with-code" (func $exit (param i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.subscribe" (func $subscribe (param i32) (result i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $timer (param i64) (result i32)))
  (import "wasi:io/poll@0.2.0" "[resource-drop]pollable" (func $drop (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "hello\\0a")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "wasi:cli/run@0.2.0#run") (result i32)
    (local $out i32) (local $event i32)
    (local.set $out (call $stdout))
    (call $write (local.get $out) (i32.const 64) (i32.const 6) (i32.const 128))
    (local.set $event (call $subscribe (local.get $out)))
    (call $block (local.get $event))
    (call $drop (local.get $event))
    ${end}))`;

test('a hello component writes, waits and ends', async () => {
  const stdout = new Kept();
  const wait = '(call $block (call $timer (i64.const 2000000)))';
  const bytes = await component(hello(`${wait} (i32.const 0)`), wit, 'hello');
  const { budget, result } = await runCommand(bytes, { ...noGrants, stdout });
  assert.deepEqual(result, { tag: 'ok', val: undefined });
  assert.equal(stdout.text, 'hello\n');
  assert.equal(budget.outputBytes, 6);
  assert.ok(budget.wallMs >= 2);
});

test('a component that exits with a code ends with that very code', async () => {
  const stdout = new Kept();
  const bytes = await component(hello('(call $exit (i32.const 33)) (i32.const 0)'), wit, 'hello');
  const { budget } = await runCommand(bytes, { ...noGrants, stdout });
  assert.deepEqual(budget.cause, { kind: 'exit', exitCode: 33 });
  assert.equal(stdout.text, 'hello\n');
});

test('a component that sleeps for an hour is ended by its deadline', async () => {
  const wait = '(call $block (call $timer (i64.const 3600000000000)))';
  const bytes = await component(hello(`${wait} (i32.const 0)`), wit, 'hello');
  const { budget } = await runCommand(bytes, { ...noGrants, stdout: new Kept() }, { deadlineMs: 50 });
  assert.equal(budget.cause?.kind === 'limit' && budget.cause.limit, 'deadlineMs');
});
