import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock, systemRandom } from '../../../host/clock.ts';
import { Budget, Stopped } from '../../../host/engine/budget.ts';
import { type CoreExport, instantiateCore } from '../../../host/engine/core-lane/core-lane.ts';
import type { Instance } from '../../../host/engine/instance.ts';
import { meter } from '../../../host/engine/meter/meter.ts';
import { Trap } from '../../../host/engine/trap.ts';
import type { OutputSink } from '../../../host/engine/wasi/grants.ts';
import { preview1 } from '../../../host/engine/wasi/preview1/preview1.ts';
import { HostError, type HostErrorCode } from '../../../host/errors.ts';
import { defaultLimits, type Limits } from '../../../host/limits.ts';
import { wat } from '../../support/wat.ts';

interface Made {
  readonly instance: Instance;
  readonly budget: Budget;
  readonly printed: () => string;
}

interface MakeOptions {
  readonly exports?: readonly CoreExport[];
  readonly metered?: boolean;
  readonly limits?: Partial<Limits>;
  readonly folder?: string;
  readonly isWasi?: boolean;
  readonly pages?: number;
}

const command: CoreExport = { name: '_start', kind: 'function', type: { params: [], results: [] } };

async function make(context: TestContext, text: string, options: MakeOptions = {}): Promise<Made> {
  const source = await wat(text);
  const bytes = options.metered === false ? source : meter(source, { fuelCell: 'own' }).bytes;
  const budget = new Budget({ limits: { ...defaultLimits, ...options.limits }, clock: systemClock });
  let printed = '';
  const sink: OutputSink = {
    isTerminal: false,
    write: async (chunk) => {
      printed += Buffer.from(chunk).toString();
    },
  };
  const wasi = preview1(
    {
      args: ['program'],
      env: [],
      stdin: { isTerminal: false, read: async () => undefined },
      stdout: sink,
      stderr: sink,
      preopens:
        options.folder === undefined ? [] : [{ hostPath: options.folder, guestPath: '/', mode: 'read-only' }],
      net: [],
      clock: systemClock,
      random: systemRandom,
    },
    budget,
  );
  context.after(() => wasi.dispose());
  const summary = {
    exports: options.exports ?? [command],
    memoryPages: options.pages ?? 1,
    tableElements: 0,
  };
  const instance = await instantiateCore(
    new WebAssembly.Module(bytes),
    summary,
    options.isWasi === false ? undefined : wasi,
    budget,
  );
  return { instance, budget, printed: () => printed };
}

function raises(code: HostErrorCode, pattern: RegExp): (thrown: unknown) => boolean {
  return (thrown) => {
    assert.ok(thrown instanceof HostError, String(thrown));
    assert.equal(thrown.code, code);
    assert.match(thrown.message, pattern);
    return true;
  };
}

const helloText = (exitCode: number): string => `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "hello\\n")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 6))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    ${exitCode < 0 ? '' : `(call $exit (i32.const ${exitCode}))`}))`;

for (const metered of [true, false]) {
  const title = metered ? 'metered' : 'plain';

  test(`${title}: a command prints and returns, once`, async (context) => {
    const { instance, budget, printed } = await make(context, helloText(-1), { metered });
    assert.equal(instance.has('_start'), true);
    assert.equal(instance.has('memory'), false);
    assert.equal(await instance.call('_start', []), undefined);
    assert.equal(printed(), 'hello\n');
    assert.equal(budget.fuelUsed > 0n, metered);
    await assert.rejects(instance.call('_start', []), raises('HOST_ERR_INSTANCE_CLOSED', /new one/));
  });

  test(`${title}: a command's own exit code is the outcome`, async (context) => {
    const { instance, budget, printed } = await make(context, helloText(7), { metered });
    await assert.rejects(instance.call('_start', []), Stopped);
    assert.deepEqual(budget.cause, { kind: 'exit', exitCode: 7 });
    assert.equal(printed(), 'hello\n');
  });

  test(`${title}: a file is read through a granted directory`, async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'motehost-core-'));
    context.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'greeting'), 'from a file');
    const { instance, printed } = await make(context, catText, { metered, folder });
    await instance.call('_start', []);
    assert.equal(printed(), 'from a file');
  });

  test(`${title}: a reactor is initialised before anything else, and keeps its state`, async (context) => {
    const exports = [{ name: 'next', kind: 'function', type: { params: [], results: ['i32'] } }];
    const { instance } = await make(
      context,
      `(module (global $n (mut i32) (i32.const 0))
        (func (export "_initialize") (global.set $n (i32.const 40)))
        (func (export "next") (result i32)
          (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))`,
      { metered, exports },
    );
    assert.equal(await instance.call('next', []), 41);
    assert.equal(await instance.call('next', []), 42);
    assert.equal(instance.has('_initialize'), false);
  });

  test(`${title}: a start function runs before the first call, and its trap is the instance's`, async (context) => {
    const exports = [{ name: 'get', kind: 'function', type: { params: [], results: ['i64'] } }];
    const text = (body: string): string => `(module (global $n (mut i64) (i64.const 0))
      (func $start ${body}) (start $start)
      (func (export "get") (result i64) (global.get $n)))`;
    const { instance } = await make(context, text('(global.set $n (i64.const 9))'), { metered, exports });
    assert.equal(await instance.call('get', []), 9n);
    await assert.rejects(
      make(context, text('unreachable'), { metered, exports }),
      (thrown) => thrown instanceof Trap && thrown.kind === 'unreachable',
    );
  });
}

