import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metered, stopped } from '../../support/metered.ts';

/** Programs that never end by themselves, one for each way to keep going. */
const endless: readonly (readonly [title: string, fields: string])[] = [
  ['an empty loop', '(func (export "f") (loop (br 0)))'],
  ['a loop through br_table', '(func (export "f") (loop (br_table 0 0 (i32.const 0))))'],
  ['a loop through br_on_null', '(func (export "f") (loop (drop (br_on_null 0 (ref.null func))) (br 0)))'],
  ['nested loops', '(func (export "f") (loop (loop (br 1))))'],
  ['a loop with parameters', '(func (export "f") (i32.const 1) (loop (param i32) (br 0)))'],
  [
    'a loop around a call',
    '(func $g (if (i32.const 0) (then (call $g)))) (func (export "f") (loop (call $g) (br 0)))',
  ],
  [
    'a loop around a prepaid leaf',
    '(func $g (result i32) (i32.const 1)) (func (export "f") (loop (br_if 0 (call $g))))',
  ],
  [
    'a loop around a call of its own function',
    '(func $g (param i32) (if (local.get 0) (then (loop (call $g (i32.const 0)) (br 0))))) (func (export "f") (call $g (i32.const 1)))',
  ],
  [
    'a loop that calls its own function only in one arm',
    '(func $g (param i32) (loop (if (i32.eqz (local.get 0)) (then (call $g (i32.const 1)))) (br 0))) (func (export "f") (call $g (i32.const 1)))',
  ],
  [
    'a loop whose handler is the loop, around a call of its own function',
    '(tag $e) (func $g (param i32) (if (i32.eqz (local.get 0)) (then (throw $e))) (loop $l (try_table (catch_all $l) (call $g (i32.const 0))))) (func (export "f") (call $g (i32.const 1)))',
  ],
  ['a tail call to itself', '(func $f (export "f") (return_call $f))'],
  [
    'a tail call through a table',
    '(table funcref (elem $f)) (func $f (export "f") (return_call_indirect (i32.const 0)))',
  ],
  ['calls that double at each level', `${doubling(40)} (func (export "f") (call $d40))`],
  [
    'a loop that catches everything',
    '(tag $e) (func $g (throw $e)) (func (export "f") (loop $l (block $h (try_table (catch_all $h) (call $g))) (br $l)))',
  ],
  [
    'a loop whose handler is the loop',
    '(tag $e) (func $g (throw $e)) (func (export "f") (loop $l (try_table (catch_all $l) (call $g))))',
  ],
  [
    'a loop that catches what its leaf throws',
    '(tag $e) (func $g (throw $e)) (func (export "f") (loop $l (block $h (try_table (catch $e $h) (call $g) (return))) (br $l)))',
  ],
  ['a legacy catch_all around the loop', '(func (export "f") try loop br 0 end catch_all end)'],
  [
    'a legacy catch_all in the loop',
    '(tag $e) (func (export "f") loop $l try throw $e catch_all br $l end end)',
  ],
  ['a try_table around the loop', '(func (export "f") (block $h (try_table (catch_all $h) (loop (br 0)))))'],
];

function doubling(levels: number): string {
  const functions = ['(func $d0 (if (i32.const 0) (then (call $d0))))'];
  for (let level = 1; level <= levels; level += 1)
    functions.push(`(func $d${level} (call $d${level - 1}) (call $d${level - 1}))`);
  return functions.join('\n');
}

for (const [title, fields] of endless) {
  test(`${title} is stopped, at the same count for any slice`, async () => {
    const counts = new Set<bigint>();
    for (const fuelSlice of [1n, 77n, 100_000n]) {
      const { cause, used, thrown } = await stopped(`(module ${fields})`, { fuelMax: 50_000n, fuelSlice });
      assert.ok(cause?.kind === 'limit' && cause.limit === 'fuelMax');
      assert.ok(thrown instanceof WebAssembly.RuntimeError);
      assert.match(thrown.message, /unreachable/);
      counts.add(used);
    }
    assert.equal(counts.size, 1);
    const [used = 0n] = counts;
    assert.ok(used > 50_000n && used < 51_000n, `${used}`);
  });
}

/** One operation with a huge length, refused before it runs. */
const huge: readonly (readonly [title: string, fields: string])[] = [
  [
    'memory.fill',
    '(memory 100) (func (export "f") (memory.fill (i32.const 0) (i32.const 1) (i32.const 6000000)))',
  ],
  [
    'memory.copy',
    '(memory 100) (func (export "f") (memory.copy (i32.const 0) (i32.const 1) (i32.const 6000000)))',
  ],
  [
    '64-bit memory.fill',
    '(memory i64 100) (func (export "f") (memory.fill (i64.const 0) (i32.const 1) (i64.const -1)))',
  ],
  [
    'table.fill',
    '(table 900000 funcref) (func (export "f") (table.fill (i32.const 0) (ref.null func) (i32.const 900000)))',
  ],
  [
    'array.new',
    '(type $a (array i8)) (func (export "f") (drop (array.new $a (i32.const 1) (i32.const 9000000))))',
  ],
];

