import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../host/clock.ts';
import { Budget } from '../../../host/engine/budget.ts';
import { describe, exportNames, meter } from '../../../host/engine/meter/meter.ts';
import { HostError, type HostErrorCode } from '../../../host/errors.ts';
import { defaultLimits } from '../../../host/limits.ts';
import { metered, meterImports } from '../../support/metered.ts';
import { wat } from '../../support/wat.ts';

const failsWith = (code: HostErrorCode, message: RegExp) => (error: unknown) =>
  error instanceof HostError && error.code === code && message.test(error.message);

const refusals: readonly (readonly [title: string, text: string, message: RegExp])[] = [
  ['a shared memory', '(module (memory 1 2 shared))', /shared memory \(threads\)/],
  ['atomic operators', '(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))', /atomic/],
  ['the reserved import name', '(module (import "motehost:meter" "out" (func)))', /reserved name/],
  ['the reserved export name', '(module (func (export "motehost:meter/fuel")))', /reserved name/],
];

for (const [title, text, message] of refusals) {
  test(`${title} is refused by name`, async () => {
    const bytes = await wat(text);
    assert.throws(() => meter(bytes, { fuelCell: 'own' }), failsWith('HOST_ERR_MODULE_UNSUPPORTED', message));
  });
}

/** Indices one past the guest's own, which the rewritten module gives to things of the host's. */
const reaches: readonly (readonly [title: string, code: readonly number[]])[] = [
  ['global', [0x42, 9, 0x24, 0, 0x0b]],
  ['local', [0x42, 9, 0x21, 0, 0x0b]],
  ['function', [0x10, 1, 0x0b]],
  ['type', [0x02, 1, 0x0b, 0x0b]],
  ['label', [0x0c, 1, 0x0b]],
];

for (const [title, code] of reaches) {
  test(`a guest cannot name the ${title} that comes after its own`, () => {
    const body = [0, ...code];
    const bytes = new Uint8Array([
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      ...[1, 4, 1, 0x60, 0, 0],
      ...[3, 2, 1, 0],
      ...[10, body.length + 2, 1, body.length, ...body],
    ]);
    assert.equal(WebAssembly.validate(bytes), false);
    assert.throws(
      () => meter(bytes, { fuelCell: 'own' }),
      failsWith('HOST_ERR_MODULE_MALFORMED', /byte \d+/),
    );
  });
}

test('nothing, something else and a component are malformed', () => {
  for (const bytes of [[], [1, 2, 3], [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]]) {
    assert.throws(
      () => meter(new Uint8Array(bytes), { fuelCell: 'own' }),
      failsWith('HOST_ERR_MODULE_MALFORMED', /byte/),
    );
  }
});

const stateText = `(module
  (memory (export "mem") 1 9) (memory 2)
  (table 3 5 funcref)
  (global $a (mut i32) (i32.const 7)) (global i32 (i32.const 8)) (global $c (export "c") (mut f64) (f64.const 2))
  (func (export "f") (result i32) (global.set $a (i32.add (global.get $a) (i32.const 1))) (global.get $a)))`;

test('state is exported under the reserved names, and the summary says the guest did not', async () => {
  const { summary, exports, run } = await metered(stateText);
  assert.deepEqual(
    summary.exports.map(({ name }) => name),
    ['mem', 'c', 'f'],
  );
  assert.deepEqual(
    summary.mutableGlobals.map(({ type }) => type),
    ['mut i32', 'mut f64'],
  );
  assert.deepEqual(summary.globalsAccess, [
    { count: 2, readName: exportNames.readGlobals(0), writeName: exportNames.writeGlobals(0) },
  ]);
  assert.deepEqual(
    summary.memories.map(({ minPages, maxPages }) => [minPages, maxPages]),
    [
      [1, 9],
      [2, undefined],
    ],
  );
  assert.deepEqual(
    summary.tables.map(({ min, max, element }) => [min, max, element]),
    [[3, 5, 'funcref']],
  );
  assert.deepEqual(summary.snapshot, { possible: true });
  assert.deepEqual(summary.features, ['multi-memory']);
  run('f');
  const read = exports[exportNames.readGlobals(0)] as () => number[];
  assert.deepEqual(read(), [8, 2]);
  (exports[exportNames.writeGlobals(0)] as (a: number, c: number) => void)(40, 2.5);
  assert.equal(run('f'), 41);
  assert.deepEqual(read(), [41, 2.5]);
  assert.ok(exports[exportNames.memory(1)] instanceof WebAssembly.Memory);
  assert.ok(exports[exportNames.table(0)] instanceof WebAssembly.Table);
});