const catText = `(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "greeting")
  (func (export "_start")
    (if (call $open (i32.const 3) (i32.const 1) (i32.const 64) (i32.const 8) (i32.const 0)
          (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32))
      (then unreachable))
    (i32.store (i32.const 0) (i32.const 128))
    (i32.store (i32.const 4) (i32.const 1000))
    (if (call $read (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))))`;

const arithmetic = `(module
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "wide") (param i64) (result i64) (i64.add (local.get 0) (i64.const 1)))
  (func (export "half") (param f64) (result f64) (f64.div (local.get 0) (f64.const 2)))
  (func (export "both") (param f32) (result i32 f32) (i32.const 1) (local.get 0))
  (func (export "vector") (result v128) (v128.const i64x2 0 0))
  (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0))))`;

const arithmeticExports: readonly CoreExport[] = [
  { name: 'add', kind: 'function', type: { params: ['i32', 'i32'], results: ['i32'] } },
  { name: 'wide', kind: 'function', type: { params: ['i64'], results: ['i64'] } },
  { name: 'half', kind: 'function', type: { params: ['f64'], results: ['f64'] } },
  { name: 'both', kind: 'function', type: { params: ['f32'], results: ['i32', 'f32'] } },
  { name: 'vector', kind: 'function', type: { params: [], results: ['v128'] } },
  { name: 'divide', kind: 'function', type: { params: ['i32'], results: ['i32'] } },
];

test('numbers go in and come out as JavaScript has them', async (context) => {
  const { instance } = await make(context, arithmetic, { exports: arithmeticExports });
  assert.equal(await instance.call('add', [2, -5]), -3);
  assert.equal(await instance.call('add', [4_294_967_295, 1]), 0);
  assert.equal(await instance.call('wide', [2n ** 63n - 1n]), -(2n ** 63n));
  assert.equal(await instance.call('half', [1]), 0.5);
  assert.deepEqual(await instance.call('both', [0.5]), [1, 0.5]);
});

test('an unknown export, a wrong count and a wrong type are refused before the guest runs', async (context) => {
  const { instance } = await make(context, arithmetic, { exports: arithmeticExports });
  await assert.rejects(
    instance.call('sub', []),
    raises('HOST_ERR_EXPORT_UNKNOWN', /'sub'; there is: add, wide/),
  );
  const invalid = (pattern: RegExp) => raises('HOST_ERR_VALUE_INVALID', pattern);
  await assert.rejects(instance.call('add', [1]), invalid(/takes 2 arguments, 1 given/));
  for (const wrong of [1n, '1', 1.5, 2 ** 32, Number.NaN, undefined])
    await assert.rejects(instance.call('add', [1, wrong]), invalid(/argument 2 must be .*i32/));
  await assert.rejects(instance.call('wide', [1]), invalid(/bigint/));
  await assert.rejects(instance.call('wide', [2n ** 64n]), invalid(/bigint/));
  await assert.rejects(instance.call('vector', []), invalid(/v128/));
  assert.equal(await instance.call('add', [1, 1]), 2);
});

test('a trap ends the instance and is named', async (context) => {
  const { instance } = await make(context, arithmetic, { exports: arithmeticExports });
  await assert.rejects(
    instance.call('divide', [0]),
    (thrown) => thrown instanceof Trap && thrown.kind === 'integer-divide-by-zero',
  );
  await assert.rejects(instance.call('add', [1, 1]), raises('HOST_ERR_INSTANCE_CLOSED', /new one/));
});

