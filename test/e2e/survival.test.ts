import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Host } from '../../host/host.ts';
import { memoryHost, type Printed, type RunOptions, runBytes } from '../support/run.ts';
import { componentOf, wat } from '../support/wat.ts';

// Each program here tries to break the host in one way. It must end in the right outcome, and the same
// thread must then run the next program correctly.

let host: Host;
before(() => {
  host = memoryHost();
});
after(() => host.close());

const healthy = '(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))';

async function attack(program: Uint8Array<ArrayBuffer>, options: RunOptions = {}): Promise<Printed> {
  const ended = await runBytes(host, program, options);
  const next = await runBytes(host, await wat(healthy), { call: { kind: 'invoke', text: 'add(40, 2)' } });
  assert.equal(next.outcome.kind, 'ok');
  assert.equal(new TextDecoder().decode(next.result), '42\n');
  return ended;
}

function assertLimit(ended: Printed, limit: string): void {
  assert.equal(
    ended.outcome.kind,
    'limit',
    JSON.stringify(ended.outcome, (_, v) => (typeof v === 'bigint' ? `${v}` : v)),
  );
  assert.equal((ended.outcome as { limit: string }).limit, limit);
}

const command = (body: string, rest = ''): string =>
  `(module (memory (export "memory") 1) ${rest} (func (export "_start") ${body}))`;

test('an endless loop runs out of fuel', async () => {
  const ended = await attack(await wat(command('(loop (br 0))')), { limits: { fuelMax: 10_000_000n } });
  assertLimit(ended, 'fuelMax');
});

test('an endless loop with fuel to spare meets the deadline', async () => {
  const ended = await attack(await wat(command('(loop (br 0))')), {
    limits: { fuelMax: 2n ** 60n, deadlineMs: 200 },
  });
  assertLimit(ended, 'deadlineMs');
});

test('a caller who gives up ends an endless loop', async () => {
  const ended = await attack(await wat(command('(loop (br 0))')), {
    limits: { fuelMax: 2n ** 60n },
    signal: AbortSignal.timeout(50),
  });
  assert.equal(ended.outcome.kind, 'cancelled');
});

test('recursion without end overflows the stack', async () => {
  const ended = await attack(
    await wat(
      command(
        '(call $f (i32.const 0))',
        '(func $f (param i32) (call $f (i32.add (local.get 0) (i32.const 1))) (drop (i32.const 0)))',
      ),
    ),
  );
  assert.equal(ended.outcome.kind, 'trap');
  assert.equal((ended.outcome as { trap: string }).trap, 'stack-overflow');
});

test('memory.grow without end stops at the memory limit', async () => {
  const body = '(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable';
  const ended = await attack(await wat(command(body)), { limits: { memoryBytesMax: 8 * 65_536 } });
  assertLimit(ended, 'memoryBytesMax');
  assert.equal(ended.outcome.usage.memoryBytes, 8 * 65_536);
});

test('memories count together: two of 5 pages are over a limit of 8', async () => {
  const text = '(module (memory 5) (memory 5) (func (export "_start")))';
  assertLimit(await attack(await wat(text), { limits: { memoryBytesMax: 8 * 65_536 } }), 'memoryBytesMax');
});

test('what a module begins with is held to the limits before it is made', async () => {
  const cases: Record<string, string> = {
    '(memory 65536)': 'memoryBytesMax',
    '(memory i64 262144)': 'memoryBytesMax',
    '(table 10000000 funcref)': 'tableElementsMax',
    '(table i64 10000000 externref)': 'tableElementsMax',
  };
  for (const [declared, limit] of Object.entries(cases))
    assertLimit(await attack(await wat(`(module ${declared} (func (export "_start")))`)), limit);
  for (const declared of ['(memory i64 0x1000000000000)', '(table i64 0x100000000 externref)']) {
    const program = await wat(`(module ${declared} (func (export "_start")))`);
    await assert.rejects(attack(program), { code: 'HOST_ERR_MODULE_MALFORMED' });
  }
});

test('table.grow without end stops at the table limit', async () => {
  const body =
    '(loop $again (br_if $again (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1)))) unreachable';
  const ended = await attack(await wat(command(body, '(table $t 1 funcref)')), {
    limits: { tableElementsMax: 50_000 },
  });
  assertLimit(ended, 'tableElementsMax');
});

test('a huge memory.fill is charged by the byte before it runs', async () => {
  const body = '(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 67108864)) (br 0))';
  const text = `(module (memory (export "memory") 1024) (func (export "_start") ${body}))`;
  const ended = await attack(await wat(text), { limits: { fuelMax: 1_000_000_000n } });
  assertLimit(ended, 'fuelMax');
  assert.ok(ended.outcome.usage.fuel < 1_100_000_000n);
});

test('a huge allocation in a start function meets the memory limit', async () => {
  const text =
    '(module (memory 1) (func $s (if (i32.eq (memory.grow (i32.const 60000)) (i32.const -1)) (then unreachable))) (start $s) (func (export "_start")))';
  assertLimit(await attack(await wat(text)), 'memoryBytesMax');
});

test('an endless start function runs out of fuel', async () => {
  const text = '(module (func $s (loop (br 0))) (start $s) (func (export "_start")))';
  assertLimit(await attack(await wat(text), { limits: { fuelMax: 1_000_000n } }), 'fuelMax');
});