for (const [title, fields] of huge) {
  test(`a huge ${title} is stopped before it runs`, async () => {
    const { cause, used } = await stopped(`(module ${fields})`, { fuelMax: 50_000n });
    assert.ok(cause?.kind === 'limit' && cause.limit === 'fuelMax');
    assert.ok(used > 800_000n);
  });
}

test('memory.fill that was stopped has written nothing', async () => {
  const { run, exports } = await metered(
    '(module (memory (export "m") 1) (func (export "f") (memory.fill (i32.const 0) (i32.const 1) (i32.const 60000))))',
    { fuelMax: 50_000n },
  );
  assert.throws(() => run('f'), /unreachable/);
  assert.equal(new Uint8Array((exports.m as WebAssembly.Memory).buffer)[0], 0);
});

test('memory.grow without end gets -1 at the limit, and the guest lives', async () => {
  const { run, budget } = await metered(
    '(module (memory 1) (func (export "f") (result i32) (loop (br_if 0 (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0)))) (memory.size)))',
    { memoryBytesMax: 65_536 * 20, fuelMax: 10_000n },
  );
  budget.admit(1, 0);
  assert.equal(run('f'), 20);
  assert.ok(budget.refusal?.kind === 'limit' && budget.refusal.limit === 'memoryBytesMax');
});

test('memory.grow over the declared maximum does not ask the host', async () => {
  const { run, budget } = await metered(
    '(module (memory 1 2) (func (export "f") (result i32) (memory.grow (i32.const 5))))',
  );
  assert.equal(run('f'), -1);
  assert.equal(budget.memoryBytes, 0);
});

test('table.grow over the limit gets -1', async () => {
  const { run } = await metered(
    '(module (table 1 externref) (func (export "f") (param i32) (result i32) (table.grow (ref.null extern) (local.get 0))))',
    { tableElementsMax: 10 },
  );
  assert.deepEqual([run('f', 9), run('f', 9), run('f', -1)], [1, -1, -1]);
});

test('pages and elements that the engine could not add are given back', async () => {
  const { run, budget } = await metered(
    `(module (import "h" "m" (memory 1 100)) (import "h" "t" (table 1 100 funcref))
      (func (export "m") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "t") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))`,
    {
      tableElementsMax: 60,
      imports: {
        h: {
          m: new WebAssembly.Memory({ initial: 1, maximum: 5 }),
          t: new WebAssembly.Table({ element: 'anyfunc', initial: 1, maximum: 5 }),
        },
      },
    },
  );
  assert.deepEqual([run('m', 50), run('m', 3), run('m', 3)], [-1, 1, -1]);
  assert.equal(budget.memoryBytes, 3 * 65_536);
  assert.deepEqual([run('t', 50), run('t', 50), run('t', 4)], [-1, -1, 1]);
  assert.equal(budget.refusal, undefined);
});

test('a trap leaves the same count whatever the slices were', async () => {
  const counts = new Set<bigint>();
  for (const fuelSlice of [1n, 3n, 1_000n]) {
    const { used, cause } = await stopped(
      '(module (func $g (nop) (if (i32.const 0) (then (call $g)))) (func (export "f") (local i32) (loop (call $g) (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 9)))) (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 99)))) (unreachable)))',
      { fuelSlice },
    );
    assert.equal(cause, undefined);
    counts.add(used);
  }
  assert.equal(counts.size, 1);
});

test('a guest that is stopped during a host call ends at its next test, though it catches everything', async () => {
  const instance = await metered(
    '(module (import "host" "stop" (func $stop)) (tag $e) (func (export "f") (loop $l (block $h (try_table (catch_all $h) (call $stop))) (br $l))))',
    {
      imports: {
        host: {
          stop: () => {
            instance.budget.stop({ kind: 'cancelled', reason: 'test' });
            throw new Error('caught by the guest');
          },
        },
      },
    },
  );
  assert.throws(() => instance.run('f'), /unreachable/);
  assert.equal(instance.budget.cause?.kind, 'cancelled');
});

test('recursion without end is a stack overflow, and the instance of another guest runs on', async () => {
  const { thrown } = await stopped('(module (func $f (export "f") (call $f) (call $f)))', {});
  assert.ok(thrown instanceof RangeError);
  const other = await metered('(module (func (export "f") (result i32) (i32.const 7)))');
  assert.equal(other.run('f'), 7);
});

test('a start function without end is stopped when the host runs it', async () => {
  await assert.rejects(
    metered('(module (start $s) (func $s (loop (br 0))))', { fuelMax: 1_000n }),
    /unreachable/,
  );
});