test('more mutable globals than one function gives are read and written in groups', async () => {
  const globals = Array.from({ length: 250 }, (_, index) => {
    const type = ['i32', 'i64', 'f32', 'f64'][index % 4];
    return `(global (mut ${type}) (${type}.const ${index}))`;
  });
  const { summary, exports } = await metered(`(module ${globals.join(' ')})`);
  assert.deepEqual(
    summary.globalsAccess.map(({ count }) => count),
    [100, 100, 50],
  );
  const typed = (value: number): number | bigint => (value % 4 === 1 ? BigInt(value) : value);
  for (const [group, { count, readName, writeName }] of summary.globalsAccess.entries()) {
    const first = group * 100;
    const values = Array.from({ length: count }, (_, index) => typed(first + index));
    const read = exports[readName] as () => (number | bigint)[];
    assert.deepEqual(read(), values);
    const reversed = values.map((_, index) => typed(first + index + 4));
    (exports[writeName] as (...all: readonly (number | bigint)[]) => void)(...reversed);
    assert.deepEqual(read(), reversed);
  }
});

test('describe tells the same as meter', async () => {
  const bytes = await wat(stateText);
  assert.deepEqual(describe(bytes), meter(bytes, { fuelCell: 'own' }).summary);
});

const unsaved: readonly (readonly [fields: string, reason: RegExp])[] = [
  ['(table 1 funcref) (func (table.set (i32.const 0) (ref.null func)))', /changes a table/],
  ['(table 1 funcref) (func (drop (table.grow (ref.null func) (i32.const 1))))', /changes a table/],
  ['(table (export "t") 1 funcref)', /exports a table/],
  ['(global (mut externref) (ref.null extern))', /holds a vector or a reference/],
  ['(global (mut v128) (v128.const i64x2 0 0))', /holds a vector or a reference/],
  ['(type $a (array (mut i8))) (global (ref $a) (array.new_default $a (i32.const 1)))', /garbage-collected/],
];

for (const [fields, reason] of unsaved) {
  test(`a module cannot be saved between calls: ${reason.source}: ${fields.slice(0, 40)}`, async () => {
    const { snapshot } = describe(await wat(`(module ${fields})`));
    assert.ok(!snapshot.possible && reason.test(snapshot.reason));
  });
}

test('the start function is an export that the host runs, not a start section', async () => {
  const text =
    '(module (global (export "ran") (mut i32) (i32.const 0)) (start $s) (func $s (global.set 0 (i32.const 1))))';
  const { bytes, summary } = meter(await wat(text), { fuelCell: 'own' });
  assert.equal(summary.hasStart, true);
  const budget = new Budget({ limits: defaultLimits, clock: systemClock });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    'motehost:meter': meterImports(budget),
  });
  assert.equal((exports.ran as WebAssembly.Global<'i32'>).value, 0);
  budget.attachFuel(exports[exportNames.fuel] as WebAssembly.Global<'i64'>);
  (exports[exportNames.start] as () => void)();
  assert.equal((exports.ran as WebAssembly.Global<'i32'>).value, 1);
  assert.equal(budget.fuelUsed, 5n);
});

test('declared maxima are clamped, none is declared, and a minimum over the limit is refused', async () => {
  const limits = { fuelCell: 'own', memoryBytesMax: 4 * 65_536, tableElementsMax: 10 } as const;
  const { bytes } = meter(
    await wat('(module (memory 1) (memory 1 2) (memory 1 50) (table 1 funcref))'),
    limits,
  );
  const { memories, tables } = describeOwn(bytes);
  assert.deepEqual(memories, [4, 2, 4]);
  assert.deepEqual(tables, [10]);
  for (const fields of ['(memory 5)', '(table 11 funcref)']) {
    const over = await wat(`(module ${fields})`);
    assert.throws(() => meter(over, limits), failsWith('HOST_ERR_LIMIT_TOO_SMALL', /begins with/));
  }
});

/** The maxima of a rewritten module's memories and tables, read from what it allocates. */
function describeOwn(bytes: Uint8Array<ArrayBuffer>): { memories: number[]; tables: number[] } {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const grown = (grow: () => number): boolean => {
    try {
      return grow() >= 0;
    } catch {
      return false;
    }
  };
  const memories = [0, 1, 2].map((index) => {
    const memory = exports[exportNames.memory(index)] as WebAssembly.Memory;
    while (grown(() => memory.grow(1)));
    return memory.buffer.byteLength / 65_536;
  });
  const table = exports[exportNames.table(0)] as WebAssembly.Table;
  while (grown(() => table.grow(1)));
  return { memories, tables: [table.length] };
}

