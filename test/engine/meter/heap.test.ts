import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { meter } from '../../../host/engine/meter/meter.ts';
import type { Host } from '../../../host/host.ts';
import { metered } from '../../support/metered.ts';
import { memoryHost, type Printed, type RunOptions, runBytes } from '../../support/run.ts';
import { wat } from '../../support/wat.ts';

// Structs, arrays and exceptions live on V8's own heap, which ends the process when it is full.

const mebibyte = 1024 * 1024;
let host: Host;
before(() => {
  host = memoryHost();
});
after(() => host.close());

const run = async (fields: string, options: RunOptions = {}): Promise<Printed> =>
  runBytes(host, await wat(`(module ${fields})`), {
    ...options,
    limits: { memoryBytesMax: 64 * mebibyte, ...options.limits },
  });

/** Keeps what `make` gives alive in a list for ever; `$a` is declared by `types`. */
const hoard = (types: string, make: string, element: string): string => `${types}
  (type $node (struct (field (ref null $node)) (field ${element})))
  (global $head (mut (ref null $node)) (ref.null $node))
  (func (export "_start") (loop $l (global.set $head (struct.new $node (global.get $head) ${make})) (br $l)))`;

const wideFields = '(field v128)'.repeat(2000);
const hoards: readonly (readonly [title: string, fields: string])[] = [
  ['a list of structs', hoard('', '(i64.const 1)', 'i64')],
  [
    'arrays of constant length',
    hoard('(type $a (array i8))', '(array.new_default $a (i32.const 100000))', '(ref $a)'),
  ],
  [
    'arrays of computed length',
    hoard(
      '(type $a (array (mut i64))) (global $n (mut i32) (i32.const 5000))',
      '(array.new $a (i64.const 1) (global.get $n))',
      '(ref $a)',
    ),
  ],
  [
    'arrays of arrays',
    hoard(
      '(type $b (array i32)) (type $a (array (mut (ref null $b))))',
      '(array.new $a (array.new_default $b (i32.const 1000)) (i32.const 1000))',
      '(ref $a)',
    ),
  ],
  [
    'structs of 2,000 vectors, which cost 1 fuel each',
    hoard(`(type $a (struct ${wideFields}))`, '(struct.new_default $a)', '(ref $a)'),
  ],
  [
    'arrays of fixed length',
    hoard('(type $a (array i64))', `(array.new_fixed $a 1000 ${'(i64.const 7)'.repeat(1000)})`, '(ref $a)'),
  ],
  [
    'arrays from a data segment',
    `(data $d "${'x'.repeat(4000)}") ${hoard('(type $a (array i8))', '(array.new_data $a $d (i32.const 0) (i32.const 4000))', '(ref $a)')}`,
  ],
  [
    'arrays from an element segment',
    hoard(
      `(type $a (array funcref)) (elem $e funcref ${'(ref.null func)'.repeat(500)})`,
      '(array.new_elem $a $e (i32.const 0) (i32.const 500))',
      '(ref $a)',
    ),
  ],
  [
    'caught exceptions with large payloads',
    hoard(
      `(tag $e (param ${'i64 '.repeat(500)}))`,
      `(block $h (result exnref) (try_table (catch_all_ref $h) ${'(i64.const 1)'.repeat(500)} (throw $e)) unreachable)`,
      'exnref',
    ),
  ],
  [
    'what leaves make',
    `(type $a (struct ${wideFields})) (func $leaf (result (ref $a)) (struct.new_default $a))
     ${hoard('', '(call $leaf)', '(ref $a)')}`,
  ],
];

for (const [title, fields] of hoards) {
  test(`${title}: hoarding ends at the memory limit, and the thread goes on`, async () => {
    const { outcome } = await run(fields);
    assert.ok(outcome.kind === 'limit', outcome.kind);
    assert.equal(outcome.limit, 'memoryBytesMax');
    const next = await run('(func (export "add") (param i32) (result i32) (local.get 0))', {
      call: { kind: 'invoke', text: 'add(42)' },
    });
    assert.equal(new TextDecoder().decode(next.result), '42\n');
  });
}

test('garbage of twenty times the limit is no reason to end a guest', async () => {
  const { outcome } = await run(
    `(type $a (array i8)) (global $kept (mut (ref null $a)) (ref.null $a))
     (func (export "_start") (local $n i32) (loop $l
       (global.set $kept (array.new_default $a (i32.const 100000)))
       (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 13000)))))`,
  );
  assert.equal(outcome.kind, 'ok');
  assert.ok(outcome.usage.memoryBytes > 0);
});

