import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Trap } from '../../../host/engine/trap.ts';
import { HostError } from '../../../host/errors.ts';
import { guestOf } from './fast-guest.ts';

/** A guest whose export returns a value that lies at 16, after storing `words` there. */
async function returning(
  type: string,
  words: readonly number[],
  encoding: 'utf8' | 'utf16' | 'compact-utf16' = 'utf8',
) {
  const stores = words.map(
    (word, index) => `(i32.store offset=${index * 4} (i32.const 16) (i32.const ${word}))`,
  );
  const guest = await guestOf(
    `(module (memory (export "memory") 1) (data (i32.const 64) "\\ff\\fe\\00\\d8") (func (export "make") (result i32) ${stores.join(' ')} (i32.const 16)))`,
    `package a:b; world guest { ${declarations} export make: func() -> ${type}; }`,
    encoding,
  );
  return await guest.start();
}

const declarations = 'variant v { a, b(u32) } enum e { x, y } record r { p: string, q: list<u16> }';

async function flat(type: string, core: string, value: string): Promise<unknown> {
  const guest = await guestOf(
    `(module (memory (export "memory") 1) (func (export "make") (result ${core}) (${core}.const ${value})))`,
    `package a:b; world guest { ${declarations} flags f { one, two } export make: func() -> ${type}; }`,
  );
  return await (await guest.start()).call('make', []);
}

const traps: readonly (readonly [what: string, type: string, words: readonly number[], message: RegExp])[] = [
  ['a string outside memory', 'string', [65_530, 7], /out of bounds/],
  ['a string whose end wraps around', 'string', [-4, 16], /out of bounds/],
  ['a string longer than 2^28 bytes', 'string', [0, 2 ** 28], /a string of 268435456 bytes/],
  ['a string that is not UTF-8', 'string', [64, 2], /not valid in its encoding/],
  ['a list that is not aligned', 'list<u32>', [17, 1], /not aligned to 4/],
  ['a list whose bytes overflow', 'list<u64>', [0, 0x7fffffff], /a list of/],
  ['an empty list that is not aligned', 'list<u16>', [3, 0], /not aligned/],
  ['a case that does not exist', 'v', [2, 0], /case 2 of a variant that has 2/],
  ['an option that is neither', 'option<u32>', [7, 0], /case 7/],
  ['a surrogate as a character', 'tuple<char, u8>', [0xd800, 0], /not a character/],
  ['a character beyond Unicode', 'tuple<char, u8>', [0x110000, 0], /not a character/],
  ['a broken string inside a record', 'r', [65_530, 7, 0, 0], /out of bounds/],
];

for (const [what, type, words, message] of traps) {
  test(`${what} is a trap of kind canonical-abi, and the instance is closed`, async () => {
    const instance = await returning(type, words);
    await assert.rejects(
      instance.call('make', []),
      (error) => error instanceof Trap && error.kind === 'canonical-abi' && message.test(error.message),
    );
    await assert.rejects(
      instance.call('make', []),
      (error) => error instanceof HostError && error.code === 'HOST_ERR_INSTANCE_CLOSED',
    );
  });
}

test('a lone surrogate in UTF-16 is a trap', async () => {
  const instance = await returning('string', [66, 1], 'utf16');
  await assert.rejects(instance.call('make', []), /not valid in its encoding/);
});

test('latin1+utf16 strings are read by their tag', async () => {
  assert.equal(await (await returning('string', [64, 2], 'compact-utf16')).call('make', []), 'ÿþ');
  const wide = await returning('string', [64, 0x80000001 | 0], 'compact-utf16');
  assert.equal(await wide.call('make', []), '\ufeff');
});

test('a byte order mark is part of a string', async () => {
  const instance = await returning('string', [64, 1], 'utf16');
  assert.equal(await instance.call('make', []), '\ufeff');
});

test('lists that pass the same bytes again and again are bounded in total', async () => {
  const guest = await guestOf(
    `(module (memory (export "memory") 64) (func (export "make") (result i32) (local $i i32)
      (loop $l
        (i32.store (i32.add (i32.const 65536) (i32.mul (local.get $i) (i32.const 8))) (i32.const 0))
        (i32.store (i32.add (i32.const 65540) (i32.mul (local.get $i) (i32.const 8))) (i32.const 4000000))
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
      (i32.store (i32.const 16) (i32.const 65536)) (i32.store (i32.const 20) (i32.const 1000)) (i32.const 16)))`,
    'package a:b; world guest { export make: func() -> list<list<u8>>; }',
  );
  await assert.rejects((await guest.start()).call('make', []), /passed more than 134217728 bytes/);
});