test('modules of one component share an imported cell', async () => {
  const budget = new Budget({ limits: defaultLimits, clock: systemClock });
  const fuel = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n);
  budget.attachFuel(fuel);
  const imports = { 'motehost:meter': { ...meterImports(budget), fuel } };
  const build = async (text: string, more: WebAssembly.Imports = {}) =>
    new WebAssembly.Instance(new WebAssembly.Module(meter(await wat(text), { fuelCell: 'imported' }).bytes), {
      ...imports,
      ...more,
    }).exports;
  const inner = await build(
    '(module (global $g (mut i32) (i32.const 1)) (func (export "g") (result i32) (loop) (global.get $g)))',
  );
  const outer = await build(
    '(module (import "m" "g" (func $g (result i32))) (global i32 (i32.const 3)) (func (export "f") (result i32) (i32.add (call $g) (global.get 0))))',
    { m: { g: inner.g as WebAssembly.ExportedFunction } },
  );
  assert.equal((outer.f as () => number)(), 4);
  assert.equal(budget.fuelUsed, 6n);
});

test('a charge on an import is paid by calls, tables, references, exports and the start function', async () => {
  const text = `(module (import "h" "a" (func $a)) (import "h" "b" (func $b (param i32) (result i32)))
    (type $t (func)) (table funcref (elem $a)) (elem declare func $a) (export "again" (func $b))
    (func (export "direct") (call $a)) (func (export "table") (call_indirect (i32.const 0)))
    (func (export "reference") (call_ref $t (ref.func $a))) (func (export "tail") (return_call $a)))`;
  let calls = 0;
  const { run, budget } = await metered(text, {
    meter: { importCharges: [100, 10] },
    imports: {
      h: {
        a: () => {
          calls += 1;
        },
        b: (value: number) => value + 1,
      },
    },
  });
  const cost = (name: string, ...args: number[]): bigint => {
    const before = budget.fuelUsed;
    run(name, ...args);
    return budget.fuelUsed - before;
  };
  assert.deepEqual(
    [cost('direct'), cost('table'), cost('reference'), cost('tail')],
    [102n, 103n, 103n, 102n],
  );
  assert.equal(cost('again', 4), 10n);
  assert.equal(calls, 4);
});

test('names move with their functions', async () => {
  const text =
    '(module (func $first (export "f") (call $second)) (func $second (if (i32.const 1) (then (unreachable)))))';
  const { run } = await metered(text);
  try {
    run('f');
    assert.fail();
  } catch (error) {
    assert.match((error as Error).stack ?? '', /second[\s\S]*first/);
  }
});

test('branch hints: ours are added, the guest keeps its own', async () => {
  const text = `(module (func (export "f") (param i32) (result i32) (local i32)
    (loop (local.set 1 (i32.add (local.get 1) (i32.const 1)))
      (@metadata.code.branch_hint "\\01") (br_if 0 (i32.lt_u (local.get 1) (local.get 0)))) (local.get 1)))`;
  const { bytes } = meter(await wat(text), { fuelCell: 'own' });
  const [section] = WebAssembly.Module.customSections(
    new WebAssembly.Module(bytes),
    'metadata.code.branch_hint',
  );
  assert.ok(section !== undefined);
  const hints = new Uint8Array(section);
  assert.equal(hints[0], 1);
  assert.equal(hints[2], 3);
  assert.deepEqual(
    [5, 8, 11].map((at) => hints[at]).filter((value) => value === 1),
    [1],
  );
});

test('the greatest number of locals still works', async () => {
  const text = `(module (func (export "f") (result i32) (local ${'i32 '.repeat(50_000)}) (loop (br_if 0 (i32.lt_u (local.tee 49999 (i32.add (local.get 49999) (i32.const 1))) (i32.const 5)))) (local.get 49999)))`;
  const { run, budget } = await metered(text, { fuelSlice: 1n });
  assert.equal(run('f'), 5);
  assert.equal(budget.fuelUsed, 37n);
});

/** A module with one function of `depth` blocks, one in the other. */
function nested(depth: number): Uint8Array<ArrayBuffer> {
  const body = [0, ...Array(depth).fill([0x02, 0x40]).flat(), ...Array(depth + 1).fill(0x0b)];
  const size = (value: number): number[] => [
    (value & 0x7f) | 0x80,
    ((value >> 7) & 0x7f) | 0x80,
    value >> 14,
  ];
  const code = [1, ...size(body.length), ...body];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0],
    ...[10, ...size(code.length), ...code],
  ]);
}

test('deep nesting is read without recursion, and bounded', () => {
  assert.ok(WebAssembly.validate(meter(nested(20_000), { fuelCell: 'own' }).bytes));
  assert.throws(
    () => meter(nested(100_001), { fuelCell: 'own' }),
    failsWith('HOST_ERR_MODULE_UNSUPPORTED', /nested more than 100000 deep/),
  );
});
