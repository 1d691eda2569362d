import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HostError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { memoryHost, type Printed, type RunOptions, runBytes } from '../support/run.ts';
import { componentOf } from '../support/wat.ts';

// What a program returns is its own: no shape, size or name of it may be taken for something of the host's.

let host: Host;
before(() => {
  host = memoryHost();
});
after(() => host.close());

const realloc = `(global $next (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.set $next (i32.add (global.get $next) (i32.const 1024))) (global.get $next))`;

async function answer(body: string, types: string, options: RunOptions = {}, pages = 2): Promise<Printed> {
  const core = `(module (memory (export "memory") ${pages}) (data (i32.const 100) "ok") ${realloc} ${body})`;
  const program = await componentOf(core, `package local:probe; world probe { ${types} }`, 'probe');
  return runBytes(host, program, { call: { kind: 'invoke', text: 'f()' }, ...options });
}

const text = ({ result }: Printed): string => new TextDecoder().decode(result);

test('a record with a tag of "ok" is printed whole, not unwrapped', async () => {
  const ended = await answer(
    `(func (export "f") (result i32)
      (i32.store (i32.const 8) (i32.const 100)) (i32.store (i32.const 12) (i32.const 2))
      (i32.store (i32.const 16) (i32.const 7)) (i32.const 8))`,
    'record r { tag: string, val: u32 } export f: func() -> r;',
  );
  assert.equal(ended.outcome.kind, 'ok');
  assert.equal(text(ended), '{tag: "ok", val: 7}\n');
});

test('a variant with a case named err is no failure', async () => {
  const ended = await answer(
    '(func (export "f") (result i32) (i32.store8 (i32.const 8) (i32.const 0)) (i32.store (i32.const 12) (i32.const 7)) (i32.const 8))',
    'variant v { err(u32), fine } export f: func() -> v;',
  );
  assert.equal(ended.outcome.kind, 'ok');
  assert.equal(text(ended), '%err(7)\n');
});

test('a result of err is a failure', async () => {
  const ended = await answer(
    '(func (export "f") (result i32) (i32.store8 (i32.const 8) (i32.const 1)) (i32.store (i32.const 12) (i32.const 7)) (i32.const 8))',
    'export f: func() -> result<u32, u32>;',
  );
  assert.equal(ended.outcome.kind, 'error');
  assert.equal((ended.outcome as { failure: unknown }).failure, 7);
});

const list = (length: number): string =>
  `(func (export "f") (result i32) (i32.store (i32.const 8) (i32.const 0)) (i32.store (i32.const 12) (i32.const ${length})) (i32.const 8))`;

for (const [type, length] of [
  ['string', 1_000_000],
  ['list<u8>', 1_000_000],
  ['list<u64>', 40_000],
  ['list<bool>', 120_000],
] as const) {
  test(`a ${type} longer than the output limit is not printed`, async () => {
    const types = `export f: func() -> ${type};`;
    const over = await answer(list(length), types, { limits: { outputBytesMax: 100_000 } }, 16);
    assert.equal(over.outcome.kind, 'limit');
    assert.equal((over.outcome as { limit: string }).limit, 'outputBytesMax');
    assert.equal(over.result, undefined);
    const within = await answer(list(100), types, { limits: { outputBytesMax: 100_000 } }, 16);
    assert.equal(within.outcome.kind, 'ok');
  });
}

test('a value within the output limit whose text is longer is not printed', async () => {
  const types = 'export f: func() -> string;';
  // The length lies in the text too, and is valid UTF-8.
  const over = await answer(list(0x1_60_40), types, { limits: { outputBytesMax: 100_000 } }, 16);
  assert.equal(over.outcome.kind, 'limit');
  assert.equal((over.outcome as { limit: string }).limit, 'outputBytesMax');
  assert.equal(over.result, undefined);
});

const message = `record message { id: string, subject: string, sender: option<string>, reply-to: option<string>,
  sent-at-ns: u64, deadline-ns: option<u64>, attempt: u32, content-type: option<string>,
  headers: list<tuple<string, string>>, body: list<u8> }`;

for (const answered of ['list<string>', 'u32', 'result<string>', 'result<option<list<u16>>>']) {
  test(`a handle that returns ${answered} is refused before it runs`, async () => {
    const result = '(result i32) (i32.const 8)';
    await assert.rejects(
      answer(
        `(func (export "handle") (param i32) ${result})`,
        `${message} export handle: func(m: message) -> ${answered};`,
        { call: { kind: 'main', message: { subject: 's', body: new Uint8Array(0) } } },
      ),
      (error) => error instanceof HostError && error.code === 'HOST_ERR_WORLD_MISMATCH',
    );
  });
}
