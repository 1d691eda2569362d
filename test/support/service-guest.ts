import { componentOf } from './wat.ts';

const wit = `package wasi:http@0.3.0;
interface types {
  variant error-code { connection-terminated, HTTP-response-incomplete, internal-error(option<string>) }
  resource fields { constructor(); }
  resource request {
    get-path-with-query: func() -> option<string>;
    consume-body: static func(this: request, res: future<result<_, error-code>>)
      -> tuple<stream<u8>, future<result<option<fields>, error-code>>>;
  }
  resource response {
    new: static func(headers: fields, contents: option<stream<u8>>, trailers: future<result<option<fields>, error-code>>)
      -> tuple<response, future<result<_, error-code>>>;
    set-status-code: func(status-code: u16) -> result;
  }
}
interface handler {
  use types.{request, response, error-code};
  handle: async func(request: request) -> result<response, error-code>;
}
world service { import types; export handler; }`;

const types = 'wasi:http/types@0.3.0';

/** What the first letter of a path asks for: see `serviceGuest`. */
const asks = (letter: string): string => `(i32.eq (local.get $letter) (i32.const ${letter.charCodeAt(0)}))`;

/**
 * A program of `wasi:http/service@0.3.0` that answers 201 with the request's body and trailers, as they come. A path that
 * begins with `/s` never ends, `/n` waits for ever, `/t` traps, `/f` fails; `/h` answers with a body that never comes,
 * `/l` with none and goes on computing for ever, `/o` with none and traps afterwards.
 */
export function serviceGuest(): Promise<Uint8Array<ArrayBuffer>> {
  const text = `(module
    (import "${types}" "[method]request.get-path-with-query" (func $path (param i32 i32)))
    (import "${types}" "[static]request.consume-body" (func $consume (param i32 i32 i32)))
    (import "${types}" "[future-new-0][static]request.consume-body" (func $future (result i64)))
    (import "${types}" "[stream-new-0][static]response.new" (func $stream (result i64)))
    (import "${types}" "[constructor]fields" (func $fields (result i32)))
    (import "${types}" "[static]response.new" (func $response (param i32 i32 i32 i32 i32)))
    (import "${types}" "[method]response.set-status-code" (func $status (param i32 i32) (result i32)))
    (import "[export]wasi:http/handler@0.3.0" "[task-return]handle" (func $return (param i32 i32 i32 i32 i32)))
    (import "$root" "[waitable-set-new]" (func $set (result i32)))
    (memory (export "memory") 1)
    (global $heap (mut i32) (i32.const 8192))
    (global $letter (mut i32) (i32.const 0))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $heap)
      (global.set $heap (i32.and (i32.add (i32.add (global.get $heap) (local.get 3)) (i32.const 7)) (i32.const -8))))
    (func $wait (result i32) (i32.or (i32.const 2) (i32.shl (call $set) (i32.const 4))))
    (func $answer (param $request i32) (param $has i32) (param $own i32)
      (call $consume (local.get $request) (i32.wrap_i64 (call $future)) (i32.const 4096))
      (call $response (call $fields) (local.get $has)
        (select (local.get $own) (i32.load (i32.const 4096)) (local.get $own))
        (i32.load offset=4 (i32.const 4096)) (i32.const 4096))
      (drop (call $status (i32.load (i32.const 4096)) (i32.const 201)))
      (call $return (i32.const 0) (i32.load (i32.const 4096)) (i32.const 0) (i32.const 0) (i32.const 0)))
    (func (export "[async-lift]wasi:http/handler@0.3.0#handle") (param $request i32) (result i32)
      (local $letter i32)
      (call $path (local.get $request) (i32.const 4096))
      (local.set $letter (i32.load8_u offset=1 (i32.load offset=4 (i32.const 4096))))
      (global.set $letter (local.get $letter))
      (if ${asks('t')} (then unreachable))
      (if ${asks('s')} (then (loop $ever (br $ever))))
      (if ${asks('n')} (then (return (call $wait))))
      (if ${asks('f')} (then
        (call $return (i32.const 1) (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0))
        (return (i32.const 0))))
      (if ${asks('h')} (then
        (call $answer (local.get $request) (i32.const 1) (i32.wrap_i64 (call $stream)))
        (return (call $wait))))
      (if (i32.or ${asks('l')} ${asks('o')}) (then
        (call $answer (local.get $request) (i32.const 0) (i32.const 0))
        (return (i32.const 1))))
      (call $answer (local.get $request) (i32.const 1) (i32.const 0))
      (i32.const 0))
    (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle") (param i32 i32 i32) (result i32)
      (if (i32.eq (global.get $letter) (i32.const ${'o'.charCodeAt(0)})) (then unreachable))
      (loop $ever (br $ever))
      (i32.const 0)))`;
  return componentOf(text, wit, 'service');
}
