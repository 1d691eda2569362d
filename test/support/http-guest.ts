import { readWit, witFolder } from '../../guest-sdk/build/wit-text.ts';
import { componentOf } from './wat.ts';

const types = 'wasi:http/types@0.2.0';
const streams = 'wasi:io/streams@0.2.0';

/** The core code of an import: `module` `name`, with parameters and result as letters (`i` i32, `I` i64). */
function imported(module: string, name: string, as: string, params: string, result = ''): string {
  const core = (letters: string): string =>
    [...letters].map((one) => (one === 'I' ? 'i64' : 'i32')).join(' ');
  const returns = result === '' ? '' : `(result ${core(result)})`;
  return `(import "${module}" "${name}" (func $${as} (param ${core(params)}) ${returns}))`;
}

/**
 * A program of the world `wasi:http/proxy@0.2.0` that reads a request's whole body, then answers with `greeting` and
 * the path. A path that begins with `/s` never ends, one with `/t` traps.
 */
export function httpGuest(greeting: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = `(module
    ${imported(types, '[method]incoming-request.path-with-query', 'path', 'ii')}
    ${imported(types, '[method]incoming-request.consume', 'consume', 'ii')}
    ${imported(types, '[method]incoming-body.stream', 'stream', 'ii')}
    ${imported(types, '[constructor]fields', 'fields', '', 'i')}
    ${imported(types, '[constructor]outgoing-response', 'response', 'i', 'i')}
    ${imported(types, '[method]outgoing-response.body', 'body', 'ii')}
    ${imported(types, '[method]outgoing-body.write', 'write', 'ii')}
    ${imported(types, '[static]outgoing-body.finish', 'finish', 'iiii')}
    ${imported(types, '[static]response-outparam.set', 'set', 'iiiiIiiii')}
    ${imported(types, '[resource-drop]incoming-request', 'drop-request', 'i')}
    ${imported(types, '[resource-drop]incoming-body', 'drop-incoming', 'i')}
    ${imported(streams, '[resource-drop]input-stream', 'drop-input', 'i')}
    ${imported(streams, '[resource-drop]output-stream', 'drop-output', 'i')}
    ${imported(streams, '[method]input-stream.blocking-read', 'read', 'iIi')}
    ${imported(streams, '[method]output-stream.blocking-write-and-flush', 'put', 'iiii')}
    (memory (export "memory") 8)
    (data (i32.const 8) "${greeting} ")
    (global $heap (mut i32) (i32.const 8192))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $heap)
      (global.set $heap (i32.and (i32.add (i32.add (global.get $heap) (local.get 3)) (i32.const 7)) (i32.const -8))))
    (func $read-all (param $request i32) (local $body i32) (local $input i32)
      (call $consume (local.get $request) (i32.const 4096))
      (local.set $body (i32.load offset=4 (i32.const 4096)))
      (call $stream (local.get $body) (i32.const 4096))
      (local.set $input (i32.load offset=4 (i32.const 4096)))
      (loop $more
        (call $read (local.get $input) (i64.const 1024) (i32.const 4096))
        (br_if $more (i32.eqz (i32.load8_u (i32.const 4096)))))
      (call $drop-input (local.get $input))
      (call $drop-incoming (local.get $body))
      (call $drop-request (local.get $request)))
    (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
      (local $body i32) (local $output i32) (local $response i32) (local $at i32) (local $length i32)
      (call $path (local.get $request) (i32.const 4096))
      (local.set $at (i32.load offset=4 (i32.const 4096)))
      (local.set $length (i32.load offset=8 (i32.const 4096)))
      (if (i32.eq (i32.load8_u offset=1 (local.get $at)) (i32.const 116)) (then unreachable))
      (if (i32.eq (i32.load8_u offset=1 (local.get $at)) (i32.const 115)) (then (loop $ever (br $ever))))
      (call $read-all (local.get $request))
      (local.set $response (call $response (call $fields)))
      (call $body (local.get $response) (i32.const 4096))
      (local.set $body (i32.load offset=4 (i32.const 4096)))
      (call $write (local.get $body) (i32.const 4096))
      (local.set $output (i32.load offset=4 (i32.const 4096)))
      (call $set (local.get $out) (i32.const 0) (local.get $response)
        (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      (call $put (local.get $output) (i32.const 8) (i32.const ${greeting.length + 1}) (i32.const 4096))
      (call $put (local.get $output) (local.get $at) (local.get $length) (i32.const 4096))
      (call $drop-output (local.get $output))
      (call $finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 4096))))`;
  return componentOf(text, readWit(witFolder, [], ['wasi:http@0.2.0']).text, 'wasi:http/proxy@0.2.0');
}
