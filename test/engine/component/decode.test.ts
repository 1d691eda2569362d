import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeComponent, isComponent, isCoreModule } from '../../../host/engine/component/decode.ts';
import { planFastLane } from '../../../host/engine/fast-lane/plan.ts';
import { HostError } from '../../../host/errors.ts';
import { assemble, buildComponent, bumpAllocator } from '../../support/component-tools.ts';

const guest = await buildComponent(
  `(module (import "a:b/bus@1.2.3" "request" (func (param i32 i32 i32)))
    (memory (export "memory") 1) ${bumpAllocator}
    (func (export "handle") (param i32 i32) (result i32) (i32.const 0))
    (func (export "api#ping") (param i32) (result i32) (local.get 0)))`,
  `package a:b@1.2.3;
   interface bus { request: func(a: list<u8>) -> result<list<u8>, string>; }
   world w { import bus; export handle: func(a: string) -> string; export api: interface { ping: func(x: u32) -> u32; } }`,
  'w',
);

function refusal(bytes: Uint8Array): HostError {
  try {
    decodeComponent(bytes);
  } catch (error) {
    assert.ok(error instanceof HostError, String(error));
    return error;
  }
  throw new Error('it was accepted');
}

const header = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];

test('a component and a core module are told apart by their first eight bytes', async () => {
  const core = await assemble('(module)');
  assert.deepEqual([isComponent(guest), isCoreModule(guest)], [true, false]);
  assert.deepEqual([isComponent(core), isCoreModule(core)], [false, true]);
  assert.equal(isComponent(new Uint8Array(3)), false);
});

test('a component that wit-component made is decoded with its modules, imports and exports', () => {
  const component = decodeComponent(guest);
  assert.deepEqual([...component.imports.keys()], ['a:b/bus@1.2.3']);
  assert.deepEqual([...component.exports.keys()], ['handle', 'api']);
  assert.equal(component.modules.length, 3);
});

test('a refusal names the byte at which the bytes stop making sense', () => {
  const error = refusal(Uint8Array.from([...header, 0x4d, 0x00]));
  assert.equal(error.code, 'HOST_ERR_COMPONENT_MALFORMED');
  assert.equal(error.data.offset, 10);
  assert.match(error.message, /unknown section 77 at byte 10/);
});

test('a feature this host does not run is refused by its name', async () => {
  const values = refusal(Uint8Array.from([...header, 12, 1, 0]));
  assert.equal(values.code, 'HOST_ERR_COMPONENT_UNSUPPORTED');
  assert.match(values.message, /component values/);
});

const invalid: readonly (readonly [what: string, wat: string, message: RegExp])[] = [
  [
    'two imports whose names differ only in case',
    '(component (import "a-b" (func)) (import "A-b" (func)))',
    /conflicts with a previous name/,
  ],
  ['an import name that is not kebab case', '(component (import "aB" (func)))', /not a valid import/],
  [
    'an export whose name repeats',
    '(component (import "f" (func $f)) (export "g" (func $f)) (export "g" (func $f)))',
    /conflicts/,
  ],
  ['a method without its resource', '(component (import "[method]r.m" (func)))', /names no resource/],
  ['a record without fields', '(component (type (record)))', /at least one/],
  ['a fixed-length list of none', '(component (type (list u8 0)))', /longer than zero/],
  [
    'a type larger than 2^28 bytes',
    '(component (type $a (list u64 10000000)) (type (list $a 10000)))',
    /effective type size/,
  ],
  [
    'a borrow in a result',
    '(component (import "r" (type $r (sub resource))) (type (func (result (borrow $r)))))',
    /borrow/,
  ],
  [
    'an argument of the wrong type',
    '(component (component $c (import "f" (func (param "x" u32)))) (import "g" (func $g)) (instance (instantiate $c (with "f" (func $g)))))',
    /does not match/,
  ],
  [
    'a lowered function without memory',
    '(component (import "f" (func $f (param "x" string))) (core func (canon lower (func $f))))',
    /memory/,
  ],
  ['an outer alias beyond the root', '(component (alias outer 7 0 (type $t)))', /outer alias count/],
];

for (const [what, wat, message] of invalid) {
  test(`${what} is refused`, async () => {
    const error = refusal(await assemble(wat));
    assert.equal(error.code, 'HOST_ERR_COMPONENT_MALFORMED');
    assert.match(error.message, message);
  });
}

test('types nested deeper than the limit are refused', async () => {
  const types = Array.from({ length: 101 }, (_, index) => `(type $t${index + 1} (list $t${index}))`).join(
    ' ',
  );
  const error = refusal(await assemble(`(component (type $t0 string) ${types})`));
  assert.match(error.message, /nested deeper than 100/);
});

test('types that share parts without end are decoded in linear time', async () => {
  const types = Array.from(
    { length: 90 },
    (_, index) =>
      `(type $t${index + 1} (record (field "a" (list $t${index})) (field "b" (list $t${index}))))`,
  );
  const short = types.slice(0, 45).join(' ');
  decodeComponent(await assemble(`(component (type $t0 string) ${short})`));
});

test('instance types that share parts without end are compared in linear time', async () => {
  const chain = (name: string): string =>
    Array.from(
      { length: 40 },
      (_, index) =>
        `(type $${name}${index + 1} (instance (alias outer 1 $${name}${index} (type $t)) (export "a" (instance (type $t))) (export "b" (instance (type $t)))))`,
    ).join(' ');
  const wat = `(component (type $a0 (instance)) (type $b0 (instance)) ${chain('a')} ${chain('b')}
    (component $c (alias outer 1 $b40 (type $t)) (import "x" (instance (type $t))))
    (import "x" (instance $x (type $a40))) (instance (instantiate $c (with "x" (instance $x)))))`;
  decodeComponent(await assemble(wat));
});

test('every truncation of a component ends in a typed refusal or a smaller component', () => {
  for (let length = 0; length < guest.length; length += 1) settle(guest.subarray(0, length));
});

test('flipped bytes of a component end in a typed refusal or another component', () => {
  let state = 12345;
  for (let round = 0; round < 6000; round += 1) {
    const bytes = guest.slice();
    for (let flips = 0; flips < 1 + (round % 3); flips += 1) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      const at = (state >>> 8) % bytes.length;
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      bytes[at] = state >>> 16;
    }
    settle(bytes);
  }
});

function settle(bytes: Uint8Array): void {
  try {
    const plan = planFastLane(decodeComponent(bytes));
    JSON.stringify(plan);
  } catch (error) {
    assert.ok(error instanceof HostError, String((error as Error).stack));
  }
}