test('memories and objects share one limit', async () => {
  const fields = `(memory (export "memory") 1)
    (type $a (array i8)) (global $kept (mut (ref null $a)) (ref.null $a))
    (func (export "_start")
      (global.set $kept (array.new_default $a (i32.const 40000000)))
      (if (i32.eq (memory.grow (i32.const 500)) (i32.const -1)) (then unreachable)))`;
  const { outcome } = await run(fields);
  assert.ok(outcome.kind === 'limit' && outcome.limit === 'memoryBytesMax', outcome.kind);
  const wider = await run(fields, { limits: { memoryBytesMax: 128 * mebibyte } });
  assert.equal(wider.outcome.kind, 'ok');
});

test('memory.grow is not refused because of garbage', async () => {
  const { outcome } = await run(`(memory (export "memory") 1) (type $a (array i8))
    (func (export "_start") (local $n i32) (loop $l
      (drop (array.new_default $a (i32.const 1000000)))
      (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 50))))
      (if (i32.eq (memory.grow (i32.const 500)) (i32.const -1)) (then unreachable)))`);
  assert.equal(outcome.kind, 'ok');
});

test('an array longer than V8 makes is a trap with that name', async () => {
  const { outcome } = await run(
    '(type $a (array i8)) (func (export "_start") (drop (array.new_default $a (i32.const 0x7fffffff))))',
    { limits: { memoryBytesMax: 4096 * mebibyte } },
  );
  // Where V8's own heap is smaller than the array, that is what ends the guest.
  if (outcome.kind === 'trap') assert.equal(outcome.trap, 'allocation-too-large');
  else assert.equal(outcome.kind, 'limit');
});

test('constants that take much heap are refused before they are made, whichever way the length is written', async () => {
  const lengths = [
    '(i32.const 4000000)',
    '(i32.mul (i32.const 2000) (i32.const 2000))',
    '(i32.add (i32.const 3000000) (global.get $million))',
  ];
  for (const length of lengths) {
    const text = `(module (type $a (array i64)) (global $million i32 (i32.const 1000000)) (global (ref $a) (array.new_default $a ${length})))`;
    const bytes = await wat(text);
    assert.throws(() => meter(bytes, { fuelCell: 'own' }), { code: 'HOST_ERR_MODULE_UNSUPPORTED' });
  }
});

test('constants of moderate size count as memory', async () => {
  const { budget } = await metered(
    '(module (type $a (array i64)) (global (ref $a) (array.new_default $a (i32.const 1000000))))',
  );
  assert.ok(budget.memoryBytes >= 8_000_000 && budget.memoryBytes < 20_000_000, `${budget.memoryBytes}`);
});

test('a constant length that nobody knows beforehand is refused', async () => {
  const bytes = await wat(
    '(module (import "m" "n" (global $n i32)) (type $a (array i64)) (global (ref $a) (array.new_default $a (global.get $n))))',
  );
  assert.throws(() => meter(bytes, { fuelCell: 'own' }), { code: 'HOST_ERR_MODULE_UNSUPPORTED' });
});

test('a module without objects and exceptions does not ask for heap', async () => {
  const imports = (text: string): Promise<string[]> =>
    wat(text).then((bytes) =>
      WebAssembly.Module.imports(new WebAssembly.Module(meter(bytes, { fuelCell: 'own' }).bytes)).map(
        ({ name }) => name,
      ),
    );
  assert.deepEqual(await imports('(module (func (loop (br 0))))'), ['out', 'pause']);
  assert.deepEqual(await imports('(module (type (array i8)) (func))'), ['out', 'pause', 'allocate']);
});

test('counting heap changes no fuel, whatever the slices are', async () => {
  const text = `(module (type $s (struct (field i32))) (tag $e (param i32))
    (func $leaf (param i32) (result i32) (struct.get $s 0 (struct.new $s (local.get 0))))
    (func (export "f") (local i32)
      (loop $l
        (drop (call $leaf (local.get 0)))
        (drop (block $h (result i32) (try_table (catch $e $h) (throw $e (local.get 0))) (i32.const 0)))
        (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1000))))))`;
  const fuels = new Set<bigint>();
  for (const fuelSlice of [1n, 50n, 1_000_000n]) {
    const { budget, run: call } = await metered(text, { fuelSlice });
    call('f');
    fuels.add(budget.fuelUsed);
  }
  // The function's entry, then as much for each pass.
  assert.equal(fuels.size, 1);
  const [used = 0n] = fuels;
  assert.equal((used - 1n) % 1000n, 0n, `${used}`);
});

test('a function with as many locals as V8 takes can allocate too', async () => {
  const { run: call } = await metered(
    `(module (type $s (struct (field i32))) (func (export "f") (result i32) (local ${'i32 '.repeat(50_000)}) (loop (drop (struct.new $s (i32.const 1)))) (i32.const 7)))`,
  );
  assert.equal(call('f'), 7);
});