test('small elements count for what they take in the host', async () => {
  const guest = await guestOf(
    `(module (memory (export "memory") 300) (func (export "make") (result i32)
      (i32.store (i32.const 16) (i32.const 32)) (i32.store (i32.const 20) (i32.const 9000000)) (i32.const 16)))`,
    'package a:b; world guest { export make: func() -> list<option<bool>>; }',
  );
  await assert.rejects((await guest.start()).call('make', []), /passed more than/);
});

test('bits beyond a flat value do not matter', async () => {
  assert.equal(await flat('u8', 'i32', '0x1ff'), 255);
  assert.equal(await flat('s8', 'i32', '0x80'), -128);
  assert.equal(await flat('s16', 'i32', '0x18000'), -32768);
  assert.equal(await flat('u32', 'i32', '-1'), 4294967295);
  assert.equal(await flat('u64', 'i64', '-1'), 18446744073709551615n);
  assert.equal(await flat('bool', 'i32', '2'), true);
  assert.deepEqual(await flat('f', 'i32', '-2'), { one: false, two: true });
  assert.equal(await flat('f32', 'f32', 'nan:0x200001'), Number.NaN);
  await assert.rejects(flat('e', 'i32', '2'), /case 2/);
  await assert.rejects(flat('char', 'i32', '-1'), /not a character/);
});

const reallocs: readonly (readonly [what: string, body: string, message: RegExp])[] = [
  ['outside memory', '(i32.const 65528)', /out of bounds/],
  ['that is not aligned', '(i32.const 17)', /not aligned/],
  ['by trapping', '(unreachable)', /unreachable/],
];

for (const [what, body, message] of reallocs) {
  test(`an allocator that answers ${what} ends the instance`, async () => {
    const guest = await guestOf(
      `(module (memory (export "memory") 1) (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) ${body})
        (func (export "take") (param i32 i32)))`,
      'package a:b; world guest { export take: func(x: list<u64>); }',
    );
    const instance = await guest.start();
    await assert.rejects(
      instance.call('take', [BigUint64Array.of(1n, 2n)]),
      (error) => error instanceof Trap && message.test(error.message),
    );
    assert.equal(instance.budget.synchronousDepth, 0);
    await assert.rejects(instance.call('take', [BigUint64Array.of()]), /has ended/);
  });
}

test('a caller that gives a wrong value hears where, and may try again', async () => {
  const guest = await guestOf(
    `(module (memory (export "memory") 1) (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func (export "take") (param i32 i32 i32 i32 i32)))`,
    `package a:b; world guest { record header { name: string, value: list<u8> } record message { id: u32, headers: list<header>, kind: option<u8> }
     export take: func(message: message); }`,
  );
  const instance = await guest.start();
  const header = { name: 'x', value: new Uint8Array(2) };
  const wrong: readonly (readonly [args: unknown[], message: RegExp])[] = [
    [
      [{ id: 1, headers: [header, header, { name: 'x' }] }],
      /^message\.headers\[2\]\.value must be list<u8>, got undefined$/,
    ],
    [[{ id: -1, headers: [] }], /^message\.id must be u32, got -1$/],
    [
      [{ id: 1, headers: [{ name: 5, value: header.value }] }],
      /^message\.headers\[0\]\.name must be string, got 5$/,
    ],
    [
      [{ id: 1, headers: [{ name: 'x', value: [1, 256] }] }],
      /^message\.headers\[0\]\.value\[1\] must be u8, got 256$/,
    ],
    [[{ id: 1, headers: [], kind: 'x' }], /^message\.kind must be u8, got "x"$/],
    [[null], /^message must be record message, got null$/],
    [[], /takes 1 arguments, 0 given/],
  ];
  for (const [args, message] of wrong)
    await assert.rejects(
      instance.call('take', args),
      (error) =>
        error instanceof HostError && error.code === 'HOST_ERR_VALUE_INVALID' && message.test(error.message),
    );
  assert.equal(await instance.call('take', [{ id: 1, headers: [header], kind: undefined }]), undefined);
});
