import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Host } from '../../host/host.ts';
import { memoryHost, runBytes } from '../support/run.ts';
import { wat } from '../support/wat.ts';

// Work the host does for a guest burns next to no fuel: it must not put off the deadline, nor hold the thread.

let host: Host;
before(() => {
  host = memoryHost();
});
after(() => host.close());

const repeated = (name: string, type: string, call: string, setup = '', times = ''): string => `(module
  (import "wasi_snapshot_preview1" "${name}" (func $call ${type})) (memory (export "memory") 20)
  (func (export "_start") (local $i i32) ${setup}
    (loop $again (drop (call $call ${call}))
      ${times === '' ? '(br $again)' : `(br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${times})))`})))`;

const clocks = `(loop $fill
  (i32.store (i32.add (i32.const 1040) (i32.mul (local.get $i) (i32.const 48))) (i32.const 1))
  (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4096))))`;

const storms: Readonly<Record<string, string>> = {
  'polls of 4,096 clocks that are due': repeated(
    'poll_oneoff',
    '(param i32 i32 i32 i32) (result i32)',
    '(i32.const 1024) (i32.const 262144) (i32.const 4096) (i32.const 0)',
    clocks,
  ),
  'megabytes of random bytes': repeated(
    'random_get',
    '(param i32 i32) (result i32)',
    '(i32.const 0) (i32.const 1048576)',
  ),
  'writes of 1,024 empty vectors': repeated(
    'fd_write',
    '(param i32 i32 i32 i32) (result i32)',
    '(i32.const 1) (i32.const 1024) (i32.const 1024) (i32.const 8)',
  ),
  'calls with a bad descriptor': repeated(
    'fd_readdir',
    '(param i32 i32 i32 i64 i32) (result i32)',
    '(i32.const 99) (i32.const 0) (i32.const 10) (i64.const 0) (i32.const 8)',
  ),
};

for (const [what, text] of Object.entries(storms)) {
  test(`${what} without end meet the deadline`, async () => {
    const { outcome } = await runBytes(host, await wat(text), { limits: { deadlineMs: 150 } });
    assert.equal(outcome.kind === 'limit' ? outcome.limit : outcome.kind, 'deadlineMs');
    assert.ok(outcome.usage.wallMs < 1_500, `${outcome.usage.wallMs} ms`);
  });

  test(`${what} without end leave the thread to others, who may cancel`, async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort('enough'), 50);
    const { outcome } = await runBytes(host, await wat(text), { signal: controller.signal });
    assert.equal(outcome.kind, 'cancelled');
    assert.ok(outcome.usage.wallMs < 1_500, `${outcome.usage.wallMs} ms`);
  });
}

test('a look at the clock between two slices changes no count of fuel', async () => {
  const program = await wat(
    repeated(
      'poll_oneoff',
      '(param i32 i32 i32 i32) (result i32)',
      '(i32.const 1024) (i32.const 262144) (i32.const 4096) (i32.const 0)',
      clocks,
      '60',
    ),
  );
  const fuels = new Set<bigint>();
  for (const fuelSlice of [1n, 1_000n, 2_000_000n]) {
    const { outcome } = await runBytes(host, program, { fuelSlice });
    assert.equal(outcome.kind, 'ok');
    fuels.add(outcome.usage.fuel);
  }
  assert.equal(fuels.size, 1, [...fuels].join(' '));
});