test('a call while another is under way is refused, and the first goes on', async (context) => {
  const exports = [{ name: 'nap', kind: 'function', type: { params: [], results: ['i32'] } }];
  const { instance } = await make(
    context,
    `(module (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
      (memory (export "memory") 1) (func (export "nap") (result i32) (call $yield)))`,
    { exports },
  );
  const first = instance.call('nap', []);
  await assert.rejects(instance.call('nap', []), raises('HOST_ERR_INSTANCE_BUSY', /in a call/));
  assert.equal(await first, 0);
  assert.equal(await instance.call('nap', []), 0);
});

test('everything missing is listed at once, with what to do about it', async (context) => {
  const missing = `(module
    (import "env" "abort" (func (param i32 i32 i32 i32)))
    (import "env" "memory" (memory 1))
    (import "wasi_snapshot_preview1" "fd_teleport" (func))
    (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))
    (import "wbg" "__wbindgen_throw" (func (param i32 i32)))
    (import "motehost:agent/log@0.1.0" "log" (func (param i32)))
    (import "toString" "call" (func)))`;
  await assert.rejects(make(context, missing, { metered: false }), (thrown) => {
    assert.ok(thrown instanceof HostError);
    assert.deepEqual(thrown.data.missing, [
      'env.abort',
      'env.memory',
      'wasi_snapshot_preview1.fd_teleport',
      'wbg.__wbindgen_throw',
      'motehost:agent/log@0.1.0.log',
      'toString.call',
    ]);
    assert.match(thrown.message, /host build.*asc --use abort=.*a memory cannot be imported.*wasm-bindgen/s);
    return raises('HOST_ERR_LINK_MISSING_IMPORT', /env\.abort, env\.memory/)(thrown);
  });
  await assert.rejects(
    make(context, helloText(0), { isWasi: false }),
    raises('HOST_ERR_LINK_MISSING_IMPORT', /fd_write/),
  );
});

test('a module that uses WASI and exports no memory is refused', async (context) => {
  const text = `(module (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32))) (memory 1))`;
  await assert.rejects(
    make(context, text, { metered: false }),
    raises('HOST_ERR_MODULE_UNSUPPORTED', /exports no memory/),
  );
});

test('a beginning over the limits stops the guest before it runs', async (context) => {
  const text = '(module (memory (export "memory") 100) (func (export "_start")))';
  const limits = { memoryBytesMax: 65_536 * 99 };
  await assert.rejects(make(context, text, { limits, pages: 100 }), Stopped);
});

test('an endless loop ends at the fuel limit and at the deadline, metered', async (context) => {
  const text = '(module (func (export "_start") (loop br 0)))';
  for (const [limit, limits] of [
    ['fuelMax', { fuelMax: 1_000_000n }],
    ['deadlineMs', { deadlineMs: 20 }],
  ] as const) {
    const { instance, budget } = await make(context, text, { limits });
    await assert.rejects(instance.call('_start', []));
    assert.equal(budget.cause?.kind === 'limit' && budget.cause.limit, limit);
  }
});

test('a guest that waits where it cannot be suspended traps by name', async (context) => {
  const text = `(module (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (memory (export "memory") 1) (func $start (drop (call $yield))) (start $start))`;
  await assert.rejects(
    make(context, text, { metered: false }),
    (thrown) => thrown instanceof Trap && thrown.kind === 'cannot-block',
  );
  await make(context, text);
});

test('an import that is exported again is called like any function', async (context) => {
  const exports = [{ name: 'again', kind: 'function', type: { params: [], results: ['i32'] } }];
  const text = `(module (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (memory (export "memory") 1) (export "again" (func $yield)))`;
  for (const metered of [true, false]) {
    const { instance } = await make(context, text, { exports, metered });
    assert.equal(await instance.call('again', []), 0);
  }
});

test('recursion without end is a stack overflow, and the next instance runs', async (context) => {
  const { instance } = await make(context, '(module (func $f (export "_start") (call $f) (call $f)))');
  await assert.rejects(
    instance.call('_start', []),
    (thrown) => thrown instanceof Trap && thrown.kind === 'stack-overflow',
  );
  const next = await make(context, helloText(-1));
  await next.instance.call('_start', []);
  assert.equal(next.printed(), 'hello\n');
});

test('a guest that catches everything cannot outlive its exit', async (context) => {
  const text = `(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start") (loop $again
      (block $caught (try_table (catch_all $caught) (call $exit (i32.const 5))))
      (br $again))))`;
  const { instance, budget } = await make(context, text);
  await assert.rejects(instance.call('_start', []));
  assert.deepEqual(budget.cause, { kind: 'exit', exitCode: 5 });
});
