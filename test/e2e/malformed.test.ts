import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { stopTranspiler } from '../../host/engine/general-lane/transpile.ts';
import { prepareProgram } from '../../host/engine/prepare.ts';
import { HostError } from '../../host/errors.ts';
import { componentOf, wat } from '../support/wat.ts';

// Damaged programs, made from good ones by a seeded generator: whatever the bytes, preparing them ends soon
// in a typed error or in a program V8 accepts; never in a crash, a hang or an untyped error.

const perSeed = 2_000;
const msMax = 2_000;
const heapBytesMax = 512 * 1024 * 1024;

type Bytes = Uint8Array<ArrayBuffer>;

function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const damages: readonly ((bytes: Bytes, random: (below: number) => number) => Bytes)[] = [
  (bytes, random) => bytes.slice(0, random(bytes.length)),
  (bytes, random) => flipped(bytes, random, 1),
  (bytes, random) => flipped(bytes, random, 1 + random(16)),
  (bytes, random) => {
    const copy = bytes.slice();
    copy[8 + random(bytes.length - 8)] = [0, 0x7f, 0x80, 0xff][random(4)] ?? 0;
    return copy;
  },
  (bytes, random) => {
    const copy = bytes.slice();
    const [from, to, length] = [random(bytes.length), random(bytes.length), random(64)];
    copy.set(
      bytes
        .subarray(from, Math.min(from + length, bytes.length - to + from, bytes.length))
        .slice(0, bytes.length - to),
      to,
    );
    return copy;
  },
  (bytes, random) => {
    const at = 8 + random(bytes.length - 8);
    const grown = new Uint8Array(bytes.length + 8);
    grown.set(bytes.subarray(0, at));
    grown.set([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1, 2].slice(0, 1 + random(8)), at);
    grown.set(bytes.subarray(at), at + 8);
    return grown;
  },
];

function flipped(bytes: Bytes, random: (below: number) => number, count: number): Bytes {
  const copy = bytes.slice();
  for (let left = count; left > 0; left -= 1) {
    const at = random(bytes.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random(8));
  }
  return copy;
}

const seeds = new Map<string, Bytes>();

before(async () => {
  const kernel = (name: string): Bytes =>
    new Uint8Array(readFileSync(join(import.meta.dirname, `../../bench/kernels/wasm/${name}.wasm`)));
  seeds.set('a C module', kernel('json'));
  seeds.set('an AssemblyScript module', kernel('string-map'));
  seeds.set(
    'a module with everything',
    await wat(`(module
      (type $s (struct (field i32) (field (mut f64)))) (type $a (array (mut i8)))
      (import "m" "f" (func $f (param i32) (result i64))) (import "m" "g" (global $g (mut i32)))
      (memory 1 3) (memory 1) (table $t 2 10 funcref) (tag $e (param i32)) (global $h (mut i64) (i64.const 5))
      (elem $el (table $t) (i32.const 0) func $f $k) (data $d "abc") (data (memory 0) (i32.const 4) "xyz")
      (func $k (param i32) (result i64)
        (block $c (result i32)
          (try_table (catch $e $c) (throw $e (i32.const 1)))
          (loop $l (br_if $l (i32.eqz (local.get 0))))
          (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1))
          (memory.fill (i32.const 0) (i32.const 1) (i32.const 2))
          (drop (memory.grow (i32.const 1))) (drop (table.grow $t (ref.null func) (i32.const 1)))
          (drop (struct.get $s 0 (struct.new $s (i32.const 1) (f64.const 2))))
          (drop (array.new_default $a (i32.const 4)))
          (v128.store (i32.const 0) (i8x16.splat (i32.const 7)))
          (return_call $f (i32.const 2)))
        drop i64.const 1)
      (export "k" (func $k)) (start $s2) (func $s2))`),
  );
  seeds.set(
    'a component of the fast lane',
    await componentOf(
      `(module (import "local:probe/sink" "put" (func $put (param i32 i32))) (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 64)
        (func (export "echo") (param i32 i32) (result i32)
          (call $put (local.get 0) (local.get 1))
          (i32.store (i32.const 8) (local.get 0)) (i32.store (i32.const 12) (local.get 1)) i32.const 8))`,
      `package local:probe; interface sink { record r { a: u8, b: list<u16> } put: func(text: string); }
       world probe { import sink; export echo: func(text: string) -> string; }`,
      'probe',
    ),
  );
  seeds.set(
    'a component of the general lane',
    await componentOf(
      `(module (import "local:probe/things" "[constructor]thing" (func $new (param i32) (result i32)))
        (import "local:probe/things" "[resource-drop]thing" (func $drop (param i32)))
        (func (export "make") (param i32) (call $drop (call $new (local.get 0)))))`,
      `package local:probe; interface things { resource thing { constructor(n: u32); } }
       world probe { import things; export make: func(n: u32); }`,
      'probe',
    ),
  );
});
after(stopTranspiler);

async function prepare(bytes: Bytes): Promise<string> {
  const startedMs = performance.now();
  try {
    await prepareProgram(bytes, () => {});
    return 'accepted';
  } catch (error) {
    assert.ok(error instanceof HostError, String(error instanceof Error ? error.stack : error));
    assert.ok(error.message.length < 1_000 && !/\p{Cc}/u.test(error.message), error.message);
    return error.code;
  } finally {
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < msMax, `${tookMs} ms for ${bytes.length} bytes`);
  }
}

test('the seeds themselves are accepted', async () => {
  for (const [name, bytes] of seeds) assert.equal(await prepare(bytes), 'accepted', name);
});

for (const name of [
  'a C module',
  'an AssemblyScript module',
  'a module with everything',
  'a component of the fast lane',
  'a component of the general lane',
]) {
  test(`${perSeed} damaged copies of ${name} end in typed errors or valid programs`, async () => {
    const seed = seeds.get(name) ?? new Uint8Array(8);
    const random = generator(name.length);
    const ends = new Map<string, number>();
    for (let index = 0; index < perSeed; index += 1) {
      const damage = damages[index % damages.length];
      const bytes = damage?.(seed, random) ?? seed;
      let end: string;
      try {
        end = await prepare(bytes);
      } catch (error) {
        throw new Error(`damaged copy ${index}: ${Buffer.from(bytes).toString('base64')}`, { cause: error });
      }
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
    assert.ok((ends.get('accepted') ?? 0) < perSeed, 'no copy was damaged');
    assert.ok(process.memoryUsage().heapUsed < heapBytesMax);
  });
}

test('a module whose headers promise millions of entries is refused without reserving them', async () => {
  const huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
  for (let section = 1; section <= 13; section += 1) {
    const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, section, 5, ...huge]);
    assert.match(await prepare(bytes), /^HOST_ERR_MODULE_/);
    const component = new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, section, 5, ...huge]);
    assert.match(await prepare(component), /^HOST_ERR_/);
  }
});