test('100 MB of output stop at the output limit', async () => {
  const text = `(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 17)
    (func (export "_start") (local $left i32)
      (i32.store (i32.const 0) (i32.const 65536)) (i32.store (i32.const 4) (i32.const 1000000))
      (local.set $left (i32.const 100))
      (loop $again
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $again (local.get $left)))))`;
  const ended = await attack(await wat(text), { limits: { outputBytesMax: 1_000_000 } });
  assertLimit(ended, 'outputBytesMax');
  assert.ok(ended.stdout.length <= 1_000_000);
});

const handlerWit = `package local:probe; world probe { export echo: func(text: string) -> string; }`;
const echoCore = (realloc: string): string => `(module (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) ${realloc})
  (func (export "echo") (param i32 i32) (result i32)
    (i32.store (i32.const 8) (local.get 0)) (i32.store (i32.const 12) (local.get 1)) i32.const 8))`;
const echo: RunOptions = { call: { kind: 'invoke', text: 'echo("hello")' } };

test('a trap inside cabi_realloc is the trap it is', async () => {
  const ended = await attack(await componentOf(echoCore('unreachable'), handlerWit, 'probe'), echo);
  assert.equal(ended.outcome.kind, 'trap');
  assert.equal((ended.outcome as { trap: string }).trap, 'unreachable');
});

test('an endless cabi_realloc runs out of fuel', async () => {
  const ended = await attack(await componentOf(echoCore('(loop (br 0)) unreachable'), handlerWit, 'probe'), {
    ...echo,
    limits: { fuelMax: 1_000_000n },
  });
  assertLimit(ended, 'fuelMax');
});

test('a cabi_realloc that answers nonsense ends in a trap of the canonical ABI', async () => {
  const ended = await attack(await componentOf(echoCore('i32.const -4'), handlerWit, 'probe'), echo);
  assert.equal(ended.outcome.kind, 'trap');
  assert.equal((ended.outcome as { trap: string }).trap, 'canonical-abi');
});

test('a guest that catches everything cannot outlive its fuel', async () => {
  const body = `(loop $for_ever
    (block $caught (try_table (catch_all $caught) (call $burn)))
    (br $for_ever))`;
  const rest = '(tag $t) (func $burn (loop $l (br_if $l (i32.const 1))) (throw $t))';
  assertLimit(await attack(await wat(command(body, rest)), { limits: { fuelMax: 5_000_000n } }), 'fuelMax');
});

test('an exception thrown and caught beside the out-of-fuel point costs the same for every slice', async () => {
  const body = `(local $n i32) (local.set $n (i32.const 1000))
    (loop $again
      (block $caught (try_table (catch_all $caught) (call $thrower (local.get $n))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))`;
  const rest =
    '(tag $t) (func $thrower (param i32) (if (i32.and (local.get 0) (i32.const 1)) (then (throw $t))))';
  const program = await wat(command(body, rest));
  const fuels = [];
  for (const fuelSlice of [1n, 7n, 1000n, 1_000_000n])
    fuels.push((await attack(program, { fuelSlice })).outcome.usage.fuel);
  assert.equal(new Set(fuels).size, 1, fuels.join(' '));
});

test('an uncaught exception is a trap with that name', async () => {
  const ended = await attack(await wat(command('(throw $t)', '(tag $t)')));
  assert.equal((ended.outcome as { trap: string }).trap, 'uncaught-exception');
});

test('every kind of trap has its own name', async () => {
  const cases: Record<string, string> = {
    unreachable: 'unreachable',
    '(drop (i32.load (i32.const 65536)))': 'memory-out-of-bounds',
    '(drop (i32.div_u (i32.const 1) (i32.const 0)))': 'integer-divide-by-zero',
    '(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))': 'integer-overflow',
    '(drop (i32.trunc_f32_s (f32.const nan)))': 'bad-conversion-to-integer',
    '(drop (table.get $t (i32.const 9)))': 'table-out-of-bounds',
    // V8 has one message for a null entry and for one of another type.
    '(call_indirect $t (i32.const 0))': 'indirect-call-type-mismatch',
  };
  for (const [body, trap] of Object.entries(cases)) {
    const ended = await attack(await wat(command(body, '(table $t 1 funcref)')));
    assert.equal((ended.outcome as { trap: string }).trap, trap, body);
  }
});

test('fuel is the same on a second run, for any slice and at a kill', async () => {
  const sieve = new Uint8Array(
    readFileSync(join(import.meta.dirname, '../../bench/kernels/wasm/sieve.wasm')),
  );
  const call = { kind: 'invoke', text: 'run(3)' } as const;
  const runs = [];
  for (const fuelSlice of [1_000n, 33_333n, 2_000_000n]) {
    runs.push((await runBytes(host, sieve, { call, fuelSlice })).outcome.usage.fuel);
    const killed = await runBytes(host, sieve, { call, fuelSlice, limits: { fuelMax: 100_000n } });
    assertLimit(killed, 'fuelMax');
    runs.push(killed.outcome.usage.fuel + 10n ** 15n);
  }
  assert.equal(new Set(runs).size, 2, runs.join(' '));
});
